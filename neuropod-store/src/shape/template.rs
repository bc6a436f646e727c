//! Templates.

use jiff::Timestamp;
use neuropod_core::Template;
use neuropod_core::pod::image::ImageReference;
use neuropod_core::pod::template::{DEFAULT_VOLUME_PATH, NamedPort};
use serde::{Deserialize, Serialize};

use super::layout::Layout;
use super::stored::Stored;
use super::tree::{Tree, move_field};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TemplateShape {
    #[serde(default)]
    layout: Layout<2>,
    #[serde(rename = "_id")]
    id: String,
    #[serde(default)]
    version: u64,
    name: String,
    docker_image: ImageReference,
    #[serde(default)]
    http_ports: Vec<PortShape>,
    #[serde(default)]
    tcp_ports: Vec<PortShape>,
    container_disk_size: u32,
    volume_disk_size: u32,
    #[serde(default = "default_volume_path")]
    volume_path: String,
    #[serde(default)]
    description: String,
    #[serde(default = "yes")]
    inject_token: bool,
    created_at: Timestamp,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PortShape {
    port: u16,
    service_name: String,
}

fn default_volume_path() -> String {
    DEFAULT_VOLUME_PATH.to_owned()
}

fn yes() -> bool {
    true
}

impl Stored for Template {
    type Shape = TemplateShape;

    fn to_shape(&self) -> TemplateShape {
        let Self {
            id,
            name,
            docker_image,
            http_ports,
            tcp_ports,
            container_disk_size,
            volume_disk_size,
            volume_path,
            description,
            inject_token,
            created_at,
            version,
        } = self.clone();
        TemplateShape {
            layout: Layout,
            id,
            version,
            name,
            docker_image,
            http_ports: http_ports.into_iter().map(Into::into).collect(),
            tcp_ports: tcp_ports.into_iter().map(Into::into).collect(),
            container_disk_size,
            volume_disk_size,
            volume_path,
            description,
            inject_token,
            created_at,
        }
    }

    fn from_shape(shape: TemplateShape) -> Self {
        let TemplateShape {
            layout: _,
            id,
            version,
            name,
            docker_image,
            http_ports,
            tcp_ports,
            container_disk_size,
            volume_disk_size,
            volume_path,
            description,
            inject_token,
            created_at,
        } = shape;
        Self {
            id,
            name,
            docker_image,
            http_ports: http_ports.into_iter().map(Into::into).collect(),
            tcp_ports: tcp_ports.into_iter().map(Into::into).collect(),
            container_disk_size,
            volume_disk_size,
            volume_path,
            description,
            inject_token,
            created_at,
            version,
        }
    }

    fn upgrade<T: Tree>(document: &mut T) {
        move_field(document, "id", "_id");
    }
}

impl From<NamedPort> for PortShape {
    fn from(port: NamedPort) -> Self {
        let NamedPort { port, service_name } = port;
        Self { port, service_name }
    }
}

impl From<PortShape> for NamedPort {
    fn from(shape: PortShape) -> Self {
        let PortShape { port, service_name } = shape;
        Self { port, service_name }
    }
}
