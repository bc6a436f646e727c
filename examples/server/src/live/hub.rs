//! The source of live updates.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::StreamExt;
use neuropod::message::Language;
use neuropod::money::Standing;
use neuropod::{Actor, Platform, Pod, PodId, Update, UserId};

use super::audience::Audience;
use super::current::Current;
use super::mailbox::{Alert, Mailbox, Scope};
use crate::metrics::Progress;

/// The source of all events: it follows the platform, keeps the latest state of every pod, and wakes listeners.
///
/// Listeners are notified *that* a pod changed, and read its state when they get to it. A slow listener skips
/// intermediate states but never the last one, and only its set of unread pods grows.
#[derive(Default)]
pub(crate) struct Hub(Mutex<Audience>);

impl Hub {
    fn state(&self) -> MutexGuard<'_, Audience> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Follows the platform until it is dropped.
    pub(crate) async fn follow(&self, platform: &Platform, progress: &Progress) {
        let mut updates = platform.subscribe(&Actor::admin("live updates"));
        while let Some(update) = updates.next().await {
            match update {
                Ok(update) => self.apply(update, progress),
                Err(error) => {
                    tracing::warn!(%error, "live updates wait for the store");
                    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
                }
            }
        }
    }

    fn apply(&self, update: Update, progress: &Progress) {
        let mut state = self.state();
        match update {
            Update::Snapshot { pods } => {
                state.synced = true;
                // It is unknown when the list was requested, so only the next one shows that these are gone.
                let learned = std::mem::take(&mut state.learned);
                let known = state.pods.keys().filter(|id| !learned.contains(*id));
                let known = known.cloned().collect();
                state.listed(&known, pods);
            }
            Update::Changed(pod) => {
                let before = state.pods.get(&pod.id).map(|known| Arc::clone(&known.pod));
                progress.seen(before.as_deref(), &pod);
                state.changed(*pod);
            }
            Update::Deleted(id) => state.deleted(&id),
            Update::LowBalance {
                pod_id,
                threshold_seconds: threshold,
                seconds_left,
                daily_cap,
            } => {
                let alert = if daily_cap {
                    Alert::Cap {
                        threshold,
                        seconds_left,
                    }
                } else {
                    Alert::Account {
                        threshold,
                        seconds_left,
                    }
                };
                state.alert(&pod_id, alert);
            }
            Update::VolumeAtRisk { pod_id, at } => state.alert(&pod_id, Alert::Volume(at)),
            _ => {}
        }
    }

    /// The pods that are known.
    pub(super) fn known(&self) -> HashSet<PodId> {
        self.state().pods.keys().cloned().collect()
    }

    /// Handles a list of all pods. `known` are the pods that were known when it was requested.
    pub(super) fn listed(&self, known: &HashSet<PodId>, pods: Vec<Pod>) {
        self.state().listed(known, pods);
    }

    /// Publishes new figures of these pods.
    pub(crate) fn refresh(&self, pods: &[PodId]) {
        let mut state = self.state();
        for id in pods {
            if let Some(current) = state.pods.get(id).map(|current| Arc::clone(&current.pod)) {
                state.pods.insert(id.clone(), Current::new(Arc::clone(&current)));
                state.notify(id, &current.owner, |listener| listener.enqueue(id));
            }
        }
    }

    /// The latest state of a pod, if it is known.
    pub(crate) fn pod(&self, id: &PodId) -> Option<Arc<Pod>> {
        self.state().pods.get(id).map(|current| Arc::clone(&current.pod))
    }

    /// The latest state of all pods; `None`: they have not been read yet.
    pub(crate) fn all(&self) -> Option<Vec<Arc<Pod>>> {
        let state = self.state();
        let pods = state.pods.values();
        state
            .synced
            .then(|| pods.map(|current| Arc::clone(&current.pod)).collect())
    }

