//! Where changes of records and accounts are published, for the subscribers in this process.
//!
//! Each subscriber has a mailbox with the latest change of each pod, or of each account, that it has not taken yet. So a
//! slow subscriber misses nothing that still holds, gets each pod once when it goes on, and keeps no more than there are
//! pods.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::id::{Actor, PodId, UserId};
use crate::platform::mailbox::{AccountMailbox, RecordMailbox};
use crate::pod::record::Pod;

/// Publishes changes. Never waits for subscribers.
#[derive(Debug, Default)]
pub(crate) struct Feed {
    records: Subscribers<RecordMailbox>,
    accounts: Subscribers<AccountMailbox>,
}

impl Feed {
    /// Publishes a record as it was stored, and that its owner's account has changed.
    pub(crate) fn publish(&self, pod: &Pod) {
        let mut shared: Option<Arc<Pod>> = None;
        self.records.each(|mailbox| {
            if mailbox.may_see(&pod.owner) {
                let pod = shared.get_or_insert_with(|| Arc::new(pod.clone()));
                mailbox.put(Arc::clone(pod));
            }
        });
        self.publish_account(&pod.owner);
    }

    /// Publishes that there is no such record, no matter who removed it.
    pub(crate) fn publish_gone(&self, id: &PodId) {
        self.records.each(|mailbox| mailbox.put_gone(id));
    }

    /// Publishes that the account of this user has changed: its money, what its pods cost, or what it may do.
    pub(crate) fn publish_account(&self, user: &UserId) {
        self.accounts.each(|mailbox| mailbox.put(user));
    }

    /// Receives the changes of the records that this one may see, from now on.
    pub(crate) fn subscribe_records(&self, actor: &Actor) -> Arc<RecordMailbox> {
        self.records.add(RecordMailbox::new(actor.clone()))
    }

    /// Receives whose account changes from now on, of those that this one may see.
    pub(crate) fn subscribe_accounts(&self, actor: &Actor) -> Arc<AccountMailbox> {
        self.accounts.add(AccountMailbox::new(actor.clone()))
    }
}

/// The mailboxes of the subscribers that are still there.
#[derive(Debug)]
struct Subscribers<M>(Mutex<Vec<Weak<M>>>);

impl<M> Default for Subscribers<M> {
    fn default() -> Self {
        Self(Mutex::new(Vec::new()))
    }
}

impl<M> Subscribers<M> {
    fn add(&self, mailbox: M) -> Arc<M> {
        let mailbox = Arc::new(mailbox);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(Arc::downgrade(&mailbox));
        mailbox
    }

    /// Does something for each subscriber, and forgets those who are gone.
    fn each(&self, mut put: impl FnMut(&M)) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|mailbox| {
            let mailbox = mailbox.upgrade();
            mailbox.inspect(|mailbox| put(mailbox)).is_some()
        });
    }
}
