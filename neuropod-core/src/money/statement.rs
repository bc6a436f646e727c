//! Summaries of ledger entries for people.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Serialize;

use crate::id::PodId;
use crate::money::amount::Money;
use crate::money::billing::EntryKind;
use crate::money::billing::LedgerEntry;
use crate::money::billing::Period;
use crate::money::billing::day_of;

/// The changes of an account, summed by day and pod. Memory grows with the number of days and pods only.
///
/// Holds do not change the balance, so they are left out. Usage is one line for each day and pod, minus the
/// unpaid part. Amounts are exact, and every level adds up to the one above it: the lines of a day to its
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
    /// By day (UTC) of the entry. The usage of the last minute of a day is in the next one.
    pub days: BTreeMap<Date, Day>,
    /// The change of the balance by kind, over all days and pods.
    pub by_kind: BTreeMap<EntryKind, Money>,
    /// By pod, over all days.
    pub by_pod: BTreeMap<PodId, PodTotal>,
    /// The total change of the balance.
    pub total: Money,
    /// The number of entries, including holds.
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
    /// The number of entries.
    pub entries: u64,
}

/// The usage at one price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Used {
    /// The duration.
    pub seconds: i64,
    /// Its cost, which was rounded to the micro-euro minute by minute.
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
        self.entries += 1;
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
        let day = self.days.entry(day_of(entry.at)).or_default();
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
        self.entries += 1;
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
    /// Its whole seconds.
    pub seconds: i64,
    /// The price per hour.
    pub hourly: Money,
    /// The version of the price list.
    pub price_version: Option<u64>,
    /// The result.
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

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use jiff::civil::date;

    use super::*;
    use crate::money::billing::Details;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// The entries of an account with one pod that runs from `from` on for `minutes`, each minute drawn and
    /// topped up.
    fn running(pod: &PodId, from: &str, minutes: i64) -> Vec<LedgerEntry> {
        let hourly = Money::from_micros(2_700_001);
        (0..minutes)
            .flat_map(|minute| {
                let from = at(from) + jiff::SignedDuration::from_mins(minute);
                let until = from + jiff::SignedDuration::from_mins(1);
                let charged = hourly.for_seconds(60);
                let entry = |kind, amount, held| LedgerEntry {
                    number: 0,
                    key: format!("{pod}:0:{minute}"),
                    kind,
                    amount,
                    held,
                    at: until,
                    details: Details {
                        pod: Some(pod.clone()),
                        pod_name: Some("Training".into()),
                        hourly: Some(hourly),
                        period: Some(Period { from, until }),
                        ..Details::default()
                    },
                };
                [
                    entry(EntryKind::Usage, -charged, -charged),
                    entry(EntryKind::Hold, Money::ZERO, charged),
                ]
            })
            .collect()
    }

    fn plain(kind: EntryKind, cents: i64, at: Timestamp, note: Option<&str>) -> LedgerEntry {
        LedgerEntry {
            number: 0,
            key: "key".into(),
            kind,
            amount: Money::from_cents(cents),
            held: Money::ZERO,
            at,
            details: Details {
                note: note.map(Into::into),
                ..Details::default()
            },
        }
    }

    #[test]
    fn months_of_minutes_become_a_line_per_day_that_adds_up_to_the_balance() {
        let pod = PodId::random();
        let days = 92;
        let mut entries = vec![plain(
            EntryKind::Deposit,
            500_000,
            at("2026-07-31T23:00:00Z"),
            None,
        )];
        // During it, clocks in Europe change: days are those of UTC, and each has 24 hours.
        entries.extend(running(&pod, "2026-07-31T23:59:00Z", days * 24 * 60));
        let statement = Statement::of(&entries);
        assert_eq!(statement.days.len(), 93, "{:?}", statement.days.keys());
        let balance: Money = entries.iter().map(|entry| entry.amount).sum();
        assert_eq!(statement.total, balance);
        let by_day: Money = statement.days.values().map(|day| day.total).sum();
        let by_kind: Money = statement.by_kind.values().copied().sum();
        assert_eq!((by_day, by_kind), (balance, balance));
        for (date, day) in &statement.days {
            let lines: Money = day.lines.values().map(|line| line.amount).sum();
            let booked = entries.iter().filter(|entry| day_of(entry.at) == *date);
            let change: Money = booked.map(|entry| entry.amount).sum();
            assert_eq!((lines, change), (day.total, day.total), "{date}");
        }
        let whole = &statement.days[&date(2026, 10, 25)];
        let (key, line) = whole.lines.first_key_value().unwrap();
        assert_eq!((key.kind, key.pod.as_ref()), (EntryKind::Usage, Some(&pod)));
        let used: Vec<_> = line
            .usage
            .values()
            .map(|used| (used.seconds, used.amount))
            .collect();
        assert_eq!(used, [(24 * 3600, -line.amount)], "a day has 24 hours");
        assert_eq!(statement.pod_name(&pod), Some("Training"));
        assert_eq!(statement.by_pod[&pod].cost, Money::from_cents(500_000) - balance);
    }

    #[test]
    fn unpaid_usage_is_subtracted_and_shown() {
        let pod = PodId::random();
        let mut entries = running(&pod, "2026-01-01T00:00:00Z", 1);
        let unpaid = Money::from_micros(20_000);
        entries.push(LedgerEntry {
            kind: EntryKind::WriteOff,
            amount: unpaid,
            held: Money::ZERO,
            ..entries[0].clone()
        });
        let statement = Statement::of(&entries);
        let day = &statement.days[&date(2026, 1, 1)];
        assert_eq!(day.lines.len(), 1);
        let line = day.lines.values().next().unwrap();
        assert_eq!(
            (line.amount, line.written_off),
            (Money::from_micros(-25_000), unpaid)
        );
        assert_eq!(statement.by_kind.keys().collect::<Vec<_>>(), [&EntryKind::Usage]);
    }

    #[test]
    fn what_has_the_same_note_is_one_line_and_holds_are_none() {
        let day = at("2026-01-01T12:00:00Z");
        let entries = [
            plain(EntryKind::Deposit, 1000, day, None),
            plain(EntryKind::Deposit, 2000, day, None),
            plain(EntryKind::Adjustment, 2000, day, Some("workshop")),
            plain(EntryKind::Adjustment, -500, day, Some("sent twice")),
            plain(EntryKind::Hold, 0, day, None),
            plain(EntryKind::Release, 0, day, None),
        ];
        let statement = Statement::of(&entries);
        let lines = &statement.days[&date(2026, 1, 1)].lines;
        let shown: Vec<_> = lines
            .iter()
            .map(|(key, line)| (key.kind, key.note.as_deref(), line.amount, line.entries))
            .collect();
        assert_eq!(
            shown,
            [
                (EntryKind::Deposit, None, Money::from_cents(3000), 2),
                (
                    EntryKind::Adjustment,
                    Some("sent twice"),
                    Money::from_cents(-500),
                    1
                ),
                (
                    EntryKind::Adjustment,
                    Some("workshop"),
                    Money::from_cents(2000),
                    1
                ),
            ]
        );
        assert_eq!(statement.entries, 6);
    }

    #[test]
    fn the_end_of_an_old_hold_is_for_the_pod_of_its_key() {
        let pod = PodId::random();
        let old = |key: String, kind| LedgerEntry {
            key,
            ..plain(kind, -1, Timestamp::UNIX_EPOCH, None)
        };
        for (key, kind, expected) in [
            (format!("{pod}:0"), EntryKind::Settle, Some(pod.clone())),
            (format!("{pod}:0"), EntryKind::Release, Some(pod.clone())),
            (format!("{pod}:0"), EntryKind::Deposit, None),
            (format!("{pod}:x"), EntryKind::Settle, None),
            ("payment-1".into(), EntryKind::Settle, None),
        ] {
            assert_eq!(old(key.clone(), kind).pod(), expected, "{key} {kind:?}");
        }
    }
}
