//! The body of a creation, in the format of the frontend.

use std::collections::HashMap;

use neuropod::error::{ErrorKind, Problem, ValidationErrors, Violation};
use neuropod::pod::{Environment, ImageReference, Jupyter, Limits, PodOptionsFields, Port};
use neuropod::{CreatePod, Error, Money};
use serde::{Deserialize, Deserializer, de};
use utoipa::ToSchema;

use crate::contract::failure::Failure;
use crate::contract::fields::{Fields, FromFields};
use crate::contract::names::domain_name;
use crate::contract::reply::json;

/// The body of a creation. All mistakes are reported at once.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({
    "name": "Training", "deploymentType": "docker", "dockerImage": "quay.io/jupyter/base-notebook", "gpu": "cpu",
    "containerDiskSize": 10, "volumeDiskSize": 10, "ports": "8888", "enableJupyter": true,
}))]
pub(crate) struct CreateBody {
    /// 1 to 50 characters.
    #[schema(value_type = String)]
    name: Option<String>,
    /// `template` or `docker`: decides which of the next two fields is read; the other one is ignored.
    #[schema(value_type = String)]
    deployment_type: Option<String>,
    /// The id of the template, with `template`.
    template: Option<String>,
    /// The image, with `docker`.
    docker_image: Option<String>,
    /// The GPU type.
    #[schema(value_type = String)]
    gpu: Option<String>,
    /// In GB.
    #[schema(value_type = u32, minimum = 1, maximum = 100)]
    container_disk_size: Option<Whole>,
    /// In GB.
    #[schema(value_type = u32, minimum = 1, maximum = 150)]
    volume_disk_size: Option<Whole>,
    /// Separated by commas, at most 10.
    #[schema(value_type = String)]
    ports: Option<String>,
    /// Whether a Jupyter server is expected.
    #[schema(value_type = bool)]
    enable_jupyter: Option<bool>,
    /// The e-mail address of the client who will own it; for administrators.
    assign_to_user: Option<String>,
    /// Environment variables.
    #[schema(value_type = Option<HashMap<String, String>>)]
    environment: Option<HashMap<String, String>>,
    /// The daily limit of its cost (UTC), in EUR.
    #[schema(value_type = Option<f64>)]
    daily_cap: Option<Euros>,
    /// A repetition of the request with the same key returns the same pod.
    idempotency_key: Option<String>,
}

impl FromFields for CreateBody {
    fn read(fields: &mut Fields) -> Self {
        Self {
            name: fields.optional("name"),
            deployment_type: fields.optional("deploymentType"),
            template: fields.optional("template"),
            docker_image: fields.optional("dockerImage"),
            gpu: fields.optional("gpu"),
            container_disk_size: fields.optional("containerDiskSize"),
            volume_disk_size: fields.optional("volumeDiskSize"),
            ports: fields.optional("ports"),
            enable_jupyter: fields.optional("enableJupyter"),
            assign_to_user: fields.optional("assignToUser"),
            environment: fields.optional("environment"),
            daily_cap: fields.optional("dailyCap"),
            idempotency_key: fields.optional("idempotencyKey"),
        }
    }
}

impl CreateBody {
    /// Converts a body to a request. Unreadable fields are in the request, to be reported with everything else.
    ///
    /// # Errors
    /// 400 if the body is not a JSON object.
    pub(crate) fn request(body: &[u8], limits: &Limits) -> Result<CreatePod, Failure> {
        let mut fields: Fields = json(body)?;
        let read = <Self as FromFields>::read(&mut fields);
        Ok(read.into_request(Unread(fields.into_problems()), limits))
    }

