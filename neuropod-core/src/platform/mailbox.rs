//! The changes that one subscriber has not taken yet: the latest of each pod, or of each account, oldest first.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tokio::sync::Notify;

use crate::id::{Actor, PodId, UserId};
use crate::pod::record::Pod;

/// How many pods that ended are remembered: a change of one of them may arrive late.
const MAX_ENDED: usize = 1024;

/// A queue with one place for each key: a value replaces the one that waits under its key.
#[derive(Debug)]
struct Latest<K, V> {
    /// The values, with their places in `order`.
    values: HashMap<K, (u64, V)>,
    order: BTreeMap<u64, K>,
    next_place: u64,
}

impl<K, V> Default for Latest<K, V> {
    fn default() -> Self {
        Self {
            values: HashMap::new(),
            order: BTreeMap::new(),
            next_place: 0,
        }
    }
}

impl<K: Clone + Eq + Hash, V> Latest<K, V> {
    fn get(&self, key: &K) -> Option<&V> {
        self.values.get(key).map(|(_, value)| value)
    }

    fn put(&mut self, key: K, value: V) {
        if let Some((_, old)) = self.values.get_mut(&key) {
            *old = value;
            return;
        }
        let place = self.next_place;
        self.next_place += 1;
        self.order.insert(place, key.clone());
        self.values.insert(key, (place, value));
    }

    fn remove(&mut self, key: &K) {
        if let Some((place, _)) = self.values.remove(key) {
            self.order.remove(&place);
        }
    }

    fn pop(&mut self) -> Option<(K, V)> {
        let (_, key) = self.order.pop_first()?;
        let (_, value) = self.values.remove(&key)?;
        Some((key, value))
    }
}

/// The accounts that have changed, for one subscriber.
#[derive(Debug)]
pub(crate) struct AccountMailbox {
    actor: Actor,
    changed: Mutex<Latest<UserId, ()>>,
    filled: Notify,
}

impl AccountMailbox {
    pub(crate) fn new(actor: Actor) -> Self {
        Self {
            actor,
            changed: Mutex::default(),
            filled: Notify::new(),
        }
    }

    /// Puts in that the account of this user has changed, if the subscriber may see it.
    pub(crate) fn put(&self, user: &UserId) {
        if self.actor.may_touch(user) {
            lock(&self.changed).put(user.clone(), ());
            self.filled.notify_one();
        }
    }

    /// Waits for an account that has changed, and takes it out.
    pub(crate) async fn recv(&self) -> UserId {
        loop {
            let next = lock(&self.changed).pop();
            if let Some((user, ())) = next {
                return user;
            }
            self.filled.notified().await;
        }
    }
}

/// A reported change of a record.
#[derive(Debug, Clone)]
pub(crate) enum RecordChange {
    /// It is new or has changed.
    Stored(Arc<Pod>),
    /// It is deleted. It was reported before.
    Gone(PodId),
}

/// When a record was created, and its version: another record may come later under the same id.
type RecordVersion = (Timestamp, u64);

fn version_of(pod: &Pod) -> RecordVersion {
    (pod.created_at, pod.version)
}

/// The records that have changed, for one subscriber.
#[derive(Debug)]
pub(crate) struct RecordMailbox {
    actor: Actor,
    records: Mutex<UnreadRecords>,
    filled: Notify,
}

impl RecordMailbox {
    pub(crate) fn new(actor: Actor) -> Self {
        Self {
            actor,
            records: Mutex::default(),
            filled: Notify::new(),
        }
    }

    /// Whether the subscriber may see the pods of this owner.
    pub(crate) fn may_see(&self, owner: &UserId) -> bool {
        self.actor.may_touch(owner)
    }

    /// Puts in a record as it was stored. Changes may come in another order than they were made.
    pub(crate) fn put(&self, pod: Arc<Pod>) {
        lock(&self.records).put(pod);
        self.filled.notify_one();
    }

