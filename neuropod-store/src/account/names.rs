//! Adds the names of pods to ledger entries of earlier versions, which lack them.

use std::collections::{BTreeSet, HashMap};

use neuropod_core::PodId;
use neuropod_core::money::Entry;

/// The pods of entries without a pod name.
pub(crate) fn pods_without_name(entries: &[Entry]) -> BTreeSet<PodId> {
    let nameless = entries.iter().filter(|entry| entry.details.pod_name.is_none());
    nameless.filter_map(Entry::pod).collect()
}

/// Fills in missing pod names. `names` is keyed by pod id.
pub(crate) fn name_pods(entries: &mut [Entry], names: &HashMap<String, String>) {
    for entry in entries {
        if entry.details.pod_name.is_none()
            && let Some(pod) = entry.pod()
        {
            entry.details.pod_name = names.get(pod.as_str()).cloned();
        }
    }
}
