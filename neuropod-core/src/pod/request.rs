//! The request to create a pod.

use crate::error::validation::{Problem, Violation};
use crate::money::amount::Money;
use crate::pod::options::{Jupyter, PodOptions};

/// A request to create a pod, unchecked: [`Platform::create`](crate::Platform::create) checks it.
///
/// ```
/// use neuropod_core::CreatePod;
/// use neuropod_core::pod::Port;
///
/// let request = CreatePod::from_image("training", "pytorch/pytorch:latest").gpu("rtx-4090").ports([8888, 7860]);
/// assert_eq!(request.options.ports(), [Port::http(8888), Port::http(7860)]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct CreatePod {
    /// The display name.
    pub name: String,
    /// The id of the template it is made from; `None`: it is made from an image alone.
    pub template: Option<String>,
    /// The owner's choices.
    pub options: PodOptions,
    /// The e-mail address of the client it is for; administrators only.
    pub assign_to: Option<String>,
    /// Makes a repetition of the same request return what became of the first one; at most 255 characters.
    pub idempotency_key: Option<String>,
    /// The problems of reading the text that the request was made from. They are reported together with all
    /// others, and stand for all problems of their field.
    pub unreadable: Vec<Problem>,
}

impl CreatePod {
    /// A request with these options.
    pub fn new(name: impl Into<String>, options: PodOptions) -> Self {
        Self {
            name: name.into(),
            options,
            ..Self::default()
        }
    }

    /// A request for a pod from an image, without GPU, with 10 GB of disk and 10 GB of workspace, and Jupyter on. Text
    /// that is no image is reported when the request is checked.
    pub fn from_image(name: impl Into<String>, image: &str) -> Self {
        let mut request = Self::new(name, PodOptions::default());
        match image.trim().parse() {
            Ok(image) => request.options.image = Some(image),
            Err(_) if image.trim().is_empty() => {}
            Err(error) => request
                .unreadable
                .push(Problem::new("image", Violation::Image(error))),
        }
        request
    }

    /// A request for a pod from a template, as that proposes.
    pub fn from_template(name: impl Into<String>, template: impl Into<String>) -> Self {
        Self {
            template: Some(template.into()),
            ..Self::new(name, PodOptions::default())
        }
    }

    /// With this GPU type.
    pub fn gpu(mut self, gpu: impl Into<String>) -> Self {
        self.options = self.options.with_gpu(gpu);
        self
    }

    /// With these public ports.
    pub fn ports(mut self, ports: impl IntoIterator<Item = u16>) -> Self {
        self.options = self.options.with_ports(ports);
        self
    }

    /// With disks of these sizes in GB: the container's own and the workspace volume.
    pub fn disks(mut self, disk_gb: u32, volume_gb: u32) -> Self {
        self.options = self.options.with_disks(disk_gb, volume_gb);
        self
    }

    /// Whether a Jupyter server is expected, with a token from where the template says.
    pub fn jupyter(mut self, enabled: bool) -> Self {
        self.options.jupyter = (!enabled).then_some(Jupyter::Off);
        self
    }

    /// For the client with this e-mail address.
    pub fn assign_to(mut self, email: impl Into<String>) -> Self {
        self.assign_to = Some(email.into());
        self
    }

    /// With an environment variable.
    pub fn variable(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.options = self.options.with_variable(name, value);
        self
    }

    /// With a limit of its cost on a day (UTC) while it runs.
    pub fn daily_cap(mut self, cap: Money) -> Self {
        self.options = self.options.with_daily_cap(cap);
        self
    }

    /// With a key that makes a repetition of this request return the same pod.
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.idempotency_key = Some(key.into());
        self
    }

    /// A digest of everything asked for (BLAKE3, the first 128 bits in hexadecimal, after its version), to tell whether a
    /// repeated idempotency key comes with the same request.
    pub(crate) fn digest(&self) -> String {
        // Taken apart without `..`: two requests that differ in a new field must not be one.
        let Self {
            name,
            template,
            options,
            assign_to,
            idempotency_key: _,
            unreadable: _,
        } = self;
        let text = serde_json::json!([name, template, options.all(), assign_to]).to_string();
        format!(
            "{DIGEST_VERSION}{}",
            &blake3::hash(text.as_bytes()).to_hex()[..32]
        )
    }
}

/// The start of the digests of this version. Those of earlier versions are 32 hexadecimal digits of the
/// request's text.
const DIGEST_VERSION: &str = "2:";

/// Whether two digests can be of the same request. Digests of different versions can't be compared: then the idempotency
/// key alone decides, so that a request that is repeated across an upgrade does not make a second pod.
pub(crate) fn may_be_same(one: &str, other: &str) -> bool {
    one == other || one.starts_with(DIGEST_VERSION) != other.starts_with(DIGEST_VERSION)
}
