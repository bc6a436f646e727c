//! The request to create a pod, as it comes from outside.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::validation::{Problem, ValidationErrors, Violation};
use crate::money::amount::Money;
use crate::pod::record::Environment;

/// Whether a pod is made from a template or from an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeploymentType {
    /// From a template.
    Template,
    /// From an image.
    Docker,
}

/// A request to create a pod, unchecked: [`Platform::create`](crate::Platform::create) checks it.
///
/// Reading it from JSON never fails for a field: what is wrong with a field is kept, and reported together with
/// everything else that is wrong. Unknown fields are ignored.
///
/// ```
/// use neuropod_core::CreatePod;
///
/// let request = CreatePod::from_image("training", "pytorch/pytorch:latest").gpu("rtx-4090").ports([8888, 7860]);
/// assert_eq!(request.ports.as_deref(), Some("8888, 7860"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CreatePod {
    /// The display name, 1 to 50 characters.
    pub name: Option<String>,
    /// `template` or `docker`: decides which of the next two fields is read; the other one is ignored.
    pub deployment_type: Option<String>,
    /// The id of the template; read with `template` alone.
    pub template: Option<String>,
    /// The image; read with `docker` alone.
    pub docker_image: Option<String>,
    /// The GPU type of the catalogue.
    pub gpu: Option<String>,
    /// The container's disk in GB, 1 to 100.
    pub container_disk_size: Option<i64>,
    /// The workspace volume in GB, 1 to 150.
    pub volume_disk_size: Option<i64>,
    /// The public ports, separated by commas; at most 10.
    pub ports: Option<String>,
    /// Whether a Jupyter server is expected.
    pub enable_jupyter: bool,
    /// The e-mail address of the client it is for; administrators only.
    pub assign_to_user: Option<String>,
    /// Environment variables.
    pub environment: Environment,
    /// What it may cost on a day (UTC) while it runs; when that is reached it stops. `None`: no limit of its own.
    pub daily_cap: Option<Money>,
    /// Makes a repetition of the same request answer what became of the first one; at most 255 characters.
    pub idempotency_key: Option<String>,
    /// What was wrong with fields of the JSON that could not be read; empty in a request made in Rust.
    pub unreadable: Vec<Problem>,
}

impl CreatePod {
    /// A request for a pod from an image, without GPU, with 10 GB of disk and 10 GB of workspace, and Jupyter on.
    pub fn from_image(name: impl Into<String>, image: impl Into<String>) -> Self {
        Self {
            docker_image: Some(image.into()),
            deployment_type: Some("docker".into()),
            ..Self::named(name.into())
        }
    }

    /// A request for a pod from a template, otherwise like [`from_image`](Self::from_image).
    pub fn from_template(name: impl Into<String>, template: impl Into<String>) -> Self {
        Self {
            template: Some(template.into()),
            deployment_type: Some("template".into()),
            ..Self::named(name.into())
        }
    }

    fn named(name: String) -> Self {
        Self {
            name: Some(name),
            gpu: Some(crate::cluster::catalogue::NO_GPU.into()),
            container_disk_size: Some(10),
            volume_disk_size: Some(10),
            ports: Some(crate::pod::endpoint::JUPYTER_PORT.to_string()),
            enable_jupyter: true,
            ..Self::default()
        }
    }

    /// With this GPU type.
    pub fn gpu(mut self, gpu: impl Into<String>) -> Self {
        self.gpu = Some(gpu.into());
        self
    }

    /// With these public ports.
    pub fn ports(mut self, ports: impl IntoIterator<Item = u16>) -> Self {
        let ports: Vec<String> = ports.into_iter().map(|port| port.to_string()).collect();
        self.ports = Some(ports.join(", "));
        self
    }

    /// With disks of these sizes in GB.
    pub fn disks(mut self, container_gb: u32, volume_gb: u32) -> Self {
        self.container_disk_size = Some(container_gb.into());
        self.volume_disk_size = Some(volume_gb.into());
        self
    }

    /// Whether a Jupyter server is expected.
    pub fn jupyter(mut self, enabled: bool) -> Self {
        self.enable_jupyter = enabled;
        self
    }

    /// For the client with this e-mail address.
    pub fn assign_to(mut self, email: impl Into<String>) -> Self {
        self.assign_to_user = Some(email.into());
        self
    }

    /// With an environment variable.
    pub fn variable(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.environment.0.insert(name.into(), value.into());
        self
    }

    /// With a limit of what it may cost on a day (UTC) while it runs.
    pub fn daily_cap(mut self, cap: Money) -> Self {
        self.daily_cap = Some(cap);
        self
    }

