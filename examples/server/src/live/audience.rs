//! The current state of every pod, and its listeners.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;
use neuropod::cluster::{Blame, ReasonCode};
use neuropod::{Pod, PodId, UserId};

use super::alerts::Alerts;
use super::current::Current;
use super::mailbox::{Alert, Mailbox};

/// The current pods, and the mailboxes of their listeners.
#[derive(Default)]
pub(super) struct Audience {
    pub(super) pods: HashMap<PodId, Arc<Current>>,
    /// Pods that were read individually from the store. A list requested earlier does not contain them.
    pub(super) learned: HashSet<PodId>,
    pub(super) listeners: HashMap<u64, Arc<Mailbox>>,
    pub(super) next: u64,
    pub(super) by_pod: HashMap<PodId, HashSet<u64>>,
    /// The connections of each user, whatever they listen to.
    pub(super) by_owner: HashMap<UserId, HashSet<u64>>,
    /// Mailboxes that receive changes of all pods.
    pub(super) everybody: HashSet<u64>,
    /// Mailboxes that receive notices for administrators.
    pub(super) administrators: HashSet<u64>,
    alerts: Alerts,
    /// Whether all pods have been read once.
    pub(super) synced: bool,
}

impl Audience {
    /// Notifies every listener of this pod.
    pub(super) fn notify(&self, id: &PodId, owner: &UserId, notify: impl Fn(&Mailbox)) {
        let sets = [
            self.by_pod.get(id),
            self.by_owner.get(owner),
            Some(&self.everybody),
        ];
        for (place, set) in sets.iter().enumerate() {
            for number in set.iter().copied().flatten() {
                // A mailbox in two sets is notified once.
                let notified = sets[..place]
                    .iter()
                    .flatten()
                    .any(|before| before.contains(number));
                if let Some(listener) = self.listeners.get(number).filter(|_| !notified) {
                    notify(listener);
                }
            }
        }
    }

    /// Handles the current state of a pod, whatever its source.
    pub(super) fn changed(&mut self, pod: Pod) {
        let (id, owner) = (pod.id.clone(), pod.owner.clone());
        let known = self.pods.get(&id).map(|known| Arc::clone(&known.pod));
        self.alerts.changed(known.as_deref(), &pod);
        let before = known.as_deref().and_then(platform_trouble);
        if let Some(code) = platform_trouble(&pod).filter(|code| before != Some(*code)) {
            let administrators = self.administrators.iter();
            for listener in administrators.filter_map(|number| self.listeners.get(number)) {
                listener.notice(&id, code);
            }
        }
        self.pods.insert(id.clone(), Current::new(Arc::new(pod)));
        self.notify(&id, &owner, |listener| listener.enqueue(&id));
    }

    /// Warns the owner on each of their connections, unless another of their pods caused the same warning.
    pub(super) fn alert(&mut self, id: &PodId, alert: Alert) {
        let Some(current) = self.pods.get(id) else { return };
        if self.alerts.is_first(&current.pod, alert, Timestamp::now()) {
            let mine = self.by_owner.get(&current.pod.owner).into_iter().flatten();
            for listener in mine.filter_map(|number| self.listeners.get(number)) {
                listener.alert(id, alert);
            }
        }
    }

    /// Handles a list of all pods. `known` are the pods that were known when it was requested.
    pub(super) fn listed(&mut self, known: &HashSet<PodId>, pods: Vec<Pod>) {
        let there: HashSet<PodId> = pods.iter().map(|pod| pod.id.clone()).collect();
        for id in known.difference(&there) {
            self.deleted(id);
        }
        for pod in pods {
            let place = |pod: &Pod| (pod.created_at, pod.version);
            // Changes that arrived during the request are newer.
            if self
                .pods
                .get(&pod.id)
                .is_none_or(|now| place(&now.pod) < place(&pod))
            {
                self.changed(pod);
            }
        }
    }

    pub(super) fn deleted(&mut self, id: &PodId) {
        self.learned.remove(id);
        if let Some(last) = self.pods.remove(id) {
            self.alerts.deleted(&last.pod);
            self.notify(id, &last.pod.owner, |listener| listener.enqueue(id));
        }
        self.by_pod.remove(id);
    }

    /// Unsubscribes a listener from this pod.
    pub(super) fn silence(&mut self, id: &PodId, number: u64) {
        if let Some(set) = self.by_pod.get_mut(id) {
            set.remove(&number);
            if set.is_empty() {
                self.by_pod.remove(id);
            }
        }
    }
}

/// The reason that keeps a pod from running, if only the operators can solve it.
fn platform_trouble(pod: &Pod) -> Option<ReasonCode> {
    let reason = pod.reason.as_ref()?;
    (reason.blame() == Blame::Platform).then_some(reason.code)
}
