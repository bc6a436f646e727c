//! One who listens.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use neuropod::cluster::ReasonCode;
use neuropod::message::Language;
use neuropod::money::Standing;
use neuropod::{Actor, PodId};
use tokio::sync::Notify;

use super::current::{Current, Digest, Written};
use super::hub::Hub;

/// Most pods that one listener subscribes to.
pub(crate) const MAX_SUBSCRIPTIONS: usize = 1000;

/// What somebody hears of pods without naming them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// That one of their own is new, or gone.
    Announcements,
    /// The same, and every change of their own.
    Changes,
    /// The same, and every change of everybody's; for administrators.
    Everybody,
}

/// What runs out for a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Alert {
    /// The account.
    Account {
        /// The threshold that was passed, in seconds.
        threshold: i64,
        /// In so many seconds.
        seconds_left: i64,
    },
    /// What a daily cap leaves.
    Cap {
        /// The threshold that was passed, in seconds.
        threshold: i64,
        /// In so many seconds.
        seconds_left: i64,
    },
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
    /// A pod of theirs is there that was not.
    Created(Arc<Current>),
    /// A pod as it is now.
    Updated(Arc<Current>),
    /// A pod is gone.
    Deleted(PodId),
    /// The money of the account runs out.
    LowBalance {
        /// The pod at which it shows first.
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
    email: String,
    language: Language,
    inbox: Mutex<Inbox>,
    notify: Notify,
}

/// What a listener has to be told. It never holds more than one place for each pod.
#[derive(Default)]
struct Inbox {
    scope: Option<Scope>,
    /// The pods they named; `true`: their own.
    subscribed: HashMap<PodId, bool>,
    /// The pods whose existence was told.
    known: HashSet<PodId>,
    /// What the last update of each pod said: the same again is no news.
    told: HashMap<PodId, Digest>,
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
    pub(super) fn new(hub: Arc<Hub>, number: u64, actor: Actor, email: String, language: Language) -> Self {
        Self {
            hub,
            number,
            actor,
            email,
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

    /// Their e-mail address.
    pub(crate) fn email(&self) -> &str {
        &self.email
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

    /// Tells that money runs out, where they have begun to listen to anything.
    pub(super) fn alert(&self, id: &PodId, alert: Alert) {
        let mut inbox = self.inbox();
        if inbox.scope.is_none() && inbox.subscribed.is_empty() {
            return;
        }
        inbox.alerts.insert(id.clone(), alert);
        drop(inbox);
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
            if scope != Scope::Announcements && inbox.waiting.insert(id.clone()) {
                inbox.touched.push_back(id.clone());
            }
            inbox.known.insert(id);
        }
        drop(inbox);
        self.notify.notify_one();
    }

    pub(super) fn subscriptions(&self) -> Vec<PodId> {
        self.inbox().subscribed.keys().cloned().collect()
    }

    /// Listens to one pod. How it is now is told first.
    ///
    /// # Errors
    /// There is no such pod for them, or they listen to too many.
    pub(crate) fn subscribe(&self, id: &PodId) -> Result<(), Refusal> {
        // Whether there is a pod that one may not see is nothing to be learned here.
        let pod = self.hub.pod(id).filter(|pod| self.actor.may_touch(&pod.owner));
        let is_own = pod.ok_or(Refusal::NoPod)?.owner == self.actor.id;
        {
            let mut inbox = self.inbox();
            if inbox.subscribed.len() >= MAX_SUBSCRIPTIONS && !inbox.subscribed.contains_key(id) {
                return Err(Refusal::TooMany);
            }
            inbox.subscribed.insert(id.clone(), is_own);
            inbox.told.remove(id);
        }
        self.hub.subscribe(self, id);
        Ok(())
    }

    /// Listens to a pod no more.
    pub(crate) fn unsubscribe(&self, id: &PodId) {
        let mut inbox = self.inbox();
        inbox.subscribed.remove(id);
        if !inbox.hears_changes() {
            inbox.told.remove(id);
        }
        drop(inbox);
        self.hub.unsubscribe(self, id);
    }

    /// Listens to pods without naming them.
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
            if let Some(current) = current {
                if let Some(outgoing) = inbox.news(current, &self.actor) {
                    return Some(outgoing);
                }
                continue;
            }
            let subscribed = inbox.subscribed.remove(&id);
            let was_known = inbox.known.remove(&id);
            inbox.told.remove(&id);
            drop(inbox);
            if subscribed.is_some() {
                self.hub.unsubscribe(self, &id);
            }
            // Who only looks on at somebody else's pod is not told: a page takes what is deleted for its own.
            if was_known || subscribed == Some(true) {
                return Some(Outgoing::Deleted(id));
            }
        }
    }

    /// An announcement has said how a pod is: an update that says the same is no news, unless they have asked for one.
    pub(super) fn announced(&self, id: &PodId, update: &Written) {
        let mut inbox = self.inbox();
        if inbox.hears_changes() && !inbox.subscribed.contains_key(id) {
            inbox.told.insert(id.clone(), update.whole);
        }
    }

    /// Whether an update says something else than the last one of its pod, of which it is the last from now on. To
    /// those who hear of every change the details of the pod count too, to a page that has named it they do not.
    pub(super) fn is_news(&self, id: &PodId, update: &Written) -> bool {
        let mut inbox = self.inbox();
        let digest = if inbox.hears_changes() {
            update.whole
        } else {
            update.brief
        };
        let hears = inbox.hears_changes() || inbox.subscribed.contains_key(id);
        // Nothing is kept of a pod that they have left meanwhile.
        !hears || inbox.told.insert(id.clone(), digest) != Some(digest)
    }
}

impl Inbox {
    fn hears_changes(&self) -> bool {
        matches!(self.scope, Some(Scope::Changes | Scope::Everybody))
    }

    /// What is told of a pod that is there.
    fn news(&mut self, current: Arc<Current>, actor: &Actor) -> Option<Outgoing> {
        let id = &current.pod.id;
        let is_own = current.pod.owner == actor.id;
        let concerns = is_own || self.scope == Some(Scope::Everybody);
        let is_new = self.scope.is_some() && concerns && self.known.insert(id.clone());
        let subscribed = self.subscribed.contains_key(id);
        if is_new && is_own {
            // The update that they have asked for follows.
            if subscribed && self.waiting.insert(id.clone()) {
                self.touched.push_front(id.clone());
            }
            return Some(Outgoing::Created(current));
        }
        let wanted = subscribed || (concerns && self.hears_changes());
        wanted.then_some(Outgoing::Updated(current))
    }
}
