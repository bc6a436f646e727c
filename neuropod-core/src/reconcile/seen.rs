//! What an observation means for a record.

use jiff::Timestamp;

use super::deadlines::after;
use crate::cluster::observation::{Observation, ObservedPod, ObservedVolume, Phase};
use crate::cluster::reason::Reason;
use crate::pod::record::Pod;

/// How long a pod may fail by the fault of its node before it is made anew, on another one where that is possible.
const NODE_SECONDS: i64 = 2 * 60;

/// Whether this pod object will never run, at least not on its node.
pub(super) fn is_over(pod: &Pod, seen: &ObservedPod, now: Timestamp) -> bool {
    seen.phase == Phase::Ended || (can_move(seen, now) && moves_at(pod).is_some_and(|at| at <= now))
}

/// Whether the node is at fault and nothing of the pod has run there: then nothing is lost by moving it.
pub(super) fn can_move(seen: &ObservedPod, now: Timestamp) -> bool {
    failed_node(seen, now).is_some() && seen.container.is_none() && seen.started_at.is_none()
}

/// When a pod that fails by the fault of its node is made anew: the kubelet retries for a while by itself.
pub(super) fn moves_at(pod: &Pod) -> Option<Timestamp> {
    pod.failing_since.map(|since| after(since, NODE_SECONDS))
}

/// The pod object of this run, unless it is being deleted.
pub(super) fn live<'a>(pod: &Pod, observation: &'a Observation) -> Option<&'a ObservedPod> {
    let seen = observation.pod.as_ref()?;
    (seen.run == pod.run && !seen.terminating).then_some(seen)
}

/// The reason that counts at `now`: a warning that is only seconds old may pass by itself.
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

/// Whether the pod's volume must be made anew: it was still being deleted when the pod was made, and a pod without node
/// does not protect it.
pub(super) fn waits_for_volume(seen: Option<&ObservedPod>, observation: &Observation) -> bool {
    let gone = matches!(
        observation.volume,
        ObservedVolume::Absent | ObservedVolume::Terminating
    );
    gone && seen.is_some_and(|seen| seen.container.is_none())
}