    fn into_request(self, mut unread: Unread, limits: &Limits) -> CreatePod {
        let Self {
            name,
            deployment_type,
            template,
            docker_image,
            gpu,
            container_disk_size,
            volume_disk_size,
            ports,
            enable_jupyter,
            assign_to_user,
            environment,
            daily_cap,
            idempotency_key,
        } = self;
        let (mut image, mut from_template) = (None, None);
        // The other field is ignored, whatever it is: a form that offers both may send both.
        match deployment_type.as_deref().map(str::trim) {
            None | Some("") => unread.add("deploymentType", Violation::Required),
            Some("template") => {
                unread.forget("dockerImage");
                from_template = Some(template.unwrap_or_default());
            }
            Some("docker") => {
                unread.forget("template");
                image = read_image(docker_image.as_deref().unwrap_or_default(), &mut unread);
            }
            Some(_) => unread.add("deploymentType", Violation::DeploymentTypeUnknown),
        }
        // Field by field, so that a new option is mapped to the frontend's format here.
        let options = PodOptionsFields {
            image,
            gpu: Some(gpu.unwrap_or_default()),
            disk_gb: unread.required("containerDiskSize", container_disk_size.map(Whole::into_size)),
            volume_gb: unread.required("volumeDiskSize", volume_disk_size.map(Whole::into_size)),
            mount_path: None,
            ports: Some(read_ports(
                ports.as_deref().unwrap_or_default(),
                limits,
                &mut unread,
            )),
            // If it is on, the template decides where the token comes from.
            jupyter: (enable_jupyter != Some(true)).then_some(Jupyter::Off),
            environment: Environment(environment.unwrap_or_default().into_iter().collect()),
            daily_cap: daily_cap.map(|Euros(cap)| cap),
        };
        let mut request = CreatePod::new(name.unwrap_or_default(), options.into());
        request.template = from_template;
        request.assign_to = assign_to_user;
        request.idempotency_key = idempotency_key;
        request.unreadable = unread.into_problems();
        request
    }
}

/// The order in which mistakes are reported, by the library's field names.
const ORDER: [&str; 13] = [
    "name",
    "gpu",
    "deploymentType",
    "image",
    "disk_gb",
    "volume_gb",
    "ports",
    "environment",
    "daily_cap",
    "idempotency_key",
    "template",
    "assign_to",
    "mount_path",
];

/// The mistakes of a creation in the order of the form. Without a valid `deploymentType`, mistakes of the image
/// are left out, because it is unknown whether one is needed.
pub(crate) fn in_order(error: Error) -> Error {
    let ErrorKind::Invalid(errors) = error.kind() else {
        return error;
    };
    let is_of_type = |problem: &&Problem| problem.field == "deploymentType";
    let type_is_wrong = errors.problems().iter().any(|problem| is_of_type(&problem));
    let problems = errors.problems().iter();
    let listed = problems.filter(|problem| !(type_is_wrong && problem.field == "image"));
    let mut listed: Vec<Problem> = listed.cloned().collect();
    listed.sort_by_key(|problem| {
        let is_unreadable = matches!(problem.violation, Violation::WrongType | Violation::Duplicate);
        // A missing field is listed in the order of the form; whether it is missing is only known at the end.
        let field = match (problem.field, &problem.violation) {
            ("template", Violation::Required) => "image",
            (field, _) => field,
        };
        (!is_unreadable, ORDER.iter().position(|known| *known == field))
    });
    match ValidationErrors::check(listed) {
        Err(errors) => errors.into(),
        Ok(()) => error,
    }
}

/// Unreadable fields of a body, by their names.
struct Unread(Vec<Problem>);

impl Unread {
    /// Adds a problem, unless the field could not even be read, which says it all.
    fn add(&mut self, field: &'static str, violation: Violation) {
        let is_unreadable = |problem: &Problem| {
            problem.field == field && matches!(problem.violation, Violation::WrongType | Violation::Duplicate)
        };
        if !self.0.iter().any(is_unreadable) {
            self.0.push(Problem::new(field, violation));
        }
    }

    fn forget(&mut self, field: &str) {
        self.0.retain(|problem| problem.field != field);
    }

    fn required<T>(&mut self, field: &'static str, value: Option<T>) -> Option<T> {
        if value.is_none() {
            self.add(field, Violation::Required);
        }
        value
    }

