//! Every text for people, in Spanish and English, in one place.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind};
use crate::image::ImageError;
use crate::reason::ReasonCode;
use crate::statement::Explanation;
use crate::validation::{Problem, Violation};

/// The language of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// Spanish, the default of the HTTP contract.
    #[default]
    Es,
    /// English.
    En,
}

impl Language {
    /// Chooses between two texts.
    pub fn pick<T>(self, spanish: T, english: T) -> T {
        match self {
            Self::Es => spanish,
            Self::En => english,
        }
    }
}

/// What is wrong with a field, in the plan's words where it has some.
///
/// ```
/// use neuropod_core::message::{Language, problem};
/// use neuropod_core::{Problem, Violation};
///
/// let missing = Problem::new("name", Violation::Required);
/// assert_eq!(problem(&missing, Language::Es), "Nombre es requerido");
/// assert_eq!(problem(&missing, Language::En), "Name is required");
/// let wrong = Problem::new("email", Violation::Malformed);
/// assert_eq!(problem(&wrong, Language::Es), "Correo electrónico: valor inválido");
/// let disk = Problem::new("volumeDiskSize", Violation::OutOfRange { min: 1, max: 150 });
/// assert_eq!(problem(&disk, Language::Es), "Tamaño de volumen debe estar entre 1 y 150 GB");
/// let lines = Problem::new("tail", Violation::OutOfRange { min: 1, max: 10_000 });
/// assert_eq!(problem(&lines, Language::En), "tail must be a whole number from 1 to 10000");
/// ```
#[expect(clippy::too_many_lines, reason = "a table of texts")]
pub fn problem(problem: &Problem, language: Language) -> String {
    let field = problem.field;
    match &problem.violation {
        Violation::Required => required(field, language),
        Violation::OutOfRange { min, max } => {
            let unit = if field.ends_with("DiskSize") { " GB" } else { "" };
            let label = label(field, language);
            language.pick(
                format!("{label} debe estar entre {min} y {max}{unit}"),
                format!("{label} must be a whole number from {min} to {max}{unit}"),
            )
        }
        Violation::Malformed if field == "body" => language
            .pick(
                "El cuerpo no es un objeto JSON válido",
                "The body is no valid JSON object",
            )
            .into(),
        Violation::Malformed => {
            let label = label(field, language);
            language.pick(format!("{label}: valor inválido"), format!("{label}: not valid"))
        }
        Violation::WrongType => language.pick(
            format!("{field} tiene un tipo incorrecto"),
            format!("{field} has the wrong type"),
        ),
        Violation::Duplicate => language.pick(
            format!("{field} aparece dos veces"),
            format!("{field} appears twice"),
        ),
        Violation::TooLong(max) => language.pick(
            format!(
                "{} no puede tener más de {max} caracteres",
                label(field, language)
            ),
            format!("{} can't be longer than {max} characters", label(field, language)),
        ),
        Violation::ControlCharacter => language.pick(
            format!(
                "{} no puede contener caracteres de control",
                label(field, language)
            ),
            format!("{} can't have control characters in it", label(field, language)),
        ),
        Violation::NameUnusable => language
            .pick(
                "El nombre debe tener al menos una letra o un número",
                "The name needs at least one letter or digit",
            )
            .into(),
        Violation::NameReserved => language
            .pick(
                "Este nombre está reservado, elige otro",
                "This name is reserved, choose another",
            )
            .into(),
        Violation::NameInUse => language
            .pick(
                "Ya existe un pod con este nombre",
                "There is a pod with this name, or one much like it, already",
            )
            .into(),
        Violation::DeploymentTypeUnknown => language
            .pick(
                "Tipo de despliegue debe ser 'template' o 'docker'",
                "Deployment type must be 'template' or 'docker'",
            )
            .into(),
        Violation::TemplateAndImage => language
            .pick(
                "Indica un template o una imagen Docker, no ambos",
                "Give a template or a Docker image, not both",
            )
            .into(),
        Violation::TemplateUnknown => language
            .pick("Template no encontrado", "Template not found")
            .into(),
        Violation::Image(error) => image(*error, language).into(),
        Violation::GpuUnknown => language.pick("GPU desconocida", "Unknown GPU").into(),
        Violation::GpuNotOffered => language
            .pick("Esta GPU no está disponible ahora", "This GPU is not offered now")
            .into(),
        Violation::Port(text) => language.pick(
            format!("Puerto inválido: '{text}' (un número entero de 1 a 65535)"),
            format!("Invalid port: '{text}' (a whole number from 1 to 65535)"),
        ),
        Violation::PortTwice(port) => language.pick(
            format!("Puerto {port} repetido"),
            format!("Port {port} is there twice"),
        ),
        Violation::TooManyPorts(max) => {
            language.pick(format!("Máximo {max} puertos"), format!("At most {max} ports"))
        }
        Violation::VariableName(name) => language.pick(
            format!("Nombre de variable de entorno inválido: '{name}'"),
            format!("Invalid name of an environment variable: '{name}'"),
        ),
        Violation::VariableReserved(name) => language.pick(
            format!("La variable de entorno '{name}' no se puede definir"),
            format!("The environment variable '{name}' can't be set"),
        ),
        Violation::VariableValue(name) => language.pick(
            format!("El valor de la variable de entorno '{name}' no es válido"),
            format!("The value of the environment variable '{name}' is not valid"),
        ),
        Violation::EnvironmentTooBig => language
            .pick(
                "Demasiadas variables de entorno",
                "Too many environment variables",
            )
            .into(),
        Violation::VolumePath => language
            .pick(
                "La ruta del volumen debe ser absoluta y no del sistema",
                "The volume path must be absolute and not the system's own",
            )
            .into(),
        Violation::AssignForbidden => language
            .pick(
                "Solo administradores pueden asignar pods a otros usuarios",
                "Only administrators can assign pods to other users",
            )
            .into(),
        Violation::AssigneeUnknown(email) => language.pick(
            format!("Usuario {email} no encontrado"),
            format!("User {email} not found"),
        ),
        Violation::AssigneeNotClient => language
            .pick(
                "Solo se puede asignar pods a usuarios con rol 'client'",
                "Pods can only be assigned to users with the role 'client'",
            )
            .into(),
        Violation::IdempotencyKey => language
            .pick(
                "La clave de idempotencia debe tener de 1 a 255 caracteres",
                "The idempotency key must have 1 to 255 characters",
            )
            .into(),
        Violation::Amount => language.pick(
            format!("Importe inválido: {}", label(field, language)),
            format!("Invalid amount: {}", label(field, language)),
        ),
        Violation::AlreadyTaken => language.pick(
            format!("{} ya está en uso", label(field, language)),
            format!("{} is taken already", label(field, language)),
        ),
    }
}

