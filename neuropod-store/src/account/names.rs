//! Names of pods in entries of earlier versions, which have none.

use std::collections::{BTreeSet, HashMap};

use neuropod_core::PodId;
use neuropod_core::money::Entry;

/// The pods of entries that don't say their name.
pub(crate) fn pods_without_name(entries: &[Entry]) -> BTreeSet<PodId> {
    let nameless = entries.iter().filter(|entry| entry.details.pod_name.is_none());
    nameless.filter_map(Entry::pod).collect()
}

/// Adds the names, by id, to entries without one.
pub(crate) fn name_pods(entries: &mut [Entry], names: &HashMap<String, String>) {
    for entry in entries {
        if entry.details.pod_name.is_none()
            && let Some(pod) = entry.pod()
        {
            entry.details.pod_name = names.get(pod.as_str()).cloned();
        }
    }
}
