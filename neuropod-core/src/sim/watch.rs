//! The watch: events on their way, and what is told anew after a gap.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Weak};

use futures::stream::{self, BoxStream, StreamExt};
use jiff::Timestamp;

use super::Shared;
use super::world::{World, later};
use crate::cluster::backend::ClusterEvent;
use crate::cluster::observation::ObservedPod;
use crate::id::PodId;

/// One open watch.
#[derive(Default)]
pub(super) struct Watcher {
    /// What is on its way, and when it arrives.
    queue: VecDeque<(Timestamp, ClusterEvent)>,
    /// What has arrived.
    known: Known,
}

/// The pods that a watch has told of.
#[derive(Default)]
pub(super) struct Known(BTreeMap<PodId, ObservedPod>);

impl Known {
    /// Takes over what an event says.
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

    /// What a watch tells after a gap when the pods are like this: ends first, then changes, then that it has caught
    /// up.
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

impl Watcher {
    /// Sends an event, behind those that are on their way.
    fn send(&mut self, arrival: Timestamp, event: ClusterEvent) {
        let arrival = self.queue.back().map_or(arrival, |(last, _)| arrival.max(*last));
        self.queue.push_back((arrival, event));
    }
}

impl World {
    /// Sends an event to every watch.
    pub(super) fn tell(&mut self, event: &ClusterEvent) {
        if self.watch_broken {
            return;
        }
        let arrival = later(self.now, self.settings.watch_delay);
        for watcher in self.watchers.values_mut() {
            watcher.send(arrival, event.clone());
        }
    }

    fn open_watch(&mut self) -> u64 {
        let id = self.count();
        self.watchers.insert(id, Watcher::default());
        if !self.watch_broken {
            self.list_anew(id);
        }
        id
    }

    /// Cuts the connections: what is on its way is lost.
    pub(super) fn break_watch(&mut self) {
        self.watch_broken = true;
        for watcher in self.watchers.values_mut() {
            watcher.queue.clear();
        }
    }

    /// Lets the watches connect again: each lists anew and tells the differences.
    pub(super) fn mend_watch(&mut self) {
        if std::mem::take(&mut self.watch_broken) {
            for id in self.watchers.keys().copied().collect::<Vec<_>>() {
                self.list_anew(id);
            }
        }
    }

    fn list_anew(&mut self, id: u64) {
        let arrival = later(self.now, self.settings.watch_delay);
        let Some(watcher) = self.watchers.get_mut(&id) else {
            return;
        };
        let pods = self
            .workloads
            .iter()
            .filter_map(|(id, owned)| Some((id, owned.published.as_ref()?)));
        let events = watcher.known.changes_to(pods);
        for event in events {
            watcher.send(arrival, event);
        }
    }

    /// The next event of a watch that has arrived, or when there may be one.
    fn receive(&mut self, id: u64) -> Result<ClusterEvent, Option<Timestamp>> {
        let (now, due) = (self.now, self.next_due());
        let Some(watcher) = self.watchers.get_mut(&id) else {
            return Err(due);
        };
        let arrival = watcher.queue.front().map(|(arrival, _)| *arrival);
        if arrival.is_none_or(|arrival| arrival > now) {
            return Err(arrival.into_iter().chain(due).min());
        }
        let Some((_, event)) = watcher.queue.pop_front() else {
            return Err(due);
        };
        watcher.known.note(&event);
        Ok(event)
    }
}

/// Closes the watch when its stream is dropped.
struct Open {
    cluster: Weak<Shared>,
    id: u64,
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(shared) = self.cluster.upgrade() {
            shared.look(|world| world.watchers.remove(&self.id));
        }
    }
}

/// A stream of the changes; it ends when the cluster is dropped.
pub(super) fn open(shared: &Arc<Shared>) -> BoxStream<'static, ClusterEvent> {
    let id = shared.look(World::open_watch);
    let open = Open {
        cluster: Arc::downgrade(shared),
        id,
    };
    let waiting = shared.waiting();
    stream::unfold((open, waiting), |(open, mut waiting)| async move {
        loop {
            let received = waiting.look(|world| world.receive(open.id))?;
            match received {
                Ok(event) => return Some((event, (open, waiting))),
                Err(due) => waiting.until(due).await,
            }
        }
    })
    .boxed()
}
