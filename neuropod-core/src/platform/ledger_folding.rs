//! When the ledger is folded: once a day, in the background of the driver.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::clock::SteadyClock;
use crate::money::billing::start_of_day;
use crate::money::folding::LedgerFolding;

/// The age from which on days are folded, unless operators choose another one. With it, the ledger of a pod that runs for a
/// month stays below 0.2 MB in SQLite; single charges of a week alone would be more.
pub(crate) const FOLD_AFTER: SignedDuration = SignedDuration::from_hours(2 * 24);
/// The least age: a repetition of a charge that is younger must find its key.
pub(crate) const LEAST_AGE: SignedDuration = SignedDuration::from_hours(24);
/// The time between two foldings.
const EVERY: Duration = Duration::from_hours(24);
/// The longest wait before a folding that is due, so that replicas that start together don't fold together.
const SPREAD: Duration = Duration::from_mins(1);

/// What folds the ledger, and which days of it.
#[derive(Clone)]
pub(crate) struct FoldingRules {
    pub(crate) ledger: Arc<dyn LedgerFolding>,
    /// The age of entries that are folded.
    pub(crate) after: SignedDuration,
}

/// Folds the ledger when it is due. Dropping it ends a folding that runs, and the next one does the rest.
pub(crate) struct FoldingSchedule {
    rules: Option<FoldingRules>,
    clock: Arc<SteadyClock>,
    state: Arc<Mutex<State>>,
    task: Mutex<JoinSet<()>>,
}

#[derive(Default)]
struct State {
    /// `None`: at the next opportunity.
    due_at: Option<Instant>,
    /// Whether the last folding failed, and the log has reported it.
    has_failed: bool,
}

impl FoldingSchedule {
    pub(crate) fn new(rules: Option<FoldingRules>, clock: Arc<SteadyClock>) -> Self {
        Self {
            rules,
            clock,
            state: Arc::default(),
            task: Mutex::default(),
        }
    }

    /// Begins to fold if it is due, and does not wait for it. A folding that failed is due again at once.
    pub(crate) fn start_if_due(&self) {
        let Some(rules) = self.rules.clone() else {
            return;
        };
        let mut task = lock(&self.task);
        while task.try_join_next().is_some() {}
        let is_due = lock(&self.state).due_at.is_none_or(|due| due <= Instant::now());
        if !task.is_empty() || !is_due {
            return;
        }
        let (clock, state) = (Arc::clone(&self.clock), Arc::clone(&self.state));
        task.spawn(async move {
            sleep(SPREAD.mul_f64(fastrand::f64())).await;
            fold(&rules, clock.now(), &state).await;
        });
    }
}

async fn fold(rules: &FoldingRules, now: Timestamp, state: &Mutex<State>) {
    let before = start_of_day(now.saturating_sub(rules.after).unwrap_or(Timestamp::MIN));
    let result = rules.ledger.fold(before).await;
    let mut state = lock(state);
    match result {
        Ok(folded) => {
            // Replicas must not stay in step.
            state.due_at = Some(Instant::now() + EVERY.mul_f64(0.9 + 0.2 * fastrand::f64()));
            if std::mem::take(&mut state.has_failed) || folded.entries_removed > 0 {
                tracing::info!(
                    %before,
                    accounts = folded.accounts,
                    entries_removed = folded.entries_removed,
                    keys_removed = folded.keys_removed,
                    "old entries of the ledger were folded"
                );
            }
        }
        Err(error) if std::mem::replace(&mut state.has_failed, true) => {
            tracing::debug!(%error, "the ledger still can't be folded");
        }
        Err(error) => tracing::warn!(%error, "the ledger can't be folded now; it is retried"),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_folded_as_a_whole() {
        for (time, midnight) in [
            ("2026-01-10T00:00:00Z", "2026-01-10T00:00:00Z"),
            ("2026-01-09T23:59:59.999Z", "2026-01-09T00:00:00Z"),
            ("-009999-01-02T01:59:59Z", "-009999-01-02T01:59:59Z"),
        ] {
            let (time, midnight): (Timestamp, Timestamp) = (time.parse().unwrap(), midnight.parse().unwrap());
            assert_eq!(start_of_day(time), midnight.min(time));
        }
        assert_eq!(start_of_day(Timestamp::MIN), Timestamp::MIN);
    }
}
