//! How much a pod may ask for: data of a deployment.

/// The limits of what owners may choose. They are data: [`PlatformBuilder::limits`](crate::PlatformBuilder::limits)
/// changes them.
///
/// ```
/// use neuropod_core::pod::Limits;
///
/// let limits = Limits::default().with_volume_gb(500);
/// assert_eq!((limits.disk_gb, limits.volume_gb), (100, 500));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The longest display name of a pod, in characters.
    pub name_len: usize,
    /// The biggest disk of a container, in GB.
    pub disk_gb: u32,
    /// The biggest workspace volume, in GB.
    pub volume_gb: u32,
    /// Most public ports of a pod.
    pub ports: usize,
    /// Most environment variables of a pod.
    pub variables: usize,
    /// Most bytes of all environment variables of a pod together, names and values.
    pub environment_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            name_len: 50,
            disk_gb: 100,
            volume_gb: 150,
            ports: 10,
            variables: 100,
            environment_bytes: 32 * 1024,
        }
    }
}

impl Limits {
    /// With a biggest disk of a container, in GB.
    pub fn with_disk_gb(mut self, disk_gb: u32) -> Self {
        self.disk_gb = disk_gb;
        self
    }

    /// With a biggest workspace volume, in GB.
    pub fn with_volume_gb(mut self, volume_gb: u32) -> Self {
        self.volume_gb = volume_gb;
        self
    }

    /// With a number of public ports.
    pub fn with_ports(mut self, ports: usize) -> Self {
        self.ports = ports;
        self
    }

    /// With a number of environment variables, and of bytes of all of them together, names and values.
    pub fn with_environment(mut self, variables: usize, bytes: usize) -> Self {
        self.variables = variables;
        self.environment_bytes = bytes;
        self
    }
}
