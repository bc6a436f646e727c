//! The trait of billing backends, and the ledger that they keep.

use std::cmp::Ordering;

use async_trait::async_trait;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::error::kind::Result;
use crate::id::{PodId, UserId};
use crate::money::amount::Money;

/// The longest key, in bytes.
pub const MAX_KEY_LEN: usize = 255;
/// Most entries of a page.
pub const MAX_ENTRIES: u32 = 1000;

/// Accounts and what happens to the money in them.
///
/// Every change has a key and happens once for each key, however often it is repeated; a repetition with another
/// user, amount or kind of change fails with `Conflict` that is not retryable. A change that failed has not happened:
/// its key is as free as before. What was changed is written to a ledger that only ever grows: an account's entries
/// add up to its balance, always. What is available is never below zero unless the account is
/// [`Unlimited`](AccountKind::Unlimited). The suite `conformance::billing` (feature `conformance`) says what an
/// implementation must do; [`BillingExt`] has shorter calls.
///
/// Keys live in one space for all users and kinds of change. A key is 1 to [`MAX_KEY_LEN`] bytes. An amount is never
/// negative (but for an adjustment), nor so big that the account would leave the range of [`Money`]; anything else
/// fails with `Invalid`.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Billing: Send + Sync + 'static {
    /// Opens the account of a user, or changes its kind. An account that is there keeps its money.
    async fn open(&self, user: &UserId, kind: AccountKind) -> Result<()>;

    /// What is in an account.
    ///
    /// # Errors
    /// `NotFound` when the user has no account; so for every other method that takes a user.
    async fn balance(&self, user: &UserId) -> Result<Balance>;

    /// Adds money to an account, or takes it, without a reservation.
    ///
    /// # Errors
    /// `InsufficientFunds` when more is taken than is available.
    async fn post(&self, posting: &Posting) -> Result<()>;

    /// Reserves money: it is taken from what is available until it is drawn or released.
    ///
    /// # Errors
    /// `InsufficientFunds`; `InvalidState` when the key was released.
    async fn hold(&self, hold: &Hold) -> Result<()>;

    /// Charges what was used, from a reservation as far as it goes, then from what is available; what neither can pay,
    /// and what is more than a cap allows, is written off. The reservation is then topped up from what is available,
    /// as far as that goes. All of this is one step. A repetition answers what the first one did, whatever its caps.
    ///
    /// # Errors
    /// `NotFound` when nothing was held under the key of the reservation; `InvalidState` when it was released.
    async fn draw(&self, draw: &Draw) -> Result<Drawn>;

    /// Ends a reservation: what is left of it is available again. A key under which nothing happened yet is closed: a
    /// hold that arrives late fails. The entry is for the pod that the reservation was made for.
    ///
    /// # Errors
    /// `Conflict` when it is the key of another change.
    async fn release(&self, key: &str) -> Result<()>;

    /// A page of the entries of an account, oldest first.
    ///
    /// # Errors
    /// `Invalid` when the limit is 0 or more than [`MAX_ENTRIES`].
    async fn entries(&self, user: &UserId, options: &EntryOptions) -> Result<Vec<Entry>>;
}

/// Shorter calls for every [`Billing`].
///
/// ```
/// use neuropod_core::{Billing, Money, Result, UserId};
/// use neuropod_core::money::BillingExt;
///
/// async fn pay_in(billing: &dyn Billing, user: &UserId) -> Result<()> {
///     billing.deposit("payment-1", user, Money::from_cents(1000)).await
/// }
/// ```
#[async_trait]
pub trait BillingExt: Billing {
    /// Adds `amount` that the user paid in.
    async fn deposit(&self, key: &str, user: &UserId, amount: Money) -> Result<()> {
        self.post(&Posting::new(key, user, PostingKind::Deposit, amount))
            .await
    }

    /// Takes `amount`.
    async fn charge(&self, key: &str, user: &UserId, amount: Money) -> Result<()> {
        self.post(&Posting::new(key, user, PostingKind::Charge, amount))
            .await
    }

    /// Reserves `amount`.
    async fn reserve(&self, key: &str, user: &UserId, amount: Money) -> Result<()> {
        self.hold(&Hold::new(key, user, amount)).await
    }

