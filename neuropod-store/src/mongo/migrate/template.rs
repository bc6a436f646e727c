//! Templates.

use jiff::Timestamp;
use neuropod_core::pod::check::check_volume_path;
use neuropod_core::pod::options::DEFAULT_MOUNT_PATH;
use neuropod_core::pod::{Jupyter, Limits, Port, Protocol};
use neuropod_core::{PodOptions, Template};

use super::finding::Oddity;
use super::old::{Old, shown};

/// The disk sizes of a template that has none, in GB: the defaults of the existing backend.
pub(super) const CONTAINER_DISK_GB: u32 = 10;
pub(super) const VOLUME_DISK_GB: u32 = 20;

pub(super) fn read(old: &mut Old<'_>, in_place: bool, now: Timestamp) -> Option<Template> {
    let id = old.own_id(in_place)?;
    let image = match old.image() {
        Ok(image) => image,
        Err(was) => return old.reject(Oddity::ImageUnusable { was, volume: None }),
    };
    let name = old.text("name").unwrap_or_else(|| {
        let now = image.to_string();
        old.report(Oddity::TemplateNamed { now: now.clone() });
        now
    });
    let path = old
        .text("volumePath")
        .unwrap_or_else(|| DEFAULT_MOUNT_PATH.to_owned());
    let path = if check_volume_path(&path).is_ok() {
        path
    } else {
        let was = shown(old.get("volumePath"));
        old.report(Oddity::PathUnusable { was });
        DEFAULT_MOUNT_PATH.to_owned()
    };
    let mut ports: Vec<Port> = old.ports("httpPorts").into_iter().map(|port| port.port).collect();
    let tcp = old.ports("tcpPorts").into_iter().map(|port| {
        let mut port = port.port;
        port.protocol = Protocol::Tcp;
        port
    });
    ports.extend(tcp);
    let limits = Limits::default();
    let options = PodOptions::default()
        .with_image(image)
        .with_disks(
            old.size("containerDiskSize", limits.disk_gb, CONTAINER_DISK_GB),
            old.size("volumeDiskSize", limits.volume_gb, VOLUME_DISK_GB),
        )
        .with_mount_path(path)
        .with_ports(ports)
        .with_jupyter(Jupyter::Generated);
    let created_at = old.time(&["createdAt"], now);
    // Not trimmed or shortened: Markdown has line breaks.
    let description = old.document().get_str("description").unwrap_or_default();
    let mut template = Template::new(id, name, options, created_at).with_description(description);
    template.version = 1;
    Some(template)
}
