//! The state of the cluster, and its agenda: what happens when, if nothing else does before.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::incident::{Call, Incident, Obstacle, Refusal};
use super::object::{Kind, ObjectKey};
use super::pod::{ContainerRun, Run, SimPod, State};
use super::settings::Settings;
use super::watch::Watcher;
use crate::cluster::backend::ClusterEvent;
use crate::cluster::observation::ObservedPod;
use crate::cluster::workload::WorkloadRef;
use crate::id::PodId;

/// A place in the agenda: entries of one moment come in the order in which they were made.
pub(super) type Turn = (Timestamp, u64);
/// The namespace and name of a volume.
pub(super) type VolumeKey = (Option<String>, String);

/// What happens at a place of the agenda.
pub(super) enum Entry {
    /// A pod goes on.
    Step(PodId),
    /// Something happens to the container with this id.
    Strike(PodId, String, Incident),
    /// The container with this id prints a line.
    Chatter(PodId, String),
    /// The watch connects again.
    MendWatch,
}

/// Everything of one pod that is in the cluster.
pub(super) struct Owned {
    pub(super) reference: WorkloadRef,
    pub(super) pod: Option<SimPod>,
    /// Each other object.
    pub(super) companions: BTreeMap<ObjectKey, Companion>,
    /// The pod as it was last told to the watches.
    pub(super) published: Option<ObservedPod>,
}

impl Owned {
    pub(super) fn volume_key(&self) -> VolumeKey {
        (self.reference.namespace.clone(), self.reference.volume.clone())
    }
}

/// An object beside the pod.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Companion {
    /// The run it was made for.
    pub(super) run: u64,
    /// It is being deleted, and something keeps it there.
    pub(super) terminating: bool,
}

pub(super) struct Volume {
    pub(super) made_at: Timestamp,
    pub(super) user_hash: String,
    pub(super) size_gb: u32,
    pub(super) bound: bool,
    pub(super) terminating: bool,
}

pub(super) struct World {
    pub(super) settings: Settings,
    pub(super) now: Timestamp,
    counter: u64,
    random: StdRng,
    pub(super) agenda: BTreeMap<Turn, Entry>,
    pub(super) workloads: BTreeMap<PodId, Owned>,
    pub(super) volumes: BTreeMap<VolumeKey, Volume>,
    /// Whose each object is; `None`: of somebody else.
    pub(super) names: BTreeMap<ObjectKey, Option<PodId>>,
    pub(super) obstacles: BTreeMap<PodId, BTreeSet<Obstacle>>,
    /// What happens to the next container of a pod, so long after its start.
    pub(super) planned: BTreeMap<PodId, Vec<(Duration, Incident)>>,
    /// Volumes that stay when they are deleted.
    pub(super) stuck: BTreeSet<String>,
    /// Other objects that stay when they are deleted.
    pub(super) stuck_objects: BTreeSet<ObjectKey>,
    /// How many GPUs of each pool somebody else has.
    pub(super) foreign_gpus: BTreeMap<usize, u32>,
    pub(super) refusals: Vec<Refusal>,
    pub(super) calls: Vec<Call>,
    /// The containers that have ended, by pod.
    ended: BTreeMap<PodId, Vec<ContainerRun>>,
    pub(super) writes: u64,
    pub(super) watchers: BTreeMap<u64, Watcher>,
    pub(super) watch_broken: bool,
    /// Counted up when the log connections break.
    pub(super) log_breaks: u64,
}

