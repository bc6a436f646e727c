//! Checks that the ledger has all accepted operations: replays its entries, each against the operation that
//! made it.

use std::collections::BTreeMap;

use super::call_result::CallResult;
use super::journal::{Attempt, Attempts};
use super::operation::Operation;
use crate::id::UserId;
use crate::money::amount::Money;
use crate::money::billing::{AccountKind, Balance, Drawn, EntryKind, LedgerEntry, PostingKind};

/// The operations found in the ledger.
#[derive(Default)]
pub(super) struct Done {
    /// The posting, hold or draw of each key.
    changes: BTreeMap<String, (Operation, CallResult)>,
    /// How the hold of each key ended.
    ends: BTreeMap<String, Operation>,
}

impl Done {
    fn note(&mut self, entry: &LedgerEntry, operation: Operation, result: CallResult) {
        let before = self.changes.insert(entry.key.clone(), (operation, result));
        assert!(
            before.is_none(),
            "the key {} was applied twice: {before:?}",
            entry.key
        );
    }

    /// Checks that every accepted operation is in the ledger.
    pub(super) fn explains(&self, attempts: &Attempts) {
        for attempt in attempts.all().filter(|attempt| attempt.is_accepted()) {
            let operation = &attempt.operation;
            let key = operation.key().unwrap_or_default();
            let is_there = match operation {
                // The kind of every account is compared.
                Operation::Open { .. } => true,
                Operation::Post { .. } | Operation::Hold { .. } | Operation::Draw { .. } => self
                    .changes
                    .get(key)
                    .is_some_and(|(done, result)| done == operation && Some(result) == attempt.result()),
                // A release of a hold that was never made leaves no entry.
                Operation::Release { .. } if !self.changes.contains_key(key) => true,
                Operation::Release { .. } => self.ends.get(key) == Some(operation),
            };
            assert!(
                is_there,
                "it was accepted, and the ledger has something else: {attempt:?}, {:?}, {:?}",
                self.changes.get(key),
                self.ends.get(key)
            );
        }
    }
}

/// Replays the entries of an account, and collects the operations that they show.
pub(super) fn replay(
    user: &UserId,
    balance: Balance,
    entries: &[LedgerEntry],
    attempts: &Attempts,
    done: &mut Done,
) {
    let mut account = ReplayedAccount {
        user,
        attempts,
        kind: balance.kind,
        available: Money::ZERO,
        spent: Money::ZERO,
        holds: BTreeMap::new(),
    };
    let mut rest = entries;
    while let Some(first) = rest.first() {
        let count = account.step(rest, done);
        rest = &rest[count..];
        assert!(
            account.kind == AccountKind::Unlimited || !account.available.is_negative(),
            "{user} has a negative balance after {first:?}"
        );
    }
    let held: Money = account.holds.values().copied().sum();
    let spent = balance.spent.map_or(Money::ZERO, |spent| spent.amount);
    assert_eq!(
        (balance.available, balance.held, spent),
        (account.available, held, account.spent),
        "the balance of the account {user} is what its entries add up to"
    );
}

/// An account, replayed from its entries.
struct ReplayedAccount<'a> {
    user: &'a UserId,
    attempts: &'a Attempts,
    kind: AccountKind,
    available: Money,
    /// The charges for usage, all on one day.
    spent: Money,
    /// The held amount of each key.
    holds: BTreeMap<&'a str, Money>,
}

impl<'a> ReplayedAccount<'a> {
    /// Replays the operation that made the first of these entries. Returns how many entries it made.
    fn step(&mut self, entries: &'a [LedgerEntry], done: &mut Done) -> usize {
        let entry = &entries[0];
        match entry.kind {
            EntryKind::Deposit => self.posted(PostingKind::Deposit, entry, entry.amount, done),
            EntryKind::Adjustment => self.posted(PostingKind::Adjustment, entry, entry.amount, done),
            EntryKind::Refund => self.posted(PostingKind::Refund, entry, entry.amount, done),
            EntryKind::Charge => self.posted(PostingKind::Charge, entry, -entry.amount, done),
            EntryKind::Hold => self.held(entry, done),
            EntryKind::Usage => return self.drawn(entries, done),
            EntryKind::Release => self.ended(entry, done),
            EntryKind::Settle => panic!("nothing is settled any more: {entry:?}"),
            EntryKind::WriteOff => panic!("written off without a usage: {entry:?}"),
        }
        1
    }

