//! The texts for the quota or limit of the cluster that refuses a pod. The names of objects stay in the
//! technical detail.

use super::language::Language;
use crate::cluster::reason::refusal::{Counted, Refusal};
use crate::cluster::reason::{Reason, ReasonCode};

/// A quota is used up; in Spanish and English.
pub(super) const ANY_USED_UP: (&str, &str) = (
    "Se ha agotado una cuota del clúster",
    "A cluster quota is used up",
);

/// The used-up quota, the exceeded limit or the requirement of a quota; `None`: the message of the cluster
/// names nothing that owners know.
pub(super) fn refused(reason: &Reason, language: Language) -> Option<&'static str> {
    // The text of a pod that was given up says so, and its remedy says the rest.
    if reason.code == ReasonCode::GaveUp {
        return None;
    }
    match reason.refusal()? {
        Refusal::UsedUp(Some(counted)) => used_up(counted, language),
        // The text of another code would say something else.
        Refusal::UsedUp(None) => Some(language.pick(ANY_USED_UP.0, ANY_USED_UP.1)),
        Refusal::Size(counted) => Some(size(counted, language)),
        Refusal::Unset => Some(language.pick(
            "Una cuota del clúster exige un límite que la plataforma no fija; contacta con soporte",
            "A cluster quota requires a limit that the platform does not set; contact support",
        )),
    }
}

fn used_up(counted: Counted, language: Language) -> Option<&'static str> {
    let (es, en) = match counted {
        Counted::Gpus => ("Se ha agotado la cuota de GPU", "The GPU quota is used up"),
        Counted::Memory => ("Se ha agotado la cuota de memoria", "The memory quota is used up"),
        Counted::Processors => (
            "Se ha agotado la cuota de procesadores",
            "The processor quota is used up",
        ),
        Counted::Storage => (
            "Se ha agotado la cuota de almacenamiento",
            "The storage quota is used up",
        ),
        Counted::Pods => ("Se ha agotado la cuota de pods", "The pod quota is used up"),
        Counted::Disk => return None,
    };
    Some(language.pick(es, en))
}

fn size(counted: Option<Counted>, language: Language) -> &'static str {
    let (es, en) = match counted {
        Some(Counted::Gpus) => (
            "El clúster no admite tantas GPU en un pod",
            "The cluster does not allow that many GPUs for one pod",
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

    fn text_for(detail: &str) -> &'static str {
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
    fn the_exhausted_quota_is_named() {
        assert_eq!(text_for(&trial("quota-gpu")), "The GPU quota is used up");
        assert_eq!(text_for(&trial("quota-pvc")), "The storage quota is used up");
        // Of no quota that owners know.
        let any = reason(ReasonCode::QuotaExceeded, Language::En);
        assert_eq!(text_for(&trial("quota-scope-priority")), any);
    }

    #[test]
    fn the_requested_resource_counts_not_the_quotas_name_or_usage() {
        let any = reason(ReasonCode::QuotaExceeded, Language::En);
        for (requested, expected) in [
            ("pods=1", "The pod quota is used up"),
            ("count/pods=1", "The pod quota is used up"),
            ("limits.memory=8Gi", "The memory quota is used up"),
            ("cpu=4", "The processor quota is used up"),
            (
                "limits.cpu=4,requests.nvidia.com/mig-1g.5gb=1",
                "The GPU quota is used up",
            ),
            (
                "gold.storageclass.storage.k8s.io/requests.storage=9G",
                "The storage quota is used up",
            ),
            ("requests.ephemeral-storage=9G", any),
            ("services=1", any),
        ] {
            let detail = format!(
                "pods \"gpu-lab\" is forbidden: exceeded quota: gpu-memory, requested: {requested}, used: pods=2, limited: pods=2"
            );
            assert_eq!(text_for(&detail), expected, "{requested}");
        }
    }
}
