//! Every text for people, in Spanish and English, in one place.

mod problem;
mod quota;
mod remedy;
mod setup;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::cluster::observation::Step;
use crate::cluster::reason::{Reason, ReasonCode};
use crate::error::kind::{Error, ErrorKind};
use crate::money::currency::Currency;
use crate::money::statement::Explanation;

pub use self::{
    problem::problem,
    remedy::{remedy, remedy_of},
    setup::unmatched_gpu,
};

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

/// How far a pod has come.
///
/// ```
/// use neuropod_core::cluster::Step;
/// use neuropod_core::message::{Language, step};
///
/// assert_eq!(step(Step::PullingImage, Language::En), "pulling the image");
/// assert_eq!(step(Step::PullingImage, Language::Es), "descargando la imagen");
/// ```
pub fn step(step: Step, language: Language) -> &'static str {
    let (es, en) = match step {
        Step::Accepted => ("aceptado", "accepted"),
        Step::Scheduling => ("buscando un nodo", "finding a node"),
        Step::Preparing => (
            "preparando el volumen y la red",
            "preparing the volume and the network",
        ),
        Step::PullingImage => ("descargando la imagen", "pulling the image"),
        Step::Starting => ("arrancando", "starting"),
        Step::Ready => ("listo", "ready"),
        Step::Stopping => ("deteniéndose", "stopping"),
        Step::Stopped => ("detenido", "stopped"),
    };
    language.pick(es, en)
}

/// Why a pod is not running. What its owner can do about it is told by [`remedy`].
pub fn reason(code: ReasonCode, language: Language) -> &'static str {
    let (es, en) = match code {
        ReasonCode::ImageInvalid => (
            "La imagen o su nombre no son válidos",
            "The image or its name is not valid",
        ),
        ReasonCode::ImageNotFound => (
            "La imagen no existe o es privada; revisa su nombre",
            "The image does not exist or is private; check its name",
        ),
        ReasonCode::ImagePullFailed => (
            "No se puede descargar la imagen ahora; se sigue intentando",
            "The image can't be downloaded now; retrying",
        ),
        ReasonCode::ImageArchitecture => (
            "La imagen es para otra arquitectura de procesador, o su programa no es ejecutable",
            "The image is for another processor architecture, or its program can't be run",
        ),
        ReasonCode::CrashLoop => (
            "El contenedor falla una y otra vez; mira los logs",
            "The container keeps crashing; check its logs",
        ),
        ReasonCode::ContainerExited => (
            "El contenedor ha terminado y se reinicia",
            "The container has ended and restarts",
        ),
        ReasonCode::ContainerConfig => (
            "El nodo no puede preparar el contenedor; contacta con soporte",
            "The node can't set the container up; contact support",
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
            "No node can take the pod now; retrying",
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
            "Falta configurar algo en el clúster; contacta con soporte",
            "Something in the cluster is not set up; contact support",
        ),
        ReasonCode::ClusterUnavailable => (
            "El clúster no responde ahora; se sigue intentando",
            "The cluster does not answer now; retrying",
        ),
        ReasonCode::InsufficientFunds => (
            "Se detuvo porque el saldo no alcanza",
            "Stopped because the balance is too low",
        ),
        ReasonCode::SpendCap => (
            "Se detuvo al alcanzar el límite de gasto diario; puedes iniciarlo de nuevo a partir de las 00:00 UTC",
            "Stopped because the daily spend cap is reached; you can start it again from 00:00 UTC on",
        ),
        ReasonCode::Suspended => (
            "Se detuvo porque la cuenta está suspendida",
            "Stopped because the account is suspended",
        ),
        ReasonCode::VolumeDeleted => (
            "El volumen no se pagó a tiempo y fue eliminado; al iniciar el pod se crea uno vacío",
            "The volume was not paid for in time and was deleted; a start makes an empty one",
        ),
        ReasonCode::StopDelayed => (
            "El pod no termina de cerrarse; se sigue esperando",
            "The pod does not end; waiting for it",
        ),
        ReasonCode::GaveUp => (
            "Falló durante demasiado tiempo y fue detenido",
            "It failed for too long and was stopped",
        ),
    };
    language.pick(es, en)
}

