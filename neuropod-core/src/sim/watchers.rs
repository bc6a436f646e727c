//! The open watches: which events are on their way to each, and which pods each knows.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;

use crate::cluster::backend::ClusterEvent;
use crate::cluster::observation::ObservedPod;
use crate::id::PodId;

/// The pods that a watch has reported.
#[derive(Default)]
pub(super) struct KnownPods(BTreeMap<PodId, ObservedPod>);

impl KnownPods {
    /// Notes what an event reports.
    pub(super) fn note(&mut self, event: &ClusterEvent) {
        match event {
            ClusterEvent::Changed { pod_id, pod } => drop(self.0.insert(pod_id.clone(), pod.clone())),
            ClusterEvent::Gone { pod_id, .. } => drop(self.0.remove(pod_id)),
            ClusterEvent::Synced => {}
        }
    }

    pub(super) fn pods(&self) -> impl Iterator<Item = (&PodId, &ObservedPod)> {
        self.0.iter()
    }

    /// The events of a watch that lists anew after a gap and finds these pods: first ends, then changes, then
    /// [`ClusterEvent::Synced`].
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
    /// The events on their way, and when each arrives.
    queue: VecDeque<(Timestamp, ClusterEvent)>,
    /// The pods whose events have arrived.
    known: KnownPods,
}

impl Watcher {
    /// Sends an event, behind those that are on their way.
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

    /// Cuts the connections: the events on their way are lost.
    pub(super) fn break_connections(&mut self) {
        self.is_broken = true;
        for watcher in self.by_id.values_mut() {
            watcher.queue.clear();
        }
    }

    /// Lets the watches connect again. Returns whether they were cut: then each has to list anew.
    pub(super) fn mend_connections(&mut self) -> bool {
        std::mem::take(&mut self.is_broken)
    }

    /// Sends to one watch how these pods differ from those it knows.
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

    /// The next event of a watch, if it has arrived by `now`; otherwise when it will, if one is on its way.
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
