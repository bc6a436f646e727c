//! A lock for each account, within this process.

use std::hash::{BuildHasher, RandomState};

use neuropod_core::UserId;
use tokio::sync::{Mutex, MutexGuard};

/// The number of locks. Accounts share them; with this many, two users rarely wait for each other.
const LOCKS: usize = 256;

/// Lets one task of this process at a time change an account.
///
/// This only saves work, as the ledgers are exact without it between processes. Without it, several tasks that change
/// one account would fail the comparison of its version and start again (MongoDB), or each keep a connection while they
/// wait for its row (PostgreSQL).
pub(crate) struct AccountLocks {
    hasher: RandomState,
    locks: Box<[Mutex<()>]>,
}

impl Default for AccountLocks {
    fn default() -> Self {
        Self {
            hasher: RandomState::new(),
            locks: (0..LOCKS).map(|_| Mutex::new(())).collect(),
        }
    }
}

impl AccountLocks {
    /// Waits for the lock of this account.
    pub(crate) async fn lock(&self, user: &UserId) -> MutexGuard<'_, ()> {
        // The remainder is less than the number of locks.
        #[expect(clippy::cast_possible_truncation, reason = "only the remainder counts")]
        let place = self.hasher.hash_one(user) as usize % LOCKS;
        self.locks[place].lock().await
    }
}