/// What people call a field.
fn label(field: &str, language: Language) -> &str {
    let (es, en) = match field {
        "name" => ("Nombre", "Name"),
        "email" => ("Correo electrónico", "E-mail address"),
        "containerDiskSize" => ("Tamaño de disco de contenedor", "Container disk size"),
        "volumeDiskSize" => ("Tamaño de volumen", "Volume size"),
        "description" => ("Descripción", "Description"),
        "balance" => ("Saldo", "Balance"),
        "dailyCap" => ("Límite de gasto diario", "Daily spend cap"),
        "hours" => ("Horas", "Hours"),
        other => return other,
    };
    language.pick(es, en)
}

fn required(field: &str, language: Language) -> String {
    let (es, en) = match field {
        "name" => ("Nombre es requerido", "Name is required"),
        "gpu" => ("GPU es requerida", "GPU is required"),
        "deploymentType" => ("Tipo de despliegue requerido", "Deployment type is required"),
        "ports" => ("Puertos son requeridos", "Ports are required"),
        "template" => ("Template es requerido", "Template is required"),
        "dockerImage" => ("Imagen Docker es requerida", "Docker image is required"),
        "containerDiskSize" => (
            "Tamaño de disco de contenedor es requerido",
            "Container disk size is required",
        ),
        "volumeDiskSize" => ("Tamaño de volumen es requerido", "Volume size is required"),
        other => return language.pick(format!("{other} es requerido"), format!("{other} is required")),
    };
    language.pick(es, en).to_owned()
}

