//! A simulated cluster: scheduler, kubelet, registry and API server in memory, for tests, demonstrations and
//! development without a cluster.
//!
//! It is deterministic: identities come from a seed, and time is tokio's, so that a test with paused time
//! (`#[tokio::test(start_paused = true)]`) runs hours in milliseconds. Nothing runs in the background. The cluster has
//! an agenda of what happens when; every look at it first lets happen what is due.
//!
//! What goes wrong in real clusters goes wrong here when it is told to: an [`Obstacle`] stands in the way of a pod
//! until it is taken away, an [`Incident`] happens once, a [`Refusal`] fails calls. What a backend looks after by itself
//! (network policies, limits and copies of Secrets in namespaces of users) has no objects here: that it can't be made is
//! [`Obstacle::NotSetUp`] to a platform.
//!
//! ```
//! use std::time::Duration;
//!
//! use futures::StreamExt;
//! use neuropod_core::sim::{Settings, SimCluster};
//! use neuropod_core::ClusterBackend;
//! use neuropod_core::cluster::ClusterEvent;
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
//! # runtime.block_on(async {
//! let cluster = SimCluster::new(Settings { watch_delay: Duration::from_millis(20), ..Settings::default() });
//! let mut events = cluster.watch();
//! assert_eq!(events.next().await, Some(ClusterEvent::Synced));
//! assert_eq!(cluster.inventory().await?.gpus[0].free, 8);
//! # Ok::<(), neuropod_core::Error>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod backend;
mod by_hand;
pub mod faults;
mod incident;
mod lifecycle;
mod log;
mod logs;
mod object;
mod pod;
mod schedule;
mod settings;
mod shared;
mod watch;
mod world;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

pub use self::{
    incident::{Call, Incident, Method, Obstacle, Refusal},
    object::{Kind, ObjectKey},
    pod::ContainerRun,
    settings::{GpuPool, Settings},
};
use self::{
    shared::Shared,
    world::{Entry, Owned, World},
};
use crate::clock::TokioClock;
use crate::cluster::backend::OwnedVolume;
use crate::cluster::observation::ObservedPod;
use crate::id::PodId;

/// A cluster in memory. Clones are the same cluster: what a platform leaves behind is there for the next one.
#[derive(Clone)]
pub struct SimCluster {
    shared: Arc<Shared>,
    latency: Duration,
}

impl SimCluster {
    /// An empty cluster.
    pub fn new(settings: Settings) -> Self {
        Self {
            latency: settings.latency,
            shared: Arc::new(Shared::new(World::new(settings))),
        }
    }

    /// The clock of the cluster, for a platform that lives in its time.
    pub fn clock(&self) -> TokioClock {
        self.shared.clock
    }

    /// Puts something in the way of a pod, which may not be there yet. It counts when the pod gets there.
    pub fn obstruct(&self, pod_id: &PodId, obstacle: Obstacle) {
        let put = |world: &mut World| {
            world
                .obstacles
                .entry(pod_id.clone())
                .or_default()
                .insert(obstacle)
        };
        self.shared.change(put);
    }

    /// Takes everything out of the way of a pod; one that hangs goes on at once.
    pub fn clear_obstacles(&self, pod_id: &PodId) {
        self.shared.change(|world| {
            let cleared = world.obstacles.remove(pod_id).is_some();
            if cleared && world.pod(pod_id).is_some_and(|pod| pod.turn.is_none()) {
                world.step(pod_id);
            }
        });
    }

    /// Lets something happen to a pod now.
    pub fn strike(&self, pod_id: &PodId, incident: Incident) {
        self.shared.change(|world| world.strike(pod_id, incident));
    }

    /// Lets something happen to the next container of a pod, so long after it starts. The pod may not be there yet.
    pub fn strike_after(&self, pod_id: &PodId, after: Duration, incident: Incident) {
        self.shared.change(|world| {
            world
                .planned
                .entry(pod_id.clone())
                .or_default()
                .push((after, incident));
        });
    }

    /// Lets the pod do at once what it would do next: be scheduled, have its image pulled, start, answer, end.
    pub fn proceed(&self, pod_id: &PodId) {
        self.shared.change(|world| world.step(pod_id));
    }

    /// Lets the pod stay as it is: it does nothing more by itself until [`proceed`](Self::proceed) or a request to end.
    pub fn halt(&self, pod_id: &PodId) {
        self.shared.change(|world| world.schedule(pod_id, None));
    }

    /// Makes the containers of a pod that much older: they started, and ended, earlier than they did. For states that
    /// only time brings.
    pub fn age(&self, pod_id: &PodId, by: Duration) {
        self.shared.change(|world| world.age(pod_id, by));
    }

    /// A program in the pod's container prints these lines.
    pub fn print(&self, pod_id: &PodId, text: &str) {
        self.shared.change(|world| world.print(pod_id, text));
    }

    /// Fails calls.
    pub fn refuse(&self, refusal: Refusal) {
        self.shared.change(|world| world.refusals.push(refusal));
    }

    /// Fails no more calls.
    pub fn refuse_no_more(&self) {
        self.shared.change(|world| world.refusals.clear());
    }

