//! Templates.

use jiff::Timestamp;
use neuropod_core::Template;
use neuropod_core::error::validation::{MAX_CONTAINER_DISK_GB, MAX_VOLUME_DISK_GB};
use neuropod_core::pod::check::check_volume_path;
use neuropod_core::pod::template::DEFAULT_VOLUME_PATH;

use super::finding::Oddity;
use super::old::{Old, shown};

/// The disks of a template that says nothing of them, in GB: the defaults of the existing backend.
pub(super) const CONTAINER_DISK_GB: u32 = 10;
pub(super) const VOLUME_DISK_GB: u32 = 20;

pub(super) fn read(old: &mut Old<'_>, in_place: bool, now: Timestamp) -> Option<Template> {
    let id = old.own_id(in_place)?;
    let image = match old.image() {
        Ok(image) => image,
        Err(was) => return old.leave(Oddity::ImageUnusable { was, volume: None }),
    };
    let name = old.text("name").unwrap_or_else(|| {
        let now = image.to_string();
        old.tell(Oddity::TemplateNamed { now: now.clone() });
        now
    });
    let path = old
        .text("volumePath")
        .unwrap_or_else(|| DEFAULT_VOLUME_PATH.to_owned());
    let path = if check_volume_path(&path).is_ok() {
        path
    } else {
        let was = shown(old.get("volumePath"));
        old.tell(Oddity::PathUnusable { was });
        DEFAULT_VOLUME_PATH.to_owned()
    };
    let http_ports = old
        .ports("httpPorts")
        .into_iter()
        .map(|port| port.named)
        .collect();
    let tcp_ports = old.ports("tcpPorts").into_iter().map(|port| port.named).collect();
    Some(Template {
        id,
        name,
        docker_image: image,
        http_ports,
        tcp_ports,
        container_disk_size: old.size("containerDiskSize", MAX_CONTAINER_DISK_GB, CONTAINER_DISK_GB),
        volume_disk_size: old.size("volumeDiskSize", MAX_VOLUME_DISK_GB, VOLUME_DISK_GB),
        volume_path: path,
        // As it is: Markdown has line breaks.
        description: old
            .document()
            .get_str("description")
            .unwrap_or_default()
            .to_owned(),
        inject_token: true,
        created_at: old.time(&["createdAt"], now),
        version: 1,
    })
}