    /// The latest state of all pods.
    pub(crate) fn pods(&self) -> Vec<Arc<Pod>> {
        self.state()
            .pods
            .values()
            .map(|current| Arc::clone(&current.pod))
            .collect()
    }

    pub(super) fn current(&self, id: &PodId) -> Option<Arc<Current>> {
        self.state().pods.get(id).cloned()
    }

    /// Whether this user has a connection that listens.
    pub(super) fn hears(&self, user: &UserId) -> bool {
        self.state().by_owner.contains_key(user)
    }

    /// The users with connections that listen.
    pub(super) fn who_listens(&self) -> Vec<UserId> {
        self.state().by_owner.keys().cloned().collect()
    }

    /// Reports the current standing of this user's account.
    pub(super) fn report_standing(&self, user: &UserId, standing: &Arc<Standing>) {
        let state = self.state();
        let mine = state.by_owner.get(user).into_iter().flatten();
        for listener in mine.filter_map(|number| state.listeners.get(number)) {
            listener.standing(standing);
        }
    }

    /// The number of listeners.
    pub(crate) fn listeners(&self) -> usize {
        self.state().listeners.len()
    }

    /// Adds a listener with this e-mail address, without any subscription.
    pub(super) fn join(&self, actor: Actor, email: String, language: Language) -> Arc<Mailbox> {
        let mut state = self.state();
        let number = state.next;
        state.next += 1;
        let listener = Arc::new(Mailbox::new(number, actor, email, language));
        state.listeners.insert(number, Arc::clone(&listener));
        let owner = listener.actor.id.clone();
        state.by_owner.entry(owner).or_default().insert(number);
        listener
    }

    pub(super) fn leave(&self, listener: &Mailbox) {
        let mut state = self.state();
        state.listeners.remove(&listener.number);
        state.everybody.remove(&listener.number);
        state.administrators.remove(&listener.number);
        if let Some(mine) = state.by_owner.get_mut(&listener.actor.id) {
            mine.remove(&listener.number);
            if mine.is_empty() {
                state.by_owner.remove(&listener.actor.id);
            }
        }
        for id in listener.subscriptions() {
            state.silence(&id, listener.number);
        }
    }

    /// Subscribes a listener to one pod.
    pub(super) fn subscribe(&self, listener: &Mailbox, id: &PodId) {
        let mut state = self.state();
        state
            .by_pod
            .entry(id.clone())
            .or_default()
            .insert(listener.number);
        listener.enqueue(id);
    }

    pub(super) fn unsubscribe(&self, listener: &Mailbox, id: &PodId) {
        self.state().silence(id, listener.number);
    }

    /// Subscribes a listener to pods without naming them, newest first.
    pub(super) fn subscribe_all(&self, listener: &Mailbox, scope: Scope) {
        let mut state = self.state();
        let number = listener.number;
        let is_admin = listener.actor.is_admin();
        let scope = match scope {
            Scope::Everybody if !is_admin => Scope::Changes,
            scope => scope,
        };
        if is_admin {
            state.administrators.insert(number);
        }
        if scope == Scope::Everybody {
            state.everybody.insert(number);
        } else {
            state.everybody.remove(&number);
        }
        let concerns = |pod: &Pod| scope == Scope::Everybody || pod.owner == listener.actor.id;
        let mut pods: Vec<_> = state
            .pods
            .values()
            .filter(|current| concerns(&current.pod))
            .map(|current| (current.pod.created_at, current.pod.id.clone()))
            .collect();
        pods.sort_unstable_by(|one, other| other.cmp(one));
        listener.add_known(pods.into_iter().map(|(_, id)| id), scope);
    }

    /// Adds a pod that another server has created and this one does not know yet.
    pub(crate) fn learn(&self, pod: Pod) {
        let mut state = self.state();
        if !state.pods.contains_key(&pod.id) {
            state.learned.insert(pod.id.clone());
            state.changed(pod);
        }
    }
}

#[cfg(test)]
mod tests;
