//! Whether a request can be granted, as far as that can be decided without asking a store.

mod volume_path;

use std::collections::BTreeMap;

use crate::cluster::catalogue::Catalogue;
use crate::error::validation::{Problem, Violation};
use crate::money::amount::Money;
use crate::money::billing::MAX_KEY_LEN;
use crate::naming::{Naming, NamingError, Slug};
use crate::pod::environment::Environment;
use crate::pod::image::{ImageReference, ImageRules};
use crate::pod::limits::Limits;
use crate::pod::options::{Jupyter, PodOptions};
use crate::pod::port::{Port, Protocol, name_ports};
use crate::pod::request::CreatePod;
use crate::pod::template::Template;
use crate::token::secret::AccessToken;
use crate::user::person::check_visible;

pub use self::volume_path::check_volume_path;

/// The variable from which Jupyter images read their token.
pub const JUPYTER_TOKEN: &str = "JUPYTER_TOKEN";

/// The rules for requests: data of a deployment.
#[derive(Debug, Clone, Copy)]
pub struct RequestRules<'a> {
    /// The GPU types.
    pub catalogue: &'a Catalogue,
    /// The rules for host names, and the reserved names.
    pub naming: &'a Naming,
    /// Where images may come from.
    pub images: &'a ImageRules,
    /// How much a pod may ask for.
    pub limits: &'a Limits,
}

/// The checked content of a request. Valid only if no problem was found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Checked {
    /// The display name, without surrounding blanks, and its form in host names; `None`: it has a problem.
    pub name: Option<(String, Slug)>,
    /// The owner's choices, completed by those of the template and the platform.
    pub options: PodOptions,
}

/// Checks every field. The problems come in the order of the fields, after those of reading the request.
///
/// `template` is the one that the request names; `None`: it names none, or there is none.
pub fn check(
    request: &CreatePod,
    template: Option<&Template>,
    rules: RequestRules<'_>,
) -> (Checked, Vec<Problem>) {
    let CreatePod {
        name,
        template: template_id,
        options,
        assign_to: _,
        idempotency_key,
        unreadable,
    } = request;
    let mut problems = Problems {
        unreadable,
        found: Vec::new(),
    };
    let name = problems.valid_or_add("name", check_name(name, rules));
    let proposed = template.map(|template| &template.options);
    let complete = match proposed {
        Some(proposed) => options.clone().over(proposed).complete(),
        None => options.clone().complete(),
    };
    let named = proposed.map_or(&[][..], PodOptions::ports);
    // A stored template that mounts the volume over a system folder still works: it is corrected when it is
    // changed.
    if proposed.is_none_or(|proposed| proposed.mount_path.is_none()) {
        problems.valid_or_add("mount_path", check_volume_path(complete.mount_path()));
    }
    let options = check_options(complete, named, template_id.as_deref(), rules, &mut problems);
    if let Some(id) = template_id {
        match template {
            _ if id.trim().is_empty() => problems.add("template", Violation::Required),
            None => problems.add("template", Violation::TemplateUnknown),
            Some(_) => {}
        }
    }
    let key = idempotency_key.as_deref();
    if key.is_some_and(|key| key.is_empty() || key.chars().count() > MAX_KEY_LEN) {
        problems.add("idempotency_key", Violation::IdempotencyKey);
    }
    let all = unreadable.iter().cloned().chain(problems.found).collect();
    (Checked { name, options }, all)
}

/// Checks the choices, each for its field. Ports get their names, and a token among the variables gets its
/// field.
fn check_options(
    options: PodOptions,
    named: &[Port],
    template: Option<&str>,
    rules: RequestRules<'_>,
    problems: &mut Problems<'_>,
) -> PodOptions {
    let has_jupyter = options.has_jupyter();
    let PodOptions {
        image,
        gpu,
        disk_gb,
        volume_gb,
        mount_path,
        ports,
        jupyter,
        environment,
        daily_cap,
    } = options;
    let limits = rules.limits;
    problems.check("gpu", gpu.as_deref().map(|gpu| check_gpu(gpu, rules.catalogue)));
    match (&image, template) {
        // The rules may have changed since the template was stored.
        (Some(image), template) => {
            let field = if template.is_some() { "template" } else { "image" };
            problems.check(field, Some(rules.images.check(image)));
        }
        (None, None) => problems.add("image", Violation::Required),
        // There is no such template, which is reported as such.
        (None, Some(_)) => {}
    }
    problems.check("disk_gb", disk_gb.map(|size| in_range(size, limits.disk_gb)));
    problems.check(
        "volume_gb",
        volume_gb.map(|size| in_range(size, limits.volume_gb)),
    );
    check_ports(ports.as_deref().unwrap_or_default(), limits, problems);
    let (environment, chosen_token) = check_environment(environment, has_jupyter, limits, problems);
    if daily_cap.is_some_and(|cap| cap <= Money::ZERO) {
        problems.add("daily_cap", Violation::Amount);
    }
    PodOptions {
        image,
        gpu,
        disk_gb,
        volume_gb,
        mount_path,
        ports: ports.map(|ports| name_ports(ports, named, has_jupyter)),
        jupyter: chosen_token.map(Jupyter::Chosen).or(jupyter),
        environment,
        daily_cap,
    }
}

