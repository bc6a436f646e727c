use std::collections::{BTreeMap, HashMap};

use jiff::{SignedDuration, Timestamp};
use neuropod_core::money::statement::explain;
use neuropod_core::money::{Details, EntryKind, FoldedCharges, LedgerEntry, Period, Statement};
use neuropod_core::{Money, PodId, UserId};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::{Fold, fold, folded_key};
use crate::account::Record;

/// An account with what a store would have of it.
#[derive(Clone)]
struct Account {
    user: UserId,
    entries: BTreeMap<u64, LedgerEntry>,
    markers: HashMap<String, Record>,
    now: Timestamp,
}

impl Account {
    fn new() -> Self {
        Self {
            user: UserId::new("ana"),
            entries: BTreeMap::new(),
            markers: HashMap::new(),
            now: "2026-01-31T22:00:00Z".parse().unwrap(),
        }
    }

    fn add(&mut self, kind: EntryKind, amount: i64, held: i64, details: Details) {
        let number = self.last() + 1;
        let entry = LedgerEntry {
            number,
            key: format!("key-{number}"),
            kind,
            amount: Money::from_micros(amount),
            held: Money::from_micros(held),
            at: self.now,
            details,
        };
        self.entries.insert(number, entry);
    }

    /// Charges some seconds that have just passed, tops up, and returns the number of the charge.
    fn charge(&mut self, pod: &PodId, hourly: Money, seconds: i64) -> u64 {
        let from = self.now;
        self.now += SignedDuration::from_secs(seconds);
        let details = Details {
            pod: Some(pod.clone()),
            pod_name: Some("Training".into()),
            hourly: Some(hourly),
            price_version: Some(1),
            period: Some(Period {
                from,
                until: self.now,
            }),
            ..Details::default()
        };
        let amount = hourly.for_seconds(seconds).micros();
        self.add(EntryKind::Usage, -amount, -amount, details.clone());
        self.add(EntryKind::Hold, 0, amount, details);
        self.last() - 1
    }

    /// The number of the last entry.
    fn last(&self) -> u64 {
        self.entries.keys().next_back().copied().unwrap_or(0)
    }

    /// Folds entries up to a number, as a store would.
    fn fold(&mut self, last: u64) -> Fold {
        let old: Vec<_> = self
            .entries
            .range(..=last)
            .map(|(_, entry)| entry.clone())
            .collect();
        let fold = fold(&self.user, &old, &self.markers);
        for entry in &fold.replaced {
            let before = self.entries.insert(entry.number, entry.clone()).unwrap();
            assert_eq!(
                (&before.key, before.at),
                (&entry.key, entry.at),
                "of the last one"
            );
        }
        for number in &fold.removed {
            assert!(self.entries.remove(number).is_some(), "{number} is there once");
        }
        self.markers.extend(fold.records.iter().cloned());
        fold
    }

    fn all(&self) -> Vec<LedgerEntry> {
        self.entries.values().cloned().collect()
    }

    fn statement(&self) -> Statement {
        Statement::of(self.entries.values())
    }

    fn sums(&self) -> (Money, Money) {
        let entries = self.entries.values();
        entries
            .map(|entry| (entry.amount, entry.held))
            .fold((Money::ZERO, Money::ZERO), |sum, one| {
                (sum.0 + one.0, sum.1 + one.1)
            })
    }

    fn usage(&self) -> Vec<&LedgerEntry> {
        let entries = self.entries.values();
        entries.filter(|entry| entry.kind == EntryKind::Usage).collect()
    }
}

const HOURLY: Money = Money::from_micros(2_700_001);

#[test]
fn a_day_of_a_pod_becomes_one_charge_but_for_the_newest() {
    let mut account = Account::new();
    let pod = PodId::random();
    // Two hours of this day, two of the next one.
    for _ in 0..240 {
        account.charge(&pod, HOURLY, 60);
    }
    let (statement, sums) = (account.statement(), account.sums());
    let fold = account.fold(u64::MAX);
    assert_eq!((account.statement(), account.sums()), (statement, sums));
    let charges: Vec<_> = account
        .usage()
        .into_iter()
        .map(|entry| explain(entry).unwrap())
        .collect();
    let shown: Vec<_> = charges
        .iter()
        .map(|charge| (charge.charges, charge.seconds, charge.agrees))
        .collect();
    assert_eq!(shown, [(120, 7200, true), (119, 7140, true), (1, 60, true)]);
    assert_eq!(charges[0].period.from, "2026-01-31T22:00:00Z".parse().unwrap());
    assert_eq!(charges[0].period.until, "2026-02-01T00:00:00Z".parse().unwrap());
    assert_eq!(charges[0].amount, HOURLY.for_seconds(60).times(120));
    assert_eq!(account.all().len(), 3 + 2, "and two of the top-ups");
    assert_eq!(fold.forgotten.len(), 239);
    let until = "2026-02-01T01:59:00Z".parse().unwrap();
    let user = account.user.clone();
    assert_eq!(fold.records, [(folded_key(&pod), Record::Folded { user, until })]);
    assert_eq!(account.fold(u64::MAX), Fold::default(), "twice is once");

    // The newest becomes old, too.
    account.charge(&pod, HOURLY, 30);
    let fold = account.fold(u64::MAX);
    assert_eq!(
        fold.forgotten,
        ["key-479"],
        "that of the folded one is forgotten already"
    );
    let folded = account.usage()[1].details.folded;
    let (entries, seconds) = (120, 7200);
    assert_eq!(folded, Some(FoldedCharges { entries, seconds }));
}

