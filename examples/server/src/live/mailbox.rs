//! The mailbox of a listener.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use neuropod::cluster::ReasonCode;
use neuropod::message::Language;
use neuropod::money::Standing;
use neuropod::{Actor, Money, PodId};
use tokio::sync::Notify;

use super::current::{Current, Digest, Written};

/// The maximum number of pods that one listener subscribes to.
pub(crate) const MAX_SUBSCRIPTIONS: usize = 1000;

/// The events that somebody receives for pods that they have not named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Creation and deletion of their own pods.
    Announcements,
    /// The same, and every change of their own pods.
    Changes,
    /// The same, and every change of all pods; for administrators.
    Everybody,
}

/// Money that runs out for a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Alert {
    /// The account.
    Account {
        /// The threshold that was passed, in seconds.
        threshold: i64,
        /// The remaining time in seconds.
        seconds_left: i64,
    },
    /// The rest of a daily cap.
    Cap {
        /// The threshold that was passed, in seconds.
        threshold: i64,
        /// The remaining time in seconds.
        seconds_left: i64,
    },
    /// The time until which its volume is paid for.
    Volume(Timestamp),
}

/// An event for a listener.
#[derive(Debug)]
pub(crate) enum Outgoing {
    /// A new pod of theirs.
    Created(Arc<Current>),
    /// The current state of a pod.
    Updated(Arc<Current>),
    /// A deleted pod.
    Deleted(PodId),
    /// The money of the account runs out.
    LowBalance {
        /// The pod that caused the warning.
        pod_id: PodId,
        /// The money that runs out.
        alert: Alert,
    },
    /// The standing of their account.
    Standing(Arc<Standing>),
    /// A pod that administrators should look at.
    Notice {
        /// The pod.
        pod_id: PodId,
        /// The reason.
        code: ReasonCode,
    },
}

