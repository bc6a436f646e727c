//! Templates.

use jiff::Timestamp;
use neuropod::Template;
use neuropod::pod::{Port, Protocol};
use serde::Serialize;
use utoipa::ToSchema;

/// A template.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TemplateView {
    /// Its id, under the name that the frontend reads.
    #[serde(rename = "_id")]
    pub(crate) document_id: String,
    /// The same.
    pub(crate) id: String,
    /// Its name.
    pub(crate) name: String,
    /// The image.
    pub(crate) docker_image: String,
    /// Ports with HTTP.
    pub(crate) http_ports: Vec<PortView>,
    /// Ports without HTTP.
    pub(crate) tcp_ports: Vec<PortView>,
    /// In GB.
    pub(crate) container_disk_size: u32,
    /// In GB.
    pub(crate) volume_disk_size: u32,
    /// The mount path of the workspace volume.
    pub(crate) volume_path: String,
    /// Markdown; pages that show it have to remove scripts.
    pub(crate) description: String,
    /// Its creation time.
    #[schema(value_type = String, format = DateTime)]
    pub(crate) created_at: Timestamp,
}

/// A port and its name.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PortView {
    /// The port of the container.
    pub(crate) port: u16,
    /// Its name.
    pub(crate) service_name: String,
}

impl From<&Port> for PortView {
    fn from(port: &Port) -> Self {
        Self {
            port: port.number,
            service_name: port.name.clone().unwrap_or_default(),
        }
    }
}

impl From<Template> for TemplateView {
    fn from(template: Template) -> Self {
        let options = &template.options;
        let ports = |protocol| {
            let ports = options.ports().iter();
            ports
                .filter(|port| port.protocol == protocol)
                .map(Into::into)
                .collect()
        };
        Self {
            document_id: template.id.clone(),
            docker_image: options.image().to_owned(),
            http_ports: ports(Protocol::Http),
            tcp_ports: ports(Protocol::Tcp),
            container_disk_size: options.disk_gb(),
            volume_disk_size: options.volume_gb(),
            volume_path: options.mount_path().to_owned(),
            id: template.id,
            name: template.name,
            description: template.description,
            created_at: template.created_at,
        }
    }
}