/// The same for a whole reason, which may tell more: a pod that a queue of the cluster holds back is not one that fits
/// nowhere.
///
/// ```
/// use neuropod_core::message::{Language, reason_of};
/// use neuropod_core::Reason;
/// use neuropod_core::cluster::ReasonCode;
///
/// let held = Reason::new(ReasonCode::Unschedulable, Reason::QUEUED, jiff::Timestamp::UNIX_EPOCH);
/// assert_eq!(reason_of(&held, Language::En), "The pod waits in a queue of the cluster");
/// ```
pub fn reason_of(told: &Reason, language: Language) -> &'static str {
    if told.is_queued() {
        return language.pick(
            "El pod espera en una cola del clúster",
            "The pod waits in a queue of the cluster",
        );
    }
    if told.is_volume_in_use() && told.code == ReasonCode::VolumeFailed {
        return language.pick(
            "Otro pod está usando el volumen",
            "Another pod is using the volume",
        );
    }
    if told.is_volume_on_full_node() && told.code != ReasonCode::GaveUp {
        return language.pick(
            "El nodo que tiene el volumen no tiene sitio para este pod; se sigue intentando",
            "The node that has the volume has no room for this pod; retrying",
        );
    }
    if told.is_leftover() {
        return match told.code {
            ReasonCode::GaveUp => language.pick(
                "Algo del pod no terminó de eliminarse a tiempo; se dejó de esperar",
                "Something of the pod was not deleted in time; no longer waiting for it",
            ),
            _ => language.pick(
                "Algo del pod aún se está eliminando; se sigue esperando",
                "Something of the pod is still being deleted; waiting for it",
            ),
        };
    }
    quota::refused(told, language).unwrap_or_else(|| reason(told.code, language))
}

/// What went wrong with a call, in the plan's words where it has some. What is wrong with a request is told by
/// [`problem`], one by one.
///
/// ```
/// use neuropod_core::message::{self, Language};
/// use neuropod_core::{Error, ErrorKind, Money};
/// use neuropod_core::money::Currency;
///
/// let (required, available) = (Money::from_cents(270), Money::from_cents(100));
/// let error = Error::new(ErrorKind::InsufficientFunds { required, available }, "not enough");
/// assert_eq!(
///     message::error(&error, Language::Es, &Currency::default()),
///     "Saldo insuficiente. Requerido: €2.70, Disponible: €1.00"
/// );
/// ```
pub fn error(error: &Error, language: Language, currency: &Currency) -> String {
    let (es, en) = match error.kind() {
        ErrorKind::Invalid(errors) => {
            let texts: Vec<_> = errors
                .problems()
                .iter()
                .map(|wrong| problem(wrong, language, currency))
                .collect();
            return texts.join("; ");
        }
        ErrorKind::InsufficientFunds { required, available } => {
            // Rounded so that they never look the same.
            let required = currency.show(required.up_to_cents());
            let available = currency.show(available.down_to_cents());
            return language.pick(
                format!("Saldo insuficiente. Requerido: {required}, Disponible: {available}"),
                format!("Insufficient funds. Required: {required}, available: {available}"),
            );
        }
        ErrorKind::SpendCapReached { cap, spent } => {
            let (cap, spent) = (currency.show(*cap), currency.show(spent.up_to_cents()));
            return language.pick(
                format!("Límite de gasto diario alcanzado. Límite: {cap}, Gastado hoy: {spent}"),
                format!("Daily spend cap reached. Cap: {cap}, spent today: {spent}"),
            );
        }
        ErrorKind::TooManyPods { limit } => {
            return language.pick(
                format!("Has llegado al máximo de {limit} pods; elimina alguno para crear otro"),
                format!("You have reached the limit of {limit} pods; delete one to create another"),
            );
        }
        ErrorKind::NotFound => ("Pod no encontrado", "Pod not found"),
        ErrorKind::Forbidden if error.context("user") == Some("deleted") => {
            ("Esta cuenta se ha eliminado", "This account has been deleted")
        }
        ErrorKind::Forbidden if error.context("user") == Some("suspended") => (
            "La cuenta está suspendida; contacta con la administración",
            "The account is suspended; contact the administrators",
        ),
        ErrorKind::Forbidden => (
            "No tienes permiso para acceder a este pod",
            "You may not access this pod",
        ),
        ErrorKind::InvalidState if error.context("user") == Some("administrator") => (
            "La cuenta es de un administrador: no tiene saldo y no se puede suspender ni eliminar",
            "The account is an administrator's: it has no balance and can't be suspended or deleted",
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

/// That the money of an account runs out, or what a daily cap leaves of it.
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
        format!("{es}: {left}; después tus pods se detienen y conservan sus volúmenes"),
        format!("{en}: {left}; then your pods stop and keep their volumes"),
    )
}

/// How a charge came about.
///
/// ```
/// use neuropod_core::message::{Language, charge};
/// use neuropod_core::money::statement::Explanation;
/// use neuropod_core::money::Currency;
///
/// # fn example(explanation: &Explanation) {
/// // 2026-01-01 00:00:00 to 2026-01-01 00:01:00 UTC: 60 s at 2.70 EUR per hour = 0.045 EUR
/// println!("{}", charge(explanation, Language::En, &Currency::EUR));
/// # }
/// ```
pub fn charge(charge: &Explanation, language: Language, currency: &Currency) -> String {
    let Explanation {
        period,
        seconds,
        hourly,
        amount,
        ..
    } = charge;
    let code = currency.code();
    let [from, until] = [period.from, period.until].map(|time| time.strftime("%Y-%m-%d %H:%M:%S"));
    language.pick(
        format!("{from} a {until} UTC: {seconds} s a {hourly} {code} por hora = {amount} {code}"),
        format!("{from} to {until} UTC: {seconds} s at {hourly} {code} per hour = {amount} {code}"),
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
