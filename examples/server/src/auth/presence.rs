//! The users who are online.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use neuropod::UserId;
use tokio::time::Instant;

/// How long somebody counts as there after they asked for something. Open pages say so twice a minute.
const THERE: Duration = Duration::from_mins(2);

/// The users who sent this server a request lately.
#[derive(Debug, Default)]
pub(crate) struct Presence(Mutex<HashMap<UserId, Instant>>);

impl Presence {
    /// Somebody has asked for something.
    pub(crate) fn seen(&self, user: &UserId) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.insert(user.clone(), Instant::now());
    }

    /// Whether somebody is there.
    pub(crate) fn is_there(&self, user: &UserId) -> bool {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.get(user).is_some_and(|at| at.elapsed() < THERE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn somebody_who_is_silent_is_gone_after_a_while() {
        let presence = Presence::default();
        let ana = UserId::new("ana");
        assert!(!presence.is_there(&ana));
        presence.seen(&ana);
        assert!(presence.is_there(&ana));
        tokio::time::advance(THERE).await;
        assert!(!presence.is_there(&ana));
    }
}
