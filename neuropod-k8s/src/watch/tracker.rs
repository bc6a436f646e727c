//! From the updates of the watches to changes of pods: plain bookkeeping.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use neuropod_core::PodId;
use neuropod_core::cluster::{ClusterEvent, ObservedPod};

use super::kept::Kept;
use super::outage::Outage;
use super::source::Update;
use crate::api::partial::{PartialEvent, PartialPod};
use crate::status::{self, ABOUT_CLAIMS, ABOUT_NODES, ABOUT_PODS, Warnings};

/// An update, with the watch that it comes from.
#[derive(Debug)]
pub(super) enum Item {
    Pods(Update<PartialPod>),
    Events(About, Update<PartialEvent>),
}

/// The subject of a watch's events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum About {
    /// Warnings about pods that hang.
    Pods,
    /// Nodes that autoscalers don't create for pods.
    Nodes,
    /// Volumes that claims don't get.
    Claims,
}

impl About {
    const ALL: [Self; 3] = [Self::Pods, Self::Nodes, Self::Claims];
    /// Those that add nothing to a pod that is ready.
    pub(super) const UNREADY: [Self; 2] = [Self::Nodes, Self::Claims];

    /// The field selector of the events.
    pub(super) fn selector(self) -> &'static str {
        match self {
            Self::Pods => ABOUT_PODS,
            Self::Nodes => ABOUT_NODES,
            Self::Claims => ABOUT_CLAIMS,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Pods => "warnings",
            Self::Nodes => "events of autoscalers",
            Self::Claims => "events of claims",
        }
    }

    /// The subject of an event: the uid of a pod, or the name of a claim.
    fn subject(self, event: &PartialEvent) -> String {
        let involved = &event.involved_object;
        match self {
            Self::Pods | Self::Nodes => involved.uid.clone(),
            Self::Claims => claim(&involved.namespace, &involved.name),
        }
    }
}

fn claim(namespace: &str, name: &str) -> String {
    format!("{namespace}/{name}")
}

/// The pods and warnings that are known, and the state of each pod that was reported last.
#[derive(Debug, Default)]
pub(super) struct Tracker {
    /// By uid.
    pods: HashMap<String, Known>,
    /// The watch on pods has caught up, and `Synced` is not yet reported.
    caught_up: bool,
    /// The first list of warnings has come, or has failed. `Synced` waits for it only once.
    warnings_settled: bool,
    /// The pods that aren't ready, by uid, with their claims: events about nodes and claims may explain why.
    unready: HashMap<String, Option<String>>,
    pods_outage: Outage,
    /// Indexed by [`About`].
    notes: [Notes; About::ALL.len()],
}

/// The warnings of one watch on events.
#[derive(Debug, Default)]
struct Notes {
    /// By subject, which may become known after its warnings.
    warnings: HashMap<String, Warnings>,
    outage: Outage,
}

impl Notes {
    fn add(&mut self, subject: String, event: &PartialEvent) {
        if status::adds_to_status(event) {
            self.warnings.entry(subject).or_default().add(event);
        }
    }

    fn remove(&mut self, subject: &str, event: &PartialEvent) {
        if let Some(warnings) = self.warnings.get_mut(subject) {
            warnings.remove(event);
            if warnings.is_empty() {
                self.warnings.remove(subject);
            }
        }
    }
}

/// A pod, and its state as it was last reported.
#[derive(Debug)]
struct Known {
    pod_id: PodId,
    kept: Kept,
    /// A digest of that state: it is only compared.
    reported: u64,
}

impl Tracker {
    /// The events for the driver that follow from an update.
    pub(super) fn handle(&mut self, item: Item) -> Vec<ClusterEvent> {
        let mut events = match item {
            Item::Pods(update) => self.pods(update),
            Item::Events(about, update) => self.events(about, update),
        };
        if self.caught_up && self.warnings_settled {
            self.caught_up = false;
            events.push(ClusterEvent::Synced);
        }
        events
    }

