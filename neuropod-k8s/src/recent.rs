//! A cache of checks that succeeded a short time ago.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::Mutex as Gate;
use tokio::time::Instant;

/// How long a successful check remains valid.
const GOOD_FOR: Duration = Duration::from_mins(5);

/// The subjects that passed a check within the last five minutes, so that not every new pod checks them again.
#[derive(Debug)]
pub(crate) struct Recent<K> {
    passed: Mutex<HashMap<K, Instant>>,
    /// The subjects that are being checked.
    gates: Mutex<HashMap<K, Weak<Gate<()>>>>,
}

impl<K> Default for Recent<K> {
    fn default() -> Self {
        Self {
            passed: Mutex::default(),
            gates: Mutex::default(),
        }
    }
}

impl<K: Eq + Hash + Clone> Recent<K> {
    /// Checks the subject, unless it passed within the last five minutes. Of many at once, one checks it and the others wait.
    /// The check itself [notes](Self::note) that the subject has passed.
    ///
    /// # Errors
    /// Those of the check. Then the next that waits checks it.
    pub(crate) async fn ensure<E>(
        &self,
        subject: &K,
        check: impl Future<Output = Result<(), E>>,
    ) -> Result<(), E> {
        if self.has(subject) {
            return Ok(());
        }
        let gate = self.gate(subject);
        let _turn = gate.lock().await;
        if self.has(subject) {
            return Ok(());
        }
        check.await
    }

    fn gate(&self, subject: &K) -> Arc<Gate<()>> {
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(gate) = gates.get(subject).and_then(Weak::upgrade) {
            return gate;
        }
        gates.retain(|_, gate| gate.strong_count() > 0);
        let gate = Arc::default();
        gates.insert(subject.clone(), Arc::downgrade(&gate));
        gate
    }

    /// Whether the subject passed its check within the last five minutes.
    fn has<Q: Eq + Hash + ?Sized>(&self, subject: &Q) -> bool
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
        self.passed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use futures::future::join_all;
    use tokio::time::sleep;

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

    #[tokio::test(start_paused = true)]
    async fn of_many_at_once_one_checks_and_after_a_failure_the_next() {
        let (recent, checks) = (Recent::<u8>::default(), AtomicUsize::new(0));
        let check = async || {
            sleep(Duration::from_secs(1)).await;
            if checks.fetch_add(1, Ordering::Relaxed) == 0 {
                return Err("not yet");
            }
            recent.note(1);
            Ok(())
        };
        let all = join_all((0..50).map(|_| recent.ensure(&1, check()))).await;
        let failed = all.iter().filter(|passed| passed.is_err()).count();
        assert_eq!((failed, checks.load(Ordering::Relaxed)), (1, 2));
        // Another subject has a gate of its own, and none stays.
        recent.note(2);
        recent.ensure(&2, check()).await.unwrap();
        assert_eq!(checks.load(Ordering::Relaxed), 2);
        drop(recent.gate(&3));
        assert_eq!(recent.gates.lock().unwrap().len(), 1);
    }
}