    /// With a key that makes a repetition of this request answer the same pod.
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.idempotency_key = Some(key.into());
        self
    }

    /// Reads a JSON body.
    ///
    /// # Errors
    /// `Invalid` when it is no JSON object at all: not UTF-8, nested too deeply, a number out of range, `NaN`.
    pub fn from_json(body: &[u8]) -> crate::Result<Self> {
        serde_json::from_slice(body).map_err(|error| {
            let errors = ValidationErrors::from(Problem::new("body", Violation::Malformed));
            crate::Error::from(errors).with_source(error)
        })
    }

    /// A digest of everything asked for (BLAKE3, the first 128 bits in hexadecimal), to tell whether a repeated
    /// idempotency key comes with the same request.
    pub(crate) fn digest(&self) -> String {
        let text = serde_json::json!([
            self.name,
            self.deployment_type,
            self.template,
            self.docker_image,
            self.gpu,
            self.container_disk_size,
            self.volume_disk_size,
            self.ports,
            self.enable_jupyter,
            self.assign_to_user,
            self.environment,
            self.daily_cap,
        ])
        .to_string();
        blake3::hash(text.as_bytes()).to_hex()[..32].to_owned()
    }

    fn read(&mut self, field: &'static str, value: Value) {
        let good = match field {
            "name" => text(value, &mut self.name),
            "deploymentType" => text(value, &mut self.deployment_type),
            "template" => text(value, &mut self.template),
            "dockerImage" => text(value, &mut self.docker_image),
            "gpu" => text(value, &mut self.gpu),
            "containerDiskSize" => whole(&value, &mut self.container_disk_size),
            "volumeDiskSize" => whole(&value, &mut self.volume_disk_size),
            "ports" => text(value, &mut self.ports),
            "assignToUser" => text(value, &mut self.assign_to_user),
            "idempotencyKey" => text(value, &mut self.idempotency_key),
            "dailyCap" => match value {
                Value::Number(euros) => {
                    // A number of JSON may print with an exponent, a floating point number never does.
                    self.daily_cap = euros.as_f64().and_then(euros_of);
                    self.daily_cap.is_some()
                }
                other => other.is_null(),
            },
            "enableJupyter" => match value {
                Value::Bool(enabled) => {
                    self.enable_jupyter = enabled;
                    true
                }
                other => other.is_null(),
            },
            _ => match serde_json::from_value::<Option<BTreeMap<String, String>>>(value) {
                Ok(variables) => {
                    self.environment = Environment(variables.unwrap_or_default());
                    true
                }
                Err(_) => false,
            },
        };
        if !good {
            self.unreadable.push(Problem::new(field, Violation::WrongType));
        }
    }
}

const FIELDS: [&str; 13] = [
    "name",
    "deploymentType",
    "template",
    "dockerImage",
    "gpu",
    "containerDiskSize",
    "volumeDiskSize",
    "ports",
    "enableJupyter",
    "assignToUser",
    "environment",
    "dailyCap",
    "idempotencyKey",
];

/// Text, or nothing for `null`; `false` for anything else.
fn text(value: Value, into: &mut Option<String>) -> bool {
    match value {
        Value::String(text) => *into = Some(text),
        Value::Null => {}
        _ => return false,
    }
    true
}

/// An amount in euros. What adding and multiplying leaves behind the sixth decimal (`0.30000000000000004`) is no part of it.
fn euros_of(euros: f64) -> Option<Money> {
    Money::from_decimal(&euros.to_string()).or_else(|| {
        let text = format!("{euros:.6}");
        let rounded: f64 = text.parse().ok()?;
        let noise = (rounded - euros).abs() <= 4.0 * f64::EPSILON * euros.abs();
        Money::from_decimal(&text).filter(|_| noise)
    })
}

/// A whole number, or nothing for `null`; `false` for anything else. JSON has one kind of numbers: `30.0` is 30.
fn whole(value: &Value, into: &mut Option<i64>) -> bool {
    /// Up to here every whole number is exact (2^53).
    const EXACT: f64 = 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "it is whole and within the range")]
    let from_float = |number: f64| (number.fract() == 0.0 && number.abs() <= EXACT).then_some(number as i64);
    *into = value.as_i64().or_else(|| value.as_f64().and_then(from_float));
    value.is_null() || into.is_some()
}

impl<'de> Deserialize<'de> for CreatePod {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = CreatePod;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object that describes a pod")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<CreatePod, A::Error> {
                let mut request = CreatePod::default();
                let mut seen = Vec::new();
                while let Some(key) = map.next_key::<String>()? {
                    let Some(field) = FIELDS.into_iter().find(|field| *field == key) else {
                        map.next_value::<de::IgnoredAny>()?;
                        continue;
                    };
                    let value = map.next_value()?;
                    if seen.contains(&field) {
                        request.unreadable.push(Problem::new(field, Violation::Duplicate));
                    } else {
                        seen.push(field);
                        request.read(field, value);
                    }
                }
                Ok(request)
            }
        }

        deserializer.deserialize_map(Fields)
    }
}