    fn posted(&mut self, kind: PostingKind, entry: &LedgerEntry, amount: Money, done: &mut Done) {
        let posted = Operation::Post {
            key: entry.key.clone(),
            user: self.user.clone(),
            kind,
            amount,
        };
        self.operation_of(entry, |operation| *operation == posted);
        assert_eq!(entry.held, Money::ZERO, "nothing is held: {entry:?}");
        self.available += entry.amount;
        done.note(entry, posted, CallResult::Done);
    }

    fn held(&mut self, entry: &'a LedgerEntry, done: &mut Done) {
        let held = Operation::Hold {
            key: entry.key.clone(),
            user: self.user.clone(),
            amount: entry.held,
        };
        self.operation_of(entry, |operation| *operation == held);
        assert_eq!(entry.amount, Money::ZERO, "nothing is spent: {entry:?}");
        self.available -= entry.held;
        done.note(entry, held, CallResult::Done);
        self.holds.insert(&entry.key, entry.held);
    }

    /// Replays a usage, with the other entries of the same draw.
    fn drawn(&mut self, entries: &'a [LedgerEntry], done: &mut Done) -> usize {
        let entry = &entries[0];
        let attempt = self.operation_of(entry, |operation| {
            matches!(operation, Operation::Draw { user, amount, .. } if user == self.user && -*amount == entry.amount)
        });
        let Operation::Draw {
            hold,
            amount,
            top_up,
            at_most,
            daily_cap,
            ..
        } = &attempt.operation
        else {
            unreachable!("only draws were looked for");
        };
        let in_hold = hold.as_deref().map_or(Money::ZERO, |hold| {
            let in_hold = self.holds.get(hold);
            *in_hold.unwrap_or_else(|| panic!("drawn from a hold that has ended: {entry:?}"))
        });
        let remaining_today = daily_cap.map(|cap| (cap - self.spent).max(Money::ZERO));
        let caps = [*at_most, remaining_today].into_iter().flatten();
        let chargeable = caps.fold(*amount, Money::min);
        let from_hold = in_hold.min(chargeable);
        let from_account = self.payable(chargeable - from_hold);
        let charged = from_hold + from_account;
        let written_off = *amount - charged;
        self.available -= from_account;
        self.spent += charged;
        let mut held = in_hold - from_hold;
        let mut expected = vec![(&*entry.key, EntryKind::Usage, -*amount, -from_hold)];
        if written_off > Money::ZERO {
            expected.push((&entry.key, EntryKind::WriteOff, written_off, Money::ZERO));
        }
        if let Some(hold) = hold {
            let more = self.payable((*top_up - held).max(Money::ZERO));
            if more > Money::ZERO {
                expected.push((hold, EntryKind::Hold, Money::ZERO, more));
            }
            self.available -= more;
            held += more;
            self.holds.insert(hold, held);
        }
        let found: Vec<_> = entries
            .iter()
            .take(expected.len())
            .map(|entry| (&*entry.key, entry.kind, entry.amount, entry.held))
            .collect();
        assert_eq!(found, expected, "the entries of {attempt:?}");
        let drawn = Drawn {
            charged,
            written_off,
            held,
            spent: self.spent,
        };
        let operation = attempt.operation.clone();
        done.note(entry, operation, CallResult::Drawn(drawn));
        expected.len()
    }

    fn ended(&mut self, entry: &LedgerEntry, done: &mut Done) {
        let end = Operation::Release {
            key: entry.key.clone(),
        };
        self.operation_of(entry, |operation| *operation == end);
        let in_hold = self.holds.remove(&*entry.key);
        assert_eq!(in_hold, Some(-entry.held), "the whole hold ends: {entry:?}");
        assert_eq!(entry.amount, Money::ZERO, "a release charges nothing: {entry:?}");
        self.available -= entry.held;
        let before = done.ends.insert(entry.key.clone(), end);
        assert_eq!(before, None, "{} ended twice", entry.key);
    }

    /// The part of `amount` that the account can pay.
    fn payable(&self, amount: Money) -> Money {
        match self.kind {
            AccountKind::Unlimited => amount,
            AccountKind::Prepaid => amount.min(self.available),
        }
    }

    /// The operation with the key of an entry that may have made it, which was not refused.
    fn operation_of(&self, entry: &LedgerEntry, is_it: impl Fn(&Operation) -> bool) -> &'a Attempt {
        let same_key = self.attempts.with_key(&entry.key);
        let mut candidates: Vec<_> = same_key
            .iter()
            .filter(|attempt| !attempt.is_refused() && is_it(&attempt.operation))
            .collect();
        candidates.sort_by_key(|attempt| !attempt.is_accepted());
        candidates.first().copied().copied().unwrap_or_else(|| {
            panic!("an entry that no operation made, or a refused one: {entry:?}, {same_key:?}")
        })
    }
}