    /// Puts in that there is no such record any more.
    pub(crate) fn put_gone(&self, id: &PodId) {
        lock(&self.records).put_gone(id);
        self.filled.notify_one();
    }

    /// Waits for a change, and takes it out.
    pub(crate) async fn recv(&self) -> RecordChange {
        loop {
            let next = lock(&self.records).pop();
            if let Some(change) = next {
                return change;
            }
            self.filled.notified().await;
        }
    }

    /// Notes that these pods were reported in a list, and that there are no others.
    pub(crate) fn note_reported(&self, pods: &[Pod]) {
        let mut records = lock(&self.records);
        records.reported = pods.iter().map(|pod| (pod.id.clone(), version_of(pod))).collect();
        records.has_list = true;
    }
}

#[derive(Debug, Default)]
struct UnreadRecords {
    waiting: Latest<PodId, Unread>,
    /// The reported pods, in their last reported state. The deletion of other pods is not reported, so that the mailbox of
    /// a stalled subscriber does not collect every pod that comes and goes.
    reported: HashMap<PodId, RecordVersion>,
    /// Whether the list was reported. While it is read, it may contain a pod that is deleted meanwhile.
    has_list: bool,
    /// The last records that ended, and when they were created.
    ended: HashMap<PodId, Timestamp>,
    /// The same, oldest first.
    ended_order: VecDeque<PodId>,
}

#[derive(Debug)]
enum Unread {
    Stored(Arc<Pod>),
    Gone,
}

impl UnreadRecords {
    fn put(&mut self, pod: Arc<Pod>) {
        let (id, created_at) = (&pod.id, pod.created_at);
        if self.ended.get(id).is_some_and(|ended| *ended >= created_at) {
            return;
        }
        if pod.is_deleted() {
            self.note_end(&id.clone(), created_at);
            return;
        }
        if self.last(id) < Some(version_of(&pod)) {
            self.waiting.put(id.clone(), Unread::Stored(pod));
        }
    }

    fn put_gone(&mut self, id: &PodId) {
        match self.last(id) {
            Some((created_at, _)) => self.note_end(id, created_at),
            None if !self.has_list => self.waiting.put(id.clone(), Unread::Gone),
            None => {}
        }
    }

    /// The last reported state of a record, or the one that waits.
    fn last(&self, id: &PodId) -> Option<RecordVersion> {
        let waiting = match self.waiting.get(id) {
            Some(Unread::Stored(pod)) => Some(version_of(pod)),
            Some(Unread::Gone) | None => None,
        };
        waiting.max(self.reported.get(id).copied())
    }

    /// Notes that a record is deleted: nothing follows it.
    fn note_end(&mut self, id: &PodId, created_at: Timestamp) {
        if self.ended.insert(id.clone(), created_at).is_none() {
            self.ended_order.push_back(id.clone());
        }
        if self.ended.len() > MAX_ENDED
            && let Some(oldest) = self.ended_order.pop_front()
        {
            self.ended.remove(&oldest);
        }
        if !self.has_list || self.reported.contains_key(id) {
            self.waiting.put(id.clone(), Unread::Gone);
        } else {
            self.waiting.remove(id);
        }
    }

