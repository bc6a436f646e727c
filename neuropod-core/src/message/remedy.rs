//! The texts for the remedy of a reason: the steps open to the owner of a pod.

use super::language::Language;
use crate::cluster::reason::refusal::Refusal;
use crate::cluster::reason::{Reason, ReasonCode};

/// The remedy for the owner of a pod, from the whole reason. For a pod that was given up, it concerns the
/// cause.
///
/// ```
/// use neuropod_core::message::{Language, remedy, remedy_of};
/// use neuropod_core::Reason;
/// use neuropod_core::cluster::ReasonCode;
///
/// let reason = Reason::new(ReasonCode::GaveUp, "crash_loop: exit code 1", jiff::Timestamp::UNIX_EPOCH);
/// assert_eq!(remedy_of(&reason, Language::En), remedy(ReasonCode::CrashLoop, Language::En));
/// ```
pub fn remedy_of(reason: &Reason, language: Language) -> &'static str {
    if reason.is_volume_in_use() {
        return language.pick(
            "Detén el otro pod que usa este volumen: solo puede montarse en un nodo a la vez. Tus datos siguen en él.",
            "Stop the other pod that uses this volume: only one node at a time can mount it. Your data is still on it.",
        );
    }
    if reason.is_volume_on_full_node() {
        return language.pick(
            "Espera, o detén el otro pod que usa este volumen: los dos tienen que estar en el mismo nodo. Tus datos siguen en él.",
            "Wait, or stop the other pod that uses this volume: both must be on the same node. Your data is still on it.",
        );
    }
    if reason.is_leftover() && reason.code != ReasonCode::GaveUp {
        return language.pick(
            "Espera; no se cobra. Si dura más de una hora, contacta con soporte: el detalle técnico dice qué falta por eliminar.",
            "Wait; it is not billed. If it takes more than an hour, contact support: the technical detail says what remains to be deleted.",
        );
    }
    if reason.cause() == ReasonCode::StopDelayed && reason.code == ReasonCode::GaveUp {
        return language.pick(
            "Inicia el pod de nuevo. Si vuelve a pasar, contacta con soporte e indica el detalle técnico.",
            "Start the pod again. If it happens again, contact support with the technical detail.",
        );
    }
    match reason.refusal() {
        Some(Refusal::UsedUp(_)) => return remedy(ReasonCode::QuotaExceeded, language),
        Some(Refusal::Size(_)) => {
            return language.pick(
                "Crea el pod con otro tipo de GPU o con otro tamaño de volumen o de disco, según el detalle técnico. Si ninguno sirve, contacta con soporte.",
                "Create the pod with another GPU type, or another volume or disk size: the technical detail says which. If none works, contact support.",
            );
        }
        Some(Refusal::Unset) => return remedy(ReasonCode::ClusterSetup, language),
        None => {}
    }
    let waits = reason.remedy() == crate::cluster::reason::Remedy::StartAgain;
    remedy(if waits { reason.code } else { reason.cause() }, language)
}

