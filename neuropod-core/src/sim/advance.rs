//! The passage of time: processes due events.

use jiff::Timestamp;

use super::agenda::SimEvent;
use super::inject::inject_into_container;
use super::state::ClusterState;
use super::{containers, kubelet};

/// Processes all events due by `now`, in order, each at its own time.
pub(super) fn advance(cluster: &mut ClusterState, now: Timestamp) {
    while let Some((due, event)) = cluster.agenda.pop_due(now) {
        cluster.now = cluster.now.max(due);
        match event {
            SimEvent::Step(pod_id) => kubelet::step(cluster, &pod_id),
            SimEvent::Inject(pod_id, container, mishap) => {
                inject_into_container(cluster, &pod_id, &container, mishap);
            }
            SimEvent::Chatter(pod_id, container) => containers::chatter(cluster, &pod_id, container),
            SimEvent::MendWatch => cluster.mend_watch(),
        }
    }
    cluster.now = cluster.now.max(now);
}
