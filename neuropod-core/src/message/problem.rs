//! The texts of the problems of a request, field by field.

use super::language::Language;
use crate::error::validation::{Problem, Violation};
use crate::money::currency::Currency;
use crate::pod::image::ImageError;

/// The text of a problem with a field. The texts of the frontend's contract stay unchanged.
///
/// ```
/// use neuropod_core::message::{Language, problem};
/// use neuropod_core::error::{Problem, Violation};
/// use neuropod_core::money::Currency;
///
/// let eur = Currency::default();
/// let missing = Problem::new("name", Violation::Required);
/// assert_eq!(problem(&missing, Language::Es, &eur), "Nombre es requerido");
/// assert_eq!(problem(&missing, Language::En, &eur), "Name is required");
/// let wrong = Problem::new("email", Violation::Malformed);
/// assert_eq!(problem(&wrong, Language::Es, &eur), "Correo electrónico: valor inválido");
/// let disk = Problem::new("volume_gb", Violation::OutOfRange { min: 1, max: 150 });
/// assert_eq!(problem(&disk, Language::Es, &eur), "Tamaño de volumen debe estar entre 1 y 150 GB");
/// let lines = Problem::new("tail", Violation::OutOfRange { min: 1, max: 10_000 });
/// assert_eq!(problem(&lines, Language::En, &eur), "tail must be a whole number from 1 to 10000");
/// ```
#[expect(clippy::too_many_lines, reason = "a table of texts")]
pub fn problem(problem: &Problem, language: Language, currency: &Currency) -> String {
    let field = problem.field;
    match &problem.violation {
        Violation::Required => required(field, language),
        Violation::OutOfRange { min, max } => {
            let unit = if field.ends_with("_gb") { " GB" } else { "" };
            let label = label(field, language);
            language.pick(
                format!("{label} debe estar entre {min} y {max}{unit}"),
                format!("{label} must be a whole number from {min} to {max}{unit}"),
            )
        }
        Violation::Malformed if field == "body" => language
            .pick(
                "El cuerpo no es un objeto JSON válido",
                "The body is not a valid JSON object",
            )
            .into(),
        Violation::Malformed => {
            let label = label(field, language);
            language.pick(
                format!("{label}: valor inválido"),
                format!("{label}: invalid value"),
            )
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
            format!("{} can't contain control characters", label(field, language)),
        ),
        Violation::HiddenCharacter => language.pick(
            format!(
                "{} no puede contener caracteres invisibles ni que cambien la dirección del texto",
                label(field, language)
            ),
            format!(
                "{} can't contain characters that are invisible or change the direction of text",
                label(field, language)
            ),
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
                "A pod with this name, or a very similar one, already exists",
            )
            .into(),
        Violation::DeploymentTypeUnknown => language
            .pick(
                "Tipo de despliegue debe ser 'template' o 'docker'",
                "Deployment type must be 'template' or 'docker'",
            )
            .into(),
        Violation::TemplateUnknown => language
            .pick("Template no encontrado", "Template not found")
            .into(),
        Violation::Image(error) => image(*error, language).into(),
        Violation::RegistryInternal(registry) => language.pick(
            format!("No se permiten imágenes de '{registry}': no es un registro público"),
            format!("Images from '{registry}' are not allowed: it is not a public registry"),
        ),
        Violation::RegistryNotAllowed { registry, allowed } => {
            let allowed = allowed.join(", ");
            language.pick(
                format!("No se permiten imágenes de '{registry}'; usa una de: {allowed}"),
                format!("Images from '{registry}' are not allowed; use one from: {allowed}"),
            )
        }
        Violation::GpuUnknown => language.pick("GPU desconocida", "Unknown GPU").into(),
        Violation::GpuNotOffered => language
            .pick(
                "Esta GPU no está disponible ahora mismo mismo",
                "This GPU is not available right now",
            )
            .into(),
        Violation::Port(text) if text.is_empty() => language
            .pick(
                "Sobra una coma en los puertos: escríbelos como '8888, 7860'",
                "There is an extra comma in the ports: write them as '8888, 7860'",
            )
            .into(),
        Violation::Port(text) if text.contains('/') => language.pick(
            format!(
                "Puerto '{text}': solo se publican puertos HTTP; escribe el número, como '8888' o '8888/http'"
            ),
            format!(
                "Port '{text}': only HTTP ports are public; write the number, as in '8888' or '8888/http'"
            ),
        ),
        Violation::Port(text) => language.pick(
            format!("Puerto inválido: '{text}' (un número entero de 1 a 65535)"),
            format!("Invalid port: '{text}' (a whole number from 1 to 65535)"),
        ),
        Violation::PortTwice(port) => language.pick(
            format!("Puerto {port} repetido"),
            format!("Port {port} is listed twice"),
        ),
        Violation::TooManyPorts(max) => {
            language.pick(format!("Máximo {max} puertos"), format!("At most {max} ports"))
        }
        Violation::VariableName(name) => language.pick(
            format!("Nombre de variable de entorno inválido: '{name}'"),
            format!("Invalid environment variable name: '{name}'"),
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
                "La ruta del volumen debe ser absoluta y no del sistema, como '/workspace'",
                "The volume path must be absolute and not the system's own, as in '/workspace'",
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
        Violation::Amount if field == "hours" => language
            .pick(
                "Horas debe estar entre 0 y 87600",
                "Hours must be between 0 and 87600",
            )
            .into(),
        Violation::Amount => language.pick(
            format!(
                "{}: indica un importe en {} que no sea negativo, con seis decimales como máximo",
                label(field, language),
                currency.code()
            ),
            format!(
                "{}: enter an amount in {} that is not negative, with at most six decimals",
                label(field, language),
                currency.code()
            ),
        ),
        Violation::AlreadyTaken => language.pick(
            format!("{} ya está en uso", label(field, language)),
            format!("{} is already taken", label(field, language)),
        ),
    }
}

/// The name of a field for people.
fn label(field: &str, language: Language) -> &str {
    let (es, en) = match field {
        "name" => ("Nombre", "Name"),
        "email" => ("Correo electrónico", "E-mail address"),
        "disk_gb" => ("Tamaño de disco de contenedor", "Container disk size"),
        "volume_gb" => ("Tamaño de volumen", "Volume size"),
        "description" => ("Descripción", "Description"),
        "balance" => ("Saldo", "Balance"),
        "daily_cap" => ("Límite de gasto diario", "Daily spend cap"),
        "openingCredit" | "initialBalance" => ("Saldo inicial", "Opening credit"),
        "enabled" => ("Saldo inicial activado", "Opening credit on or off"),
        "gpus" => ("Precios de las GPU", "GPU prices"),
        "containerDisk" => ("Precio del disco de contenedor", "Price of the container disk"),
        "volumeDisk" => ("Precio del volumen", "Price of the volume"),
        "amount" => ("Importe", "Amount"),
        "note" => ("Nota", "Note"),
        other => return other,
    };
    language.pick(es, en)
}

fn required(field: &str, language: Language) -> String {
    let (es, en) = match field {
        "name" => ("Nombre es requerido", "Name is required"),
        "gpu" => ("GPU es requerida", "GPU is required"),
        "amount" => ("Importe es requerido", "Amount is required"),
        "note" => ("Nota es requerida", "Note is required"),
        "deploymentType" => ("Tipo de despliegue requerido", "Deployment type is required"),
        "ports" => ("Puertos son requeridos", "Ports are required"),
        "template" => ("Template es requerido", "Template is required"),
        "image" => ("Imagen Docker es requerida", "Docker image is required"),
        "disk_gb" => (
            "Tamaño de disco de contenedor es requerido",
            "Container disk size is required",
        ),
        "volume_gb" => ("Tamaño de volumen es requerido", "Volume size is required"),
        other => return language.pick(format!("{other} es requerido"), format!("{other} is required")),
    };
    language.pick(es, en).to_owned()
}

fn image(error: ImageError, language: Language) -> &'static str {
    match error {
        ImageError::Empty => language.pick("Imagen Docker es requerida", "Docker image is required"),
        ImageError::TooLong => language.pick(
            "La imagen Docker es demasiado larga",
            "The Docker image reference is too long",
        ),
        ImageError::Space => language.pick(
            "La imagen Docker contiene espacios: escribe solo su nombre, como 'ghcr.io/owner/name:tag'",
            "The Docker image contains spaces: write only its name, as in 'ghcr.io/owner/name:tag'",
        ),
        ImageError::Url => language.pick(
            "Escribe la imagen Docker sin 'https://' ni 'docker://', como en 'ghcr.io/owner/name:tag'",
            "Write the Docker image without 'https://' or 'docker://', as in 'ghcr.io/owner/name:tag'",
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
