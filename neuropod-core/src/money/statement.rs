//! Summaries of ledger entries for people.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Serialize;

use crate::id::PodId;
use crate::money::amount::Money;
use crate::money::billing::EntryKind;
use crate::money::billing::LedgerEntry;
use crate::money::billing::Period;

/// The changes of an account, summed by day and pod. Memory grows with the number of days and pods only.
///
/// Holds do not change the balance, so they are left out. Usage is one line for each day and pod, minus the
/// unpaid part. It counts for the day of its period, whenever it was booked. [Folded](crate::money::LedgerFolding) entries
/// count as the entries that they stand for. Amounts are exact, and every level adds up to the one above it: the lines of a day to its
/// total, the days to [`total`](Self::total), and so do the sums by kind.
///
/// ```
/// use neuropod_core::money::billing::{Details, LedgerEntry, EntryKind};
/// use neuropod_core::Money;
/// use neuropod_core::money::statement::Statement;
///
/// let entry = |number, kind, cents| LedgerEntry {
///     number,
///     key: number.to_string(),
///     kind,
///     amount: Money::from_cents(cents),
///     held: Money::ZERO,
///     at: jiff::Timestamp::UNIX_EPOCH,
///     details: Details::default(),
/// };
/// let entries = [entry(1, EntryKind::Deposit, 1000), entry(2, EntryKind::Hold, 0), entry(3, EntryKind::Charge, -250)];
/// let statement = Statement::of(&entries);
/// assert_eq!(statement.total, Money::from_cents(750));
/// assert_eq!(statement.days[&jiff::civil::date(1970, 1, 1)].lines.len(), 2);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Statement {
    /// By the day (UTC) that the entries are for ([`LedgerEntry::day`]).
    pub days: BTreeMap<Date, Day>,
    /// The change of the balance by kind, over all days and pods.
    pub by_kind: BTreeMap<EntryKind, Money>,
    /// By pod, over all days.
    pub by_pod: BTreeMap<PodId, PodTotal>,
    /// The total change of the balance.
    pub total: Money,
    /// The number of entries, including holds; a folded one counts as those that it stands for.
    pub entries: u64,
}

/// The changes of a day.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Day {
    /// Its lines.
    pub lines: BTreeMap<LineKey, Line>,
    /// The change of the balance.
    pub total: Money,
}

/// The common properties of a day's entries that form one line.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct LineKey {
    /// The kind: [`Usage`](EntryKind::Usage) for all usage, including [`WriteOff`](EntryKind::WriteOff) and
    /// [`Settle`](EntryKind::Settle).
    pub kind: EntryKind,
    /// The pod.
    pub pod: Option<PodId>,
    /// The note of its author.
    pub note: Option<String>,
}

/// The sum of a day's entries with the same [`LineKey`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Line {
    /// The change of the balance.
    pub amount: Money,
    /// Usage that nobody could pay, or that a cap did not allow. It is not in the amount.
    pub written_off: Money,
    /// The usage, by its price per hour.
    pub usage: BTreeMap<Money, Used>,
    /// The number of entries; a folded one counts as those that it stands for.
    pub entries: u64,
}

/// The usage at one price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Used {
    /// The duration.
    pub seconds: i64,
    /// Its cost, which was rounded to the micro-euro charge by charge.
    pub amount: Money,
}

/// The cost of a pod.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct PodTotal {
    /// Its name in the newest entry; `None` if no entry has one.
    pub name: Option<String>,
    /// Its cost, without write-offs.
    pub cost: Money,
}

