//! What people delete by hand, and what keeps objects there that were deleted.

use super::object::{Kind, ObjectKey};
use super::pod::SimPod;
use super::world::{VolumeKey, World};

impl World {
    /// Somebody deletes an object of ours by hand; a pod by force.
    pub(super) fn delete_by_hand(&mut self, key: &ObjectKey) {
        if key.kind == Kind::Volume {
            return self.delete_volume(&(key.namespace.clone(), key.name.clone()));
        }
        let Some(Some(pod_id)) = self.names.get(key).cloned() else {
            return;
        };
        if key.kind == Kind::Pod {
            let now = self.now;
            if let Some(run) = self.pod_mut(&pod_id).and_then(SimPod::running) {
                run.finish(now);
            }
            return self.drop_pod(&pod_id);
        }
        let companions = self.workloads.get_mut(&pod_id).map(|owned| &mut owned.companions);
        if self.stuck_objects.contains(key) {
            if let Some(companion) = companions.and_then(|companions| companions.get_mut(key)) {
                companion.terminating = true;
            }
            return;
        }
        if let Some(companions) = companions {
            companions.remove(key);
        }
        self.names.remove(key);
        self.forget_if_empty(&pod_id);
    }

    /// Whatever kept a volume there keeps it no more.
    pub(super) fn release_volume(&mut self, name: &str) {
        self.stuck.remove(name);
        let keys: Vec<_> = self.volumes.keys().filter(|key| key.1 == name).cloned().collect();
        for key in keys {
            self.reclaim_volume(&key);
        }
    }

    /// Whatever kept an object there keeps it no more.
    pub(super) fn release_object(&mut self, key: &ObjectKey) {
        self.stuck_objects.remove(key);
        let owner = self.names.get(key).cloned().flatten();
        let workload = owner.and_then(|pod_id| self.workloads.get(&pod_id));
        let companion = workload.and_then(|owned| owned.companions.get(key));
        if companion.is_some_and(|companion| companion.terminating) {
            self.delete_by_hand(key);
        }
    }

    pub(super) fn delete_volume(&mut self, key: &VolumeKey) {
        if let Some(volume) = self.volumes.get_mut(key).filter(|volume| !volume.terminating) {
            volume.terminating = true;
            self.writes += 1;
        }
        self.reclaim_volume(key);
    }
}