/// The remedy for the owner of a pod, for a reason with this code. [`reason`](super::reason) is the reason
/// itself.
///
/// ```
/// use neuropod_core::message::{Language, remedy};
/// use neuropod_core::cluster::reason::ReasonCode;
///
/// let text = remedy(ReasonCode::CrashLoop, Language::En);
/// assert_eq!(text, "Read the logs, including those of the previous run, and fix the program or its image.");
/// ```
#[expect(clippy::too_many_lines, reason = "a table: one sentence for each reason")]
pub fn remedy(code: ReasonCode, language: Language) -> &'static str {
    let (es, en) = match code {
        ReasonCode::ImageInvalid => (
            "Crea otro pod con el nombre completo de una imagen actual, por ejemplo docker.io/usuario/nombre:etiqueta.",
            "Create another pod with the full name of a current image, such as docker.io/owner/name:tag.",
        ),
        ReasonCode::ImageNotFound => (
            "Revisa el nombre y la etiqueta. Si la imagen es privada, hazla pública o pide a soporte que añada sus credenciales.",
            "Check the name and the tag. If the image is private, make it public or ask support to add its credentials.",
        ),
        ReasonCode::ImagePullFailed => (
            "Espera. Si dura más de unos minutos, comprueba que el registro funciona o usa otro.",
            "Wait. If it takes more than a few minutes, check that the registry works, or use another one.",
        ),
        ReasonCode::ImageArchitecture => (
            "Publica la imagen para linux/amd64 (docker buildx build --platform linux/amd64). Un script necesita #! en su primera línea.",
            "Publish the image for linux/amd64 (docker buildx build --platform linux/amd64). A script needs #! in its first line.",
        ),
        ReasonCode::CrashLoop => (
            "Lee los logs, también los de la ejecución anterior, y arregla el programa o su imagen.",
            "Read the logs, including those of the previous run, and fix the program or its image.",
        ),
        ReasonCode::ContainerExited => (
            "No tienes que hacer nada. Si se repite, lee los logs de la ejecución anterior.",
            "You don't have to do anything. If it happens again, read the logs of the previous run.",
        ),
        ReasonCode::ContainerConfig | ReasonCode::ClusterSetup => (
            "No lo puedes resolver tú: contacta con soporte e indica el detalle técnico.",
            "You can't fix this yourself: contact support with the technical detail.",
        ),
        ReasonCode::ContainerStart => (
            "El detalle técnico dice qué falta: el programa de inicio, su primera línea (#!) o la versión de CUDA. Usa otra imagen o arréglala.",
            "The technical detail says what is missing: the start program, its first line (#!), or the CUDA version. Fix the image or use another one.",
        ),
        ReasonCode::NotAnswering => (
            "Lee los logs: Jupyter debe escuchar en 0.0.0.0 y en su puerto. Si la imagen no tiene Jupyter, crea el pod sin él.",
            "Read the logs: Jupyter must listen on 0.0.0.0 and on its port. If the image has no Jupyter, create the pod without it.",
        ),
        ReasonCode::OutOfMemory => (
            "Usa menos memoria (lotes más pequeños) o crea el pod con un tipo de GPU que tenga más.",
            "Use less memory (smaller batches), or create the pod with a GPU type that has more.",
        ),
        ReasonCode::NoGpuFree => (
            "Espera, o borra el pod y elige otro tipo de GPU que esté libre.",
            "Wait, or delete the pod and choose a GPU type that is free.",
        ),
        ReasonCode::Unschedulable => (
            "Espera. Si no cambia, elige otro tipo de GPU o contacta con soporte.",
            "Wait. If nothing changes, choose another GPU type or contact support.",
        ),
        ReasonCode::QuotaExceeded => (
            "Detén o borra otro de tus pods, o pide a soporte una cuota mayor.",
            "Stop or delete another of your pods, or ask support for a larger quota.",
        ),
        ReasonCode::DiskExceeded => (
            "Guarda los archivos grandes en el volumen, o crea el pod con más disco. Lo que estaba en el disco se ha perdido.",
            "Keep large files on the volume, or create the pod with more disk. What was on the disk is lost.",
        ),
        ReasonCode::Evicted => (
            "No tienes que hacer nada. Lo que estaba en el volumen se conserva.",
            "You don't have to do anything. What was on the volume is kept.",
        ),
        ReasonCode::NodeLost => (
            "Espera: el pod vuelve en otro nodo, con su volumen.",
            "Wait: the pod comes back on another node with its volume.",
        ),
        ReasonCode::VolumePending => (
            "Espera: suele tardar menos de un minuto. Si dura más, contacta con soporte.",
            "Wait: it usually takes less than a minute. If it takes longer, contact support.",
        ),
        ReasonCode::VolumeFailed => (
            "Detén el pod e inícialo de nuevo. Si sigue igual, contacta con soporte: tus datos siguen en el volumen.",
            "Stop the pod and start it again. If that does not help, contact support: your data is still on the volume.",
        ),
        ReasonCode::Rejected => (
            "Contacta con soporte e indica el detalle técnico: una política del clúster no permite este pod.",
            "Contact support with the technical detail: a cluster policy does not allow this pod.",
        ),
        ReasonCode::NameTaken => (
            "Borra el pod y créalo de nuevo con otro nombre.",
            "Delete the pod and create it again with another name.",
        ),
        ReasonCode::ClusterUnavailable => (
            "Espera. Los pods que ya están en marcha siguen funcionando.",
            "Wait. Pods that are already running keep running.",
        ),
        ReasonCode::InsufficientFunds => (
            "Recarga el saldo e inicia el pod. Su volumen se conserva y se sigue cobrando.",
            "Top up your balance and start the pod. Its volume is kept, and you are still charged for it.",
        ),
        ReasonCode::SpendCap => (
            "Inicia el pod mañana (UTC), o crea uno con un límite mayor. Su volumen se conserva.",
            "Start the pod tomorrow (UTC), or create one with a higher cap. Its volume is kept.",
        ),
        ReasonCode::Suspended => (
            "Pide a un administrador que reactive la cuenta; después puedes iniciar el pod. Su volumen se conserva.",
            "Ask an administrator to reactivate the account; then you can start the pod. Its volume is kept.",
        ),
        ReasonCode::VolumeDeleted => (
            "Recarga el saldo e inicia el pod para empezar con un volumen vacío, o bórralo.",
            "Top up your balance and start the pod to begin with an empty volume, or delete it.",
        ),
        ReasonCode::StopDelayed => (
            "Espera; no se cobra. Si dura más de una hora, contacta con soporte: su nodo o el clúster lo retienen.",
            "Wait; it is not billed. If it takes more than an hour, contact support: its node or the cluster is holding it.",
        ),
        ReasonCode::GaveUp => (
            "Corrige la causa, que indica el detalle técnico, e inicia el pod de nuevo.",
            "Fix the cause, which the technical detail shows, and start the pod again.",
        ),
    };
    language.pick(es, en)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{reason, reason_of};

    #[test]
    fn a_full_node_with_the_volume_has_its_own_text_even_after_giving_up() {
        let words = "1 Insufficient memory, 1 node(s) didn't match pod affinity rules.";
        let full = Reason::new(ReasonCode::Unschedulable, words, jiff::Timestamp::UNIX_EPOCH);
        let given_up = full.given_up(jiff::Timestamp::UNIX_EPOCH);
        for (language, volume) in [(Language::Es, "volumen"), (Language::En, "volume")] {
            assert!(reason_of(&full, language).contains(volume));
            assert!(remedy_of(&full, language).contains(volume));
            assert_eq!(remedy_of(&given_up, language), remedy_of(&full, language));
            assert_eq!(
                reason_of(&given_up, language),
                reason(ReasonCode::GaveUp, language)
            );
        }
    }

    #[test]
    fn a_start_behind_a_leftover_has_its_own_text_even_after_giving_up() {
        let detail = format!("{}: the volume is being deleted", Reason::LEFTOVER);
        let waits = Reason::new(ReasonCode::StopDelayed, detail, jiff::Timestamp::UNIX_EPOCH);
        let given_up = waits.given_up(jiff::Timestamp::UNIX_EPOCH);
        for language in [Language::Es, Language::En] {
            let texts =
                [&waits, &given_up].map(|reason| (reason_of(reason, language), remedy_of(reason, language)));
            assert_ne!(texts[0].0, texts[1].0);
            assert_ne!(texts[0].1, texts[1].1);
            for ((text, remedy), reason) in texts.into_iter().zip([&waits, &given_up]) {
                assert_ne!(text, super::super::reason(reason.code, language));
                assert!(
                    remedy.ends_with('.') && remedy != super::remedy(reason.code, language),
                    "{remedy}"
                );
            }
        }
    }

    #[test]
    fn every_reason_has_its_own_sentences() {
        for code in ReasonCode::ALL {
            for language in [Language::Es, Language::En] {
                let text = remedy(code, language);
                assert!(text.ends_with('.'), "{code:?}: {text}");
                assert_ne!(text, reason(code, language), "{code:?}");
                assert!(text.len() < 200, "{code:?} is long: {text}");
            }
            assert_ne!(remedy(code, Language::Es), remedy(code, Language::En), "{code:?}");
        }
    }
}