    /// All entries of an account, oldest first.
    async fn all_entries(&self, user: &UserId) -> Result<Vec<Entry>> {
        self.entries_of(user, &EntryOptions::default()).await
    }

    /// The entries that `options` select, on however many pages, oldest first.
    async fn entries_of(&self, user: &UserId, options: &EntryOptions) -> Result<Vec<Entry>> {
        let mut all: Vec<Entry> = Vec::new();
        self.for_each_entry(user, options, |entry| all.push(entry))
            .await?;
        Ok(all)
    }

    /// Calls `each` with the entries that `options` select, on however many pages, oldest first; in memory is one page.
    async fn for_each_entry<F>(&self, user: &UserId, options: &EntryOptions, mut each: F) -> Result<()>
    where
        F: FnMut(Entry) + Send,
    {
        let mut options = options.clone();
        loop {
            let page = self.entries(user, &options).await?;
            let is_last = u64::try_from(page.len()).unwrap_or(u64::MAX) < u64::from(options.limit);
            options.after = page.last().map_or(options.after, |last| last.number);
            page.into_iter().for_each(&mut each);
            if is_last {
                return Ok(());
            }
        }
    }
}

impl<B: Billing + ?Sized> BillingExt for B {}

/// What an account may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccountKind {
    /// Spends what was paid in before.
    Prepaid,
    /// Spends without end, for administrators; its balance goes below zero.
    Unlimited,
}

/// What is in an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balance {
    /// What the account may do.
    pub kind: AccountKind,
    /// What can be spent now.
    pub available: Money,
    /// What is reserved.
    pub held: Money,
    /// What was charged for usage on the last day that any was charged for, and on the day before.
    #[serde(default)]
    pub spent: Option<Spent>,
}

/// What was charged for the usage of one day, and of the day before it: what was used shortly before midnight is charged
/// after that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    /// The day, in UTC.
    pub day: Date,
    /// How much.
    pub amount: Money,
    /// How much of the day before; what was used even earlier and is charged late counts to that.
    #[serde(default)]
    pub before: Money,
}

impl Spent {
    /// What was charged, with `amount` more for usage at `time`.
    #[must_use]
    pub fn and(known: Option<Self>, time: Timestamp, amount: Money) -> Self {
        let day = day_of(time);
        match known {
            Some(known) if known.day == day => Self {
                amount: known.amount + amount,
                ..known
            },
            Some(known) if known.day > day => Self {
                before: known.before + amount,
                ..known
            },
            _ => Self {
                day,
                amount,
                before: known
                    .filter(|known| known.day.tomorrow().ok() == Some(day))
                    .map_or(Money::ZERO, |known| known.amount),
            },
        }
    }

    /// What of it counts against the cap of the day of `time`.
    pub fn at(self, time: Timestamp) -> Money {
        match self.day.cmp(&day_of(time)) {
            Ordering::Less => Money::ZERO,
            Ordering::Equal => self.amount,
            Ordering::Greater => self.before,
        }
    }
}

/// The day of a time, in UTC.
pub(crate) fn day_of(time: Timestamp) -> Date {
    TimeZone::UTC.to_datetime(time).date()
}

/// The midnight (UTC) that ends the day of `time`.
pub(crate) fn next_day(time: Timestamp) -> Timestamp {
    let midnight = day_of(time)
        .tomorrow()
        .and_then(|day| TimeZone::UTC.to_timestamp(day.into()));
    // After the last day that there is comes none.
    midnight.unwrap_or(Timestamp::MAX)
}

impl Balance {
    /// All of it: the sum of the entries.
    pub fn total(&self) -> Money {
        self.available + self.held
    }
}

/// Money that is added or taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posting {
    /// The key of this change.
    pub key: String,
    /// Whose account.
    pub user: UserId,
    /// What it is.
    pub kind: PostingKind,
    /// How much; only an adjustment may be negative.
    pub amount: Money,
    /// What it is for.
    pub details: Details,
}

impl Posting {
    /// A posting without details.
    pub fn new(key: impl Into<String>, user: &UserId, kind: PostingKind, amount: Money) -> Self {
        Self {
            key: key.into(),
            user: user.clone(),
            kind,
            amount,
            details: Details::default(),
        }
    }
}

/// Why money is added or taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PostingKind {
    /// The user paid it in.
    Deposit,
    /// An administrator corrected the account, up or down.
    Adjustment,
    /// It is given back.
    Refund,
    /// It is taken.
    Charge,
}

