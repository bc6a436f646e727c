//! Templates: pods prepared by an administrator, of which a user picks one.

use jiff::Timestamp;

use crate::pod::image::ImageReference;

/// Where a workspace volume is mounted unless a template says otherwise.
pub const DEFAULT_VOLUME_PATH: &str = "/workspace";

/// A prepared pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// Its id.
    pub id: String,
    /// Its name; unique, whatever its case.
    pub name: String,
    /// The image.
    pub docker_image: ImageReference,
    /// What listens on which port.
    pub http_ports: Vec<NamedPort>,
    /// Ports that are not HTTP; not offered yet.
    pub tcp_ports: Vec<NamedPort>,
    /// The container's disk proposed, in GB.
    pub container_disk_size: u32,
    /// The workspace volume proposed, in GB.
    pub volume_disk_size: u32,
    /// Where the container finds the workspace volume.
    pub volume_path: String,
    /// Markdown, shown to users; whoever shows it removes scripts.
    pub description: String,
    /// Whether the image takes its Jupyter token from `JUPYTER_TOKEN`, so that the platform sets it. Otherwise it
    /// is read from the log.
    pub inject_token: bool,
    /// Since when it is here.
    pub created_at: Timestamp,
    /// Counted up at every change, for compare-and-swap.
    pub version: u64,
}

/// A port and what listens there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedPort {
    /// The port of the container.
    pub port: u16,
    /// The name that is shown, such as `Jupyter Lab`.
    pub service_name: String,
}
