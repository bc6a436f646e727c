//! Folding of old entries: which of them become one, and which keys are forgotten.

use std::collections::{BTreeSet, HashMap, HashSet};

use jiff::Timestamp;
use jiff::civil::Date;
use neuropod_core::money::statement::explain;
use neuropod_core::money::{EntryKind, FoldedCharges, LedgerEntry, Period};
use neuropod_core::{Money, PodId, UserId};

use super::record::Record;

/// The key of the record that says how far the charges of a pod are folded.
pub(crate) fn folded_key(pod: &PodId) -> String {
    format!("folded:{pod}")
}

/// What folding changes in an account, to be written in one step.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Fold {
    /// The new contents of entries that are there, by their numbers.
    pub(crate) replaced: Vec<LedgerEntry>,
    /// The numbers of the entries that go.
    pub(crate) removed: Vec<u64>,
    /// The keys of charges whose records go.
    pub(crate) forgotten: Vec<String>,
    /// The new records of keys: how far pods are folded.
    pub(crate) records: Vec<(String, Record)>,
}

impl Fold {
    /// Whether nothing changes.
    pub(crate) fn is_empty(&self) -> bool {
        self.removed.is_empty()
    }
}

/// The common properties of entries that become one. Amounts of different signs stay apart, because a statement has no line
/// for an amount of zero.
#[derive(PartialEq, Eq, Hash)]
struct Group {
    kind: EntryKind,
    pod: PodId,
    day: Date,
    hourly: Option<Money>,
    price_version: Option<u64>,
    has_period: bool,
    sign: i64,
}

impl Group {
    /// The group of an entry; `None` if it stays as it is.
    fn of(entry: &LedgerEntry) -> Option<Self> {
        let details = &entry.details;
        let may_be_folded = match entry.kind {
            // Without a period, nobody could tell a late repetition of the charge from a new one. And books that are wrong
            // must not become right.
            EntryKind::Usage => details.period.is_some() && explain(entry).is_none_or(|charge| charge.agrees),
            EntryKind::WriteOff => details.period.is_some(),
            EntryKind::Hold | EntryKind::Release => true,
            EntryKind::Deposit
            | EntryKind::Adjustment
            | EntryKind::Refund
            | EntryKind::Charge
            | EntryKind::Settle => false,
        };
        if !may_be_folded || details.note.is_some() {
            return None;
        }
        Some(Self {
            kind: entry.kind,
            pod: entry.pod()?,
            day: entry.day(),
            hourly: details.hourly,
            price_version: details.price_version,
            has_period: details.period.is_some(),
            sign: entry.amount.micros().signum(),
        })
    }
}

/// The pods whose records of [`folded_key`] the decision needs.
pub(crate) fn pods_of_charges(entries: &[LedgerEntry]) -> BTreeSet<PodId> {
    let charges = entries.iter().filter(|entry| entry.kind == EntryKind::Usage);
    charges.filter_map(LedgerEntry::pod).collect()
}

/// Folds `entries`, old ones of the account of `user` in the order of their numbers. `markers` has the records of
/// [`folded_key`] that are there.
pub(crate) fn fold(user: &UserId, entries: &[LedgerEntry], markers: &HashMap<String, Record>) -> Fold {
    let newest = newest_charges(entries);
    let mut fold = Fold::default();
    let mut sums: HashMap<Group, LedgerEntry> = HashMap::new();
    let mut ends: HashMap<PodId, Timestamp> = HashMap::new();
    let mut changed: HashSet<u64> = HashSet::new();
    let mut full: Vec<LedgerEntry> = Vec::new();
    for entry in entries {
        // A record may still have the newest charge of its pod as pending, and then its key must be known. One that is
        // folded already has none.
        if newest.contains(&entry.number) && entry.details.folded.is_none() {
            continue;
        }
        let Some(group) = Group::of(entry) else { continue };
        if entry.kind == EntryKind::Usage && !is_ours(user, markers.get(&folded_key(&group.pod))) {
            continue;
        }
        let Some(before) = sums.get(&group) else {
            sums.insert(group, entry.clone());
            continue;
        };
        let Some(sum) = sum(before, entry) else {
            // A sum beyond the range of amounts is left in two parts.
            full.extend(sums.insert(group, entry.clone()));
            continue;
        };
        if entry.kind == EntryKind::Usage {
            let charges = [before, entry];
            let known = charges.iter().filter(|charge| charge.details.folded.is_none());
            fold.forgotten.extend(known.map(|charge| charge.key.clone()));
            if let Some(period) = sum.details.period {
                let end = ends.entry(group.pod.clone()).or_insert(period.until);
                *end = period.until.max(*end);
            }
        }
        fold.removed.push(before.number);
        changed.insert(sum.number);
        sums.insert(group, sum);
    }
    fold.replaced = sums
        .into_values()
        .chain(full)
        .filter(|sum| changed.contains(&sum.number))
        .collect();
    fold.replaced.sort_unstable_by_key(|entry| entry.number);
    fold.records = records(user, ends, markers);
    fold
}

/// The numbers of the newest charges of each pod.
fn newest_charges(entries: &[LedgerEntry]) -> HashSet<u64> {
    let charges = entries.iter().filter(|entry| entry.kind == EntryKind::Usage);
    let newest: HashMap<_, _> = charges.map(|entry| (entry.pod(), entry.number)).collect();
    newest.into_values().collect()
}

/// Whether the charges of a pod may be folded in this account: another one may have some of the same pod, or something else
/// may use the key.
fn is_ours(user: &UserId, marker: Option<&Record>) -> bool {
    match marker {
        None => true,
        Some(Record::Folded { user: of, .. }) => of == user,
        Some(_) => false,
    }
}

/// The records of pods whose charges were folded up to these ends.
fn records(
    user: &UserId,
    ends: HashMap<PodId, Timestamp>,
    markers: &HashMap<String, Record>,
) -> Vec<(String, Record)> {
    let record = |(pod, end): (PodId, Timestamp)| {
        let key = folded_key(&pod);
        let until = match markers.get(&key) {
            Some(Record::Folded { until, .. }) => end.max(*until),
            _ => end,
        };
        let user = user.clone();
        (key, Record::Folded { user, until })
    };
    let mut records: Vec<_> = ends.into_iter().map(record).collect();
    records.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    records
}

/// The entry that stands for both; `None` if a sum is out of range.
fn sum(before: &LedgerEntry, last: &LedgerEntry) -> Option<LedgerEntry> {
    let add = |one: Money, other: Money| one.micros().checked_add(other.micros()).map(Money::from_micros);
    let both = [before, last];
    let mut details = last.details.clone();
    details.pod_name = last
        .details
        .pod_name
        .clone()
        .or_else(|| before.details.pod_name.clone());
    details.period = before
        .details
        .period
        .zip(last.details.period)
        .map(|(one, other)| Period {
            from: one.from.min(other.from),
            until: one.until.max(other.until),
        });
    details.folded = Some(FoldedCharges {
        entries: both.iter().map(|entry| entry.entry_count()).sum(),
        seconds: both
            .iter()
            .map(|entry| entry.charged_seconds())
            .fold(0, i64::saturating_add),
    });
    Some(LedgerEntry {
        amount: add(before.amount, last.amount)?,
        held: add(before.held, last.held)?,
        details,
        ..last.clone()
    })
}

#[cfg(test)]
mod tests;
