//! The state of a simulated cluster, and the small changes that all parts make to it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::agenda::{Agenda, SimEvent};
use super::calls::Calls;
use super::mishap::Mishap;
use super::object::ObjectKey;
use super::open_logs::OpenLogs;
use super::pod::{ContainerHistory, ContainerRun, PodState, SimPod};
use super::replicas::SimReplicas;
use super::settings::Settings;
use super::watchers::Watchers;
use crate::cluster::backend::ClusterEvent;
use crate::cluster::observation::ObservedPod;
use crate::cluster::workload::WorkloadRef;
use crate::id::PodId;

/// The objects of one pod.
pub(super) struct PodObjects {
    pub(super) reference: WorkloadRef,
    pub(super) pod: Option<SimPod>,
    /// The other objects except the volume.
    pub(super) companions: BTreeMap<ObjectKey, Companion>,
    /// The pod as the watches last reported it.
    pub(super) published: Option<ObservedPod>,
}

/// An object beside the pod.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Companion {
    /// The run it was made for.
    pub(super) run: u64,
    /// It is being deleted, and a finalizer keeps it there.
    pub(super) terminating: bool,
}

pub(super) struct SimVolume {
    pub(super) made_at: Timestamp,
    pub(super) user_hash: String,
    pub(super) size_gb: u32,
    pub(super) bound: bool,
    pub(super) terminating: bool,
}

pub(super) struct ClusterState {
    pub(super) settings: Settings,
    pub(super) now: Timestamp,
    pub(super) agenda: Agenda,
    counter: u64,
    random: StdRng,
    pub(super) workloads: BTreeMap<PodId, PodObjects>,
    pub(super) volumes: BTreeMap<ObjectKey, SimVolume>,
    /// The owner of each object except the volumes; `None` if it does not belong to the platform.
    pub(super) names: BTreeMap<ObjectKey, Option<PodId>>,
    /// The lasting mishaps.
    pub(super) mishaps: BTreeMap<PodId, BTreeSet<Mishap>>,
    /// The mishaps of a pod's next container, each with the delay after its start.
    pub(super) planned: BTreeMap<PodId, Vec<(Duration, Mishap)>>,
    /// Objects that stay when they are deleted.
    pub(super) finalizers: BTreeSet<ObjectKey>,
    /// The number of GPUs of each pool used outside the platform.
    pub(super) foreign_gpus: BTreeMap<usize, u32>,
    pub(super) calls: Calls,
    /// The containers that have ended, by pod.
    ended: BTreeMap<PodId, Vec<ContainerHistory>>,
    /// The number of objects that calls created, changed or deleted.
    pub(super) writes: u64,
    pub(super) watchers: Watchers,
    /// How often the log connections have been broken.
    pub(super) log_breaks: u64,
    pub(super) open_logs: OpenLogs,
    pub(super) replicas: SimReplicas,
}

