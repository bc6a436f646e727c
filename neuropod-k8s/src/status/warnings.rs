//! Warning events about pods: those that say more than the status of the pod.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::manifests::CONTAINER;
use crate::slim::SlimEvent;

/// The reasons of the warnings that are kept.
const TELLING: [&str; 8] = [
    "Failed",
    "FailedAttachVolume",
    "FailedCreatePodContainer",
    "FailedCreatePodSandBox",
    "FailedMapVolume",
    "FailedMount",
    "FailedScheduling",
    "NodeNotReady",
];

/// Those that count only once they are repeated. When a pod comes to its node, the node's rights to its claim and its
/// network are often a moment late; the kubelet tries again within a second.
const REPEATED: [&str; 4] = [
    "FailedAttachVolume",
    "FailedCreatePodSandBox",
    "FailedMapVolume",
    "FailedMount",
];

/// Selects warnings about pods, as a field selector. Events have no labels.
pub(crate) const ABOUT_PODS: &str = "involvedObject.kind=Pod,type=Warning";

/// A warning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Warning {
    /// The uid of the event, which ends with it.
    event: String,
    pub(super) message: String,
    pub(super) at: Timestamp,
}

/// The latest warning of each kind about one pod object, by its reason.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Warnings(BTreeMap<String, Warning>);

impl Warnings {
    /// The warnings about the pod object `uid`.
    pub(crate) fn about<'a>(uid: &str, events: impl IntoIterator<Item = &'a SlimEvent>) -> Self {
        let mut warnings = Self::default();
        for event in events {
            if event.involved_object.uid == uid && is_telling(event) {
                warnings.add(event);
            }
        }
        warnings
    }

    /// Keeps a telling event, unless a newer one of its kind is there.
    pub(crate) fn add(&mut self, event: &SlimEvent) {
        let warning = Warning {
            event: event.metadata.uid.clone(),
            message: event.message.clone(),
            at: event.at().unwrap_or(Timestamp::UNIX_EPOCH),
        };
        match self.0.get(&event.reason) {
            Some(newer) if newer.at > warning.at => {}
            _ => drop(self.0.insert(event.reason.clone(), warning)),
        }
    }

    /// Drops what this event said. The API server forgets events after an hour; what still goes wrong is said again
    /// before that.
    pub(crate) fn remove(&mut self, event: &SlimEvent) {
        if self
            .0
            .get(&event.reason)
            .is_some_and(|kept| kept.event == event.metadata.uid)
        {
            self.0.remove(&event.reason);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn get(&self, reason: &str) -> Option<&Warning> {
        self.0.get(reason)
    }
}

/// Whether an event says more than the status of the pod.
pub(crate) fn is_telling(event: &SlimEvent) -> bool {
    // Of the two events about a failed pull only one says why.
    let empty = event.reason == "Failed" && !event.message.starts_with("Failed to pull image");
    let passing = event.count < 2 && REPEATED.contains(&event.reason.as_str());
    !empty && !passing && !is_of_a_sidecar(event) && TELLING.contains(&event.reason.as_str())
}

/// Whether an event is about one container of the pod, and that one is not the platform's own.
fn is_of_a_sidecar(event: &SlimEvent) -> bool {
    let path = event.involved_object.field_path.as_str();
    path.strip_prefix("spec.containers{")
        .or_else(|| path.strip_prefix("spec.initContainers{"))
        .and_then(|name| name.strip_suffix('}'))
        .is_some_and(|name| name != CONTAINER)
}
