//! From what the watches say to what changed: plain bookkeeping.

use std::collections::{HashMap, HashSet};

use neuropod_core::{ClusterEvent, Error, ObservedPod, PodId};

use super::source::Update;
use crate::slim::{SlimEvent, SlimPod};
use crate::status::{self, Warnings};

/// From which watch.
#[derive(Debug)]
pub(super) enum Item {
    Pods(Update<SlimPod>),
    Warnings(Update<SlimEvent>),
}

/// What has been seen and said so far.
#[derive(Debug, Default)]
pub(super) struct Tracker {
    /// By uid.
    pods: HashMap<String, Known>,
    /// By the uid of the pod. A warning may come before its pod does.
    warnings: HashMap<String, Warnings>,
    /// The pods have caught up, and nobody has been told yet.
    caught_up: bool,
    /// The warnings have come, or could not be had: they are never waited for twice.
    warnings_settled: bool,
    /// Which watches are broken: of an outage the log tells its beginning and its end.
    pods_outage: Outage,
    warnings_outage: Outage,
}

/// Whether a watch is broken.
#[derive(Debug, Default)]
struct Outage(bool);

impl Outage {
    /// Tells that the watch on `what` broke, once for all attempts that fail.
    fn broke(&mut self, what: &'static str, error: &Error) {
        if std::mem::replace(&mut self.0, true) {
            tracing::debug!(%error, "the watch on {what} is still broken");
        } else {
            tracing::warn!(%error, "the watch on {what} broke; it is resumed as soon as the API server answers");
        }
    }

    /// Tells that it works again.
    fn ended(&mut self, what: &'static str) {
        if std::mem::take(&mut self.0) {
            tracing::info!("the watch on {what} works again");
        }
    }
}

#[derive(Debug)]
struct Known {
    pod_id: PodId,
    pod: SlimPod,
    told: ObservedPod,
}

impl Tracker {
    /// What an update changes.
    pub(super) fn take(&mut self, item: Item) -> Vec<ClusterEvent> {
        let mut events = match item {
            Item::Pods(update) => self.pods(update),
            Item::Warnings(update) => self.warnings(update),
        };
        if self.caught_up && self.warnings_settled {
            self.caught_up = false;
            events.push(ClusterEvent::Synced);
        }
        events
    }

    fn pods(&mut self, update: Update<SlimPod>) -> Vec<ClusterEvent> {
        match &update {
            Update::Broken(error) => self.pods_outage.broke("pods", error),
            _ => self.pods_outage.ended("pods"),
        }
        match update {
            Update::Listed(pods) => {
                self.caught_up = true;
                let there: HashSet<_> = pods.iter().map(|pod| &pod.metadata.uid).collect();
                let gone = self.pods.keys().filter(|uid| !there.contains(uid));
                let gone: Vec<_> = gone.cloned().collect();
                // The old object first, where another one has taken its place.
                let gone: Vec<_> = gone.iter().filter_map(|uid| self.gone(uid)).collect();
                let changed = pods.into_iter().filter_map(|pod| self.changed(pod));
                gone.into_iter().chain(changed.collect::<Vec<_>>()).collect()
            }
            Update::Applied(pod) => self.changed(pod).into_iter().collect(),
            Update::Deleted(pod) => self.gone(&pod.metadata.uid).into_iter().collect(),
            Update::CaughtUp => {
                self.caught_up = true;
                Vec::new()
            }
            Update::Broken(_) => Vec::new(),
        }
    }

    fn warnings(&mut self, update: Update<SlimEvent>) -> Vec<ClusterEvent> {
        match &update {
            Update::Broken(error) => self.warnings_outage.broke("warnings", error),
            _ => self.warnings_outage.ended("warnings"),
        }
        match update {
            Update::Listed(warnings) => {
                self.warnings_settled = true;
                self.warnings.clear();
                for warning in &warnings {
                    self.note(warning);
                }
                let pods: Vec<_> = self.pods.keys().cloned().collect();
                pods.iter().filter_map(|uid| self.retold(uid)).collect()
            }
            Update::Applied(warning) => {
                self.note(&warning);
                self.retold(&warning.involved_object.uid).into_iter().collect()
            }
            Update::Deleted(warning) => {
                self.forget(&warning);
                self.retold(&warning.involved_object.uid).into_iter().collect()
            }
            Update::CaughtUp => Vec::new(),
            Update::Broken(_) => {
                self.warnings_settled = true;
                Vec::new()
            }
        }
    }

    fn changed(&mut self, pod: SlimPod) -> Option<ClusterEvent> {
        let Some(pod_id) = pod.metadata.pod_id() else {
            tracing::warn!(
                name = pod.metadata.name,
                "a pod with a label of a pod id that is none"
            );
            return None;
        };
        let uid = pod.metadata.uid.clone();
        let now = status::observed(&pod, self.warnings.get(&uid));
        let told = self.pods.get(&uid).map(|known| &known.told);
        let event = (told != Some(&now)).then(|| ClusterEvent::Changed {
            pod_id: pod_id.clone(),
            pod: now.clone(),
        });
        let known = Known {
            pod_id,
            pod,
            told: now,
        };
        self.pods.insert(uid, known);
        event
    }

    /// Tells about a pod again, if a warning makes it another.
    fn retold(&mut self, uid: &str) -> Option<ClusterEvent> {
        let pod = self.pods.get(uid)?.pod.clone();
        self.changed(pod)
    }

    fn gone(&mut self, uid: &str) -> Option<ClusterEvent> {
        self.warnings.remove(uid);
        let known = self.pods.remove(uid)?;
        Some(ClusterEvent::Gone {
            pod_id: known.pod_id,
            uid: uid.to_owned(),
        })
    }

    fn note(&mut self, event: &SlimEvent) {
        if status::is_telling(event) {
            let pod = event.involved_object.uid.clone();
            self.warnings.entry(pod).or_default().add(event);
        }
    }

    fn forget(&mut self, event: &SlimEvent) {
        let pod = &event.involved_object.uid;
        if let Some(warnings) = self.warnings.get_mut(pod) {
            warnings.remove(event);
            if warnings.is_empty() {
                self.warnings.remove(pod);
            }
        }
    }
}
