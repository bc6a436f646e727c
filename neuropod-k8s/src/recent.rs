//! A cache of checks that succeeded a short time ago.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How long a successful check remains valid.
const GOOD_FOR: Duration = Duration::from_mins(5);

/// The subjects that passed a check within the last five minutes, so that not every new pod checks them again.
#[derive(Debug)]
pub(crate) struct Recent<K>(Mutex<HashMap<K, Instant>>);

impl<K> Default for Recent<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash> Recent<K> {
    /// Whether the subject passed its check within the last five minutes.
    pub(crate) fn has<Q: Eq + Hash + ?Sized>(&self, subject: &Q) -> bool
    where
        K: std::borrow::Borrow<Q>,
    {
        self.lock().get(subject).is_some_and(|at| at.elapsed() < GOOD_FOR)
    }

    /// Records that the subject passed its check now.
    pub(crate) fn note(&self, subject: K) {
        let mut seen = self.lock();
        seen.retain(|_, at| at.elapsed() < GOOD_FOR);
        seen.insert(subject, Instant::now());
    }

    /// Forces the next check of the subject.
    pub(crate) fn forget<Q: Eq + Hash + ?Sized>(&self, subject: &Q)
    where
        K: std::borrow::Borrow<Q>,
    {
        self.lock().remove(subject);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{GOOD_FOR, Recent};

    #[tokio::test(start_paused = true)]
    async fn a_check_counts_for_five_minutes_unless_it_is_forgotten() {
        let recent = Recent::<String>::default();
        assert!(!recent.has("users"));
        recent.note("users".into());
        assert!(recent.has("users") && !recent.has("others"));
        recent.forget("users");
        assert!(!recent.has("users"));
        recent.note("users".into());
        tokio::time::advance(GOOD_FOR).await;
        assert!(!recent.has("users"));
    }
}
