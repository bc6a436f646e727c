//! Whether answers fit together, whatever the ledger says.

use super::journal::{Answer, Attempt, Attempts};
use super::operation::Operation;
use crate::money::billing::PostingKind;

/// Every refusal has a cause that such an operation can have, and every answer is what it has to be after all that was
/// accepted before under the same key.
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
    let Some(Answer::Refused { code, retryable, .. }) = attempt.answer() else {
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
        "refused for a cause that it can't have: {attempt:?}"
    );
}

/// Checks an answer that was given when it was known that `earlier` was accepted.
fn follows(earlier: &Attempt, later: &Attempt, same_key: &[&Attempt]) {
    use Operation::{Draw, Hold, Post, Release};
    // Whoever was killed before the answer has nothing to compare.
    let Some(answer) = later.answer() else { return };
    let code = answer.code();
    let may_be_released = same_key
        .iter()
        .any(|attempt| matches!(attempt.operation, Release { .. }) && !attempt.is_refused());
    let fits = match (&earlier.operation, &later.operation) {
        (before @ Hold { .. }, after @ Hold { .. }) if before == after => {
            code.is_none() || code == Some("invalid_state") && may_be_released
        }
        (before, after) if before == after => Some(answer) == earlier.answer(),
        (Post { .. }, Post { .. }) | (Draw { .. }, Draw { .. }) | (Hold { .. }, Hold { .. }) => {
            code == Some("conflict")
        }
        (Release { .. }, Hold { .. }) => matches!(code, Some("invalid_state" | "conflict")),
        (Hold { .. }, Release { .. }) => code.is_none(),
        _ => true,
    };
    assert!(
        fits,
        "the second can't be answered so after the first was accepted: {earlier:?}, {later:?}"
    );
}
