//! The texts of errors.

use super::language::Language;
use super::problem::problem;
use crate::error::kind::{Error, ErrorKind};
use crate::money::currency::Currency;

/// The text of an error. An invalid request gives the texts of its problems, one after the other.
///
/// ```
/// use neuropod_core::message::{self, Language};
/// use neuropod_core::money::Currency;
/// use neuropod_core::{Error, ErrorKind, Money};
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
            // Rounded so that the two amounts never look equal.
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
            "La cuenta está suspendida; contacta con un administrador",
            "The account is suspended; contact an administrator",
        ),
        ErrorKind::Forbidden => (
            "No tienes permiso para acceder a este pod",
            "You don't have permission to access this pod",
        ),
        ErrorKind::InvalidState if error.context("user") == Some("administrator") => (
            "Es la cuenta de un administrador: no tiene saldo y no se puede suspender ni eliminar",
            "This is an administrator's account: it has no balance and can't be suspended or deleted",
        ),
        ErrorKind::InvalidState => invalid_state(error.context("state")),
        ErrorKind::AlreadyExists => ("Ya existe", "It already exists"),
        ErrorKind::Conflict => (
            "Se ha modificado mientras tanto; vuelve a intentarlo",
            "It was changed meanwhile; try again",
        ),
        ErrorKind::Unavailable | ErrorKind::RateLimited | ErrorKind::Timeout => (
            "El servicio no responde; vuelve a intentarlo en unos momentos",
            "The service is not responding; try again in a moment",
        ),
        _ => (
            "Error interno; contacta con soporte",
            "Internal error; contact support",
        ),
    };
    language.pick(es, en).to_owned()
}

fn invalid_state(state: Option<&str>) -> (&'static str, &'static str) {
    match state {
        Some("running") => ("El pod ya está en ejecución", "The pod is already running"),
        Some("stopped") => ("El pod está detenido", "The pod is stopped"),
        Some("starting") => ("El pod aún no ha arrancado", "The pod has not started yet"),
        Some("shared") => (
            "Otro pod usa este volumen; elimina antes ese pod o conserva el volumen",
            "Another pod uses this volume; delete that pod first, or keep the volume",
        ),
        _ => (
            "El estado actual del pod no permite esta acción",
            "The pod's current state does not allow this",
        ),
    }
}
