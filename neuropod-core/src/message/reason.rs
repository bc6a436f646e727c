//! The texts for the reason why a pod is not running.

use super::language::Language;
use super::quota;
use crate::cluster::reason::{Reason, ReasonCode};

/// Why a pod is not running. [`remedy`](super::remedy) says what its owner can do about it.
pub fn reason(code: ReasonCode, language: Language) -> &'static str {
    let (es, en) = match code {
        ReasonCode::ImageInvalid => (
            "La imagen o su nombre no son válidos",
            "The image or its name is invalid",
        ),
        ReasonCode::ImageNotFound => (
            "La imagen no existe o es privada; revisa su nombre",
            "The image does not exist or is private; check its name",
        ),
        ReasonCode::ImagePullFailed => (
            "La imagen no se puede descargar ahora mismo; se sigue intentando",
            "The image can't be downloaded right now; retrying",
        ),
        ReasonCode::ImageArchitecture => (
            "La imagen es para otra arquitectura de procesador, o su programa no es ejecutable",
            "The image is for another processor architecture, or its program is not executable",
        ),
        ReasonCode::CrashLoop => (
            "El contenedor falla una y otra vez; revisa los logs",
            "The container keeps crashing; check its logs",
        ),
        ReasonCode::ContainerExited => (
            "El contenedor ha terminado y se está reiniciando",
            "The container ended and is restarting",
        ),
        ReasonCode::ContainerConfig => (
            "El nodo no puede preparar el contenedor; contacta con soporte",
            "The node can't set up the container; contact support",
        ),
        ReasonCode::ContainerStart => ("El contenedor no puede arrancar", "The container can't start"),
        ReasonCode::NotAnswering => (
            "El contenedor está en marcha, pero Jupyter no responde en su puerto; revisa los logs",
            "The container is running, but Jupyter does not respond on its port; check the logs",
        ),
        ReasonCode::OutOfMemory => (
            "El contenedor se quedó sin memoria; elige un tipo de GPU con más memoria",
            "The container ran out of memory; choose a GPU type with more memory",
        ),
        ReasonCode::NoGpuFree => (
            "No hay ninguna GPU de este tipo libre; esperando a que se libere una",
            "No GPU of this type is free; waiting for one",
        ),
        ReasonCode::Unschedulable => (
            "Ningún nodo puede alojar el pod ahora mismo; se sigue intentando",
            "No node can take the pod right now; retrying",
        ),
        ReasonCode::QuotaExceeded => quota::ANY_USED_UP,
        ReasonCode::DiskExceeded => (
            "El contenedor superó el tamaño de su disco y se detuvo",
            "The container exceeded its disk size and was stopped",
        ),
        ReasonCode::Evicted => (
            "El nodo desalojó el pod; se está iniciando en otro",
            "The node evicted the pod; starting it on another node",
        ),
        ReasonCode::NodeLost => ("El nodo no responde", "The node is not responding"),
        ReasonCode::VolumePending => ("Preparando el volumen", "Preparing the volume"),
        ReasonCode::VolumeFailed => ("No se puede montar el volumen", "The volume can't be mounted"),
        ReasonCode::Rejected => ("El clúster rechazó el pod", "The cluster rejected the pod"),
        ReasonCode::NameTaken => (
            "Otro objeto del clúster ya tiene este nombre",
            "Another object in the cluster already has this name",
        ),
        ReasonCode::ClusterSetup => (
            "Al clúster le falta configuración; contacta con soporte",
            "The cluster is not completely set up; contact support",
        ),
        ReasonCode::ClusterUnavailable => (
            "El clúster no responde; se sigue intentando",
            "The cluster is not responding; retrying",
        ),
        ReasonCode::InsufficientFunds => (
            "Se detuvo porque el saldo no alcanza",
            "Stopped because the balance is too low",
        ),
        ReasonCode::SpendCap => (
            "Se detuvo al alcanzar el límite de gasto diario; puedes iniciarlo de nuevo a partir de las 00:00 UTC",
            "Stopped because the daily spend cap was reached; you can start it again from 00:00 UTC",
        ),
        ReasonCode::Suspended => (
            "Se detuvo porque la cuenta está suspendida",
            "Stopped because the account is suspended",
        ),
        ReasonCode::VolumeDeleted => (
            "El volumen no se pagó a tiempo y fue eliminado; al iniciar el pod se crea uno vacío",
            "The volume was not paid for in time and was deleted; starting the pod creates an empty one",
        ),
        ReasonCode::StopDelayed => (
            "El pod tarda demasiado en detenerse; se sigue esperando",
            "The pod is taking too long to stop; still waiting",
        ),
        ReasonCode::GaveUp => (
            "Se detuvo tras fallar durante demasiado tiempo",
            "Stopped after failing for too long",
        ),
    };
    language.pick(es, en)
}

/// Why a pod is not running, from the whole reason. It may say more than its code: a pod that waits in a cluster queue is
/// not a pod that fits nowhere.
///
/// ```
/// use neuropod_core::message::{Language, reason_of};
/// use neuropod_core::Reason;
/// use neuropod_core::cluster::ReasonCode;
///
/// let held = Reason::new(ReasonCode::Unschedulable, Reason::QUEUED, jiff::Timestamp::UNIX_EPOCH);
/// assert_eq!(reason_of(&held, Language::En), "The pod is waiting in a cluster queue");
/// ```
pub fn reason_of(full: &Reason, language: Language) -> &'static str {
    if full.is_queued() {
        return language.pick(
            "El pod está esperando en una cola del clúster",
            "The pod is waiting in a cluster queue",
        );
    }
    if full.is_volume_in_use() && full.code == ReasonCode::VolumeFailed {
        return language.pick(
            "Otro pod está usando el volumen",
            "Another pod is using the volume",
        );
    }
    if full.is_volume_on_full_node() && full.code != ReasonCode::GaveUp {
        return language.pick(
            "El nodo que tiene el volumen no tiene sitio para este pod; se sigue intentando",
            "The node with the volume has no room for this pod; retrying",
        );
    }
    if full.is_leftover() {
        return match full.code {
            ReasonCode::GaveUp => language.pick(
                "Una parte del pod no se eliminó a tiempo; se dejó de esperar",
                "Part of the pod was not deleted in time; no longer waiting",
            ),
            _ => language.pick(
                "Una parte del pod aún se está eliminando; se sigue esperando",
                "Part of the pod is still being deleted; waiting",
            ),
        };
    }
    quota::refused(full, language).unwrap_or_else(|| reason(full.code, language))
}
