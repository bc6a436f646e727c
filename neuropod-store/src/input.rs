//! Checks of what callers give.

use neuropod_core::error::{Problem, ValidationErrors, Violation};
use neuropod_core::money::billing::{MAX_ENTRIES, MAX_KEY_LEN};
use neuropod_core::store::MAX_LIMIT;
use neuropod_core::store::audit::MAX_AUDIT_ENTRIES;
use neuropod_core::{Money, Pod, Result};

use crate::failure;

/// The key of a change of money.
pub(crate) fn key(key: &str) -> Result<()> {
    require(
        (1..=MAX_KEY_LEN).contains(&key.len()),
        "key",
        Violation::IdempotencyKey,
    )
}

/// An amount of money.
pub(crate) fn amount(amount: Money) -> Result<()> {
    require(!amount.is_negative(), "amount", Violation::Amount)
}

/// How many pods a page may have.
pub(crate) fn limit(limit: u32) -> Result<()> {
    let range = Violation::OutOfRange {
        min: 1,
        max: MAX_LIMIT,
    };
    require((1..=MAX_LIMIT).contains(&limit), "limit", range)
}

/// That `pod` is `stored` but for what may change.
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

/// How many entries a page may have.
pub(crate) fn entries_limit(limit: u32) -> Result<()> {
    let range = Violation::OutOfRange {
        min: 1,
        max: MAX_ENTRIES,
    };
    require((1..=MAX_ENTRIES).contains(&limit), "limit", range)
}

/// How many entries a page of an audit log may have.
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

/// A text as it is compared where upper and lower case are the same.
pub(crate) fn folded(text: &str) -> String {
    text.to_lowercase()
}
