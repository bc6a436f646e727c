//! Templates.

use jiff::Timestamp;
use neuropod::Template;
use neuropod::pod::template::NamedPort;
use serde::Serialize;
use utoipa::ToSchema;

/// A template.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TemplateView {
    /// Its id, as the frontend reads it.
    #[serde(rename = "_id")]
    pub(crate) document_id: String,
    /// The same.
    pub(crate) id: String,
    /// Its name.
    pub(crate) name: String,
    /// The image.
    pub(crate) docker_image: String,
    /// Ports that speak HTTP.
    pub(crate) http_ports: Vec<PortView>,
    /// Ports that do not.
    pub(crate) tcp_ports: Vec<PortView>,
    /// In GB.
    pub(crate) container_disk_size: u32,
    /// In GB.
    pub(crate) volume_disk_size: u32,
    /// Where the container finds the workspace volume.
    pub(crate) volume_path: String,
    /// Markdown; whoever shows it removes scripts.
    pub(crate) description: String,
    /// Since when it is here.
    #[schema(value_type = String, format = DateTime)]
    pub(crate) created_at: Timestamp,
}

/// A port and what listens there.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PortView {
    /// The port of the container.
    pub(crate) port: u16,
    /// What is there.
    pub(crate) service_name: String,
}

impl From<NamedPort> for PortView {
    fn from(port: NamedPort) -> Self {
        Self {
            port: port.port,
            service_name: port.service_name,
        }
    }
}

impl From<Template> for TemplateView {
    fn from(template: Template) -> Self {
        let ports = |ports: Vec<NamedPort>| ports.into_iter().map(Into::into).collect();
        Self {
            document_id: template.id.clone(),
            id: template.id,
            name: template.name,
            docker_image: template.docker_image.to_string(),
            http_ports: ports(template.http_ports),
            tcp_ports: ports(template.tcp_ports),
            container_disk_size: template.container_disk_size,
            volume_disk_size: template.volume_disk_size,
            volume_path: template.volume_path,
            description: template.description,
            created_at: template.created_at,
        }
    }
}