    /// With the library's field names.
    fn into_problems(self) -> Vec<Problem> {
        let named = |problem: Problem| Problem::new(domain_name(problem.field), problem.violation);
        self.0.into_iter().map(named).collect()
    }
}

/// An integer. JSON has one kind of numbers, so `30.0` is 30.
struct Whole(i64);

impl Whole {
    /// The value as a size. An invalid size becomes one that is out of every range.
    fn into_size(self) -> u32 {
        u32::try_from(self.0).unwrap_or(if self.0 < 0 { 0 } else { u32::MAX })
    }
}

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// Every integer up to here is exact (2^53).
        const EXACT: f64 = 9_007_199_254_740_992.0;
        let number = serde_json::Number::deserialize(deserializer)?;
        #[expect(clippy::cast_possible_truncation, reason = "it is whole and within the range")]
        let from_float =
            |number: f64| (number.fract() == 0.0 && number.abs() <= EXACT).then_some(number as i64);
        let whole = number.as_i64().or_else(|| number.as_f64().and_then(from_float));
        whole
            .map(Self)
            .ok_or_else(|| de::Error::custom("not a whole number"))
    }
}

/// An amount in euros. Rounding errors beyond the sixth decimal (`0.30000000000000004`) are ignored.
struct Euros(Money);

impl<'de> Deserialize<'de> for Euros {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = serde_json::Number::deserialize(deserializer)?;
        // A JSON number may print with an exponent, a floating point number never does.
        let amount = number.as_f64().and_then(|euros| {
            Money::from_decimal(&euros.to_string()).or_else(|| {
                let text = format!("{euros:.6}");
                let rounded: f64 = text.parse().ok()?;
                let noise = (rounded - euros).abs() <= 4.0 * f64::EPSILON * euros.abs();
                Money::from_decimal(&text).filter(|_| noise)
            })
        });
        amount.map(Self).ok_or_else(|| de::Error::custom("not an amount"))
    }
}

/// An image as typed; `None` if it is invalid or empty.
fn read_image(text: &str, unread: &mut Unread) -> Option<ImageReference> {
    let text = text.trim();
    match text.parse() {
        Ok(image) => Some(image),
        Err(_) if text.is_empty() => None,
        Err(error) => {
            unread.add("dockerImage", Violation::Image(error));
            None
        }
    }
}

/// The maximum number of problems listed for ports, so that a hostile request gets no longer answer than an
/// honest one.
const MAX_LISTED: usize = 20;

/// The ports in a text such as `8888, 7860`; empty if one is invalid, or the text is empty.
fn read_ports(text: &str, limits: &Limits, unread: &mut Unread) -> Vec<Port> {
    if text.trim().is_empty() {
        return Vec::new();
    }
    let (mut numbers, mut problems) = (Vec::new(), Vec::new());
    let mut count = 0;
    for part in text.split(',').map(str::trim) {
        count += 1;
        if count > MAX_LISTED {
            break;
        }
        match port(part) {
            Some(number) if numbers.contains(&number) => problems.push(Violation::PortTwice(number)),
            Some(number) => numbers.push(number),
            None => problems.push(Violation::Port(part.chars().take(20).collect())),
        }
    }
    if count > limits.ports {
        problems.push(Violation::TooManyPorts(limits.ports));
    }
    if problems.is_empty() {
        return numbers.into_iter().map(Port::http).collect();
    }
    for violation in problems {
        unread.add("ports", violation);
    }
    Vec::new()
}

/// A port as typed: a number, or a number and a protocol (`8888/http`), which must be HTTP.
fn port(text: &str) -> Option<u16> {
    let number = match text.split_once('/') {
        Some((number, protocol)) if protocol.trim().eq_ignore_ascii_case("http") => number.trim(),
        _ => text,
    };
    // `parse` alone would accept a leading sign.
    let digits = number.bytes().all(|byte| byte.is_ascii_digit());
    number.parse().ok().filter(|port| digits && *port > 0)
}

#[cfg(test)]
mod tests;
