//! Which quota or limit of the cluster refuses a pod, from the words of the cluster. The names of objects stay in the
//! technical detail.

use super::Language;
use crate::cluster::reason::refusal::{Counted, Refusal};
use crate::cluster::reason::{Reason, ReasonCode};

/// That a quota is used up and which, that a limit is in the way, or that one asks for something; `None` where the words
/// say it of nothing that owners know.
pub(super) fn refused(told: &Reason, language: Language) -> Option<&'static str> {
    // Of a pod that was given up the text says so, and its remedy the rest.
    if told.code == ReasonCode::GaveUp {
        return None;
    }
    match told.refusal()? {
        Refusal::UsedUp(Some(counted)) => used_up(counted, language),
        // Under another code the text would say something else.
        Refusal::UsedUp(None) => Some(super::reason(ReasonCode::QuotaExceeded, language)),
        Refusal::Size(counted) => Some(size(counted, language)),
        Refusal::Unset => Some(language.pick(
            "Una cuota del clúster exige un límite que la plataforma no indica; contacta con soporte",
            "A quota of the cluster asks for a limit that the platform does not set; contact support",
        )),
    }
}

fn used_up(counted: Counted, language: Language) -> Option<&'static str> {
    let (es, en) = match counted {
        Counted::Gpus => ("Se ha agotado la cuota de GPU", "The quota of GPUs is used up"),
        Counted::Memory => (
            "Se ha agotado la cuota de memoria",
            "The quota of memory is used up",
        ),
        Counted::Processors => (
            "Se ha agotado la cuota de procesadores",
            "The quota of processors is used up",
        ),
        Counted::Storage => (
            "Se ha agotado la cuota de almacenamiento",
            "The quota of storage is used up",
        ),
        Counted::Pods => ("Se ha agotado la cuota de pods", "The quota of pods is used up"),
        Counted::Disk => return None,
    };
    Some(language.pick(es, en))
}

fn size(counted: Option<Counted>, language: Language) -> &'static str {
    let (es, en) = match counted {
        Some(Counted::Gpus) => (
            "El clúster no admite tantas GPU en un pod",
            "The cluster does not allow so many GPUs for one pod",
        ),
        Some(Counted::Memory) => (
            "El clúster no admite la memoria de este tipo de GPU en un pod",
            "The cluster does not allow the memory of this GPU type for one pod",
        ),
        Some(Counted::Processors) => (
            "El clúster no admite los procesadores de este tipo de GPU en un pod",
            "The cluster does not allow the processors of this GPU type for one pod",
        ),
        Some(Counted::Storage) => (
            "El clúster no admite un volumen de este tamaño",
            "The cluster does not allow a volume of this size",
        ),
        Some(Counted::Disk) => (
            "El clúster no admite un disco de este tamaño",
            "The cluster does not allow a disk of this size",
        ),
        Some(Counted::Pods) | None => (
            "El clúster no admite un pod de este tamaño",
            "The cluster does not allow a pod of this size",
        ),
    };
    language.pick(es, en)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use jiff::Timestamp;
    use serde_json::Value;

    use super::*;
    use crate::message::{reason, reason_of};

    fn told(detail: &str) -> &'static str {
        let full = Reason::new(ReasonCode::QuotaExceeded, detail, Timestamp::UNIX_EPOCH);
        reason_of(&full, Language::En)
    }

    fn trial(name: &str) -> String {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/trials/api");
        let text = fs::read_to_string(format!("{folder}/{name}.json")).unwrap();
        let trial: Value = serde_json::from_str(&text).unwrap();
        trial["body"]["message"].as_str().unwrap().to_owned()
    }

    #[test]
    fn the_quota_that_is_used_up_is_named() {
        assert_eq!(told(&trial("quota-gpu")), "The quota of GPUs is used up");
        assert_eq!(told(&trial("quota-pvc")), "The quota of storage is used up");
        // Of no quota that owners know.
        let any = reason(ReasonCode::QuotaExceeded, Language::En);
        assert_eq!(told(&trial("quota-scope-priority")), any);
    }

    #[test]
    fn what_is_requested_counts_and_not_the_name_of_the_quota_or_what_is_used() {
        let any = reason(ReasonCode::QuotaExceeded, Language::En);
        for (requested, expected) in [
            ("pods=1", "The quota of pods is used up"),
            ("count/pods=1", "The quota of pods is used up"),
            ("limits.memory=8Gi", "The quota of memory is used up"),
            ("cpu=4", "The quota of processors is used up"),
            (
                "limits.cpu=4,requests.nvidia.com/mig-1g.5gb=1",
                "The quota of GPUs is used up",
            ),
            (
                "gold.storageclass.storage.k8s.io/requests.storage=9G",
                "The quota of storage is used up",
            ),
            ("requests.ephemeral-storage=9G", any),
            ("services=1", any),
        ] {
            let detail = format!(
                "pods \"gpu-lab\" is forbidden: exceeded quota: gpu-memory, requested: {requested}, used: pods=2, limited: pods=2"
            );
            assert_eq!(told(&detail), expected, "{requested}");
        }
    }
}
