//! Entries of a ledger, told to people.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::billing::{Entry, EntryKind, Period};
use crate::id::PodId;
use crate::message::{self, Language};
use crate::money::Money;

/// What happened in an account, summed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Statement {
    /// By kind of entry, over all pods: by how much the balance changed.
    pub by_kind: BTreeMap<EntryKind, Money>,
    /// By pod: what it cost, write-offs taken away.
    pub by_pod: BTreeMap<PodId, Money>,
    /// By how much the balance changed in all.
    pub total: Money,
    /// The entries, oldest first.
    pub entries: Vec<Entry>,
}

impl Statement {
    /// Sums entries.
    pub fn of(entries: Vec<Entry>) -> Self {
        let mut statement = Self::default();
        for entry in &entries {
            // Reservations move nothing in or out of the balance.
            if entry.amount != Money::ZERO {
                *statement.by_kind.entry(entry.kind).or_default() += entry.amount;
                if let Some(pod) = &entry.details.pod {
                    *statement.by_pod.entry(pod.clone()).or_default() -= entry.amount;
                }
            }
            statement.total += entry.amount;
        }
        statement.entries = entries;
        statement
    }
}

/// How a charge came about: period, price, seconds, amount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// The pod.
    pub pod: Option<PodId>,
    /// The time that was charged.
    pub period: Period,
    /// Its whole seconds.
    pub seconds: i64,
    /// The price per hour.
    pub hourly: Money,
    /// The version of the price list.
    pub price_version: Option<u64>,
    /// What that comes to.
    pub amount: Money,
    /// Whether the entry says the same. What of it nobody could pay, or a cap did not allow, is in another entry of the
    /// same key, a [`WriteOff`](EntryKind::WriteOff).
    pub agrees: bool,
}

/// Replays the charge of a period from its entry; `None`: it is no such entry.
///
/// ```
/// use neuropod_core::billing::{Details, Entry, EntryKind, Period};
/// use neuropod_core::{Money, statement::explain};
///
/// let from: jiff::Timestamp = "2026-01-01T00:00:00Z".parse()?;
/// let period = Period { from, until: "2026-01-01T00:01:00Z".parse()? };
/// let entry = Entry {
///     number: 2,
///     key: "3f9a0c1d2e4b5a68:0:0".into(),
///     kind: EntryKind::Usage,
///     amount: Money::from_micros(-45_000),
///     held: Money::from_micros(-45_000),
///     at: period.until,
///     details: Details { hourly: Some(Money::from_cents(270)), period: Some(period), ..Details::default() },
/// };
/// let line = explain(&entry).unwrap();
/// assert!(line.agrees);
/// assert_eq!(
///     line.to_string(),
///     "2026-01-01 00:00:00 to 2026-01-01 00:01:00 UTC: 60 s at 2.70 EUR per hour = 0.045 EUR"
/// );
/// # Ok::<(), jiff::Error>(())
/// ```
pub fn explain(entry: &Entry) -> Option<Explanation> {
    let (period, hourly) = (entry.details.period?, entry.details.hourly?);
    let seconds = period.seconds();
    let amount = hourly.for_seconds(seconds);
    (entry.kind == EntryKind::Usage).then(|| Explanation {
        pod: entry.details.pod.clone(),
        period,
        seconds,
        hourly,
        price_version: entry.details.price_version,
        amount,
        agrees: -entry.amount == amount,
    })
}

impl fmt::Display for Explanation {
    /// In English; [`message::charge`] knows other languages.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&message::charge(self, Language::En))
    }
}
