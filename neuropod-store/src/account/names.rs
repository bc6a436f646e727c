//! Adds the names of pods to ledger entries of earlier versions, which lack them.

use std::collections::{BTreeSet, HashMap};

use neuropod_core::PodId;
use neuropod_core::money::LedgerEntry;

/// The pods of entries without a pod name.
pub(crate) fn pods_without_name(entries: &[LedgerEntry]) -> BTreeSet<PodId> {
    let nameless = entries.iter().filter(|entry| entry.details.pod_name.is_none());
    nameless.filter_map(LedgerEntry::pod).collect()
}

/// Fills in missing pod names. `names` is keyed by pod id.
pub(crate) fn name_pods(entries: &mut [LedgerEntry], names: &HashMap<String, String>) {
    for entry in entries {
        if entry.details.pod_name.is_none()
            && let Some(pod) = entry.pod()
        {
            entry.details.pod_name = names.get(pod.as_str()).cloned();
        }
    }
}