impl ClusterState {
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            now: settings.epoch,
            agenda: Agenda::default(),
            counter: 0,
            random: StdRng::seed_from_u64(settings.seed),
            settings,
            workloads: BTreeMap::new(),
            volumes: BTreeMap::new(),
            names: BTreeMap::new(),
            mishaps: BTreeMap::new(),
            planned: BTreeMap::new(),
            finalizers: BTreeSet::new(),
            foreign_gpus: BTreeMap::new(),
            calls: Calls::default(),
            ended: BTreeMap::new(),
            writes: 0,
            watchers: Watchers::default(),
            log_breaks: 0,
            open_logs: OpenLogs::default(),
            replicas: SimReplicas::default(),
        }
    }

    /// A number that grows with each call.
    pub(super) fn next_number(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    /// The hexadecimal digits of this many random bytes.
    pub(super) fn random_hex(&mut self, bytes: usize) -> String {
        let mut random = vec![0; bytes];
        self.random.fill_bytes(&mut random);
        data_encoding::HEXLOWER.encode(&random)
    }

    /// Adds an event to the agenda, this long from now.
    pub(super) fn enter(&mut self, after: Duration, event: SimEvent) {
        self.agenda.enter(later(self.now, after), event);
    }

    pub(super) fn pod(&self, pod_id: &PodId) -> Option<&SimPod> {
        self.workloads
            .get(pod_id)
            .and_then(|objects| objects.pod.as_ref())
    }

    pub(super) fn pod_mut(&mut self, pod_id: &PodId) -> Option<&mut SimPod> {
        self.workloads
            .get_mut(pod_id)
            .and_then(|objects| objects.pod.as_mut())
    }

    /// Sets the time until a pod's next step; `None` if it takes none by itself.
    pub(super) fn schedule_step(&mut self, pod_id: &PodId, after: Option<Duration>) {
        let step = |after| {
            let due = later(self.now, after);
            self.agenda.enter(due, SimEvent::Step(pod_id.clone()))
        };
        let turn = after.map(step);
        let old = self
            .pod_mut(pod_id)
            .and_then(|pod| std::mem::replace(&mut pod.next_step, turn));
        if let Some(old) = old {
            self.agenda.cancel(&old);
        }
    }

    /// Moves a pod to a state that lasts this long.
    pub(super) fn enter_pod_state(&mut self, pod_id: &PodId, state: PodState, time: Duration) {
        let now = self.now;
        if let Some(pod) = self.pod_mut(pod_id) {
            pod.state = state;
            pod.entered_at = Some(now);
            pod.reason = None;
        }
        self.schedule_step(pod_id, Some(time));
    }

    /// Whether the pod has this lasting mishap.
    pub(super) fn has_mishap(&self, pod_id: &PodId, mishap: Mishap) -> bool {
        self.mishaps
            .get(pod_id)
            .is_some_and(|mishaps| mishaps.contains(&mishap))
    }

    /// Whether one of these mishaps blocks the pod. The first becomes the pod's reason.
    pub(super) fn is_blocked(&mut self, pod_id: &PodId, by: &[Mishap]) -> bool {
        let mut found = by.iter().copied();
        let Some(mishap) = found.find(|mishap| self.has_mishap(pod_id, *mishap)) else {
            return false;
        };
        let now = self.now;
        if let Some(pod) = self.pod_mut(pod_id) {
            pod.blame_mishap(mishap, now);
            pod.node_fault = mishap.is_of_the_node();
            let since = pod.reason.as_ref().map_or(now, |reason| reason.since);
            pod.passes_until = mishap.may_pass_for().map(|time| later(since, time));
        }
        true
    }

    /// Records that a container was replaced by another one, or removed with its pod.
    pub(super) fn note_ended(&mut self, pod_id: &PodId, run: &ContainerRun) {
        let history = run.history(pod_id, Some(self.now));
        self.ended.entry(pod_id.clone()).or_default().push(history);
    }

    /// Every container that has run or runs.
    pub(super) fn container_runs(&self) -> Vec<ContainerHistory> {
        let current = self.workloads.keys().filter_map(|id| self.current_run(id));
        self.ended.values().flatten().cloned().chain(current).collect()
    }

    /// Every container of one pod, the oldest first.
    pub(super) fn runs_of(&self, pod_id: &PodId) -> Vec<ContainerHistory> {
        let ended = self.ended.get(pod_id).into_iter().flatten().cloned();
        ended.chain(self.current_run(pod_id)).collect()
    }

    fn current_run(&self, pod_id: &PodId) -> Option<ContainerHistory> {
        Some(self.pod(pod_id)?.container.as_ref()?.history(pod_id, None))
    }

    /// Removes the slot of a pod without objects.
    pub(super) fn forget_if_empty(&mut self, pod_id: &PodId) {
        let is_empty = |objects: &PodObjects| objects.pod.is_none() && objects.companions.is_empty();
        if self.workloads.get(pod_id).is_some_and(is_empty) {
            self.workloads.remove(pod_id);
        }
    }

    /// Removes a volume that is being deleted, once no pod uses it and no finalizer keeps it.
    pub(super) fn reclaim_volume(&mut self, key: &ObjectKey) {
        // A pod without node does not count, as for the protection of claims in Kubernetes.
        let has_node = |pod: &SimPod| pod.state != PodState::Scheduling;
        let uses = |objects: &PodObjects| {
            objects.pod.as_ref().is_some_and(has_node) && ObjectKey::volume(&objects.reference) == *key
        };
        let in_use = self.workloads.values().any(uses);
        let terminating = self.volumes.get(key).is_some_and(|volume| volume.terminating);
        if terminating && !in_use && !self.finalizers.contains(key) {
            self.volumes.remove(key);
            self.alter();
        }
    }

    /// Sends the current pod to the watches, if it has changed.
    pub(super) fn publish(&mut self, pod_id: &PodId) {
        let Some(objects) = self.workloads.get_mut(pod_id) else {
            return;
        };
        let seen = objects.pod.as_ref().map(SimPod::observed);
        if seen == objects.published {
            return;
        }
        let old = std::mem::replace(&mut objects.published, seen.clone());
        let event = match (seen, old) {
            (Some(pod), _) => ClusterEvent::Changed {
                pod_id: pod_id.clone(),
                pod,
            },
            (None, Some(old)) => ClusterEvent::Gone {
                pod_id: pod_id.clone(),
                uid: old.uid,
            },
            (None, None) => return,
        };
        self.watchers.send(self.watch_arrival(), &event);
    }

    /// Notes that an object other than a pod was created, changed or deleted.
    pub(super) fn alter(&mut self) {
        if self.settings.heartbeat.is_some() {
            self.watchers.send(self.watch_arrival(), &ClusterEvent::Altered);
        }
    }

    /// Lets a watch report that it is alive, after all events in transit.
    pub(super) fn beat(&mut self, watch: u64) {
        self.watchers
            .send_to(watch, self.watch_arrival(), ClusterEvent::Alive);
    }

    /// Opens a watch and returns its number.
    pub(super) fn open_watch(&mut self) -> u64 {
        let id = self.next_number();
        self.watchers.open(id);
        if !self.watchers.is_broken() {
            self.list_anew(id);
        }
        id
    }

    /// Lets the watches reconnect: each lists again and reports the differences.
    pub(super) fn mend_watch(&mut self) {
        if self.watchers.mend_connections() {
            for id in self.watchers.ids() {
                self.list_anew(id);
            }
        }
    }

    fn list_anew(&mut self, id: u64) {
        let arrival = self.watch_arrival();
        let pods = self
            .workloads
            .iter()
            .filter_map(|(id, objects)| Some((id, objects.published.as_ref()?)));
        self.watchers.list_anew(id, pods, arrival);
    }

    fn watch_arrival(&self) -> Timestamp {
        later(self.now, self.settings.watch_delay)
    }

    /// The next event of a watch that has arrived, or the time at which there may be one.
    pub(super) fn receive(&mut self, watch: u64) -> Result<ClusterEvent, Option<Timestamp>> {
        let due = self.agenda.next_due();
        let received = self.watchers.receive(watch, self.now);
        received.map_err(|arrival| arrival.into_iter().chain(due).min())
    }
}

/// The time `after` later than `at`.
pub(super) fn later(at: Timestamp, after: Duration) -> Timestamp {
    let after = SignedDuration::try_from(after).unwrap_or(SignedDuration::MAX);
    at.saturating_add(after).unwrap_or(Timestamp::MAX)
}
