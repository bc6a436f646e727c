//! How far a pod has come, in words.

use super::language::Language;
use crate::cluster::observation::Step;

/// The text of a step.
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