fn image(error: ImageError, language: Language) -> &'static str {
    match error {
        ImageError::Empty => language.pick("Imagen Docker es requerida", "Docker image is required"),
        ImageError::TooLong => language.pick(
            "La imagen Docker es demasiado larga",
            "The Docker image is longer than any can be",
        ),
        ImageError::Space => language.pick(
            "La imagen Docker contiene espacios",
            "The Docker image has spaces in it",
        ),
        ImageError::Url => language.pick(
            "Escribe la imagen Docker sin 'https://', como en 'ghcr.io/owner/name:tag'",
            "Write the Docker image without 'https://', as in 'ghcr.io/owner/name:tag'",
        ),
        ImageError::NotLowercase => language.pick(
            "El nombre de la imagen Docker debe estar en minúsculas",
            "The name of the Docker image must be in lower case",
        ),
        ImageError::NameTooLong => language.pick(
            "El nombre de la imagen Docker supera los 255 caracteres",
            "The name of the Docker image is longer than 255 characters",
        ),
        ImageError::Registry => language.pick(
            "El registro de la imagen Docker no es válido",
            "The registry of the Docker image is not valid",
        ),
        ImageError::Tag => language.pick(
            "La etiqueta de la imagen Docker no es válida",
            "The tag of the Docker image is not valid",
        ),
        ImageError::Digest => language.pick(
            "El digest de la imagen Docker no es válido",
            "The digest of the Docker image is not valid",
        ),
        ImageError::Malformed => language.pick("Imagen Docker inválida", "Invalid Docker image"),
    }
}

