//! Who listens to what, and how every pod is now.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::StreamExt;
use jiff::Timestamp;
use neuropod::cluster::{Blame, ReasonCode};
use neuropod::message::Language;
use neuropod::money::Standing;
use neuropod::{Actor, Platform, Pod, PodId, Update, UserId};

use super::alerts::Alerts;
use super::current::Current;
use super::listener::{Alert, Listener, Scope};
use crate::metrics::Progress;

/// The one source of events: it follows the platform, keeps the latest of every pod, and wakes who listens.
///
/// Listeners are told *that* a pod changed and read how it is when they get to it. One that is slow skips states in
/// between and never the last one, and nothing grows but the set of pods it has not read.
#[derive(Default)]
pub(crate) struct Hub(Mutex<State>);

#[derive(Default)]
struct State {
    pods: HashMap<PodId, Arc<Current>>,
    /// Pods that were read from the store by themselves: a list that was asked for before does not have them yet.
    learned: HashSet<PodId>,
    listeners: HashMap<u64, Arc<Listener>>,
    next: u64,
    by_pod: HashMap<PodId, HashSet<u64>>,
    /// The connections of each user, whatever they listen to.
    by_owner: HashMap<UserId, HashSet<u64>>,
    /// Those that hear of everybody's pods.
    everybody: HashSet<u64>,
    /// Those that are told what administrators have to look at.
    administrators: HashSet<u64>,
    alerts: Alerts,
    /// Whether all pods have been read once.
    synced: bool,
}

impl State {
    /// Tells everybody who may listen to this pod.
    fn tell(&self, id: &PodId, owner: &UserId, tell: impl Fn(&Listener)) {
        let sets = [
            self.by_pod.get(id),
            self.by_owner.get(owner),
            Some(&self.everybody),
        ];
        for (place, set) in sets.iter().enumerate() {
            for number in set.iter().copied().flatten() {
                // Who is in two sets is told once.
                let told = sets[..place]
                    .iter()
                    .flatten()
                    .any(|before| before.contains(number));
                if let Some(listener) = self.listeners.get(number).filter(|_| !told) {
                    tell(listener);
                }
            }
        }
    }

    /// A pod is so now, whoever says it.
    fn changed(&mut self, pod: Pod) {
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
        self.tell(&id, &owner, |listener| listener.touch(&id));
    }

    /// Tells the owner, on each of their connections, unless another of their pods has told them already.
    fn alert(&mut self, id: &PodId, alert: Alert) {
        let Some(current) = self.pods.get(id) else { return };
        if self.alerts.is_first(&current.pod, alert, Timestamp::now()) {
            let mine = self.by_owner.get(&current.pod.owner).into_iter().flatten();
            for listener in mine.filter_map(|number| self.listeners.get(number)) {
                listener.alert(id, alert);
            }
        }
    }

    /// All pods, as a list shows them that was asked for when these were known.
    fn listed(&mut self, known: &HashSet<PodId>, pods: Vec<Pod>) {
        let there: HashSet<PodId> = pods.iter().map(|pod| pod.id.clone()).collect();
        for id in known.difference(&there) {
            self.deleted(id);
        }
        for pod in pods {
            let place = |pod: &Pod| (pod.created_at, pod.version);
            // What came while the list was on its way is newer.
            if self
                .pods
                .get(&pod.id)
                .is_none_or(|now| place(&now.pod) < place(&pod))
            {
                self.changed(pod);
            }
        }
    }

    fn deleted(&mut self, id: &PodId) {
        self.learned.remove(id);
        if let Some(last) = self.pods.remove(id) {
            self.alerts.deleted(&last.pod);
            self.tell(id, &last.pod.owner, |listener| listener.touch(id));
        }
        self.by_pod.remove(id);
    }
}

