//! The kubelet: how a pod changes from one state to the next.

use super::mishap::Mishap;
use super::pod::PodState;
use super::state::ClusterState;
use super::{containers, scheduler, termination};
use crate::id::PodId;

/// The pod takes its next step, unless a mishap blocks it.
pub(super) fn step(cluster: &mut ClusterState, pod_id: &PodId) {
    cluster.schedule_step(pod_id, None);
    let Some(pod) = cluster.pod(pod_id) else { return };
    let (pull, start) = (cluster.settings.pull, cluster.settings.start);
    match pod.state {
        _ if pod.terminating && cluster.has_mishap(pod_id, Mishap::Unkillable) => return,
        _ if pod.terminating => return termination::finish_termination(cluster, pod_id),
        PodState::Scheduling => scheduler::try_to_place(cluster, pod_id),
        PodState::Preparing if cluster.has_mishap(pod_id, Mishap::Hanging) => {}
        PodState::Preparing if cluster.has_mishap(pod_id, Mishap::NodeRefuses) => {
            termination::end_pod(cluster, pod_id, Mishap::NodeRefuses);
            if let Some(pod) = cluster.pod_mut(pod_id) {
                pod.node_fault = true;
            }
        }
        PodState::Preparing => {
            if !cluster.is_blocked(pod_id, &[Mishap::MountFailing, Mishap::MountSlow]) {
                cluster.enter_pod_state(pod_id, PodState::Pulling, pull);
            }
        }
        PodState::Pulling => {
            use Mishap::{ImageInvalid, ImageMissing, PullFailing};
            if !cluster.is_blocked(pod_id, &[ImageInvalid, ImageMissing, PullFailing]) {
                cluster.enter_pod_state(pod_id, PodState::Starting, start);
            }
        }
        PodState::Starting => {
            use Mishap::{ConfigError, NodeFault, StartError, WrongArchitecture};
            if !cluster.is_blocked(pod_id, &[ConfigError, NodeFault, StartError, WrongArchitecture]) {
                containers::start_container(cluster, pod_id);
            }
        }
        PodState::BackOff => containers::start_container(cluster, pod_id),
        PodState::Running { .. } => {
            if !cluster.is_blocked(pod_id, &[Mishap::NeverReady]) {
                containers::become_ready(cluster, pod_id);
            }
        }
        PodState::Ended => {}
        PodState::Lost => return termination::drop_pod(cluster, pod_id),
    }
    cluster.publish(pod_id);
}