/// Why a pod is not running, and what its owner can do.
pub fn reason(code: ReasonCode, language: Language) -> &'static str {
    let (es, en) = match code {
        ReasonCode::ImageInvalid => (
            "El nombre de la imagen no es válido",
            "The name of the image is not valid",
        ),
        ReasonCode::ImageNotFound => (
            "La imagen no existe o es privada; revisa su nombre",
            "The image does not exist or is private; check its name",
        ),
        ReasonCode::ImagePullFailed => (
            "No se puede descargar la imagen ahora; se sigue intentando",
            "The image can't be downloaded now; it is tried again",
        ),
        ReasonCode::ImageArchitecture => (
            "La imagen es para otra arquitectura de procesador",
            "The image is for another processor architecture",
        ),
        ReasonCode::CrashLoop => (
            "El programa del contenedor termina una y otra vez; mira los logs",
            "The program of the container ends again and again; see its logs",
        ),
        ReasonCode::ContainerExited => (
            "El contenedor ha terminado y se inicia de nuevo",
            "The container has ended and is started again",
        ),
        ReasonCode::ContainerConfig => (
            "El contenedor no se puede configurar; avisa a la plataforma",
            "The container can't be configured; tell the platform",
        ),
        ReasonCode::ContainerStart => ("El contenedor no arranca", "The container does not start"),
        ReasonCode::NotAnswering => (
            "El contenedor funciona, pero Jupyter no responde en su puerto; mira los logs",
            "The container runs, but Jupyter does not answer at its port; see the logs",
        ),
        ReasonCode::OutOfMemory => (
            "El contenedor agotó su memoria; elige una GPU con más memoria",
            "The container ran out of memory; choose a GPU type with more of it",
        ),
        ReasonCode::NoGpuFree => (
            "No hay ninguna GPU de este tipo libre; se espera a la siguiente",
            "No GPU of this type is free; waiting for the next",
        ),
        ReasonCode::Unschedulable => (
            "Ningún nodo puede alojar el pod ahora; se sigue intentando",
            "No node can take the pod now; it is tried again",
        ),
        ReasonCode::QuotaExceeded => (
            "Se ha agotado la cuota del clúster",
            "A quota of the cluster is used up",
        ),
        ReasonCode::DiskExceeded => (
            "El contenedor superó su disco y fue detenido",
            "The container used more disk than it has and was stopped",
        ),
        ReasonCode::Evicted => (
            "El nodo desalojó el pod; se inicia en otro",
            "The node evicted the pod; it is started on another",
        ),
        ReasonCode::NodeLost => ("El nodo no responde", "The node does not answer"),
        ReasonCode::VolumePending => ("Preparando el volumen", "Preparing the volume"),
        ReasonCode::VolumeFailed => ("El volumen no se puede montar", "The volume can't be mounted"),
        ReasonCode::Rejected => ("El clúster rechazó el pod", "The cluster refused the pod"),
        ReasonCode::NameTaken => (
            "Un objeto ajeno del clúster ocupa el nombre",
            "An object of somebody else in the cluster has the name",
        ),
        ReasonCode::ClusterSetup => (
            "Falta configurar algo en el clúster; avisa a la plataforma",
            "Something in the cluster is not set up; tell the platform",
        ),
        ReasonCode::ClusterUnavailable => (
            "El clúster no responde ahora; se sigue intentando",
            "The cluster does not answer now; it is tried again",
        ),
        ReasonCode::InsufficientFunds => ("Saldo insuficiente", "Insufficient funds"),
        ReasonCode::SpendCap => (
            "Se alcanzó el límite de gasto diario; se puede iniciar de nuevo a partir de las 00:00 UTC",
            "The daily spend cap is reached; it can be started again from 00:00 UTC on",
        ),
        ReasonCode::VolumeDeleted => (
            "El volumen no se pagó a tiempo y fue eliminado; al iniciar el pod se crea uno vacío",
            "The volume was not paid for in time and was deleted; a start makes an empty one",
        ),
        ReasonCode::GaveUp => (
            "Falló durante demasiado tiempo y fue detenido",
            "It failed for too long and was stopped",
        ),
    };
    language.pick(es, en)
}

/// What went wrong with a call, in the plan's words where it has some. What is wrong with a request is told by
/// [`problem`], one by one.
///
/// ```
/// use neuropod_core::message::{self, Language};
/// use neuropod_core::{Error, ErrorKind, Money};
///
/// let (required, available) = (Money::from_cents(270), Money::from_cents(100));
/// let error = Error::new(ErrorKind::InsufficientFunds { required, available }, "not enough");
/// assert_eq!(
///     message::error(&error, Language::Es),
///     "Saldo insuficiente. Requerido: €2.70, Disponible: €1.00"
/// );
/// ```
pub fn error(error: &Error, language: Language) -> String {
    let (es, en) = match error.kind() {
        ErrorKind::Invalid(errors) => {
            let texts: Vec<_> = errors
                .problems()
                .iter()
                .map(|wrong| problem(wrong, language))
                .collect();
            return texts.join("; ");
        }
        ErrorKind::InsufficientFunds { required, available } => {
            // Rounded so that they never look the same.
            let (required, available) = (required.up_to_cents(), available.down_to_cents());
            return language.pick(
                format!("Saldo insuficiente. Requerido: €{required}, Disponible: €{available}"),
                format!("Insufficient funds. Required: €{required}, available: €{available}"),
            );
        }
        ErrorKind::SpendCapReached { cap, spent } => {
            let spent = spent.up_to_cents();
            return language.pick(
                format!("Límite de gasto diario alcanzado. Límite: €{cap}, Gastado hoy: €{spent}"),
                format!("Daily spend cap reached. Cap: €{cap}, spent today: €{spent}"),
            );
        }
        ErrorKind::NotFound => ("Pod no encontrado", "Pod not found"),
        ErrorKind::Forbidden => (
            "No tienes permiso para acceder a este pod",
            "You may not access this pod",
        ),
        ErrorKind::InvalidState => invalid_state(error.context("state")),
        ErrorKind::AlreadyExists => ("Ya existe", "It exists already"),
        ErrorKind::Conflict => (
            "Ha cambiado entretanto; vuelve a intentarlo",
            "It has changed in between; try again",
        ),
        ErrorKind::Unavailable | ErrorKind::RateLimited | ErrorKind::Timeout => (
            "El servicio no responde ahora; vuelve a intentarlo",
            "The service does not answer now; try again",
        ),
        _ => (
            "Error interno; avisa a la plataforma",
            "Internal error; tell the platform",
        ),
    };
    language.pick(es, en).to_owned()
}

