//! Deletions by hand, and the finalizers that keep deleted objects there.

use super::api_server::delete_volume;
use super::object::{ObjectKey, ObjectKind};
use super::pod::SimPod;
use super::state::ClusterState;
use super::termination::drop_pod;

/// Somebody deletes an object of the platform by hand; a pod by force.
pub(super) fn delete_by_hand(cluster: &mut ClusterState, key: &ObjectKey) {
    if key.kind == ObjectKind::Volume {
        return delete_volume(cluster, key);
    }
    let Some(Some(pod_id)) = cluster.names.get(key).cloned() else {
        return;
    };
    if key.kind == ObjectKind::Pod {
        let now = cluster.now;
        if let Some(run) = cluster.pod_mut(&pod_id).and_then(SimPod::running) {
            run.finish(now);
        }
        return drop_pod(cluster, &pod_id);
    }
    cluster.alter();
    let companions = cluster.workloads.get_mut(&pod_id);
    let companions = companions.map(|objects| &mut objects.companions);
    if cluster.finalizers.contains(key) {
        if let Some(companion) = companions.and_then(|companions| companions.get_mut(key)) {
            companion.terminating = true;
        }
        return;
    }
    if let Some(companions) = companions {
        companions.remove(key);
    }
    cluster.names.remove(key);
    cluster.forget_if_empty(&pod_id);
}

/// Removes the finalizer of an object; if it is being deleted, it goes.
pub(super) fn release_finalizer(cluster: &mut ClusterState, key: &ObjectKey) {
    cluster.finalizers.remove(key);
    if key.kind == ObjectKind::Volume {
        return cluster.reclaim_volume(key);
    }
    let owner = cluster.names.get(key).cloned().flatten();
    let workload = owner.and_then(|pod_id| cluster.workloads.get(&pod_id));
    let companion = workload.and_then(|objects| objects.companions.get(key));
    if companion.is_some_and(|companion| companion.terminating) {
        delete_by_hand(cluster, key);
    }
}
