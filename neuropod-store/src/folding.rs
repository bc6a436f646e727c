//! How stores on a database fold old entries: account by account, in steps that keep nobody waiting for long.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use neuropod_core::money::{Folded, LedgerEntry};
use neuropod_core::{Result, UserId};

use crate::account::Fold;

/// The most entries that a step reads.
pub(crate) const STEP: u32 = 2000;
/// The most accounts of a page.
pub(crate) const ACCOUNTS: u32 = 100;
/// Entries booked this long before the last fold are read again: charges that were booked late join their day.
const OVERLAP: SignedDuration = SignedDuration::from_hours(48);

/// The entries of one step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Range {
    /// Only entries after this number.
    pub(crate) after: u64,
    /// Only entries booked at this time or later.
    pub(crate) from: Timestamp,
    /// Only entries booked before this time.
    pub(crate) before: Timestamp,
}

/// The result of one step.
#[derive(Debug, Default)]
pub(crate) struct Step {
    /// The numbers of the entries that were read.
    pub(crate) numbers: Vec<u64>,
    /// How many of them are gone.
    pub(crate) removed: usize,
    /// How many keys are forgotten.
    pub(crate) forgotten: usize,
}

impl Step {
    /// What `fold` does to the entries that were read.
    pub(crate) fn of(entries: &[LedgerEntry], fold: &Fold) -> Self {
        Self {
            numbers: entries.iter().map(|entry| entry.number).collect(),
            removed: fold.removed.len(),
            forgotten: fold.forgotten.len(),
        }
    }
}

/// A database with accounts.
#[async_trait]
pub(crate) trait FoldingStore: Sync {
    /// A page of the owners of accounts, in order, after this one. An empty page is the end.
    async fn owners(&self, after: Option<&UserId>) -> Result<Vec<UserId>>;

    /// Folds the first [`STEP`] entries of a range, all of it or nothing.
    async fn fold_step(&self, user: &UserId, range: Range) -> Result<Step>;
}

/// How far this process has folded. A new process reads everything once.
#[derive(Debug, Default)]
pub(crate) struct LastFold(Mutex<Option<Timestamp>>);

impl LastFold {
    /// Entries booked before this time are folded already.
    fn done_before(&self) -> Timestamp {
        let last = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let last = last.and_then(|last| last.saturating_sub(OVERLAP).ok());
        last.unwrap_or(Timestamp::MIN)
    }

    /// Everything before `before` is folded. What is booked after `now` is not, even if that is earlier.
    fn set(&self, before: Timestamp, now: Timestamp) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(before.min(now));
    }
}

/// Folds the entries of all accounts that were booked before `before`. An account that can't be folded does not keep the
/// others from it.
///
/// # Errors
/// At once one that may be repeated; otherwise the first one, after all accounts.
pub(crate) async fn fold_all(
    store: &impl FoldingStore,
    last: &LastFold,
    before: Timestamp,
    now: Timestamp,
) -> Result<Folded> {
    let mut folded = Folded::default();
    let mut failure = None;
    let range = Range {
        after: 0,
        from: last.done_before(),
        before,
    };
    let mut owners = store.owners(None).await?;
    while let Some(page_end) = owners.last().cloned() {
        for user in &owners {
            match fold_account(store, user, range, &mut folded).await {
                Err(error) if error.is_retryable() => return Err(error),
                Err(error) => failure = failure.or(Some(error)),
                Ok(()) => {}
            }
        }
        owners = store.owners(Some(&page_end)).await?;
    }
    if let Some(error) = failure {
        return Err(error);
    }
    last.set(before, now);
    Ok(folded)
}

async fn fold_account(
    store: &impl FoldingStore,
    user: &UserId,
    mut range: Range,
    folded: &mut Folded,
) -> Result<()> {
    let mut is_news = true;
    loop {
        let step = store.fold_step(user, range).await?;
        if step.removed > 0 {
            folded.accounts += u64::from(std::mem::take(&mut is_news));
            folded.entries_removed += step.removed as u64;
            folded.keys_removed += step.forgotten as u64;
        }
        let Some(after) = next(range.after, &step) else {
            return Ok(());
        };
        range.after = after;
    }
}

/// The number after which the next step reads; `None` at the end.
///
/// As long as most entries of a step go, the next one reads those that are left again, with as many new ones. Otherwise it
/// goes on in the middle, so that days across the end of a step are folded too.
fn next(after: u64, step: &Step) -> Option<u64> {
    let read = step.numbers.len();
    if read < STEP as usize {
        return None;
    }
    if step.removed >= read / 2 {
        return Some(after);
    }
    step.numbers.get(read / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_goes_on_where_something_is_left() {
        let step = |read: u64, removed| Step {
            numbers: (11..11 + read).collect(),
            removed,
            forgotten: 0,
        };
        let full = u64::from(STEP);
        assert_eq!(next(10, &step(0, 0)), None);
        assert_eq!(next(10, &step(full - 1, 5)), None, "the last entries");
        assert_eq!(
            next(10, &step(full, 1500)),
            Some(10),
            "those that are left, again"
        );
        assert_eq!(next(10, &step(full, 999)), Some(11 + full / 2));
        assert_eq!(next(10, &step(full, 0)), Some(11 + full / 2));
    }

    #[test]
    fn a_process_reads_new_entries_only_but_the_first_time() {
        let last = LastFold::default();
        assert_eq!(last.done_before(), Timestamp::MIN);
        let time = |text: &str| -> Timestamp { text.parse().unwrap() };
        let now = time("2026-01-17T12:00:00Z");
        for (before, expected) in [
            (time("2026-01-10T00:00:00Z"), time("2026-01-08T00:00:00Z")),
            (Timestamp::MAX, time("2026-01-15T12:00:00Z")),
            (Timestamp::MIN, Timestamp::MIN),
        ] {
            last.set(before, now);
            assert_eq!(last.done_before(), expected);
        }
    }
}
