//! The mailbox of a listener.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use neuropod::cluster::ReasonCode;
use neuropod::message::Language;
use neuropod::money::Standing;
use neuropod::{Actor, PodId};
use tokio::sync::Notify;

use super::current::{Current, Digest, Written};

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

/// An event for a listener.
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

/// The next entry of a mailbox.
pub(super) enum Next {
    /// Ready to be sent.
    Ready(Outgoing),
    /// A pod has changed: how it is now is read from the hub.
    Pod(PodId),
}

/// The mailbox of one listener. The hub posts to it; the listener reads it.
pub(crate) struct Mailbox {
    pub(super) number: u64,
    pub(super) actor: Actor,
    email: String,
    language: Language,
    inbox: Mutex<Inbox>,
    notify: Notify,
}

/// Unread news. It never holds more than one entry for each pod.
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

/// Unread news of the listener's own account.
#[derive(Default)]
struct Account {
    follows: bool,
    told: Option<Arc<Standing>>,
    /// What differs from that.
    news: Option<Arc<Standing>>,
}

impl Mailbox {
    pub(super) fn new(number: u64, actor: Actor, email: String, language: Language) -> Self {
        Self {
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

    /// Notes that they listen to this pod. Returns `false` when they listen to too many.
    pub(super) fn add_subscription(&self, id: &PodId, is_own: bool) -> bool {
        let mut inbox = self.inbox();
        if inbox.subscribed.len() >= MAX_SUBSCRIPTIONS && !inbox.subscribed.contains_key(id) {
            return false;
        }
        inbox.subscribed.insert(id.clone(), is_own);
        inbox.told.remove(id);
        true
    }

    /// Notes that they no longer listen to this pod.
    pub(super) fn remove_subscription(&self, id: &PodId) {
        let mut inbox = self.inbox();
        inbox.subscribed.remove(id);
        if !inbox.hears_changes() {
            inbox.told.remove(id);
        }
    }

    /// Waits until something may have been posted.
    pub(super) async fn changed(&self) {
        self.notify.notified().await;
    }

    /// Removes the next entry from the mailbox; `None`: it is empty.
    pub(super) fn pop(&self) -> Option<Next> {
        let mut inbox = self.inbox();
        if let Some((pod_id, alert)) = inbox.alerts.pop_first() {
            return Some(Next::Ready(Outgoing::LowBalance { pod_id, alert }));
        }
        if let Some((pod_id, code)) = inbox.notices.pop_first() {
            return Some(Next::Ready(Outgoing::Notice { pod_id, code }));
        }
        if let Some(standing) = inbox.account.news.take() {
            inbox.account.told = Some(Arc::clone(&standing));
            return Some(Next::Ready(Outgoing::Standing(standing)));
        }
        let id = inbox.touched.pop_front()?;
        inbox.waiting.remove(&id);
        Some(Next::Pod(id))
    }

    /// The event for a pod that exists; `None`: none.
    pub(super) fn news(&self, current: Arc<Current>) -> Option<Outgoing> {
        self.inbox().news(current, &self.actor)
    }

    /// Forgets a pod that is gone. Returns whether they subscribed to it, and whether its end is told: who only watches
    /// somebody else's pod is not told, as a page takes what is deleted for its own.
    pub(super) fn forget(&self, id: &PodId) -> (bool, bool) {
        let mut inbox = self.inbox();
        let subscribed = inbox.subscribed.remove(id);
        let was_known = inbox.known.remove(id);
        inbox.told.remove(id);
        (subscribed.is_some(), was_known || subscribed == Some(true))
    }
}

impl Inbox {
    fn hears_changes(&self) -> bool {
        matches!(self.scope, Some(Scope::Changes | Scope::Everybody))
    }

    /// The event for a pod that exists.
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
