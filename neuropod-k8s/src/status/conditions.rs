//! Conditions of a pod, and when they last changed.

use jiff::Timestamp;

use crate::api::partial::{Condition, PartialPod};

/// Whether the condition of this type is true.
pub(super) fn is_true(pod: &PartialPod, condition: &str) -> bool {
    let condition = pod.status.condition(condition);
    condition.is_some_and(Condition::is_true)
}

/// Whether the pod has a node.
pub(super) fn is_scheduled(pod: &PartialPod) -> bool {
    is_true(pod, "PodScheduled") || !pod.spec.node_name.is_empty()
}

/// When a condition last changed. Without the condition, when the pod was created.
pub(super) fn since(pod: &PartialPod, condition: &str) -> Timestamp {
    let condition = pod.status.condition(condition);
    let changed = condition.and_then(|condition| condition.last_transition_time);
    changed
        .or(pod.status.start_time)
        .or(pod.metadata.creation_timestamp)
        .unwrap_or(Timestamp::UNIX_EPOCH)
}

pub(super) fn transition(pod: &PartialPod, condition: &Condition) -> Timestamp {
    condition
        .last_transition_time
        .unwrap_or_else(|| since(pod, "Ready"))
}