fn invalid_state(state: Option<&str>) -> (&'static str, &'static str) {
    match state {
        Some("running") => ("El pod ya está en ejecución", "The pod runs already"),
        Some("stopped") => ("El pod está detenido", "The pod is stopped"),
        Some("starting") => ("El pod aún no ha arrancado", "The pod has not started yet"),
        Some("shared") => (
            "Otro pod usa este volumen; elimínalo antes o conserva el volumen",
            "Another pod uses this volume; delete that one first, or keep the volume",
        ),
        _ => (
            "El pod no está en el estado adecuado",
            "The pod is not in the right state",
        ),
    }
}

/// That the money for a pod runs out, or what a daily cap leaves of it.
///
/// ```
/// use neuropod_core::message::{Language, low_balance};
///
/// let text = |seconds| low_balance(seconds, false, Language::En);
/// assert!(text(59).starts_with("Your balance runs out: less than a minute is left;"));
/// assert!(text(119).starts_with("Your balance runs out: 1 minute is left;"));
/// assert!(text(120).starts_with("Your balance runs out: 2 minutes are left;"));
/// let text = |seconds| low_balance(seconds, true, Language::Es);
/// assert!(text(59).starts_with("Se acerca el límite de gasto diario: queda menos de un minuto;"));
/// assert!(text(60).starts_with("Se acerca el límite de gasto diario: queda 1 minuto;"));
/// assert!(text(600).starts_with("Se acerca el límite de gasto diario: quedan 10 minutos;"));
/// ```
pub fn low_balance(seconds_left: i64, daily_cap: bool, language: Language) -> String {
    let minutes = seconds_left / 60;
    let left = match minutes {
        ..=0 => language
            .pick("queda menos de un minuto", "less than a minute is left")
            .to_owned(),
        1 => language.pick("queda 1 minuto", "1 minute is left").to_owned(),
        _ => language.pick(
            format!("quedan {minutes} minutos"),
            format!("{minutes} minutes are left"),
        ),
    };
    let (es, en) = if daily_cap {
        (
            "Se acerca el límite de gasto diario",
            "The daily spend cap is near",
        )
    } else {
        ("Tu saldo se agota", "Your balance runs out")
    };
    language.pick(
        format!("{es}: {left}; después el pod se detiene y conserva su volumen"),
        format!("{en}: {left}; then the pod stops and keeps its volume"),
    )
}

/// How a charge came about.
pub fn charge(charge: &Explanation, language: Language) -> String {
    let Explanation {
        period,
        seconds,
        hourly,
        amount,
        ..
    } = charge;
    let [from, until] = [period.from, period.until].map(|time| time.strftime("%Y-%m-%d %H:%M:%S"));
    language.pick(
        format!("{from} a {until} UTC: {seconds} s a {hourly} EUR por hora = {amount} EUR"),
        format!("{from} to {until} UTC: {seconds} s at {hourly} EUR per hour = {amount} EUR"),
    )
}

/// That the volume of a stopped pod is not paid for and goes at `at`.
pub fn volume_at_risk(at: Timestamp, language: Language) -> String {
    let at = at.strftime("%Y-%m-%d %H:%M UTC");
    language.pick(
        format!("El volumen no está pagado: se eliminará el {at} si no se recarga el saldo"),
        format!("The volume is not paid for: it is deleted on {at} unless the account is topped up"),
    )
}
