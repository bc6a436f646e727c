//! Templates: pods prepared by an administrator, of which a user picks one.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::pod::image::ImageReference;

/// Where a workspace volume is mounted unless a template says otherwise.
pub const DEFAULT_VOLUME_PATH: &str = "/workspace";

/// A prepared pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Template {
    /// Its id.
    pub id: String,
    /// Its name; unique, whatever its case.
    pub name: String,
    /// The image.
    pub docker_image: ImageReference,
    /// What listens on which port.
    #[serde(default)]
    pub http_ports: Vec<NamedPort>,
    /// Ports that are not HTTP; not offered yet.
    #[serde(default)]
    pub tcp_ports: Vec<NamedPort>,
    /// The container's disk proposed, in GB.
    pub container_disk_size: u32,
    /// The workspace volume proposed, in GB.
    pub volume_disk_size: u32,
    /// Where the container finds the workspace volume.
    #[serde(default = "default_volume_path")]
    pub volume_path: String,
    /// Markdown, shown to users; whoever shows it removes scripts.
    #[serde(default)]
    pub description: String,
    /// Whether the image takes its Jupyter token from `JUPYTER_TOKEN`, so that the platform sets it. Otherwise it
    /// is read from the log.
    #[serde(default = "yes")]
    pub inject_token: bool,
    /// Since when it is here.
    pub created_at: Timestamp,
    /// Counted up at every change, for compare-and-swap.
    #[serde(default)]
    pub version: u64,
}

/// A port and what listens there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NamedPort {
    /// The port of the container.
    pub port: u16,
    /// The name that is shown, such as `Jupyter Lab`.
    pub service_name: String,
}

fn default_volume_path() -> String {
    DEFAULT_VOLUME_PATH.to_owned()
}

fn yes() -> bool {
    true
}