impl Hub {
    fn state(&self) -> MutexGuard<'_, State> {
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
            Update::Snapshot { pods, .. } => {
                state.synced = true;
                // Nobody knows here when it was asked for: only the next one says that these are gone.
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
                mark_seconds: threshold,
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

    /// All pods, as a list shows them that was asked for when these were known.
    pub(super) fn listed(&self, known: &HashSet<PodId>, pods: Vec<Pod>) {
        self.state().listed(known, pods);
    }

    /// New figures are there for these pods.
    pub(crate) fn refresh(&self, pods: &[PodId]) {
        let mut state = self.state();
        for id in pods {
            if let Some(current) = state.pods.get(id).map(|current| Arc::clone(&current.pod)) {
                state.pods.insert(id.clone(), Current::new(Arc::clone(&current)));
                state.tell(id, &current.owner, |listener| listener.touch(id));
            }
        }
    }

    /// The latest of a pod, where it is known.
    pub(crate) fn pod(&self, id: &PodId) -> Option<Arc<Pod>> {
        self.state().pods.get(id).map(|current| Arc::clone(&current.pod))
    }

    /// The latest of all pods; `None`: they have not been read yet.
    pub(crate) fn all(&self) -> Option<Vec<Arc<Pod>>> {
        let state = self.state();
        let pods = state.pods.values();
        state
            .synced
            .then(|| pods.map(|current| Arc::clone(&current.pod)).collect())
    }

    /// The latest of all pods.
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

    /// Whether any connection of this user listens.
    pub(super) fn hears(&self, user: &UserId) -> bool {
        self.state().by_owner.contains_key(user)
    }

    /// The users whose connections listen.
    pub(super) fn who_listens(&self) -> Vec<UserId> {
        self.state().by_owner.keys().cloned().collect()
    }

    /// The account of this user stands so now.
    pub(super) fn tell_standing(&self, user: &UserId, standing: &Arc<Standing>) {
        let state = self.state();
        let mine = state.by_owner.get(user).into_iter().flatten();
        for listener in mine.filter_map(|number| state.listeners.get(number)) {
            listener.standing(standing);
        }
    }

    /// How many listen.
    pub(crate) fn listeners(&self) -> usize {
        self.state().listeners.len()
    }

    /// Somebody with this e-mail address begins to listen. They hear nothing yet.
    pub(crate) fn join(self: &Arc<Self>, actor: Actor, email: String, language: Language) -> Arc<Listener> {
        let mut state = self.state();
        let number = state.next;
        state.next += 1;
        let listener = Arc::new(Listener::new(Arc::clone(self), number, actor, email, language));
        state.listeners.insert(number, Arc::clone(&listener));
        let owner = listener.actor.id.clone();
        state.by_owner.entry(owner).or_default().insert(number);
        listener
    }

    pub(super) fn leave(&self, listener: &Listener) {
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

    /// A listener hears of one pod from now on.
    pub(super) fn subscribe(&self, listener: &Listener, id: &PodId) {
        let mut state = self.state();
        state
            .by_pod
            .entry(id.clone())
            .or_default()
            .insert(listener.number);
        listener.touch(id);
    }

    pub(super) fn unsubscribe(&self, listener: &Listener, id: &PodId) {
        self.state().silence(id, listener.number);
    }

    /// A listener hears of pods that they have not named from now on, the newest first.
    pub(super) fn subscribe_all(&self, listener: &Listener, scope: Scope) {
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
        listener.know(pods.into_iter().map(|(_, id)| id), scope);
    }

    /// Takes over a pod that another server has made and this one has not heard of yet.
    pub(crate) fn learn(&self, pod: Pod) {
        let mut state = self.state();
        if !state.pods.contains_key(&pod.id) {
            state.learned.insert(pod.id.clone());
            state.changed(pod);
        }
    }
}

/// What keeps a pod from running that only the people of the platform can put right.
fn platform_trouble(pod: &Pod) -> Option<ReasonCode> {
    let reason = pod.reason.as_ref()?;
    (reason.blame() == Blame::Platform).then_some(reason.code)
}

impl State {
    fn silence(&mut self, id: &PodId, number: u64) {
        if let Some(set) = self.by_pod.get_mut(id) {
            set.remove(&number);
            if set.is_empty() {
                self.by_pod.remove(id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use neuropod::Reason;
    use neuropod::sim::{Settings, SimCluster};

    use super::*;
    use crate::live::Outgoing;
    use crate::metrics::MeteredCluster;
    use crate::smoke::{Api, config};

    async fn owner_and_pod() -> (Actor, Pod) {
        let api = Api::start(config()).await;
        let ana = api.sign_in("ana@example.com").await;
        let id = api.create(&ana, "training").await.parse().unwrap();
        let actor = api.app.caller(&ana).await.unwrap().actor();
        let pod = api.app.platform.get(&actor, &id).await.unwrap();
        (actor, pod)
    }

    #[tokio::test(start_paused = true)]
    async fn a_list_from_before_a_pod_was_made_does_not_end_who_listens_to_it() {
        let (actor, pod) = owner_and_pod().await;
        let id = pod.id.clone();
        let hub: Arc<Hub> = Arc::default();
        let progress = Progress::new(Arc::new(MeteredCluster::new(Arc::new(SimCluster::new(
            Settings::default(),
        )))));
        let empty = || Update::Snapshot {
            pods: Vec::new(),
            missed: 0,
        };
        let listener = hub.join(actor, String::new(), Language::Es);
        hub.learn(pod.clone());
        listener.subscribe(&id).unwrap();
        assert!(matches!(listener.next().await, Outgoing::Updated(_)));
        hub.apply(empty(), &progress);
        assert!(hub.pod(&id).is_some());
        hub.apply(Update::Changed(Box::new(pod)), &progress);
        assert!(matches!(listener.next().await, Outgoing::Updated(_)));
        // One that still does not have it was asked for later.
        hub.apply(empty(), &progress);
        assert!(matches!(listener.next().await, Outgoing::Deleted(gone) if gone == id));
        assert!(hub.pod(&id).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn administrators_hear_of_trouble_that_a_list_shows_first() {
        let (_, pod) = owner_and_pod().await;
        let hub: Arc<Hub> = Arc::default();
        hub.learn(pod.clone());
        let listener = hub.join(Actor::admin("root"), String::new(), Language::Es);
        listener.subscribe_all(Scope::Changes);
        let reason = Reason::new(ReasonCode::QuotaExceeded, "", pod.updated_at);
        let troubled = Pod {
            version: pod.version + 1,
            reason: Some(reason),
            ..pod
        };
        hub.listed(&hub.known(), vec![troubled]);
        let noticed = loop {
            if let Outgoing::Notice { code, .. } = listener.next().await {
                break code;
            }
        };
        assert_eq!(noticed, ReasonCode::QuotaExceeded);
    }
}
