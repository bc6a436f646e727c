//! Publication of changes of records and accounts, for the subscribers in this process.

use std::sync::Arc;

use tokio::sync::broadcast;

use crate::id::{PodId, UserId};
use crate::pod::record::Pod;

/// How many changes a subscriber may be behind before it misses some.
pub(crate) const CAPACITY: usize = 1024;

/// Publishes changes. Never waits: a subscriber that does not keep up gets the number of missed changes.
#[derive(Debug)]
pub(crate) struct Feed {
    records: broadcast::Sender<RecordChange>,
    /// The owners of changed accounts.
    accounts: broadcast::Sender<UserId>,
}

/// A change of a record.
#[derive(Debug, Clone)]
pub(crate) enum RecordChange {
    /// The record as it was stored.
    Stored(Arc<Pod>),
    /// The record does not exist any more.
    Gone(PodId),
}

impl Default for Feed {
    fn default() -> Self {
        Self {
            records: broadcast::channel(CAPACITY).0,
            accounts: broadcast::channel(CAPACITY).0,
        }
    }
}

impl Feed {
    /// Publishes a record as it was stored, and that its owner's account has changed.
    pub(crate) fn publish(&self, pod: &Pod) {
        if self.records.receiver_count() > 0 {
            // Sending fails only if the last subscriber has just gone.
            let _ = self.records.send(RecordChange::Stored(Arc::new(pod.clone())));
        }
        self.publish_account(&pod.owner);
    }

    /// Publishes that there is no such record, whatever removed it.
    pub(crate) fn publish_gone(&self, id: &PodId) {
        if self.records.receiver_count() > 0 {
            // As above.
            let _ = self.records.send(RecordChange::Gone(id.clone()));
        }
    }

    /// Publishes that the account of this user has changed: its money, the cost of its pods, or its
    /// permissions.
    pub(crate) fn publish_account(&self, user: &UserId) {
        if self.accounts.receiver_count() > 0 {
            // As above.
            let _ = self.accounts.send(user.clone());
        }
    }

    /// Receives every change of a record from now on.
    pub(crate) fn subscribe_records(&self) -> broadcast::Receiver<RecordChange> {
        self.records.subscribe()
    }

    /// Receives the owners of changed accounts from now on.
    pub(crate) fn subscribe_accounts(&self) -> broadcast::Receiver<UserId> {
        self.accounts.subscribe()
    }
}
