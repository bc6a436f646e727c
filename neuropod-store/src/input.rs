//! Checks of arguments.

use neuropod_core::error::{Problem, ValidationErrors, Violation};
use neuropod_core::money::billing::{MAX_ENTRIES, MAX_KEY_LEN};
use neuropod_core::store::MAX_LIMIT;
use neuropod_core::store::audit::MAX_AUDIT_ENTRIES;
use neuropod_core::{Money, Pod, Result};

use crate::failure;

/// Checks the key of a change of money.
pub(crate) fn key(key: &str) -> Result<()> {
    require(
        (1..=MAX_KEY_LEN).contains(&key.len()),
        "key",
        Violation::IdempotencyKey,
    )
}

/// Checks an amount of money.
pub(crate) fn amount(amount: Money) -> Result<()> {
    require(!amount.is_negative(), "amount", Violation::Amount)
}

/// Checks the limit of a page of pods.
pub(crate) fn limit(limit: u32) -> Result<()> {
    let range = Violation::OutOfRange {
        min: 1,
        max: MAX_LIMIT,
    };
    require((1..=MAX_LIMIT).contains(&limit), "limit", range)
}

/// Checks that `pod` is a valid update of `stored`: same version, and nothing fixed has changed.
pub(crate) fn follows(stored: &Pod, pod: &Pod) -> Result<()> {
    if stored.version != pod.version {
        return Err(failure::changed("pod"));
    }
    if stored.owner != pod.owner {
        return Err(failure::fixed("owner"));
    }
    if stored.slug != pod.slug {
        return Err(failure::fixed("slug"));
    }
    if stored.created_at != pod.created_at {
        return Err(failure::fixed("createdAt"));
    }
    Ok(())
}

/// Checks the limit of a page of ledger entries.
pub(crate) fn entries_limit(limit: u32) -> Result<()> {
    let range = Violation::OutOfRange {
        min: 1,
        max: MAX_ENTRIES,
    };
    require((1..=MAX_ENTRIES).contains(&limit), "limit", range)
}

/// Checks the limit of a page of the audit log.
pub(crate) fn audit_limit(limit: u32) -> Result<()> {
    let range = Violation::OutOfRange {
        min: 1,
        max: MAX_AUDIT_ENTRIES,
    };
    require((1..=MAX_AUDIT_ENTRIES).contains(&limit), "limit", range)
}

/// Fails with `Invalid` because of `field` unless `holds`.
pub(crate) fn require(holds: bool, field: &'static str, violation: Violation) -> Result<()> {
    if holds {
        Ok(())
    } else {
        Err(ValidationErrors::from(Problem::new(field, violation)).into())
    }
}

/// The text in lower case, for comparisons that ignore case.
pub(crate) fn folded(text: &str) -> String {
    text.to_lowercase()
}
