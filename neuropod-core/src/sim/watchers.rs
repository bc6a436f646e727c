//! The open watches: the events in transit to each, and the pods that each knows.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;

use crate::cluster::backend::ClusterEvent;
use crate::cluster::observation::ObservedPod;
use crate::id::PodId;

/// The pods that a watch has reported.
#[derive(Default)]
pub(super) struct KnownPods(BTreeMap<PodId, ObservedPod>);

impl KnownPods {
    /// Records the pod that an event reports.
    pub(super) fn note(&mut self, event: &ClusterEvent) {
        match event {
            ClusterEvent::Changed { pod_id, pod } => drop(self.0.insert(pod_id.clone(), pod.clone())),
            ClusterEvent::Gone { pod_id, .. } => drop(self.0.remove(pod_id)),
            ClusterEvent::Synced | ClusterEvent::Altered | ClusterEvent::Alive => {}
        }
    }

    pub(super) fn pods(&self) -> impl Iterator<Item = (&PodId, &ObservedPod)> {
        self.0.iter()
    }

    /// The events of a watch that lists again after an interruption and finds these pods: first ends, then
    /// changes, then [`ClusterEvent::Synced`].
    pub(super) fn changes_to<'a>(
        &self,
        pods: impl Iterator<Item = (&'a PodId, &'a ObservedPod)>,
    ) -> Vec<ClusterEvent> {
        let now: BTreeMap<_, _> = pods.collect();
        let ended = self
            .pods()
            .filter(|(id, pod)| now.get(id).is_none_or(|now| now.uid != pod.uid));
        let ended = ended.map(|(id, pod)| ClusterEvent::Gone {
            pod_id: id.clone(),
            uid: pod.uid.clone(),
        });
        let changed = now.iter().filter(|(id, pod)| self.0.get(*id) != Some(*pod));
        let changed = changed.map(|(id, pod)| ClusterEvent::Changed {
            pod_id: (*id).clone(),
            pod: (*pod).clone(),
        });
        ended.chain(changed).chain([ClusterEvent::Synced]).collect()
    }
}

/// One open watch.
#[derive(Default)]
struct Watcher {
    /// The events in transit, with their arrival times.
    queue: VecDeque<(Timestamp, ClusterEvent)>,
    /// The pods whose events have arrived.
    known: KnownPods,
}

impl Watcher {
    /// Sends an event, after those in transit.
    fn send(&mut self, arrival: Timestamp, event: ClusterEvent) {
        let arrival = self.queue.back().map_or(arrival, |(last, _)| arrival.max(*last));
        self.queue.push_back((arrival, event));
    }
}

/// All open watches, in the order in which they were opened.
#[derive(Default)]
pub(super) struct Watchers {
    by_id: BTreeMap<u64, Watcher>,
    is_broken: bool,
}

impl Watchers {
    pub(super) fn open(&mut self, id: u64) {
        self.by_id.insert(id, Watcher::default());
    }

    pub(super) fn close(&mut self, id: u64) {
        self.by_id.remove(&id);
    }

    pub(super) fn ids(&self) -> Vec<u64> {
        self.by_id.keys().copied().collect()
    }

    /// Whether the connections of all watches are cut.
    pub(super) fn is_broken(&self) -> bool {
        self.is_broken
    }

    /// Sends an event to every watch, unless their connections are cut.
    pub(super) fn send(&mut self, arrival: Timestamp, event: &ClusterEvent) {
        if self.is_broken {
            return;
        }
        for watcher in self.by_id.values_mut() {
            watcher.send(arrival, event.clone());
        }
    }

    /// Sends an event to one watch, unless its connection is cut.
    pub(super) fn send_to(&mut self, id: u64, arrival: Timestamp, event: ClusterEvent) {
        if let Some(watcher) = self.by_id.get_mut(&id).filter(|_| !self.is_broken) {
            watcher.send(arrival, event);
        }
    }

    /// Cuts the connections: events in transit are lost.
    pub(super) fn break_connections(&mut self) {
        self.is_broken = true;
        for watcher in self.by_id.values_mut() {
            watcher.queue.clear();
        }
    }

    /// Lets the watches reconnect. Returns `true` if they were cut: then each has to list again.
    pub(super) fn mend_connections(&mut self) -> bool {
        std::mem::take(&mut self.is_broken)
    }

    /// Sends one watch the differences between these pods and those it knows.
    pub(super) fn list_anew<'a>(
        &mut self,
        id: u64,
        pods: impl Iterator<Item = (&'a PodId, &'a ObservedPod)>,
        arrival: Timestamp,
    ) {
        let Some(watcher) = self.by_id.get_mut(&id) else {
            return;
        };
        for event in watcher.known.changes_to(pods) {
            watcher.send(arrival, event);
        }
    }

    /// The next event of a watch, if it has arrived by `now`; otherwise its arrival time, if one is in transit.
    pub(super) fn receive(&mut self, id: u64, now: Timestamp) -> Result<ClusterEvent, Option<Timestamp>> {
        let Some(watcher) = self.by_id.get_mut(&id) else {
            return Err(None);
        };
        let arrival = watcher.queue.front().map(|(arrival, _)| *arrival);
        if arrival.is_none_or(|arrival| arrival > now) {
            return Err(arrival);
        }
        let Some((_, event)) = watcher.queue.pop_front() else {
            return Err(None);
        };
        watcher.known.note(&event);
        Ok(event)
    }
}
