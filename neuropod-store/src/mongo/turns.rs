//! One change of an account at a time, within this process.

use std::hash::{BuildHasher, RandomState};

use neuropod_core::UserId;
use tokio::sync::{Mutex, MutexGuard};

/// Accounts that share a turn wait for each other: enough that it is seldom one of another user.
const TURNS: usize = 256;

/// Who may change an account next. Without it all but one of those who change an account at the same time would work
/// in vain; it is right without it too.
pub(super) struct Turns {
    hasher: RandomState,
    turns: Box<[Mutex<()>]>,
}

impl Default for Turns {
    fn default() -> Self {
        Self {
            hasher: RandomState::new(),
            turns: (0..TURNS).map(|_| Mutex::new(())).collect(),
        }
    }
}

impl Turns {
    pub(super) async fn wait(&self, user: &UserId) -> MutexGuard<'_, ()> {
        // The remainder is less than the number of turns.
        #[expect(clippy::cast_possible_truncation, reason = "only the remainder counts")]
        let place = self.hasher.hash_one(user) as usize % TURNS;
        self.turns[place].lock().await
    }
}
