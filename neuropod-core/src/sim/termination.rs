//! The end of a pod: on request, by itself, or with its node.

use std::time::Duration;

use super::log_buffer::LogBuffer;
use super::log_text::stopping_line;
use super::mishap::Mishap;
use super::object::ObjectKey;
use super::pod::PodState;
use super::scheduler::retry_unscheduled;
use super::state::ClusterState;
use crate::id::PodId;

/// Asks the pod to end, as the API server does when its object is deleted.
pub(super) fn terminate(cluster: &mut ClusterState, pod_id: &PodId) {
    let (now, time) = (cluster.now, cluster.settings.terminate);
    let unkillable = cluster.has_mishap(pod_id, Mishap::Unkillable);
    let ignores = unkillable || cluster.has_mishap(pod_id, Mishap::IgnoresTermination);
    let Some(pod) = cluster.pod_mut(pod_id).filter(|pod| !pod.terminating) else {
        return;
    };
    pod.terminating = true;
    let state = pod.state;
    let grace = Duration::from_secs(pod.workload.grace_seconds.into());
    pod.ends_by = now.checked_add(grace).ok();
    if !ignores {
        let last = stopping_line(&pod.workload, now);
        if let Some(run) = pod.running() {
            LogBuffer::with(&run.log, |log| log.print_last(now, last));
        }
    }
    cluster.writes += 1;
    match state {
        // No kubelet has a container to end.
        PodState::Scheduling | PodState::Ended => return drop_pod(cluster, pod_id),
        PodState::Lost => {}
        _ if unkillable => cluster.schedule_step(pod_id, None),
        _ => cluster.schedule_step(pod_id, Some(if ignores { grace } else { time.min(grace) })),
    }
    cluster.publish(pod_id);
}

/// Ends the container of a pod that is being deleted, and removes the pod object.
pub(super) fn finish_termination(cluster: &mut ClusterState, pod_id: &PodId) {
    let now = cluster.now;
    let Some(pod) = cluster.pod_mut(pod_id) else {
        return;
    };
    if pod.state != PodState::Lost {
        if let Some(run) = pod.running() {
            run.finish(now);
        }
        pod.state = PodState::Ended;
    }
    cluster.publish(pod_id);
    drop_pod(cluster, pod_id);
}

/// The pod ends for good; its object stays.
pub(super) fn end_pod(cluster: &mut ClusterState, pod_id: &PodId, cause: Mishap) {
    let now = cluster.now;
    cluster.schedule_step(pod_id, None);
    let Some(pod) = cluster.pod_mut(pod_id) else {
        return;
    };
    if let Some(run) = pod.running() {
        run.finish(now);
    }
    pod.state = PodState::Ended;
    pod.blame_mishap(cause, now);
    let (held, terminating) = (pod.gpus.take().is_some(), pod.terminating);
    let freed = held || cluster.settings.one_node_volumes;
    if terminating {
        finish_termination(cluster, pod_id);
    }
    if freed {
        retry_unscheduled(cluster);
    }
}

/// Removes the pod object at once, and frees its resources.
pub(super) fn drop_pod(cluster: &mut ClusterState, pod_id: &PodId) {
    cluster.schedule_step(pod_id, None);
    let Some(objects) = cluster.workloads.get_mut(pod_id) else {
        return;
    };
    let Some(pod) = objects.pod.take() else { return };
    let reference = objects.reference.clone();
    if let Some(run) = &pod.container {
        cluster.note_ended(pod_id, run);
    }
    cluster.names.remove(&ObjectKey::pod(&reference));
    cluster.publish(pod_id);
    cluster.forget_if_empty(pod_id);
    cluster.reclaim_volume(&ObjectKey::volume(&reference));
    if pod.gpus.is_some() || cluster.settings.one_node_volumes {
        retry_unscheduled(cluster);
    }
}
