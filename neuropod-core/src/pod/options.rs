//! The owner's choices of a pod: one type for a request, the defaults of a template and the stored record.

use crate::cluster::catalogue::NO_GPU;
use crate::money::amount::Money;
use crate::pod::environment::Environment;
use crate::pod::image::ImageReference;
use crate::pod::port::{JUPYTER_PORT, Port, Protocol};
use crate::token::secret::AccessToken;

/// The default size of a disk, in GB.
pub const DEFAULT_DISK_GB: u32 = 10;
/// The default mount path of a workspace volume.
pub const DEFAULT_MOUNT_PATH: &str = "/workspace";

/// Declares the options, and beside them the same fields as [`PodOptionsFields`], so that there is one list of them.
macro_rules! options {
    ($(#[$of_options:meta])* pub struct PodOptions { $($(#[$of_field:meta])* pub $field:ident: $type:ty,)* }) => {
        $(#[$of_options])*
        #[derive(Debug, Clone, PartialEq, Eq, Default)]
        #[non_exhaustive]
        pub struct PodOptions {
            $($(#[$of_field])* pub $field: $type,)*
        }

        /// The fields of [`PodOptions`], to which any version may add: for stores, and for code that reads or
        /// writes another format. They convert this type field by field, so that the compiler names each place
        /// that a new field must reach. All other code uses [`PodOptions`].
        #[derive(Debug, Clone, PartialEq, Eq, Default)]
        pub struct PodOptionsFields {
            $($(#[$of_field])* pub $field: $type,)*
        }

        impl From<PodOptions> for PodOptionsFields {
            fn from(options: PodOptions) -> Self {
                let PodOptions { $($field,)* } = options;
                Self { $($field,)* }
            }
        }

        impl From<PodOptionsFields> for PodOptions {
            fn from(fields: PodOptionsFields) -> Self {
                let PodOptionsFields { $($field,)* } = fields;
                Self { $($field,)* }
            }
        }
    };
}

options! {
    /// The owner's choices of a pod.
    ///
    /// `None` is "not chosen": in a request the template decides, and where it says nothing the platform. In a stored pod
    /// everything is chosen; the methods of the fields' names return it, and the platform's default where it is one value.
    ///
    /// ```
    /// use neuropod_core::pod::{Port, PodOptions};
    ///
    /// let options = PodOptions::default().with_gpu("rtx-4090").with_ports([8888, 7860]);
    /// assert_eq!((options.gpu(), options.disk_gb()), ("rtx-4090", 10));
    /// assert_eq!(options.ports()[1], Port::http(7860));
    /// ```
    pub struct PodOptions {
        /// The image.
        pub image: Option<ImageReference>,
        /// The GPU type of the catalogue.
        pub gpu: Option<String>,
        /// The container's disk in GB.
        pub disk_gb: Option<u32>,
        /// The workspace volume in GB.
        pub volume_gb: Option<u32>,
        /// Where the container finds the workspace volume.
        pub mount_path: Option<String>,
        /// The public ports.
        pub ports: Option<Vec<Port>>,
        /// Whether a Jupyter server is expected, and where its token comes from.
        pub jupyter: Option<Jupyter>,
        /// Environment variables. Those of a request are added to those of its template.
        pub environment: Environment,
        /// The most that it may cost on a day (UTC) while it runs; when that is reached, it stops. `None`: no
        /// limit of its own.
        pub daily_cap: Option<Money>,
    }
}

/// Whether a Jupyter server is expected in a pod, and where its token comes from. Stores know every variant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Jupyter {
    /// None is expected.
    Off,
    /// The platform makes a token for each run and hands it over in `JUPYTER_TOKEN`. In an image that knows no such
    /// variable it does nothing, and the log contains the token.
    Generated,
    /// The owner has chosen the token, which is handed over in `JUPYTER_TOKEN`.
    Chosen(AccessToken),
    /// The image makes its own token, which is read from the log.
    Read,
}

impl PodOptions {
    /// With an image.
    pub fn with_image(mut self, image: ImageReference) -> Self {
        self.image = Some(image);
        self
    }

    /// With a GPU type of the catalogue.
    pub fn with_gpu(mut self, gpu: impl Into<String>) -> Self {
        self.gpu = Some(gpu.into());
        self
    }

    /// With disks of these sizes in GB: the container's own and the workspace volume.
    pub fn with_disks(mut self, disk_gb: u32, volume_gb: u32) -> Self {
        self.disk_gb = Some(disk_gb);
        self.volume_gb = Some(volume_gb);
        self
    }

    /// With a place for the workspace volume in the container.
    pub fn with_mount_path(mut self, path: impl Into<String>) -> Self {
        self.mount_path = Some(path.into());
        self
    }

    /// With these public ports.
    pub fn with_ports<P: Into<Port>>(mut self, ports: impl IntoIterator<Item = P>) -> Self {
        self.ports = Some(ports.into_iter().map(Into::into).collect());
        self
    }

    /// With or without a Jupyter server.
    pub fn with_jupyter(mut self, jupyter: Jupyter) -> Self {
        self.jupyter = Some(jupyter);
        self
    }

    /// With an environment variable.
    pub fn with_variable(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.environment.0.insert(name.into(), value.into());
        self
    }

    /// With a limit of its cost on a day (UTC) while it runs.
    pub fn with_daily_cap(mut self, cap: Money) -> Self {
        self.daily_cap = Some(cap);
        self
    }

    /// These options, and those of a template where they choose nothing.
    ///
    /// The parts that a template fixes for all owners: its image and the place of the volume.
    #[must_use]
    pub fn over(self, template: &Self) -> Self {
        let Self {
            image,
            gpu,
            disk_gb,
            volume_gb,
            mount_path,
            ports,
            jupyter,
            environment,
            daily_cap,
        } = self;
        let mut variables = template.environment.0.clone();
        variables.extend(environment.0);
        Self {
            image: template.image.clone().or(image),
            gpu: gpu.or_else(|| template.gpu.clone()),
            disk_gb: disk_gb.or(template.disk_gb),
            volume_gb: volume_gb.or(template.volume_gb),
            mount_path: template.mount_path.clone().or(mount_path),
            ports: ports.or_else(|| template.ports.clone()),
            jupyter: jupyter.or_else(|| template.jupyter.clone()),
            environment: Environment(variables),
            daily_cap: daily_cap.or(template.daily_cap),
        }
    }

    /// These options with everything chosen, but for the image, which the platform has none of its own for.
    #[must_use]
    pub fn complete(self) -> Self {
        let gpu = Some(self.gpu().to_owned());
        let (disk_gb, volume_gb) = (Some(self.disk_gb()), Some(self.volume_gb()));
        let mount_path = Some(self.mount_path().to_owned());
        let Self {
            image,
            gpu: _,
            disk_gb: _,
            volume_gb: _,
            mount_path: _,
            ports,
            jupyter,
            environment,
            daily_cap,
        } = self;
        Self {
            image,
            gpu,
            disk_gb,
            volume_gb,
            mount_path,
            ports: ports.or_else(|| Some(vec![Port::http(JUPYTER_PORT)])),
            jupyter: jupyter.or(Some(Jupyter::Generated)),
            environment,
            daily_cap,
        }
    }

    /// The image as text; empty while none is chosen.
    pub fn image(&self) -> &str {
        self.image.as_ref().map_or("", ImageReference::as_str)
    }

    /// The GPU type: without one, that of pods without a GPU.
    pub fn gpu(&self) -> &str {
        self.gpu.as_deref().unwrap_or(NO_GPU)
    }

    /// The container's disk in GB.
    pub fn disk_gb(&self) -> u32 {
        self.disk_gb.unwrap_or(DEFAULT_DISK_GB)
    }

    /// The workspace volume in GB.
    pub fn volume_gb(&self) -> u32 {
        self.volume_gb.unwrap_or(DEFAULT_DISK_GB)
    }

    /// Where the container finds the workspace volume.
    pub fn mount_path(&self) -> &str {
        self.mount_path.as_deref().unwrap_or(DEFAULT_MOUNT_PATH)
    }

    /// The public ports that are chosen.
    pub fn ports(&self) -> &[Port] {
        self.ports.as_deref().unwrap_or_default()
    }

    /// Whether a Jupyter server is chosen.
    pub fn has_jupyter(&self) -> bool {
        !matches!(self.jupyter, None | Some(Jupyter::Off))
    }

    /// Everything that is chosen, secrets too, as a value: only to make a digest of.
    pub(crate) fn all(&self) -> serde_json::Value {
        let Self {
            image,
            gpu,
            disk_gb,
            volume_gb,
            mount_path,
            ports,
            jupyter,
            environment: Environment(environment),
            daily_cap,
        } = self;
        let ports = ports.as_ref().map(|ports| {
            let parts = ports.iter().map(|port| {
                let Port {
                    number,
                    name,
                    protocol,
                } = port;
                let protocol = match protocol {
                    Protocol::Http => "http",
                    Protocol::Tcp => "tcp",
                };
                serde_json::json!([number, name, protocol])
            });
            parts.collect::<Vec<_>>()
        });
        let jupyter = jupyter.as_ref().map(|jupyter| match jupyter {
            Jupyter::Off => ("off", None),
            Jupyter::Generated => ("generated", None),
            Jupyter::Chosen(token) => ("chosen", Some(token.expose())),
            Jupyter::Read => ("read", None),
        });
        let mut all = serde_json::json!({
            "image": image,
            "gpu": gpu,
            "disk_gb": disk_gb,
            "volume_gb": volume_gb,
            "mount_path": mount_path,
            "ports": ports,
            "jupyter": jupyter,
            "environment": environment,
            "daily_cap": daily_cap,
        });
        // An option of a later version that is not chosen does not change the digest.
        if let Some(fields) = all.as_object_mut() {
            fields.retain(|_, value| !value.is_null());
        }
        all
    }
}
