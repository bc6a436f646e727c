//! From the raw request to a specification: everything that can be decided without asking a store.

mod volume_path;

use std::collections::BTreeMap;

use crate::cluster::catalogue::Catalogue;
use crate::error::validation::{
    MAX_CONTAINER_DISK_GB, MAX_ENVIRONMENT_LEN, MAX_NAME_LEN, MAX_PORTS, MAX_VARIABLES, MAX_VOLUME_DISK_GB,
    Problem, Violation,
};
use crate::money::amount::Money;
use crate::naming::{Naming, NamingError, Slug};
use crate::pod::image::{ImageReference, ImageRules};
use crate::pod::record::Environment;
use crate::pod::request::{CreatePod, DeploymentType};
use crate::token::secret::AccessToken;
use crate::user::person::check_visible;

pub use self::volume_path::check_volume_path;

/// The variable that Jupyter images take their token from.
pub const JUPYTER_TOKEN: &str = "JUPYTER_TOKEN";

/// What a request says, where it says something usable. What is `None` has a problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The display name, without blanks around it, and what it is in host names.
    pub name: Option<(String, Slug)>,
    /// What it is made from.
    pub source: Option<Source>,
    /// The GPU type.
    pub gpu: Option<String>,
    /// The container's disk in GB.
    pub container_disk_gb: Option<u32>,
    /// The workspace volume in GB.
    pub volume_disk_gb: Option<u32>,
    /// The public ports, in the order asked for.
    pub ports: Option<Vec<u16>>,
    /// Environment variables, without the token.
    pub environment: Environment,
    /// What it may cost on a day.
    pub daily_cap: Option<Money>,
    /// The Jupyter token the user chose.
    pub chosen_token: Option<AccessToken>,
}

/// What a pod is made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The template with this id.
    Template(String),
    /// An image.
    Image(Box<ImageReference>),
}

/// Checks every field. The problems come in the order of the fields, together with those of reading the request.
pub fn check(
    request: &CreatePod,
    catalogue: &Catalogue,
    naming: &Naming,
    images: &ImageRules,
) -> (Checked, Vec<Problem>) {
    let ignored = ignored_field(request);
    let unreadable = request.unreadable.iter();
    let mut problems = Problems {
        unreadable: unreadable
            .filter(|problem| Some(problem.field) != ignored)
            .cloned()
            .collect(),
        found: Vec::new(),
    };
    let name = problems.take("name", check_name(request.name.as_deref(), naming));
    let gpu = problems.take("gpu", check_gpu(request.gpu.as_deref(), catalogue));
    let source = check_source(request, images, &mut problems);
    let container_disk_gb = problems.take(
        "containerDiskSize",
        in_range(request.container_disk_size, MAX_CONTAINER_DISK_GB),
    );
    let volume_disk_gb = problems.take(
        "volumeDiskSize",
        in_range(request.volume_disk_size, MAX_VOLUME_DISK_GB),
    );
    let ports = check_ports(request.ports.as_deref(), &mut problems);
    let (environment, chosen_token) =
        check_environment(&request.environment, request.enable_jupyter, &mut problems);
    if request.daily_cap.is_some_and(|cap| cap <= Money::ZERO) {
        problems.add("dailyCap", Violation::Amount);
    }
    let key = request.idempotency_key.as_deref();
    if key.is_some_and(|key| key.is_empty() || key.chars().count() > crate::money::billing::MAX_KEY_LEN) {
        problems.add("idempotencyKey", Violation::IdempotencyKey);
    }
    let checked = Checked {
        name,
        source,
        gpu,
        container_disk_gb,
        volume_disk_gb,
        ports,
        environment,
        daily_cap: request.daily_cap,
        chosen_token,
    };
    let all = problems.unreadable.into_iter().chain(problems.found).collect();
    (checked, all)
}

struct Problems {
    unreadable: Vec<Problem>,
    found: Vec<Problem>,
}

