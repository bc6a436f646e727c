//! One who listens.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use neuropod::message::Language;
use neuropod::{Actor, PodId, ReasonCode, Standing};
use tokio::sync::Notify;

use super::hub::{Current, Hub};

/// Most pods that one listener subscribes to.
pub(crate) const MAX_SUBSCRIPTIONS: usize = 1000;

/// What somebody hears who listens to all pods that they may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Every change.
    Changes,
    /// That one is new, or gone.
    Announcements,
}

/// What runs out for a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Alert {
    /// The account, in so many seconds.
    Account(i64),
    /// What a daily cap leaves, in so many seconds.
    Cap(i64),
    /// The time in which its volume can be paid for.
    Volume(Timestamp),
}

/// Why somebody can't listen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// There is no such pod for them.
    NoPod,
    /// They listen to too many.
    TooMany,
}

/// Something to be told.
#[derive(Debug)]
pub(crate) enum Outgoing {
    /// A pod is there that was not.
    Created(Arc<Current>),
    /// A pod as it is now.
    Updated(Arc<Current>),
    /// A pod is gone.
    Deleted(PodId),
    /// The money for a pod runs out.
    LowBalance {
        /// The pod.
        pod_id: PodId,
        /// What it is that runs out.
        alert: Alert,
    },
    /// How their account stands.
    Standing(Arc<Standing>),
    /// Administrators have to look at a pod.
    Notice {
        /// The pod.
        pod_id: PodId,
        /// Why.
        code: ReasonCode,
    },
}

/// One connection that listens. It ends when this is dropped by the transport, see [`Listener::leave`].
pub(crate) struct Listener {
    hub: Arc<Hub>,
    pub(super) number: u64,
    pub(super) actor: Actor,
    language: Language,
    inbox: Mutex<Inbox>,
    notify: Notify,
}

/// What a listener has to be told. It never holds more than one place for each pod.
#[derive(Default)]
struct Inbox {
    scope: Option<Scope>,
    subscribed: HashSet<PodId>,
    /// The pods whose existence was told.
    known: HashSet<PodId>,
    /// Pods that changed, each once, in the order in which they did.
    touched: VecDeque<PodId>,
    waiting: HashSet<PodId>,
    alerts: BTreeMap<PodId, Alert>,
    /// What administrators have to look at.
    notices: BTreeMap<PodId, ReasonCode>,
    account: Account,
}

/// What a listener has to be told of their own account.
#[derive(Default)]
struct Account {
    follows: bool,
    told: Option<Arc<Standing>>,
    /// What differs from that.
    news: Option<Arc<Standing>>,
}

impl Listener {
    pub(super) fn new(hub: Arc<Hub>, number: u64, actor: Actor, language: Language) -> Self {
        Self {
            hub,
            number,
            actor,
            language,
            inbox: Mutex::default(),
            notify: Notify::new(),
        }
    }

