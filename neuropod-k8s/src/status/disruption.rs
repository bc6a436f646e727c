//! Pods that somebody else ends, and pods whose node is lost or can't end them.

use jiff::SignedDuration;
use neuropod_core::cluster::ReasonCode;

use super::cause::Cause;
use super::conditions::{since, transition};
use super::warnings::Warnings;
use crate::api::partial::PartialPod;

/// Why somebody else ends the pod, by its condition (from Kubernetes 1.26).
pub(super) fn disruption(pod: &PartialPod) -> Option<Cause> {
    let condition = pod.status.condition("DisruptionTarget")?;
    if !condition.is_true() {
        return None;
    }
    let code = match condition.reason.as_str() {
        "DeletionByTaintManager" | "DeletionByPodGC" => ReasonCode::NodeLost,
        _ => ReasonCode::Evicted,
    };
    let at = transition(pod, condition);
    Some(Cause::new(code, condition.message.as_str(), at))
}

/// A node that can't end the pod: a program that hangs in a driver can't be killed.
pub(super) fn unkillable(warnings: &Warnings) -> Option<Cause> {
    let mut kinds = ["FailedKillPod", "ExceededGracePeriod"].into_iter();
    let warning = kinds.find_map(|kind| warnings.get(kind))?;
    let cause = Cause::of_warning(ReasonCode::NodeLost, warning);
    Some(cause.blame_node(true))
}

/// A node that does not respond. Its pods keep the status that it reported last, except for `Ready`, which the node
/// controller sets to false, with a warning.
pub(super) fn node_lost(pod: &PartialPod, warnings: &Warnings) -> Option<Cause> {
    if pod.status.reason == "NodeLost" {
        let at = since(pod, "Ready");
        return Some(Cause::new(ReasonCode::NodeLost, pod.status.message.as_str(), at));
    }
    if let Some(disruption) = disruption(pod).filter(|cause| cause.reason.code == ReasonCode::NodeLost) {
        return Some(disruption);
    }
    let ready = pod.status.condition("Ready").filter(|ready| !ready.is_true())?;
    let warning = warnings.get("NodeNotReady")?;
    let at = transition(pod, ready);
    // The controller writes both at the same time, in whole seconds.
    let belongs = warning.at.duration_since(at) > SignedDuration::from_secs(-5);
    belongs.then(|| Cause::new(ReasonCode::NodeLost, warning.message.as_str(), at))
}
