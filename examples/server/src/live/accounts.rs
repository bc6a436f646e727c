//! The accounts whose owners have to be informed of their standing.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use neuropod::UserId;
use tokio::sync::Notify;

/// The changed accounts.
#[derive(Debug, Default)]
pub(crate) struct Accounts {
    changed: Mutex<BTreeSet<UserId>>,
    notify: Notify,
}

impl Accounts {
    /// Accounts that changed and have not been reported yet.
    pub(super) fn changed(&self) -> MutexGuard<'_, BTreeSet<UserId>> {
        self.changed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enqueues an account: its standing is reported to its owner, if it has changed.
    pub(crate) fn enqueue(&self, user: &UserId) {
        self.changed().insert(user.clone());
        self.notify.notify_one();
    }

    /// Waits until there are some, and removes them all.
    pub(super) async fn take_all(&self) -> BTreeSet<UserId> {
        loop {
            let taken = std::mem::take(&mut *self.changed());
            if !taken.is_empty() {
                return taken;
            }
            self.notify.notified().await;
        }
    }
}
