//! Checks that results are consistent with each other, independently of the ledger.

use super::call_result::CallResult;
use super::journal::{Attempt, Attempts};
use super::operation::Operation;
use crate::money::billing::PostingKind;

/// Checks that each error is possible for its operation, and that each result follows from the operations
/// accepted earlier under the same key.
pub(super) fn check(attempts: &Attempts) {
    for attempt in attempts.all() {
        is_possible(attempt);
    }
    for (_, same_key) in attempts.by_key() {
        for later in &same_key {
            for earlier in &same_key {
                if earlier.is_accepted_before(later) {
                    follows(earlier, later, &same_key);
                }
            }
        }
    }
}

fn is_possible(attempt: &Attempt) {
    let Some(CallResult::Refused { code, retryable, .. }) = attempt.result() else {
        return;
    };
    let causes: &[&str] = match &attempt.operation {
        Operation::Open { .. } => &[],
        Operation::Post { kind, amount, .. } if *kind == PostingKind::Charge || amount.is_negative() => {
            &["conflict", "insufficient_funds"]
        }
        Operation::Post { .. } => &["conflict"],
        Operation::Hold { .. } => &["conflict", "insufficient_funds", "invalid_state"],
        Operation::Draw { .. } => &["conflict", "invalid_state", "not_found"],
        Operation::Release { .. } => &["conflict", "invalid_state"],
    };
    assert!(
        causes.contains(&code.as_str()) && !retryable,
        "this operation can't have this error: {attempt:?}"
    );
}

/// Checks the result of an operation that began when `earlier` was already accepted.
fn follows(earlier: &Attempt, later: &Attempt, same_key: &[&Attempt]) {
    use Operation::{Draw, Hold, Post, Release};
    // An operation without a result can't be compared.
    let Some(result) = later.result() else { return };
    let code = result.code();
    let may_be_released = same_key
        .iter()
        .any(|attempt| matches!(attempt.operation, Release { .. }) && !attempt.is_refused());
    let fits = match (&earlier.operation, &later.operation) {
        (before @ Hold { .. }, after @ Hold { .. }) if before == after => {
            code.is_none() || code == Some("invalid_state") && may_be_released
        }
        (before, after) if before == after => Some(result) == earlier.result(),
        (Post { .. }, Post { .. }) | (Draw { .. }, Draw { .. }) | (Hold { .. }, Hold { .. }) => {
            code == Some("conflict")
        }
        (Release { .. }, Hold { .. }) => matches!(code, Some("invalid_state" | "conflict")),
        (Hold { .. }, Release { .. }) => code.is_none(),
        _ => true,
    };
    assert!(
        fits,
        "the second can't have this result after the first was accepted: {earlier:?}, {later:?}"
    );
}
