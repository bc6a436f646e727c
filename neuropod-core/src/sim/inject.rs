//! Injecting mishaps.

use std::time::Duration;

use super::kubelet::step;
use super::mishap::Mishap;
use super::pod::{PodState, SimPod};
use super::state::ClusterState;
use super::{containers, termination};
use crate::id::PodId;

/// The time from the loss of a node to its removal, which removes its pod objects.
const NODE_REMOVED_AFTER: Duration = Duration::from_mins(1);

/// Injects a mishap into one container, if it still runs.
pub(super) fn inject_into_container(
    cluster: &mut ClusterState,
    pod_id: &PodId,
    container: &str,
    mishap: Mishap,
) {
    let running = cluster.pod_mut(pod_id).and_then(SimPod::running);
    if running.is_some_and(|run| run.id == container) {
        inject(cluster, pod_id, mishap);
    }
}

/// Injects a mishap into the pod. One that lasts takes effect when the pod reaches its step; the others happen
/// now.
pub(super) fn inject(cluster: &mut ClusterState, pod_id: &PodId, mishap: Mishap) {
    if mishap.lasts() {
        cluster.mishaps.entry(pod_id.clone()).or_default().insert(mishap);
        return;
    }
    let Some(pod) = cluster.pod(pod_id) else { return };
    if matches!(pod.state, PodState::Ended | PodState::Lost) {
        return;
    }
    match mishap {
        Mishap::Exit => containers::end_container(cluster, pod_id, false),
        Mishap::OutOfMemory => containers::end_container(cluster, pod_id, true),
        Mishap::ServerKilled => containers::restart_server(cluster, pod_id),
        Mishap::NodeLost => lose_node(cluster, pod_id),
        _ => termination::end_pod(cluster, pod_id, mishap),
    }
    cluster.publish(pod_id);
}

fn lose_node(cluster: &mut ClusterState, pod_id: &PodId) {
    let now = cluster.now;
    if let Some(pod) = cluster.pod_mut(pod_id) {
        pod.state = PodState::Lost;
        pod.blame_mishap(Mishap::NodeLost, now);
    }
    cluster.schedule_step(pod_id, Some(NODE_REMOVED_AFTER));
}

/// Clears the lasting mishaps. A pod that they blocked takes its next step at once.
pub(super) fn clear_mishaps(cluster: &mut ClusterState, pod_id: &PodId) {
    let cleared = cluster.mishaps.remove(pod_id).is_some();
    if cleared && cluster.pod(pod_id).is_some_and(|pod| pod.next_step.is_none()) {
        step(cluster, pod_id);
    }
}