impl Problems {
    /// Notes a problem, but for a field that could not even be read: that says it all.
    fn add(&mut self, field: &'static str, violation: Violation) {
        if !self.unreadable.iter().any(|problem| problem.field == field) {
            self.found.push(Problem::new(field, violation));
        }
    }

    fn take<T>(&mut self, field: &'static str, result: Result<T, Violation>) -> Option<T> {
        result.map_err(|violation| self.add(field, violation)).ok()
    }
}

fn check_name(name: Option<&str>, naming: &Naming) -> Result<(String, Slug), Violation> {
    let name = name
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .ok_or(Violation::Required)?;
    // `nth` looks at no more than the limit, however long the name is.
    if name.chars().nth(MAX_NAME_LEN).is_some() {
        return Err(Violation::TooLong(MAX_NAME_LEN));
    }
    check_visible(name)?;
    let slug = naming.slug(name).map_err(|error| match error {
        NamingError::Reserved => Violation::NameReserved,
        _ => Violation::NameUnusable,
    })?;
    let reserved = naming.is_reserved(&format!("{slug}.{}", naming.domain()));
    if reserved {
        Err(Violation::NameReserved)
    } else {
        Ok((name.to_owned(), slug))
    }
}

fn check_gpu(gpu: Option<&str>, catalogue: &Catalogue) -> Result<String, Violation> {
    let gpu = gpu
        .filter(|gpu| !gpu.trim().is_empty())
        .ok_or(Violation::Required)?;
    let entry = catalogue.get(gpu).ok_or(Violation::GpuUnknown)?;
    if entry.offered {
        Ok(gpu.to_owned())
    } else {
        Err(Violation::GpuNotOffered)
    }
}

fn deployment_type(request: &CreatePod) -> Result<DeploymentType, Violation> {
    match request.deployment_type.as_deref().map(str::trim) {
        None | Some("") => Err(Violation::Required),
        Some("template") => Ok(DeploymentType::Template),
        Some("docker") => Ok(DeploymentType::Docker),
        Some(_) => Err(Violation::DeploymentTypeUnknown),
    }
}

/// The field that says nothing here, since `deploymentType` decides: a form that offers both may send both.
fn ignored_field(request: &CreatePod) -> Option<&'static str> {
    match deployment_type(request).ok()? {
        DeploymentType::Template => Some("dockerImage"),
        DeploymentType::Docker => Some("template"),
    }
}

fn check_source(request: &CreatePod, images: &ImageRules, problems: &mut Problems) -> Option<Source> {
    let given = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
    let (template, image) = (given(&request.template), given(&request.docker_image));
    match problems.take("deploymentType", deployment_type(request))? {
        DeploymentType::Template => problems
            .take("template", template.ok_or(Violation::Required))
            .map(Source::Template),
        DeploymentType::Docker => {
            let image = image.ok_or(Violation::Required);
            let image = image.and_then(|image| check_image(&image, images));
            problems
                .take("dockerImage", image)
                .map(|image| Source::Image(Box::new(image)))
        }
    }
}

/// Reads an image as somebody typed it.
///
/// # Errors
/// [`Violation::Image`] for what is none; those of [`ImageRules::check`].
pub fn check_image(image: &str, rules: &ImageRules) -> Result<ImageReference, Violation> {
    let image: ImageReference = image.trim().parse().map_err(Violation::Image)?;
    rules.check(&image)?;
    Ok(image)
}

fn in_range(size: Option<i64>, max: u32) -> Result<u32, Violation> {
    let size = size.ok_or(Violation::Required)?;
    let size = u32::try_from(size).ok().filter(|size| (1..=max).contains(size));
    size.ok_or(Violation::OutOfRange { min: 1, max })
}

/// Most problems listed for ports or variables: a hostile request gets no longer answer than an honest one.
const MAX_LISTED: usize = 20;

