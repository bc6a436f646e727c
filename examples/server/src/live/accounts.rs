//! The accounts whose owners are to be told how they stand.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use neuropod::UserId;
use tokio::sync::Notify;

/// The accounts that changed.
#[derive(Debug, Default)]
pub(crate) struct Accounts {
    changed: Mutex<BTreeSet<UserId>>,
    notify: Notify,
}

impl Accounts {
    /// Those that have changed and were not told yet.
    pub(super) fn changed(&self) -> MutexGuard<'_, BTreeSet<UserId>> {
        self.changed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The owner of this account is to be told how it stands, where they don't know.
    pub(crate) fn touch(&self, user: &UserId) {
        self.changed().insert(user.clone());
        self.notify.notify_one();
    }

    /// Waits until there are some, and takes them all.
    pub(super) async fn take(&self) -> BTreeSet<UserId> {
        loop {
            let taken = std::mem::take(&mut *self.changed());
            if !taken.is_empty() {
                return taken;
            }
            self.notify.notified().await;
        }
    }
}