    fn inbox(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who listens.
    pub(crate) fn actor(&self) -> &Actor {
        &self.actor
    }

    /// In which language.
    pub(crate) fn language(&self) -> Language {
        self.language
    }

    pub(super) fn touch(&self, id: &PodId) {
        let mut inbox = self.inbox();
        if inbox.waiting.insert(id.clone()) {
            inbox.touched.push_back(id.clone());
        }
        drop(inbox);
        self.notify.notify_one();
    }

    pub(super) fn alert(&self, id: &PodId, alert: Alert) {
        self.inbox().alerts.insert(id.clone(), alert);
        self.notify.notify_one();
    }

    /// From now on they are told how their account stands.
    pub(super) fn follow_account(&self) {
        self.inbox().account.follows = true;
    }

    /// Their account stands so now.
    pub(super) fn standing(&self, standing: &Arc<Standing>) {
        let mut inbox = self.inbox();
        let account = &mut inbox.account;
        // What was as it is before it was told is no news.
        account.news =
            (account.follows && account.told.as_ref() != Some(standing)).then(|| Arc::clone(standing));
        drop(inbox);
        self.notify.notify_one();
    }

    pub(super) fn notice(&self, id: &PodId, code: ReasonCode) {
        self.inbox().notices.insert(id.clone(), code);
        self.notify.notify_one();
    }

    pub(super) fn know(&self, pods: impl Iterator<Item = PodId>, scope: Scope) {
        let mut inbox = self.inbox();
        inbox.scope = Some(scope);
        for id in pods {
            if scope == Scope::Changes && inbox.waiting.insert(id.clone()) {
                inbox.touched.push_back(id.clone());
            }
            inbox.known.insert(id);
        }
        drop(inbox);
        self.notify.notify_one();
    }

    pub(super) fn subscriptions(&self) -> Vec<PodId> {
        self.inbox().subscribed.iter().cloned().collect()
    }

    /// Listens to one pod. How it is now is told first.
    ///
    /// # Errors
    /// There is no such pod for them, or they listen to too many.
    pub(crate) fn subscribe(&self, id: &PodId) -> Result<(), Refusal> {
        let pod = self.hub.pod(id);
        // Whether there is a pod that one may not see is nothing to be learned here.
        if !pod.is_some_and(|pod| self.actor.may_touch(&pod.owner)) {
            return Err(Refusal::NoPod);
        }
        {
            let mut inbox = self.inbox();
            if inbox.subscribed.len() >= MAX_SUBSCRIPTIONS && !inbox.subscribed.contains(id) {
                return Err(Refusal::TooMany);
            }
            inbox.subscribed.insert(id.clone());
        }
        self.hub.subscribe(self, id);
        Ok(())
    }

    /// Listens to a pod no more.
    pub(crate) fn unsubscribe(&self, id: &PodId) {
        self.inbox().subscribed.remove(id);
        self.hub.unsubscribe(self, id);
    }

    /// Listens to all pods that they may see.
    pub(crate) fn subscribe_all(&self, scope: Scope) {
        self.hub.subscribe_all(self, scope);
    }

    /// Listens no more.
    pub(crate) fn leave(&self) {
        self.hub.leave(self);
    }

    /// Waits for the next thing to be told.
    pub(crate) async fn next(&self) -> Outgoing {
        loop {
            if let Some(outgoing) = self.take() {
                return outgoing;
            }
            self.notify.notified().await;
        }
    }

    fn take(&self) -> Option<Outgoing> {
        loop {
            let id = {
                let mut inbox = self.inbox();
                if let Some((pod_id, alert)) = inbox.alerts.pop_first() {
                    return Some(Outgoing::LowBalance { pod_id, alert });
                }
                if let Some((pod_id, code)) = inbox.notices.pop_first() {
                    return Some(Outgoing::Notice { pod_id, code });
                }
                if let Some(standing) = inbox.account.news.take() {
                    inbox.account.told = Some(Arc::clone(&standing));
                    return Some(Outgoing::Standing(standing));
                }
                let id = inbox.touched.pop_front()?;
                inbox.waiting.remove(&id);
                id
            };
            // Read after it was taken from the queue: a change from now on queues it again.
            let current = self.hub.current(&id);
            let mut inbox = self.inbox();
            let subscribed = inbox.subscribed.contains(&id);
            if let Some(current) = current {
                if inbox.scope.is_some() && inbox.known.insert(id) {
                    return Some(Outgoing::Created(current));
                }
                if subscribed || inbox.scope == Some(Scope::Changes) {
                    return Some(Outgoing::Updated(current));
                }
                continue;
            }
            inbox.subscribed.remove(&id);
            let was_known = inbox.known.remove(&id);
            drop(inbox);
            if subscribed {
                self.hub.unsubscribe(self, &id);
            }
            if was_known || subscribed {
                return Some(Outgoing::Deleted(id));
            }
        }
    }
}