fn check_ports(text: Option<&str>, problems: &mut Problems) -> Option<Vec<u16>> {
    let text = problems.take(
        "ports",
        text.filter(|text| !text.trim().is_empty())
            .ok_or(Violation::Required),
    )?;
    let before = problems.found.len();
    let mut ports = Vec::new();
    let mut count = 0;
    for part in text.split(',').map(str::trim) {
        count += 1;
        if count > MAX_LISTED {
            break;
        }
        match port(part) {
            Some(port) if ports.contains(&port) => problems.add("ports", Violation::PortTwice(port)),
            Some(port) => ports.push(port),
            None => problems.add("ports", Violation::Port(part.chars().take(20).collect())),
        }
    }
    if count > MAX_PORTS {
        problems.add("ports", Violation::TooManyPorts(MAX_PORTS));
    }
    (problems.found.len() == before).then_some(ports)
}

/// A port as somebody typed it: a number, or a number and what is spoken there (`8888/http`), which is HTTP.
fn port(text: &str) -> Option<u16> {
    let number = match text.split_once('/') {
        Some((number, protocol)) if protocol.trim().eq_ignore_ascii_case("http") => number.trim(),
        _ => text,
    };
    // `parse` alone would take a sign in front.
    let digits = number.bytes().all(|byte| byte.is_ascii_digit());
    number.parse().ok().filter(|port| digits && *port > 0)
}

fn check_environment(
    environment: &Environment,
    jupyter: bool,
    problems: &mut Problems,
) -> (Environment, Option<AccessToken>) {
    let length: usize = environment
        .0
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    if environment.0.len() > MAX_VARIABLES || length > MAX_ENVIRONMENT_LEN {
        problems.add("environment", Violation::EnvironmentTooBig);
        return (Environment::default(), None);
    }
    let mut kept = BTreeMap::new();
    let mut token = None;
    for (name, value) in &environment.0 {
        let shown = || name.chars().take(40).collect();
        if !is_c_identifier(name) {
            problems.add("environment", Violation::VariableName(shown()));
        } else if is_reserved_variable(name) && !is_capabilities(name, value) {
            problems.add("environment", Violation::VariableReserved(shown()));
        } else if value.contains('\0') {
            problems.add("environment", Violation::VariableValue(shown()));
        } else if jupyter && name == JUPYTER_TOKEN {
            token = Some(AccessToken::new(value));
        } else {
            kept.insert(name.clone(), value.clone());
        }
    }
    (Environment(kept), token)
}

fn is_c_identifier(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Whether a variable says which parts of the driver a container gets beside its GPU (for graphics, video): it gives it no
/// GPU more.
fn is_capabilities(name: &str, value: &str) -> bool {
    // https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/docker-specialized.html
    const KNOWN: [&str; 8] = [
        "all", "compat32", "compute", "display", "graphics", "ngx", "utility", "video",
    ];
    name == "NVIDIA_DRIVER_CAPABILITIES" && value.split(',').all(|capability| KNOWN.contains(&capability))
}

/// Variables that would give a pod GPUs it does not pay for (container runtimes read them, and `HAMi` its limits), or that
/// the runtime's own hooks would load code from.
fn is_reserved_variable(name: &str) -> bool {
    const NAMES: [&str; 8] = [
        "AMD_VISIBLE_DEVICES",
        "ASCEND_VISIBLE_DEVICES",
        "CUDA_DISABLE_CONTROL",
        "CUDA_TASK_PRIORITY",
        "GPU_CORE_UTILIZATION_POLICY",
        "HABANA_VISIBLE_DEVICES",
        "LD_AUDIT",
        "LD_PRELOAD",
    ];
    const PREFIXES: [&str; 6] = [
        "ASCEND_RUNTIME_",
        "ASCEND_VNPU_",
        "NVIDIA_",
        "KUBERNETES_",
        "CUDA_DEVICE_MEMORY_LIMIT",
        "CUDA_DEVICE_SM_LIMIT",
    ];
    NAMES.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests;
