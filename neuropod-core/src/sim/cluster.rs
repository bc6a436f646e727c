//! [`SimCluster`]: the simulated cluster, and everything that a test can do to it.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::agenda::SimEvent;
use super::calls::{CallError, RecordedCall};
use super::inject::{clear_mishaps, inject};
use super::mishap::Mishap;
use super::object::ObjectKey;
use super::pod::{ContainerHistory, SimPod};
use super::scheduler::retry_unscheduled;
use super::settings::Settings;
use super::shared::Shared;
use super::state::{ClusterState, PodObjects};
use super::{api_server, by_hand, containers, kubelet};
use crate::clock::TokioClock;
use crate::cluster::backend::OwnedVolume;
use crate::cluster::observation::ObservedPod;
use crate::cluster::replicas::ReplicaId;
use crate::id::PodId;

/// A cluster in memory. Clones share their state: the next platform finds the objects that one leaves behind.
#[derive(Clone)]
pub struct SimCluster {
    pub(super) shared: Arc<Shared>,
    pub(super) latency: Duration,
}

impl SimCluster {
    /// An empty cluster.
    pub fn new(settings: Settings) -> Self {
        Self {
            latency: settings.latency,
            shared: Arc::new(Shared::new(ClusterState::new(settings))),
        }
    }

    /// The clock of the cluster, for its platform.
    pub fn clock(&self) -> TokioClock {
        self.shared.clock
    }

    /// Injects a mishap into a pod.
    ///
    /// A mishap that [lasts](Mishap::lasts) blocks the pod when it reaches the affected step, until
    /// [`clear_mishaps`](Self::clear_mishaps); the pod need not exist yet. The others happen now, to a pod that
    /// has not ended.
    pub fn inject(&self, pod_id: &PodId, mishap: Mishap) {
        self.shared.change(|cluster| inject(cluster, pod_id, mishap));
    }

    /// Injects a mishap into the next container of a pod, this long after it starts. The pod need not exist
    /// yet.
    pub fn inject_after(&self, pod_id: &PodId, after: Duration, mishap: Mishap) {
        self.shared.change(|cluster| {
            cluster
                .planned
                .entry(pod_id.clone())
                .or_default()
                .push((after, mishap));
        });
    }

    /// Clears the lasting mishaps of a pod. A pod that they blocked continues at once.
    pub fn clear_mishaps(&self, pod_id: &PodId) {
        self.shared.change(|cluster| clear_mishaps(cluster, pod_id));
    }

    /// The pod takes its next step at once: it is scheduled, its image is pulled, it starts, becomes ready, or
    /// ends.
    pub fn step(&self, pod_id: &PodId) {
        self.shared.change(|cluster| kubelet::step(cluster, pod_id));
    }

    /// Halts the pod: it takes no step by itself until [`step`](Self::step) or a request to end.
    pub fn halt(&self, pod_id: &PodId) {
        self.shared.change(|cluster| cluster.schedule_step(pod_id, None));
    }

    /// Moves the starts and ends of a pod's containers back by this much, for states that depend on the passage
    /// of time.
    pub fn age(&self, pod_id: &PodId, by: Duration) {
        self.shared.change(|cluster| containers::age(cluster, pod_id, by));
    }

    /// A program in the pod's container prints these lines.
    pub fn print(&self, pod_id: &PodId, text: &str) {
        self.shared
            .change(|cluster| containers::print(cluster, pod_id, text));
    }

    /// Makes calls fail.
    pub fn inject_error(&self, error: CallError) {
        self.shared.change(|cluster| cluster.calls.inject_error(error));
    }

    /// Clears all injected errors: no more calls fail.
    pub fn clear_errors(&self) {
        self.shared.change(|cluster| cluster.calls.clear_errors());
    }

    /// Cuts the connections of all watches, and of new ones, until [`mend_watch`](Self::mend_watch). Events in
    /// transit are lost; the watches report the changes when they list again.
    pub fn break_watch(&self) {
        self.shared.change(|cluster| cluster.watchers.break_connections());
    }

    /// Lets the watches reconnect.
    pub fn mend_watch(&self) {
        self.shared.change(ClusterState::mend_watch);
    }

    /// Cuts the connections of all watches for this long.
    pub fn break_watch_for(&self, time: Duration) {
        self.shared.change(|cluster| {
            cluster.watchers.break_connections();
            cluster.enter(time, SimEvent::MendWatch);
        });
    }

    /// Sets the delay of events from now on.
    pub fn delay_watch(&self, delay: Duration) {
        self.shared.change(|cluster| cluster.settings.watch_delay = delay);
    }

    /// Breaks the connections of all followed logs: each ends with an error.
    pub fn break_logs(&self) {
        self.shared.change(|cluster| cluster.log_breaks += 1);
    }