struct Problems<'a> {
    unreadable: &'a [Problem],
    found: Vec<Problem>,
}

impl Problems<'_> {
    /// Notes a problem, but for a field that could not even be read: that says it all.
    fn add(&mut self, field: &'static str, violation: Violation) {
        if !self.unreadable.iter().any(|problem| problem.field == field) {
            self.found.push(Problem::new(field, violation));
        }
    }

    fn valid_or_add<T>(&mut self, field: &'static str, result: Result<T, Violation>) -> Option<T> {
        result.map_err(|violation| self.add(field, violation)).ok()
    }

    /// Adds the problem of a choice, if there is one.
    fn check(&mut self, field: &'static str, result: Option<Result<(), Violation>>) {
        if let Some(result) = result {
            self.valid_or_add(field, result);
        }
    }
}

fn check_name(name: &str, rules: RequestRules<'_>) -> Result<(String, Slug), Violation> {
    let name = name.trim();
    if name.is_empty() {
        return Err(Violation::Required);
    }
    // `nth` reads no more than the limit, however long the name is.
    let longest = rules.limits.name_len;
    if name.chars().nth(longest).is_some() {
        return Err(Violation::TooLong(longest));
    }
    check_visible(name)?;
    let naming = rules.naming;
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

fn check_gpu(gpu: &str, catalogue: &Catalogue) -> Result<(), Violation> {
    if gpu.trim().is_empty() {
        return Err(Violation::Required);
    }
    let entry = catalogue.get(gpu).ok_or(Violation::GpuUnknown)?;
    if entry.offered {
        Ok(())
    } else {
        Err(Violation::GpuNotOffered)
    }
}

/// Reads an image as typed.
///
/// # Errors
/// [`Violation::Image`] for a text that is no image; those of [`ImageRules::check`].
pub fn check_image(image: &str, rules: &ImageRules) -> Result<ImageReference, Violation> {
    let image: ImageReference = image.trim().parse().map_err(Violation::Image)?;
    rules.check(&image)?;
    Ok(image)
}

fn in_range(size: u32, max: u32) -> Result<(), Violation> {
    if (1..=max).contains(&size) {
        Ok(())
    } else {
        Err(Violation::OutOfRange { min: 1, max })
    }
}

/// The most problems that are listed for ports, so that a hostile request gets no longer response than an
/// honest one.
const MAX_LISTED: usize = 20;

fn check_ports(ports: &[Port], limits: &Limits, problems: &mut Problems<'_>) {
    if ports.is_empty() {
        problems.add("ports", Violation::Required);
    }
    let mut seen = Vec::new();
    for port in ports.iter().take(MAX_LISTED) {
        let number = port.number;
        if number == 0 || port.protocol != Protocol::Http {
            let text = match port.protocol {
                Protocol::Http => number.to_string(),
                Protocol::Tcp => format!("{number}/tcp"),
            };
            problems.add("ports", Violation::Port(text));
        } else if seen.contains(&number) {
            problems.add("ports", Violation::PortTwice(number));
        } else {
            seen.push(number);
        }
    }
    if ports.len() > limits.ports {
        problems.add("ports", Violation::TooManyPorts(limits.ports));
    }
}

fn check_environment(
    environment: Environment,
    jupyter: bool,
    limits: &Limits,
    problems: &mut Problems<'_>,
) -> (Environment, Option<AccessToken>) {
    let length: usize = environment
        .0
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    if environment.0.len() > limits.variables || length > limits.environment_bytes {
        problems.add("environment", Violation::EnvironmentTooBig);
        return (Environment::default(), None);
    }
    let mut kept = BTreeMap::new();
    let mut token = None;
    for (name, value) in environment.0 {
        let shown = || name.chars().take(40).collect();
        if !is_c_identifier(&name) {
            problems.add("environment", Violation::VariableName(shown()));
        } else if is_reserved_variable(&name) && !is_capabilities(&name, &value) {
            problems.add("environment", Violation::VariableReserved(shown()));
        } else if value.contains('\0') {
            problems.add("environment", Violation::VariableValue(shown()));
        } else if jupyter && name == JUPYTER_TOKEN {
            token = Some(AccessToken::new(value));
        } else {
            kept.insert(name, value);
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
