//! The texts for problems in the set-up of a platform.

use std::collections::BTreeSet;

use super::language::Language;
use crate::cluster::gpus::{Misfit, Taint, UnmatchedGpu};

/// The reason why no node accepts pods of a GPU type.
///
/// ```
/// use neuropod_core::cluster::gpus::{Misfit, UnmatchedGpu};
/// use neuropod_core::message::{Language, unmatched_gpu};
///
/// let misfit = Misfit::Count { wanted: 4, most: 2 };
/// let gpu = UnmatchedGpu { id: "quad".into(), misfit };
/// assert_eq!(
///     unmatched_gpu(&gpu, Language::Es),
///     "Ningún nodo admite el tipo de GPU quad: un pod recibe 4 GPU de un nodo y ninguno tiene más de 2",
/// );
/// ```
pub fn unmatched_gpu(gpu: &UnmatchedGpu, language: Language) -> String {
    let id = &gpu.id;
    let list = |found: &BTreeSet<String>| match found.len() {
        0 => language.pick("ninguno", "none").to_owned(),
        _ => found.iter().map(String::as_str).collect::<Vec<_>>().join(", "),
    };
    let why = match &gpu.misfit {
        Misfit::Resource { found } => language.pick(
            format!("ninguno tiene su recurso; los nodos tienen: {}", list(found)),
            format!("no node has its resource; the nodes have: {}", list(found)),
        ),
        Misfit::Label { label, wanted, found } => language.pick(
            format!(
                "ninguno tiene la etiqueta {label}={wanted}; los nodos tienen: {}",
                list(found)
            ),
            format!(
                "no node has the label {label}={wanted}; the nodes have: {}",
                list(found)
            ),
        ),
        Misfit::Taint(Taint { key, value, effect }) => language.pick(
            format!("sus nodos tienen el taint {key}={value}:{effect}, que el tipo no tolera"),
            format!("its nodes have the taint {key}={value}:{effect}, which it does not tolerate"),
        ),
        Misfit::Count { wanted, most } => language.pick(
            format!("un pod recibe {wanted} GPU de un nodo y ninguno tiene más de {most}"),
            format!("a pod gets {wanted} GPUs of one node, and no node has more than {most}"),
        ),
    };
    language.pick(
        format!("Ningún nodo admite el tipo de GPU {id}: {why}"),
        format!("No node can take the GPU type {id}: {why}"),
    )
}