    /// The number of logs that are being read now.
    pub fn open_logs(&self) -> usize {
        self.shared.read(|cluster| cluster.open_logs.total)
    }

    /// The most logs that were read at the same time so far, on all nodes.
    pub fn most_open_logs(&self) -> usize {
        self.shared.read(|cluster| cluster.open_logs.most)
    }

    /// The most logs of one node that were read at the same time so far.
    pub fn most_open_logs_of_a_node(&self) -> usize {
        self.shared.read(|cluster| cluster.open_logs.most_on_node)
    }

    /// Creates an object that does not belong to the platform.
    pub fn add_foreign(&self, key: ObjectKey) {
        self.shared.change(|cluster| cluster.names.insert(key, None));
    }

    /// Sets how many GPUs of the pool with this index in [`Settings::gpus`] are used outside the platform.
    pub fn take_gpus(&self, pool: usize, count: u32) {
        self.shared.change(|cluster| {
            cluster.foreign_gpus.insert(pool, count);
            retry_unscheduled(cluster);
        });
    }

    /// Deletes an object of the platform by hand, at once and without a grace period. A volume goes once no pod
    /// on a node uses it.
    pub fn delete_by_hand(&self, key: &ObjectKey) {
        self.shared
            .change(|cluster| by_hand::delete_by_hand(cluster, key));
    }

    /// Puts a finalizer on an object other than a pod: once deleted it stays (`Terminating`) until
    /// [`release_finalizer`](Self::release_finalizer).
    pub fn hold_finalizer(&self, key: ObjectKey) {
        self.shared.change(|cluster| cluster.finalizers.insert(key));
    }

    /// Removes the finalizer of an object; one that is being deleted goes.
    pub fn release_finalizer(&self, key: &ObjectKey) {
        self.shared
            .change(|cluster| by_hand::release_finalizer(cluster, key));
    }

    /// The pod object of a pod.
    pub fn pod(&self, pod_id: &PodId) -> Option<ObservedPod> {
        self.shared
            .read(|cluster| cluster.pod(pod_id).map(SimPod::observed))
    }

    /// Every object of the platform except the volumes, sorted.
    pub fn objects(&self) -> Vec<ObjectKey> {
        self.shared.read(|cluster| {
            let owned = cluster.names.iter().filter(|(_, owner)| owner.is_some());
            owned.map(|(key, _)| key.clone()).collect()
        })
    }

    /// Objects that were left without their pod object.
    pub fn orphans(&self) -> Vec<ObjectKey> {
        let has_no_pod = |objects: &&PodObjects| objects.pod.is_none();
        self.shared.read(|cluster| {
            let workloads = cluster.workloads.values().filter(has_no_pod);
            workloads
                .flat_map(|objects| objects.companions.keys().cloned())
                .collect()
        })
    }

    /// Every workspace volume.
    pub fn volumes(&self) -> Vec<OwnedVolume> {
        self.shared.read(|cluster| api_server::inventory(cluster).volumes)
    }

    /// The creation time of the volume with this name; `None` if there is none.
    pub fn volume_made_at(&self, name: &str) -> Option<Timestamp> {
        self.shared.read(|cluster| {
            let volume = cluster.volumes.iter().find(|(key, _)| key.name == name);
            volume.map(|(_, volume)| volume.made_at)
        })
    }

    /// The replicas that have a presence, whether they run or not.
    pub fn replicas(&self) -> Vec<ReplicaId> {
        self.shared
            .read(|cluster| cluster.replicas.ids().cloned().collect())
    }

    /// Every call so far.
    pub fn calls(&self) -> Vec<RecordedCall> {
        self.shared.read(|cluster| cluster.calls.recorded.clone())
    }

    /// Every container that runs or ran, with its true times, whatever watches and calls reported.
    pub fn container_runs(&self) -> Vec<ContainerHistory> {
        self.shared.read(|cluster| cluster.container_runs())
    }

    /// Every container of one pod, the oldest first.
    pub fn runs_of(&self, pod_id: &PodId) -> Vec<ContainerHistory> {
        self.shared.read(|cluster| cluster.runs_of(pod_id))
    }

    /// The time of the next event that happens by itself; `None` if there is none. A test that moves its clock
    /// forward must not skip it.
    pub fn next_change(&self) -> Option<Timestamp> {
        self.shared.read(|cluster| cluster.agenda.next_due())
    }

    /// The number of objects that calls have created, changed or deleted so far. A call that changes nothing
    /// does not count.
    pub fn writes(&self) -> u64 {
        self.shared.read(|cluster| cluster.writes)
    }
}

impl std::fmt::Debug for SimCluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SimCluster")
            .field("objects", &self.objects())
            .finish_non_exhaustive()
    }
}
