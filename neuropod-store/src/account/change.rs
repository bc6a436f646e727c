//! The change that a call makes to an account, and its builder.

use jiff::Timestamp;
use neuropod_core::error::Violation;
use neuropod_core::money::billing::{AccountKind, Balance, Details, EntryKind, LedgerEntry, Spent};
use neuropod_core::{Error, Money, Result};

use super::record::Record;
use crate::{failure, input};

/// A ledger entry without number and time, which the store adds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NewEntry {
    pub(crate) key: String,
    pub(crate) kind: EntryKind,
    pub(crate) amount: Money,
    pub(crate) held: Money,
    pub(crate) details: Details,
}

impl NewEntry {
    pub(crate) fn into_entry(self, number: u64, at: Timestamp) -> LedgerEntry {
        let Self {
            key,
            kind,
            amount,
            held,
            details,
        } = self;
        LedgerEntry {
            number,
            key,
            kind,
            amount,
            held,
            at,
            details,
        }
    }
}

/// The data that the store must write, in one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    /// The balance after the change.
    pub(crate) balance: Balance,
    /// The entries to be added to the ledger.
    pub(crate) entries: Vec<NewEntry>,
    /// The new record of each key.
    pub(crate) records: Vec<(String, Record)>,
}

/// The return value of the call, and the change to be written before it returns; `None`: the call is a
/// repetition and changes nothing.
pub(crate) type Decision<T> = Result<(T, Option<Change>)>;

/// Builds the [`Change`] of one call.
pub(super) struct ChangeBuilder(Change);

impl ChangeBuilder {
    /// Starts at the balance of the account; fails if there is no account.
    pub(super) fn starting_from(balance: Option<Balance>) -> Result<Self> {
        let balance = balance.ok_or_else(no_account)?;
        Ok(Self(Change {
            balance,
            entries: Vec::new(),
            records: Vec::new(),
        }))
    }

    /// The part of `amount` that the account can pay.
    pub(super) fn payable(&self, amount: Money) -> Money {
        match self.0.balance.kind {
            AccountKind::Unlimited => amount,
            AccountKind::Prepaid => amount.min(self.0.balance.available.max(Money::ZERO)),
        }
    }

    /// Adds to the available and to the held amount.
    pub(super) fn add(&mut self, available: Money, held: Money) -> Result<()> {
        let balance = self.0.balance;
        let after = sum(balance.available, available)?;
        if available.is_negative() && after.is_negative() && balance.kind == AccountKind::Prepaid {
            return Err(failure::insufficient(-available, balance.available));
        }
        let after = Balance {
            available: after,
            held: sum(balance.held, held)?,
            ..balance
        };
        // The total stays in range too, so that a release can never overflow.
        sum(after.available, after.held)?;
        self.0.balance = after;
        Ok(())
    }

    /// The amount charged for usage on the day of `time`.
    pub(super) fn spent_at(&self, time: Option<Timestamp>) -> Money {
        let spent = self.0.balance.spent.zip(time);
        spent.map_or(Money::ZERO, |(spent, time)| spent.at(time))
    }

    /// Counts `amount` as charged for usage on the day of `time`.
    pub(super) fn spend(&mut self, time: Option<Timestamp>, amount: Money) {
        if let Some(time) = time {
            self.0.balance.spent = Some(Spent::and(self.0.balance.spent, time, amount));
        }
    }

    /// Makes a held amount available again. This can't overflow, see [`add`](Self::add).
    pub(super) fn give_back(&mut self, available: Money, held: Money) {
        self.0.balance.available += available;
        self.0.balance.held -= held;
    }

    /// Adds an entry to the ledger.
    pub(super) fn add_entry(
        &mut self,
        key: &str,
        kind: EntryKind,
        amount: Money,
        held: Money,
        details: &Details,
    ) {
        self.0.entries.push(NewEntry {
            key: key.to_owned(),
            kind,
            amount,
            held,
            // Only folding makes folded entries.
            details: Details {
                folded: None,
                ..details.clone()
            },
        });
    }

    /// Sets the record of a key.
    pub(super) fn set_record(&mut self, key: &str, record: Record) {
        self.0.records.push((key.to_owned(), record));
    }

    /// Completes the change; the call returns `value`.
    pub(super) fn finish<T>(self, value: T) -> (T, Option<Change>) {
        (value, Some(self.0))
    }
}

/// The exact sum. Fails where [`Money`] would saturate.
fn sum(a: Money, b: Money) -> Result<Money> {
    let exact = a.micros().checked_add(b.micros()).is_some();
    input::require(exact, "amount", Violation::Amount)?;
    Ok(a + b)
}

/// The negated amount. Fails for the one amount that has no negation.
pub(super) fn negative(amount: Money) -> Result<Money> {
    input::require(amount.micros() != i64::MIN, "amount", Violation::Amount)?;
    Ok(-amount)
}

/// The user has no account.
pub(crate) fn no_account() -> Error {
    failure::gone("account")
}
