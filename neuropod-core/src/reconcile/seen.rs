//! Conclusions from an observation.

use jiff::Timestamp;

use super::deadlines::after;
use crate::cluster::observation::{Observation, ObservedPod, ObservedVolume, Phase};
use crate::cluster::reason::Reason;
use crate::pod::record::Pod;

/// How long a pod may fail because of its node before it is recreated, if possible on another node.
const NODE_SECONDS: i64 = 2 * 60;

/// Whether this pod object will never run, at least not on its node.
pub(super) fn is_over(pod: &Pod, seen: &ObservedPod, now: Timestamp) -> bool {
    seen.phase == Phase::Ended || (can_move(seen, now) && moves_at(pod).is_some_and(|at| at <= now))
}

/// Whether the node is at fault and the pod has never run there, so nothing is lost by moving it.
pub(super) fn can_move(seen: &ObservedPod, now: Timestamp) -> bool {
    failed_node(seen, now).is_some() && seen.container.is_none() && seen.started_at.is_none()
}

/// When a pod that fails because of its node is recreated. Before that, the kubelet retries.
pub(super) fn moves_at(pod: &Pod) -> Option<Timestamp> {
    pod.failing_since.map(|since| after(since, NODE_SECONDS))
}

/// The pod object of this run, unless it is being deleted.
pub(super) fn live<'a>(pod: &Pod, observation: &'a Observation) -> Option<&'a ObservedPod> {
    let seen = observation.pod.as_ref()?;
    (seen.run == pod.run && !seen.terminating).then_some(seen)
}

/// The reason that applies at `now`: a warning that is only seconds old may pass.
pub(super) fn current_reason(seen: &ObservedPod, now: Timestamp) -> Option<&Reason> {
    let counts = seen.passes_until.is_none_or(|until| until <= now);
    seen.reason.as_ref().filter(|_| counts)
}

/// Whether the metered container is ready.
pub(super) fn serves(pod: &Pod, seen: &ObservedPod) -> bool {
    let container = seen.container.as_ref().map(|container| &container.id);
    let metered = pod.meter.from.is_some() && container == pod.meter.container.as_ref();
    metered && seen.phase == Phase::Running && seen.ready
}

/// The name of the node, if it is at fault.
pub(super) fn failed_node(seen: &ObservedPod, now: Timestamp) -> Option<&String> {
    let at_fault = seen.node_fault && current_reason(seen, now).is_some();
    seen.node.as_ref().filter(|_| at_fault)
}

/// Whether the pod's volume must be recreated: it was still being deleted when the pod was created, and a pod
/// without a node does not protect it.
pub(super) fn waits_for_volume(seen: Option<&ObservedPod>, observation: &Observation) -> bool {
    let gone = matches!(
        observation.volume,
        ObservedVolume::Absent | ObservedVolume::Terminating
    );
    gone && seen.is_some_and(|seen| seen.container.is_none())
}