    /// Cuts the connections of all watches, and new ones, until [`mend_watch`](Self::mend_watch). Events on their way
    /// are lost; what changed is told when the watches list anew.
    pub fn break_watch(&self) {
        self.shared.change(World::break_watch);
    }

    /// Lets the watches connect again.
    pub fn mend_watch(&self) {
        self.shared.change(World::mend_watch);
    }

    /// Cuts the connections of all watches for so long.
    pub fn break_watch_for(&self, time: Duration) {
        self.shared.change(|world| {
            world.break_watch();
            world.enter(time, Entry::MendWatch);
        });
    }

    /// From now on events take so long.
    pub fn delay_watch(&self, delay: Duration) {
        self.shared.change(|world| world.settings.watch_delay = delay);
    }

    /// Breaks the connections of all logs that are followed: each ends with an error.
    pub fn break_logs(&self) {
        self.shared.change(|world| world.log_breaks += 1);
    }

    /// Makes an object of somebody else.
    pub fn add_foreign(&self, key: ObjectKey) {
        self.shared.change(|world| world.names.insert(key, None));
    }

    /// From now on somebody else has so many GPUs of the pool with this index in [`Settings::gpus`].
    pub fn take_gpus(&self, pool: usize, count: u32) {
        self.shared.change(|world| {
            world.foreign_gpus.insert(pool, count);
            world.retry_unscheduled();
        });
    }

    /// Deletes an object of ours by hand, at once and without asking: a pod's container is cut off. A volume goes once no
    /// pod on a node has it.
    pub fn delete_by_hand(&self, key: &ObjectKey) {
        self.shared.change(|world| world.delete_by_hand(key));
    }

    /// Keeps a volume there (`Terminating`) although it is deleted, as a finalizer does that nobody removes.
    pub fn stick_volume(&self, name: &str) {
        self.shared.change(|world| world.stuck.insert(name.to_owned()));
    }

    /// Lets a volume go that [`stick_volume`](Self::stick_volume) kept.
    pub fn release_volume(&self, name: &str) {
        self.shared.change(|world| world.release_volume(name));
    }

    /// Keeps a Service, route, policy or Secret there although it is deleted, as a finalizer does that nobody removes.
    pub fn stick_object(&self, key: ObjectKey) {
        self.shared.change(|world| world.stuck_objects.insert(key));
    }

    /// Lets an object go that [`stick_object`](Self::stick_object) kept.
    pub fn release_object(&self, key: &ObjectKey) {
        self.shared.change(|world| world.release_object(key));
    }

    /// The pod object of a pod.
    pub fn pod(&self, pod_id: &PodId) -> Option<ObservedPod> {
        self.shared
            .look(|world| world.pod(pod_id).map(pod::SimPod::observed))
    }

    /// Every object of ours but the volumes, sorted.
    pub fn objects(&self) -> Vec<ObjectKey> {
        let owned = |world: &mut World| {
            let ours = world.names.iter().filter(|(_, owner)| owner.is_some());
            ours.map(|(key, _)| key.clone()).collect()
        };
        self.shared.look(owned)
    }

    /// Objects that were left without their pod object.
    pub fn orphans(&self) -> Vec<ObjectKey> {
        let left = |owned: &&Owned| owned.pod.is_none();
        self.shared.look(|world| {
            let workloads = world.workloads.values().filter(left);
            workloads
                .flat_map(|owned| owned.companions.keys().cloned())
                .collect()
        })
    }

    /// Every workspace volume.
    pub fn volumes(&self) -> Vec<OwnedVolume> {
        self.shared.look(|world| world.inventory().volumes)
    }

    /// When a volume was made, of those that are there.
    pub fn volume_made_at(&self, name: &str) -> Option<Timestamp> {
        self.shared.look(|world| {
            let volume = world.volumes.iter().find(|(key, _)| key.1 == name);
            volume.map(|(_, volume)| volume.made_at)
        })
    }

    /// Every call so far.
    pub fn calls(&self) -> Vec<Call> {
        self.shared.look(|world| world.calls.clone())
    }

    /// Every container that has run or runs, as it really was, whatever watches and answers told.
    pub fn container_runs(&self) -> Vec<ContainerRun> {
        self.shared.look(|world| world.container_runs())
    }

    /// The same of one pod, the oldest first.
    pub fn runs_of(&self, pod_id: &PodId) -> Vec<ContainerRun> {
        self.shared.look(|world| world.runs_of(pod_id))
    }

    /// When something happens next by itself, if nobody does anything; `None`: nothing will. A test that moves its
    /// clock ahead moves it no further at once.
    pub fn next_change(&self) -> Option<Timestamp> {
        self.shared.look(|world| world.next_due())
    }

    /// How many objects were created, changed or deleted by calls so far: an agreed state adds none.
    pub fn writes(&self) -> u64 {
        self.shared.look(|world| world.writes)
    }
}

impl std::fmt::Debug for SimCluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SimCluster")
            .field("objects", &self.objects())
            .finish_non_exhaustive()
    }
}
