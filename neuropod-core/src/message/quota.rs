//! Which quota of the cluster is used up, from the words of the API server.

use super::Language;
use crate::reason::{Reason, ReasonCode};

/// What a quota counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Counted {
    Gpus,
    Memory,
    Processors,
    Storage,
    Pods,
}

/// Those that say most to an owner come first: one answer may name several.
const ALL: [Counted; 5] = [
    Counted::Gpus,
    Counted::Memory,
    Counted::Processors,
    Counted::Storage,
    Counted::Pods,
];

/// That a quota is used up, and which; `None` where the words say it of none that owners know. The names of objects stay
/// in the technical detail.
pub(super) fn used_up(told: &Reason, language: Language) -> Option<&'static str> {
    if told.code != ReasonCode::QuotaExceeded {
        return None;
    }
    let (_, refusal) = told.detail.split_once("exceeded quota:")?;
    let (_, requested) = refusal.split_once("requested:")?;
    let requested = requested.split(", used:").next().unwrap_or_default();
    let mut names = requested.split(',').filter_map(|part| part.split('=').next());
    let names: Vec<_> = names.by_ref().map(str::trim).filter_map(counted).collect();
    let first = ALL.into_iter().find(|counted| names.contains(counted))?;
    Some(text(first, language))
}

/// What a resource of a `ResourceQuota` counts: `requests.nvidia.com/gpu`, `limits.memory`, `count/pods`.
fn counted(resource: &str) -> Option<Counted> {
    let name = resource.to_lowercase();
    let plain = name.rsplit('.').next().unwrap_or_default();
    if name.contains("ephemeral") {
        None
    } else if name.contains("storage") || name.contains("persistentvolumeclaims") {
        Some(Counted::Storage)
    } else if name.contains('/') && (name.contains("gpu") || name.contains("nvidia.com/")) {
        Some(Counted::Gpus)
    } else {
        match plain {
            "memory" => Some(Counted::Memory),
            "cpu" => Some(Counted::Processors),
            "pods" | "count/pods" => Some(Counted::Pods),
            _ => None,
        }
    }
}

fn text(counted: Counted, language: Language) -> &'static str {
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
