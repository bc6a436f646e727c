//! What a change does to an account: plain functions of what is known, the same for every store.
//!
//! A store reads what is known under the key (and under that of the reservation), asks one of these functions, and
//! writes all of the answer in one step, or nothing.

mod draw;
#[cfg(any(feature = "sqlite", feature = "mongo"))]
mod names;
mod post;
mod reserve;

use jiff::Timestamp;
use neuropod_core::error::Violation;
use neuropod_core::money::billing::{
    AccountKind, Balance, Details, Drawn, Entry, EntryKind, PostingKind, Spent,
};
use neuropod_core::{Error, Money, PodId, Result, UserId};
use serde::{Deserialize, Serialize};

pub(crate) use self::{
    draw::draw,
    post::post,
    reserve::{hold, release},
};

#[cfg(any(feature = "sqlite", feature = "mongo"))]
pub(crate) use self::names::{name_pods, pods_without_name};
use crate::{failure, input};

/// What happened under a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub(crate) enum Record {
    /// It was released before anything was held.
    Closed,
    /// Money was reserved.
    Held {
        user: UserId,
        /// What was asked for.
        amount: Money,
        /// What is reserved now.
        held: Money,
        /// What it is for; reservations of earlier versions don't say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pod: Option<PodId>,
        /// The name of that; as above.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pod_name: Option<String>,
        end: Option<End>,
    },
    /// Money was added or taken.
    Posted {
        user: UserId,
        posting: PostingKind,
        amount: Money,
    },
    /// What was used was charged.
    Drawn {
        user: UserId,
        hold: Option<String>,
        amount: Money,
        top_up: Money,
        drawn: Drawn,
    },
}

/// How a reservation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum End {
    Settled(Money),
    Released,
}

/// An entry that is to be written; the store adds its number and time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) key: String,
    pub(crate) kind: EntryKind,
    pub(crate) amount: Money,
    pub(crate) held: Money,
    pub(crate) details: Details,
}

impl Line {
    pub(crate) fn into_entry(self, number: u64, at: Timestamp) -> Entry {
        let Self {
            key,
            kind,
            amount,
            held,
            details,
        } = self;
        Entry {
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

/// What has to be written, in one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    /// The account afterwards.
    pub(crate) balance: Balance,
    pub(crate) lines: Vec<Line>,
    /// What is known under these keys afterwards.
    pub(crate) records: Vec<(String, Record)>,
}

/// The answer to a call, and what has to be written before it is given; `None`: it was done before.
pub(crate) type Decision<T> = Result<(T, Option<Change>)>;

impl Record {
    /// Whose account it changed.
    pub(crate) fn user(&self) -> Option<&UserId> {
        match self {
            Self::Closed => None,
            Self::Held { user, .. } | Self::Posted { user, .. } | Self::Drawn { user, .. } => Some(user),
        }
    }
}

/// A change in the making.
struct Account(Change);

impl Account {
    fn of(balance: Option<Balance>) -> Result<Self> {
        let balance = balance.ok_or_else(no_account)?;
        Ok(Self(Change {
            balance,
            lines: Vec::new(),
            records: Vec::new(),
        }))
    }

    /// How much of `amount` the account can pay.
    fn payable(&self, amount: Money) -> Money {
        match self.0.balance.kind {
            AccountKind::Unlimited => amount,
            AccountKind::Prepaid => amount.min(self.0.balance.available.max(Money::ZERO)),
        }
    }

    /// Changes what is available and what is held.
    fn add(&mut self, available: Money, held: Money) -> Result<()> {
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
        // Both together stay in the range too, so that what is held can always come back.
        sum(after.available, after.held)?;
        self.0.balance = after;
        Ok(())
    }

    /// What was charged for usage on the day of `time`.
    fn spent_at(&self, time: Option<Timestamp>) -> Money {
        let spent = self.0.balance.spent.zip(time);
        spent.map_or(Money::ZERO, |(spent, time)| spent.at(time))
    }

    /// Notes what was charged for usage at `time`.
    fn spend(&mut self, time: Option<Timestamp>, amount: Money) {
        if let Some(time) = time {
            self.0.balance.spent = Some(Spent::and(self.0.balance.spent, time, amount));
        }
    }

    /// Makes what was held available again, which always fits.
    fn give_back(&mut self, available: Money, held: Money) {
        self.0.balance.available += available;
        self.0.balance.held -= held;
    }

    fn write(&mut self, key: &str, kind: EntryKind, amount: Money, held: Money, details: &Details) {
        self.0.lines.push(Line {
            key: key.to_owned(),
            kind,
            amount,
            held,
            details: details.clone(),
        });
    }

    fn know(&mut self, key: &str, record: Record) {
        self.0.records.push((key.to_owned(), record));
    }

    fn decide<T>(self, answer: T) -> (T, Option<Change>) {
        (answer, Some(self.0))
    }
}

/// The exact sum: where [`Money`] would saturate, the amount is refused.
fn sum(a: Money, b: Money) -> Result<Money> {
    let exact = a.micros().checked_add(b.micros()).is_some();
    input::require(exact, "amount", Violation::Amount)?;
    Ok(a + b)
}

/// The negative amount; amounts are never so low that they have none.
fn negative(amount: Money) -> Result<Money> {
    input::require(amount.micros() != i64::MIN, "amount", Violation::Amount)?;
    Ok(-amount)
}

pub(crate) fn no_account() -> Error {
    failure::gone("account")
}