/// The next entry of a mailbox.
pub(super) enum Next {
    /// Ready to be sent.
    Ready(Outgoing),
    /// A pod has changed; its current state is read from the hub.
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

/// Unread news, with at most one item for each pod.
#[derive(Default)]
struct Inbox {
    scope: Option<Scope>,
    /// The pods that they named; `true`: their own.
    subscribed: HashMap<PodId, bool>,
    /// The pods whose creation was reported.
    known: HashSet<PodId>,
    /// The digest of the last update of each pod; an equal one is not news.
    last_sent: HashMap<PodId, Digest>,
    /// Changed pods, each once, in the order of their changes.
    queue: VecDeque<PodId>,
    waiting: HashSet<PodId>,
    alerts: BTreeMap<PodId, Alert>,
    /// Notices for administrators.
    notices: BTreeMap<PodId, ReasonCode>,
    account: AccountNews,
}

/// Unread news of the listener's own account.
#[derive(Default)]
struct AccountNews {
    follows: bool,
    last_sent: Option<Arc<Standing>>,
    /// The current standing, if it differs from that.
    news: Option<Arc<Standing>>,
}

/// Whether a standing says something new. What accrues is reported by the minute.
fn is_news(last: &Standing, now: &Standing) -> bool {
    let mut still = *now;
    let minute = now.per_hour.for_seconds(60);
    if (Money::ZERO..minute).contains(&(now.accrued - last.accrued))
        && now.low.is_some() == last.low.is_some()
    {
        still.accrued = last.accrued;
        still.spent_today = last.spent_today;
        still.low = last.low;
    }
    still != *last
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

    /// The person who listens.
    pub(crate) fn actor(&self) -> &Actor {
        &self.actor
    }

    /// Their e-mail address.
    pub(crate) fn email(&self) -> &str {
        &self.email
    }

    /// Their language.
    pub(crate) fn language(&self) -> Language {
        self.language
    }

    pub(super) fn enqueue(&self, id: &PodId) {
        let mut inbox = self.inbox();
        if inbox.waiting.insert(id.clone()) {
            inbox.queue.push_back(id.clone());
        }
        drop(inbox);
        self.notify.notify_one();
    }

    /// Posts a warning, if they have any subscription.
    pub(super) fn alert(&self, id: &PodId, alert: Alert) {
        let mut inbox = self.inbox();
        if inbox.scope.is_none() && inbox.subscribed.is_empty() {
            return;
        }
        inbox.alerts.insert(id.clone(), alert);
        drop(inbox);
        self.notify.notify_one();
    }

    /// Starts reporting the standing of their account.
    pub(super) fn follow_account(&self) {
        self.inbox().account.follows = true;
    }

    /// Posts the current standing of their account.
    pub(super) fn standing(&self, standing: &Arc<Standing>) {
        let mut inbox = self.inbox();
        let account = &mut inbox.account;
        // If it changed back before it was reported, there is no news.
        let is_news = account
            .last_sent
            .as_ref()
            .is_none_or(|last| is_news(last, standing));
        account.news = (account.follows && is_news).then(|| Arc::clone(standing));
        drop(inbox);
        self.notify.notify_one();
    }

    pub(super) fn notice(&self, id: &PodId, code: ReasonCode) {
        self.inbox().notices.insert(id.clone(), code);
        self.notify.notify_one();
    }

    pub(super) fn add_known(&self, pods: impl Iterator<Item = PodId>, scope: Scope) {
        let mut inbox = self.inbox();
        inbox.scope = Some(scope);
        for id in pods {
            if scope != Scope::Announcements && inbox.waiting.insert(id.clone()) {
                inbox.queue.push_back(id.clone());
            }
            inbox.known.insert(id);
        }
        drop(inbox);
        self.notify.notify_one();
    }

    pub(super) fn subscriptions(&self) -> Vec<PodId> {
        self.inbox().subscribed.keys().cloned().collect()
    }

    /// Records the state in an announcement: an update with the same content is not news, unless they
    /// subscribed to the pod.
    pub(super) fn announced(&self, id: &PodId, update: &Written) {
        let mut inbox = self.inbox();
        if inbox.hears_changes() && !inbox.subscribed.contains_key(id) {
            inbox.last_sent.insert(id.clone(), update.whole);
        }
    }

    /// Whether an update differs from the last one of its pod, and records it. For listeners to all changes the
    /// details of the pod count too, for a page that named the pod they do not.
    pub(super) fn is_news(&self, id: &PodId, update: &Written) -> bool {
        let mut inbox = self.inbox();
        let digest = if inbox.hears_changes() {
            update.whole
        } else {
            update.brief
        };
        let hears = inbox.hears_changes() || inbox.subscribed.contains_key(id);
        // Nothing is recorded for a pod that they have left meanwhile.
        !hears || inbox.last_sent.insert(id.clone(), digest) != Some(digest)
    }

    /// Adds a subscription. Returns `false` if they have too many.
    pub(super) fn add_subscription(&self, id: &PodId, is_own: bool) -> bool {
        let mut inbox = self.inbox();
        if inbox.subscribed.len() >= MAX_SUBSCRIPTIONS && !inbox.subscribed.contains_key(id) {
            return false;
        }
        inbox.subscribed.insert(id.clone(), is_own);
        inbox.last_sent.remove(id);
        true
    }

    /// Removes a subscription.
    pub(super) fn remove_subscription(&self, id: &PodId) {
        let mut inbox = self.inbox();
        inbox.subscribed.remove(id);
        if !inbox.hears_changes() {
            inbox.last_sent.remove(id);
        }
    }

    /// Waits until something may have been posted.
    pub(super) async fn changed(&self) {
        self.notify.notified().await;
    }

    /// Removes the next item from the mailbox; `None`: it is empty.
    pub(super) fn pop(&self) -> Option<Next> {
        let mut inbox = self.inbox();
        if let Some((pod_id, alert)) = inbox.alerts.pop_first() {
            return Some(Next::Ready(Outgoing::LowBalance { pod_id, alert }));
        }
        if let Some((pod_id, code)) = inbox.notices.pop_first() {
            return Some(Next::Ready(Outgoing::Notice { pod_id, code }));
        }
        if let Some(standing) = inbox.account.news.take() {
            inbox.account.last_sent = Some(Arc::clone(&standing));
            return Some(Next::Ready(Outgoing::Standing(standing)));
        }
        let id = inbox.queue.pop_front()?;
        inbox.waiting.remove(&id);
        Some(Next::Pod(id))
    }

    /// The event for an existing pod, if it concerns them.
    pub(super) fn news(&self, current: Arc<Current>) -> Option<Outgoing> {
        self.inbox().news(current, &self.actor)
    }

    /// Removes a deleted pod. Returns whether they subscribed to it, and whether its end is reported. It is not
    /// reported to somebody who only watches somebody else's pod, because pages treat deleted pods as their
    /// own.
    pub(super) fn forget(&self, id: &PodId) -> (bool, bool) {
        let mut inbox = self.inbox();
        let subscribed = inbox.subscribed.remove(id);
        let was_known = inbox.known.remove(id);
        inbox.last_sent.remove(id);
        (subscribed.is_some(), was_known || subscribed == Some(true))
    }
}

impl Inbox {
    fn hears_changes(&self) -> bool {
        matches!(self.scope, Some(Scope::Changes | Scope::Everybody))
    }

    /// The event for an existing pod, if it concerns them.
    fn news(&mut self, current: Arc<Current>, actor: &Actor) -> Option<Outgoing> {
        let id = &current.pod.id;
        let is_own = current.pod.owner == actor.id;
        let concerns = is_own || self.scope == Some(Scope::Everybody);
        let is_new = self.scope.is_some() && concerns && self.known.insert(id.clone());
        let subscribed = self.subscribed.contains_key(id);
        if is_new && is_own {
            // The update that they subscribed to follows.
            if subscribed && self.waiting.insert(id.clone()) {
                self.queue.push_front(id.clone());
            }
            return Some(Outgoing::Created(current));
        }
        let wanted = subscribed || (concerns && self.hears_changes());
        wanted.then_some(Outgoing::Updated(current))
    }
}