impl Statement {
    /// Sums entries.
    pub fn of<'a>(entries: impl IntoIterator<Item = &'a LedgerEntry>) -> Self {
        let mut statement = Self::default();
        for entry in entries {
            statement.add(entry);
        }
        statement
    }

    /// Adds an entry.
    pub fn add(&mut self, entry: &LedgerEntry) {
        self.entries += entry.entry_count();
        // Holds do not change the balance.
        if entry.amount == Money::ZERO {
            return;
        }
        let kind = match entry.kind {
            EntryKind::WriteOff | EntryKind::Settle => EntryKind::Usage,
            kind => kind,
        };
        let pod = entry.pod();
        self.total += entry.amount;
        *self.by_kind.entry(kind).or_default() += entry.amount;
        if let Some(pod) = &pod {
            let of_pod = self.by_pod.entry(pod.clone()).or_default();
            of_pod.cost -= entry.amount;
            of_pod.name = entry.details.pod_name.clone().or(of_pod.name.take());
        }
        let day = self.days.entry(entry.day()).or_default();
        day.total += entry.amount;
        let note = entry.details.note.clone();
        day.lines
            .entry(LineKey { kind, pod, note })
            .or_default()
            .add(entry);
    }

    /// The name of a pod, if any entry has it.
    pub fn pod_name(&self, pod: &PodId) -> Option<&str> {
        self.by_pod.get(pod)?.name.as_deref()
    }
}

impl Line {
    fn add(&mut self, entry: &LedgerEntry) {
        self.entries += entry.entry_count();
        self.amount += entry.amount;
        if entry.kind == EntryKind::WriteOff {
            self.written_off += entry.amount;
        }
        if let Some(charge) = explain(entry) {
            let used = self.usage.entry(charge.hourly).or_default();
            used.seconds = used.seconds.saturating_add(charge.seconds);
            used.amount -= entry.amount;
        }
    }
}

/// The calculation of a charge: period, price, seconds, amount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Explanation {
    /// The pod.
    pub pod: Option<PodId>,
    /// The charged time.
    pub period: Period,
    /// Its whole seconds, without the gaps between the periods of several charges.
    pub seconds: i64,
    /// The price per hour.
    pub hourly: Money,
    /// The version of the price list.
    pub price_version: Option<u64>,
    /// The number of charges: 1, unless the entry is a [folded](crate::money::LedgerFolding) one.
    pub charges: u64,
    /// The result. Each charge is rounded on its own, so the sum of several may differ from the price of all seconds, by
    /// at most a micro-euro for each.
    pub amount: Money,
    /// Whether the entry has the same amount. The part that nobody could pay, or that a cap did not allow, is
    /// in another entry of the same key, a [`WriteOff`](EntryKind::WriteOff).
    pub agrees: bool,
}

/// Recalculates the charge of a period from its entry; `None` if it is not such an entry.
///
/// ```
/// use neuropod_core::money::billing::{Details, LedgerEntry, EntryKind, Period};
/// use neuropod_core::message::{self, Language};
/// use neuropod_core::money::Currency;
/// use neuropod_core::Money;
/// use neuropod_core::money::statement::explain;
///
/// let from: jiff::Timestamp = "2026-01-01T00:00:00Z".parse()?;
/// let period = Period { from, until: "2026-01-01T00:01:00Z".parse()? };
/// let entry = LedgerEntry {
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
///     message::charge(&line, Language::En, &Currency::EUR),
///     "2026-01-01 00:00:00 to 2026-01-01 00:01:00 UTC: 60 s at 2.70 EUR per hour = 0.045 EUR"
/// );
/// # Ok::<(), jiff::Error>(())
/// ```
pub fn explain(entry: &LedgerEntry) -> Option<Explanation> {
    let (period, hourly) = (entry.details.period?, entry.details.hourly?);
    let (seconds, charges) = (entry.charged_seconds(), entry.entry_count());
    let calculated = hourly.for_seconds(seconds);
    let booked = -entry.amount;
    let difference = booked.micros().abs_diff(calculated.micros());
    let agrees = match entry.details.folded {
        Some(_) => difference <= charges,
        None => difference == 0,
    };
    (entry.kind == EntryKind::Usage).then(|| Explanation {
        pod: entry.details.pod.clone(),
        period,
        seconds,
        hourly,
        price_version: entry.details.price_version,
        charges,
        amount: if agrees { booked } else { calculated },
        agrees,
    })
}

#[cfg(test)]
mod tests;