impl World {
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            now: settings.epoch,
            counter: 0,
            random: StdRng::seed_from_u64(settings.seed),
            settings,
            agenda: BTreeMap::new(),
            workloads: BTreeMap::new(),
            volumes: BTreeMap::new(),
            names: BTreeMap::new(),
            obstacles: BTreeMap::new(),
            planned: BTreeMap::new(),
            stuck: BTreeSet::new(),
            stuck_objects: BTreeSet::new(),
            foreign_gpus: BTreeMap::new(),
            refusals: Vec::new(),
            calls: Vec::new(),
            ended: BTreeMap::new(),
            writes: 0,
            watchers: BTreeMap::new(),
            watch_broken: false,
            log_breaks: 0,
        }
    }

    /// Lets everything happen that is due by `now`, in order, each at its own time.
    pub(super) fn advance(&mut self, now: Timestamp) {
        while let Some(entry) = self.agenda.first_entry() {
            let at = entry.key().0;
            if at > now {
                break;
            }
            let entry = entry.remove();
            self.now = self.now.max(at);
            match entry {
                Entry::Step(pod_id) => self.step(&pod_id),
                Entry::Strike(pod_id, container, incident) => {
                    self.strike_container(&pod_id, &container, incident);
                }
                Entry::Chatter(pod_id, container) => self.chatter(&pod_id, container),
                Entry::MendWatch => self.mend_watch(),
            }
        }
        self.now = self.now.max(now);
    }

    /// When something happens next.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.agenda.keys().next().map(|(at, _)| *at)
    }

    /// A number that nothing else has.
    pub(super) fn count(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    /// So many random hexadecimal digits.
    pub(super) fn hex(&mut self, bytes: usize) -> String {
        let mut random = vec![0; bytes];
        self.random.fill_bytes(&mut random);
        data_encoding::HEXLOWER.encode(&random)
    }

    /// Enters something into the agenda.
    pub(super) fn enter(&mut self, after: Duration, entry: Entry) -> Turn {
        let turn = (later(self.now, after), self.count());
        self.agenda.insert(turn, entry);
        turn
    }

    pub(super) fn pod(&self, pod_id: &PodId) -> Option<&SimPod> {
        self.workloads.get(pod_id).and_then(|owned| owned.pod.as_ref())
    }

    pub(super) fn pod_mut(&mut self, pod_id: &PodId) -> Option<&mut SimPod> {
        self.workloads
            .get_mut(pod_id)
            .and_then(|owned| owned.pod.as_mut())
    }

    pub(super) fn is_obstructed(&self, pod_id: &PodId, obstacle: Obstacle) -> bool {
        self.obstacles
            .get(pod_id)
            .is_some_and(|obstacles| obstacles.contains(&obstacle))
    }

    /// Sets when a pod goes on by itself.
    pub(super) fn schedule(&mut self, pod_id: &PodId, after: Option<Duration>) {
        let turn = after.map(|after| self.enter(after, Entry::Step(pod_id.clone())));
        let old = self
            .pod_mut(pod_id)
            .and_then(|pod| std::mem::replace(&mut pod.turn, turn));
        if let Some(old) = old {
            self.agenda.remove(&old);
        }
    }

    /// Takes the pod object out of the cluster, with what only it had.
    pub(super) fn drop_pod(&mut self, pod_id: &PodId) {
        self.schedule(pod_id, None);
        let Some(owned) = self.workloads.get_mut(pod_id) else {
            return;
        };
        let Some(pod) = owned.pod.take() else { return };
        let reference = owned.reference.clone();
        if let Some(run) = &pod.container {
            self.note_ended(pod_id, run);
        }
        self.names
            .remove(&ObjectKey::of(&reference, Kind::Pod, &reference.name));
        self.publish(pod_id);
        self.forget_if_empty(pod_id);
        self.reclaim_volume(&(reference.namespace, reference.volume));
        if pod.gpus.is_some() || self.settings.one_node_volumes {
            self.retry_unscheduled();
        }
    }

    /// Notes that a container was replaced by another one, or went with its pod.
    pub(super) fn note_ended(&mut self, pod_id: &PodId, run: &Run) {
        let history = run.history(pod_id, Some(self.now));
        self.ended.entry(pod_id.clone()).or_default().push(history);
    }

    /// Every container that has run or runs.
    pub(super) fn container_runs(&self) -> Vec<ContainerRun> {
        let current = self.workloads.keys().filter_map(|id| self.current_run(id));
        self.ended.values().flatten().cloned().chain(current).collect()
    }

    /// Every container of one pod, the oldest first.
    pub(super) fn runs_of(&self, pod_id: &PodId) -> Vec<ContainerRun> {
        let ended = self.ended.get(pod_id).into_iter().flatten().cloned();
        ended.chain(self.current_run(pod_id)).collect()
    }

    fn current_run(&self, pod_id: &PodId) -> Option<ContainerRun> {
        Some(self.pod(pod_id)?.container.as_ref()?.history(pod_id, None))
    }

    pub(super) fn forget_if_empty(&mut self, pod_id: &PodId) {
        let is_empty = |owned: &Owned| owned.pod.is_none() && owned.companions.is_empty();
        if self.workloads.get(pod_id).is_some_and(is_empty) {
            self.workloads.remove(pod_id);
        }
    }

    /// Removes a volume that is being deleted once no pod has it.
    pub(super) fn reclaim_volume(&mut self, key: &VolumeKey) {
        // A pod without node does not count, as for the protection of claims in Kubernetes.
        let has_node = |pod: &SimPod| pod.state != State::Scheduling;
        let uses = |owned: &Owned| {
            owned.pod.as_ref().is_some_and(has_node)
                && owned.reference.namespace == key.0
                && owned.reference.volume == key.1
        };
        let in_use = self.workloads.values().any(uses);
        let terminating = self.volumes.get(key).is_some_and(|volume| volume.terminating);
        if terminating && !in_use && !self.stuck.contains(&key.1) {
            self.volumes.remove(key);
        }
    }

    /// Tells the watches how the pod is now, if that is news.
    pub(super) fn publish(&mut self, pod_id: &PodId) {
        let Some(owned) = self.workloads.get_mut(pod_id) else {
            return;
        };
        let seen = owned.pod.as_ref().map(SimPod::observed);
        if seen == owned.published {
            return;
        }
        let old = std::mem::replace(&mut owned.published, seen.clone());
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
        self.tell(&event);
    }
}

/// A moment so long after another.
pub(super) fn later(at: Timestamp, after: Duration) -> Timestamp {
    let after = SignedDuration::try_from(after).unwrap_or(SignedDuration::MAX);
    at.saturating_add(after).unwrap_or(Timestamp::MAX)
}