    fn pods(&mut self, update: Update<PartialPod>) -> Vec<ClusterEvent> {
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
                // The old object first: a new one may have replaced it.
                let gone: Vec<_> = gone.iter().filter_map(|uid| self.gone(uid)).collect();
                let changed = pods.iter().filter_map(|pod| self.changed(pod));
                gone.into_iter().chain(changed.collect::<Vec<_>>()).collect()
            }
            Update::Applied(pod) => self.changed(&pod).into_iter().collect(),
            Update::Deleted(pod) => self.gone(&pod.metadata.uid).into_iter().collect(),
            Update::CaughtUp => {
                self.caught_up = true;
                Vec::new()
            }
            Update::Alive | Update::Broken(_) => Vec::new(),
        }
    }

    /// Whether a pod needs [`About::UNREADY`].
    pub(super) fn has_unready(&self) -> bool {
        !self.unready.is_empty()
    }

    /// The watches on [`About::UNREADY`] have ended, because no pod needs them.
    pub(super) fn forget_unready(&mut self) {
        for about in About::UNREADY {
            self.notes[about as usize] = Notes::default();
        }
    }

    fn events(&mut self, about: About, update: Update<PartialEvent>) -> Vec<ClusterEvent> {
        let settled = matches!(update, Update::Listed(_) | Update::Broken(_));
        self.warnings_settled |= settled && about == About::Pods;
        let notes = &mut self.notes[about as usize];
        match &update {
            Update::Broken(error) => notes.outage.broke(about.name(), error),
            _ => notes.outage.ended(about.name()),
        }
        match update {
            Update::Listed(events) => {
                notes.warnings.clear();
                for event in &events {
                    notes.add(about.subject(event), event);
                }
                let pods: Vec<_> = self.pods.keys().cloned().collect();
                pods.iter().filter_map(|uid| self.reassess(uid)).collect()
            }
            Update::Applied(event) => {
                let subject = about.subject(&event);
                notes.add(subject.clone(), &event);
                self.reassess_subject(about, &subject)
            }
            Update::Deleted(event) => {
                let subject = about.subject(&event);
                notes.remove(&subject, &event);
                self.reassess_subject(about, &subject)
            }
            Update::CaughtUp | Update::Alive | Update::Broken(_) => Vec::new(),
        }
    }

    /// Reports the pods that the warnings about a subject change.
    fn reassess_subject(&mut self, about: About, subject: &str) -> Vec<ClusterEvent> {
        let uids = match about {
            About::Pods | About::Nodes => vec![subject.to_owned()],
            About::Claims => {
                // They add nothing to a pod that is ready.
                let waits = |(uid, claim): (&String, &Option<String>)| {
                    (claim.as_deref() == Some(subject)).then(|| uid.clone())
                };
                self.unready.iter().filter_map(waits).collect()
            }
        };
        uids.iter().filter_map(|uid| self.reassess(uid)).collect()
    }

    /// All warnings about a pod and its claim.
    fn warnings_of(&self, pod: &PartialPod) -> Option<Warnings> {
        let warnings_about = |about: About, subject: &str| self.notes[about as usize].warnings.get(subject);
        let uid = &pod.metadata.uid;
        let claim = claim_of(pod).and_then(|claim| warnings_about(About::Claims, &claim));
        let found = [
            warnings_about(About::Pods, uid),
            warnings_about(About::Nodes, uid),
            claim,
        ];
        let mut found = found.into_iter().flatten();
        let first = found.next()?.clone();
        Some(found.fold(first, Warnings::with))
    }

    fn changed(&mut self, pod: &PartialPod) -> Option<ClusterEvent> {
        let Some(pod_id) = pod.metadata.pod_id() else {
            tracing::warn!(
                name = pod.metadata.name,
                "the label of the pod id is not a pod id"
            );
            return None;
        };
        let uid = pod.metadata.uid.clone();
        let now = status::observed(pod, self.warnings_of(pod).as_ref());
        if status::is_unready(pod) {
            self.unready.insert(uid.clone(), claim_of(pod));
        } else {
            self.unready.remove(&uid);
        }
        let reported = digest(&now);
        let is_news = self.pods.get(&uid).is_none_or(|known| known.reported != reported);
        let event = is_news.then(|| ClusterEvent::Changed {
            pod_id: pod_id.clone(),
            pod: now,
        });
        let known = Known {
            pod_id,
            kept: Kept::new(pod),
            reported,
        };
        self.pods.insert(uid, known);
        event
    }

    /// Reports a pod again if a warning changes what the driver sees of it.
    fn reassess(&mut self, uid: &str) -> Option<ClusterEvent> {
        let pod = self.pods.get(uid)?.kept.pod()?;
        self.changed(&pod)
    }

    fn gone(&mut self, uid: &str) -> Option<ClusterEvent> {
        for about in [About::Pods, About::Nodes] {
            self.notes[about as usize].warnings.remove(uid);
        }
        self.unready.remove(uid);
        let known = self.pods.remove(uid)?;
        Some(ClusterEvent::Gone {
            pod_id: known.pod_id,
            uid: uid.to_owned(),
        })
    }
}

/// The claim that a pod mounts.
fn claim_of(pod: &PartialPod) -> Option<String> {
    let volume = pod.metadata.annotations.volume.as_deref()?;
    Some(claim(&pod.metadata.namespace, volume))
}

fn digest(pod: &ObservedPod) -> u64 {
    let mut hasher = DefaultHasher::new();
    pod.hash(&mut hasher);
    hasher.finish()
}