#[test]
fn what_can_not_be_folded_stays() {
    let mut account = Account::new();
    let (pod, other) = (PodId::random(), PodId::random());
    let details = |pod: Option<&PodId>, note: Option<&str>| Details {
        pod: pod.cloned(),
        note: note.map(Into::into),
        ..Details::default()
    };
    for _ in 0..3 {
        for kind in [
            EntryKind::Deposit,
            EntryKind::Adjustment,
            EntryKind::Refund,
            EntryKind::Charge,
            EntryKind::Settle,
            // Without a period.
            EntryKind::Usage,
            EntryKind::WriteOff,
        ] {
            account.add(kind, -5, 0, details(Some(&pod), None));
        }
        account.add(EntryKind::Hold, 0, 7, details(None, None));
        account.add(EntryKind::Release, 0, -7, details(Some(&pod), Some("by hand")));
        // An amount that its price does not explain.
        let number = account.charge(&other, HOURLY, 60);
        account.entries.get_mut(&number).unwrap().amount -= Money::from_micros(1);
    }
    let before = account.all();
    account.fold(u64::MAX);
    let after = account.all();
    let stay = before
        .iter()
        .filter(|entry| !(entry.kind == EntryKind::Hold && entry.pod() == Some(other.clone())));
    for entry in stay {
        assert!(after.contains(entry), "{entry:?}");
    }
    assert_eq!(after.len(), before.len() - 2, "two of the three top-ups are gone");
}

#[test]
fn charges_of_a_pod_that_another_account_folds_stay() {
    let pod = PodId::random();
    let until = Timestamp::UNIX_EPOCH;
    let user = UserId::new("berta");
    for foreign in [Record::Folded { user, until }, Record::Closed] {
        let mut account = Account::new();
        account.markers.insert(folded_key(&pod), foreign);
        for _ in 0..5 {
            account.charge(&pod, HOURLY, 60);
        }
        let fold = account.fold(u64::MAX);
        assert_eq!((fold.forgotten, fold.records), (vec![], vec![]));
        assert_eq!(account.usage().len(), 5);
        assert_eq!(account.all().len(), 6, "holds have no such key");
    }
}

#[test]
fn sums_out_of_range_are_left_in_parts() {
    let mut account = Account::new();
    let pod = PodId::random();
    let huge = Money::from_micros(i64::MAX / 2 - 1);
    for _ in 0..8 {
        account.charge(&pod, huge, 3600);
        account.now -= SignedDuration::from_mins(55);
    }
    let exact = |account: &Account| -> i128 {
        let amounts = account
            .entries
            .values()
            .map(|entry| i128::from(entry.amount.micros()));
        amounts.sum()
    };
    let before = exact(&account);
    account.fold(u64::MAX);
    assert_eq!(exact(&account), before);
    assert!(account.usage().len() < 8);
}

/// An account at random: pods that run at prices that change, are capped, stop and go.
fn some_account(random: &mut StdRng) -> Account {
    let mut account = Account::new();
    let pods: Vec<_> = (0..3).map(|_| PodId::random()).collect();
    let prices = [2_700_001, 40, 1_000_000, 0].map(Money::from_micros);
    for _ in 0..random.random_range(1..300) {
        let pod = &pods[random.random_range(0..pods.len())];
        let hourly = prices[random.random_range(0..prices.len())];
        let seconds = random.random_range(1..2400);
        let midnight = |time: Timestamp| time.as_second().div_euclid(86_400);
        let after = account.now + SignedDuration::from_secs(seconds - 1);
        match random.random_range(0..10) {
            0 => account.add(EntryKind::Deposit, 5_000_000, 0, Details::default()),
            1 => {
                let details = Details {
                    pod: Some(pod.clone()),
                    ..Details::default()
                };
                account.add(EntryKind::Release, 0, -1_000, details);
            }
            2 => account.now += SignedDuration::from_hours(random.random_range(0..9)),
            // No period crosses midnight.
            _ if midnight(account.now) == midnight(after) => {
                let number = account.charge(pod, hourly, seconds);
                let charge = account.entries[&number].clone();
                if random.random_ratio(1, 8) && charge.amount < Money::ZERO {
                    let unpaid = random.random_range(1..=-charge.amount.micros());
                    account.add(EntryKind::WriteOff, unpaid, 0, charge.details);
                }
            }
            _ => account.now = after,
        }
    }
    account
}

#[test]
fn whatever_is_folded_when_statements_sums_and_explanations_stay() {
    let seed: u64 = rand::random::<u32>().into();
    for run in 0..200 {
        let mut random = StdRng::seed_from_u64(seed + run);
        let whole = some_account(&mut random);
        let mut account = whole.clone();
        let last = account.last();
        let mut places: Vec<u64> = (0..3).map(|_| random.random_range(0..=last)).collect();
        places.sort_unstable();
        places.push(u64::MAX);
        for place in places {
            account.fold(place);
            let text = format!("seed {} up to {place}", seed + run);
            assert_eq!(account.statement(), whole.statement(), "{text}");
            assert_eq!(account.sums(), whole.sums(), "{text}");
            for entry in account.usage() {
                assert!(explain(entry).unwrap().agrees, "{text}: {entry:?}");
            }
            // Each pod still has its newest charge as it was.
            let newest = |account: &Account| -> HashMap<PodId, LedgerEntry> {
                let usage = account.usage().into_iter();
                usage.map(|entry| (entry.pod().unwrap(), entry.clone())).collect()
            };
            assert_eq!(newest(&account), newest(&whole), "{text}");
        }
        let folded = account.all();
        assert_eq!(account.fold(u64::MAX), Fold::default());
        assert_eq!(account.all(), folded);
    }
}