    fn pop(&mut self) -> Option<RecordChange> {
        loop {
            let (id, change) = self.waiting.pop()?;
            match change {
                // The list may have reported it meanwhile.
                Unread::Stored(pod) if self.reported.get(&id) < Some(&version_of(&pod)) => {
                    self.reported.insert(id, version_of(&pod));
                    return Some(RecordChange::Stored(pod));
                }
                Unread::Gone if self.reported.remove(&id).is_some() => return Some(RecordChange::Gone(id)),
                Unread::Stored(_) | Unread::Gone => {}
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    fn pod(number: u64, version: u64) -> Arc<Pod> {
        Arc::new(Pod {
            id: PodId::from_bits(number),
            version,
            ..Pod::sample(Timestamp::UNIX_EPOCH)
        })
    }

    /// The next report to the subscriber: the pod and its version; no version: it is gone.
    fn taken(mailbox: &RecordMailbox) -> Option<(PodId, Option<u64>)> {
        Some(match mailbox.recv().now_or_never()? {
            RecordChange::Stored(pod) => (pod.id.clone(), Some(pod.version)),
            RecordChange::Gone(id) => (id, None),
        })
    }

    /// The mailbox of a subscriber to which these pods were reported.
    fn mailbox(reported: &[Pod]) -> RecordMailbox {
        let mailbox = RecordMailbox::new(Actor::admin("root"));
        mailbox.note_reported(reported);
        mailbox
    }

    #[test]
    fn of_each_pod_the_latest_waits_at_the_place_of_the_first() {
        let mailbox = mailbox(&[]);
        for version in 1..=1000 {
            for number in 1..=3 {
                mailbox.put(pod(number, version));
            }
        }
        let all: Vec<_> = std::iter::from_fn(|| taken(&mailbox)).collect();
        assert_eq!(
            all,
            [1, 2, 3].map(|number| (PodId::from_bits(number), Some(1000)))
        );
    }

    #[test]
    fn changes_that_come_late_are_not_reported() {
        let mailbox = mailbox(&[]);
        let id = PodId::from_bits(1);
        mailbox.put(pod(1, 5));
        mailbox.put(pod(1, 4));
        assert_eq!(taken(&mailbox), Some((id.clone(), Some(5))));
        mailbox.put(pod(1, 5));
        assert_eq!(taken(&mailbox), None);
        mailbox.put_gone(&id);
        mailbox.put(pod(1, 6));
        assert_eq!(taken(&mailbox), Some((id, None)));
        mailbox.put(pod(1, 7));
        assert_eq!(taken(&mailbox), None, "it brings no deleted pod back");
        // Nor one that was gone before the subscriber heard of it.
        mailbox.put(pod(2, 1));
        mailbox.put_gone(&PodId::from_bits(2));
        mailbox.put(pod(2, 2));
        assert_eq!(taken(&mailbox), None);
    }

    #[test]
    fn what_changes_while_the_list_is_read_is_reported_after_it() {
        let mailbox = RecordMailbox::new(Actor::admin("root"));
        mailbox.put(pod(1, 2));
        mailbox.put(pod(2, 2));
        mailbox.put_gone(&PodId::from_bits(3));
        mailbox.put(pod(4, 2));
        mailbox.put_gone(&PodId::from_bits(4));
        mailbox.put_gone(&PodId::from_bits(5));
        // Read after the first of these changes and before the others; the fifth pod was gone by then.
        let list =
            [(1, 2), (2, 1), (3, 1), (4, 1)].map(|(number, version)| Pod::clone(&pod(number, version)));
        mailbox.note_reported(&list);
        let all: Vec<_> = std::iter::from_fn(|| taken(&mailbox)).collect();
        let id = PodId::from_bits;
        assert_eq!(all, [(id(2), Some(2)), (id(3), None), (id(4), None)]);
    }

    #[test]
    fn pods_that_come_and_go_unreported_leave_nothing() {
        let mailbox = mailbox(&[]);
        mailbox.put(pod(1, 1));
        taken(&mailbox).unwrap();
        for number in 2..5000 {
            mailbox.put(pod(number, 1));
            mailbox.put_gone(&PodId::from_bits(number));
        }
        let records = lock(&mailbox.records);
        assert!(records.waiting.values.is_empty() && records.waiting.order.is_empty());
        assert_eq!((records.reported.len(), records.ended.len()), (1, MAX_ENDED));
    }

    #[tokio::test]
    async fn who_waits_is_woken() {
        let mailbox = Arc::new(mailbox(&[]));
        let waits = Arc::clone(&mailbox);
        let taken = tokio::spawn(async move { waits.recv().await });
        tokio::task::yield_now().await;
        mailbox.put(pod(1, 1));
        assert!(matches!(taken.await.unwrap(), RecordChange::Stored(_)));
    }
}