/// Money that is reserved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// The key of the reservation.
    pub key: String,
    /// Whose account.
    pub user: UserId,
    /// How much.
    pub amount: Money,
    /// What it is for.
    pub details: Details,
}

impl Hold {
    /// A reservation without details.
    pub fn new(key: impl Into<String>, user: &UserId, amount: Money) -> Self {
        Self {
            key: key.into(),
            user: user.clone(),
            amount,
            details: Details::default(),
        }
    }
}

/// What was used and has to be paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draw {
    /// The key of this change.
    pub key: String,
    /// Whose account.
    pub user: UserId,
    /// The reservation that pays first; `None`: only what is available pays.
    pub hold: Option<String>,
    /// How much was used.
    pub amount: Money,
    /// How much the reservation is to have afterwards.
    pub top_up: Money,
    /// The most of it that is charged; `None`: all of it.
    pub at_most: Option<Money>,
    /// The most that the account is charged for usage on the day (UTC) on which the period begins, with what was
    /// charged before; `None`: as much as there is.
    pub daily_cap: Option<Money>,
    /// What it is for. Without a period nothing counts as spent on a day.
    pub details: Details,
}

/// What came of a [`Draw`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Drawn {
    /// How much was charged.
    pub charged: Money,
    /// How much nobody could pay.
    pub written_off: Money,
    /// How much the reservation has now.
    pub held: Money,
    /// What the account has been charged for usage on the day of the period, with this.
    #[serde(default)]
    pub spent: Money,
}

/// What a change of an account is for. Every part may be missing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Details {
    /// The pod.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod: Option<PodId>,
    /// The name of the pod at the time of the change, so that the books can be read after the pod is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod_name: Option<String>,
    /// The version of the price list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price_version: Option<u64>,
    /// The price per hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hourly: Option<Money>,
    /// The time that is charged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period: Option<Period>,
    /// A word of whoever made it, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A time that is charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Period {
    /// Its beginning.
    pub from: Timestamp,
    /// Its end.
    pub until: Timestamp,
}

impl Period {
    /// Whole seconds of it.
    pub fn seconds(&self) -> i64 {
        self.until.duration_since(self.from).as_secs()
    }
}

/// Which entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryOptions {
    /// Only those after this number.
    pub after: u64,
    /// Only those made at this time or later.
    pub from: Option<Timestamp>,
    /// Only those made before this time.
    pub until: Option<Timestamp>,
    /// At most so many; 1 to [`MAX_ENTRIES`].
    pub limit: u32,
}

impl Default for EntryOptions {
    fn default() -> Self {
        Self {
            after: 0,
            from: None,
            until: None,
            limit: MAX_ENTRIES,
        }
    }
}

/// One change of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Its place in the account: greater than that of every entry before it.
    pub number: u64,
    /// The key of the change; a hold and its release have the same.
    pub key: String,
    /// What was done.
    pub kind: EntryKind,
    /// By how much it changed the balance: all of these together are [`Balance::total`].
    pub amount: Money,
    /// By how much it changed what is reserved: all of these together are [`Balance::held`].
    pub held: Money,
    /// When.
    pub at: Timestamp,
    /// What it is for.
    pub details: Details,
}

impl Entry {
    /// The pod it is for. Entries of earlier versions that end a reservation don't say it in their details; their key
    /// does.
    pub fn pod(&self) -> Option<PodId> {
        let of_key = || {
            let ends = matches!(self.kind, EntryKind::Settle | EntryKind::Release);
            let (pod, number) = self.key.split_once(':').filter(|_| ends)?;
            number.parse::<u64>().ok()?;
            pod.parse().ok()
        };
        self.details.pod.clone().or_else(of_key)
    }
}

/// What was done to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// Money was paid in.
    Deposit,
    /// An administrator corrected the account.
    Adjustment,
    /// Money was given back.
    Refund,
    /// Money was taken.
    Charge,
    /// Money was reserved, or a reservation topped up.
    Hold,
    /// A reservation was ended and part of it charged, in one step: by earlier versions.
    Settle,
    /// What was left of a reservation is available again.
    Release,
    /// What was used.
    Usage,
    /// What of a usage nobody could pay: it is given back.
    WriteOff,
}
