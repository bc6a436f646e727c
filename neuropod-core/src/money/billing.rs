//! The trait of billing backends, and their ledger.

use std::cmp::Ordering;

use async_trait::async_trait;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::error::kind::Result;
use crate::id::{PodId, UserId};
use crate::money::amount::Money;
use crate::money::folding::FoldedCharges;

/// The longest key, in bytes.
pub const MAX_KEY_LEN: usize = 255;
/// The most entries of a page.
pub const MAX_ENTRIES: u32 = 1000;
/// The most that a clock may be ahead of the one by which an entry is booked.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_hours(1);

/// Keeps accounts and their ledger.
///
/// Every change has a key and happens once per key, however often it is repeated. A repetition with another user,
/// amount or kind of change fails with a `Conflict` that is not retryable. A change that failed has not happened, and
/// its key is still free. Every change appends entries to a ledger, and an account's entries always add up to its
/// balance. The available amount is never below zero unless the account is
/// [`Unlimited`](AccountKind::Unlimited). The suite `conformance::billing` (feature `conformance`) checks
/// implementations; [`BillingExt`] has shorter calls.
///
/// All users and kinds of change share one space of keys. A key has 1 to [`MAX_KEY_LEN`] bytes. An amount must not be
/// negative (except in an adjustment), nor so big that the account would leave the range of [`Money`]; otherwise the
/// call fails with `Invalid`.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Billing: Send + Sync + 'static {
    /// Opens the account of a user, or changes its kind. An existing account keeps its money.
    async fn open(&self, user: &UserId, kind: AccountKind) -> Result<()>;

    /// Returns the balance of an account.
    ///
    /// # Errors
    /// `NotFound` when the user has no account, as in every other method that takes a user.
    async fn balance(&self, user: &UserId) -> Result<Balance>;

    /// Adds money to an account or takes it, without a hold.
    ///
    /// # Errors
    /// `InsufficientFunds` when more is taken than is available.
    async fn post(&self, posting: &Posting) -> Result<()>;

    /// Holds money: it is not available until it is drawn or released.
    ///
    /// # Errors
    /// `InsufficientFunds`; `InvalidState` when the key was released.
    async fn hold(&self, hold: &Hold) -> Result<()>;

    /// Charges usage: from a hold as far as it goes, then from the available amount. The part that neither can pay, or
    /// that exceeds a cap, is written off. The hold is then topped up from the available amount as far as possible. All
    /// of this is one step. A repetition returns the result of the first call, whatever its caps.
    ///
    /// # Errors
    /// `NotFound` when nothing was held under the key of the hold; `InvalidState` when it was released, and when the
    /// charge is so old that it was [folded](crate::money::LedgerFolding): it counts, and its result is forgotten.
    async fn draw(&self, draw: &Draw) -> Result<Drawn>;

    /// Ends a hold: its remaining amount is available again. An unused key is closed, so that a hold that arrives late
    /// fails. The entry names the pod that the hold was for.
    ///
    /// # Errors
    /// `Conflict` when the key belongs to another kind of change.
    async fn release(&self, key: &str) -> Result<()>;

    /// Returns a page of the entries of an account, oldest first.
    ///
    /// # Errors
    /// `Invalid` when the limit is 0 or more than [`MAX_ENTRIES`].
    async fn entries(&self, user: &UserId, options: &EntryOptions) -> Result<Vec<LedgerEntry>>;
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
    /// Adds `amount`, which the user paid in.
    async fn deposit(&self, key: &str, user: &UserId, amount: Money) -> Result<()> {
        self.post(&Posting::new(key, user, PostingKind::Deposit, amount))
            .await
    }

    /// Takes `amount`.
    async fn charge(&self, key: &str, user: &UserId, amount: Money) -> Result<()> {
        self.post(&Posting::new(key, user, PostingKind::Charge, amount))
            .await
    }

    /// Holds `amount`.
    async fn hold_amount(&self, key: &str, user: &UserId, amount: Money) -> Result<()> {
        self.hold(&Hold::new(key, user, amount)).await
    }

    /// Returns all entries of an account, oldest first.
    async fn all_entries(&self, user: &UserId) -> Result<Vec<LedgerEntry>> {
        self.entries_of(user, &EntryOptions::default()).await
    }

    /// Returns the entries that `options` select, from all pages, oldest first.
    async fn entries_of(&self, user: &UserId, options: &EntryOptions) -> Result<Vec<LedgerEntry>> {
        let mut all: Vec<LedgerEntry> = Vec::new();
        self.for_each_entry(user, options, |entry| all.push(entry))
            .await?;
        Ok(all)
    }

    /// Calls `each` for every entry that `options` select, oldest first, with one page in memory at a time.
    async fn for_each_entry<F>(&self, user: &UserId, options: &EntryOptions, mut each: F) -> Result<()>
    where
        F: FnMut(LedgerEntry) + Send,
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

/// How far an account may be spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccountKind {
    /// Only money that was paid in can be spent.
    Prepaid,
    /// Spending has no limit and the balance may go below zero: for administrators.
    Unlimited,
}

/// The balance of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balance {
    /// How far the account may be spent.
    pub kind: AccountKind,
    /// The amount that can be spent now.
    pub available: Money,
    /// The amount in holds.
    pub held: Money,
    /// The charges for usage of the last day with any, and of the day before.
    #[serde(default)]
    pub spent: Option<Spent>,
}

/// The charges for the usage of one day, and of the day before it, because usage shortly before midnight is charged after
/// midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    /// The day, in UTC.
    pub day: Date,
    /// The amount charged for this day.
    pub amount: Money,
    /// The amount charged for the day before. Even earlier usage that is charged late counts here.
    #[serde(default)]
    pub before: Money,
}

impl Spent {
    /// Adds `amount` for usage at `time` to `known`.
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

    /// The part that counts against the cap of the day of `time`.
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

/// The midnight (UTC) that begins the day of `time`.
pub(crate) fn start_of_day(time: Timestamp) -> Timestamp {
    // The first representable day may begin before the first representable time.
    TimeZone::UTC
        .to_timestamp(day_of(time).into())
        .unwrap_or(Timestamp::MIN)
}

/// The midnight (UTC) that ends the day of `time`.
pub(crate) fn next_day(time: Timestamp) -> Timestamp {
    let midnight = day_of(time)
        .tomorrow()
        .and_then(|day| TimeZone::UTC.to_timestamp(day.into()));
    // The last representable day has no next one.
    midnight.unwrap_or(Timestamp::MAX)
}

impl Balance {
    /// The available and the held amount: the sum of all entries.
    pub fn total(&self) -> Money {
        self.available + self.held
    }

    /// The balance as if usage of this amount, which will be charged, were charged now: it is paid from holds, which are
    /// filled up from the available amount.
    #[must_use]
    pub fn after(self, accrued: Money) -> Self {
        let from_available = match self.kind {
            AccountKind::Unlimited => accrued,
            AccountKind::Prepaid => accrued.min(self.available.max(Money::ZERO)),
        };
        Self {
            available: self.available - from_available,
            held: self.held - (accrued - from_available),
            ..self
        }
    }
}

/// Money that is added or taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posting {
    /// The key of this change.
    pub key: String,
    /// The owner of the account.
    pub user: UserId,
    /// The kind of posting.
    pub kind: PostingKind,
    /// The amount; only an adjustment may be negative.
    pub amount: Money,
    /// Its purpose.
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
    /// Money is given back to the user.
    Refund,
    /// Money is taken.
    Charge,
}

/// An amount to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// The key of the hold.
    pub key: String,
    /// The owner of the account.
    pub user: UserId,
    /// The amount.
    pub amount: Money,
    /// Its purpose.
    pub details: Details,
}

impl Hold {
    /// A hold without details.
    pub fn new(key: impl Into<String>, user: &UserId, amount: Money) -> Self {
        Self {
            key: key.into(),
            user: user.clone(),
            amount,
            details: Details::default(),
        }
    }
}

/// A charge for usage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draw {
    /// The key of this change.
    pub key: String,
    /// The owner of the account.
    pub user: UserId,
    /// The key of the hold that pays first; `None`: only the available amount pays.
    pub hold: Option<String>,
    /// The amount for the usage.
    pub amount: Money,
    /// The amount that the hold is topped up to afterwards.
    pub top_up: Money,
    /// The maximum of `amount` to charge; `None`: no limit.
    pub at_most: Option<Money>,
    /// The maximum that the account is charged for usage on the day (UTC) on which the period begins, including
    /// earlier charges; `None`: no limit.
    pub daily_cap: Option<Money>,
    /// Its purpose. Without a period nothing counts as spent on a day.
    pub details: Details,
}

/// The result of a [`Draw`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Drawn {
    /// The amount charged.
    pub charged: Money,
    /// The amount written off.
    pub written_off: Money,
    /// The amount in the hold now.
    pub held: Money,
    /// The account's charges for usage on the day of the period, this one included.
    #[serde(default)]
    pub spent: Money,
}

/// The purpose of a change of an account. Every part may be missing.
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
    /// The charged time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period: Option<Period>,
    /// A note for people, by the author of the change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The entries that this one stands for, if it is a [folded](crate::money::LedgerFolding) one. The details of a
    /// change never have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folded: Option<FoldedCharges>,
}

/// A charged time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Period {
    /// The beginning.
    pub from: Timestamp,
    /// The end.
    pub until: Timestamp,
}

impl Period {
    /// Its length in whole seconds.
    pub fn seconds(&self) -> i64 {
        self.until.duration_since(self.from).as_secs()
    }
}

/// Selects entries of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryOptions {
    /// Only entries after this number.
    pub after: u64,
    /// Only entries made at this time or later.
    pub from: Option<Timestamp>,
    /// Only entries made before this time.
    pub until: Option<Timestamp>,
    /// The maximum number of entries in the page; 1 to [`MAX_ENTRIES`].
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

impl EntryOptions {
    /// All entries that may be for a time from `time` on ([`LedgerEntry::effective_at`]), and few others. An entry is booked
    /// after the time that it is for, or hardly before it, where the clocks of two machines differ.
    pub fn effective_from(time: Option<Timestamp>) -> Self {
        let booked = time.map(|time| time.saturating_sub(CLOCK_SKEW).unwrap_or(Timestamp::MIN));
        Self {
            from: booked,
            ..Self::default()
        }
    }

    /// Only entries after this number.
    pub fn with_after(mut self, number: u64) -> Self {
        self.after = number;
        self
    }

    /// Only entries made at this time or later.
    pub fn with_from(mut self, time: Timestamp) -> Self {
        self.from = Some(time);
        self
    }

    /// Only entries made before this time.
    pub fn with_until(mut self, time: Timestamp) -> Self {
        self.until = Some(time);
        self
    }

    /// At most so many entries; 1 to [`MAX_ENTRIES`].
    pub fn with_limit(mut self, entries: u32) -> Self {
        self.limit = entries;
        self
    }
}

/// An entry of the ledger: one change of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LedgerEntry {
    /// The place in the account: greater than that of every earlier entry.
    pub number: u64,
    /// The key of the change. A hold and its release have the same.
    pub key: String,
    /// The kind of change.
    pub kind: EntryKind,
    /// The change of the total. The sum over all entries is [`Balance::total`].
    pub amount: Money,
    /// The change of the held amount. The sum over all entries is [`Balance::held`].
    pub held: Money,
    /// The time of the change.
    pub at: Timestamp,
    /// Its purpose.
    pub details: Details,
}

impl LedgerEntry {
    /// The pod that the entry is for. Entries of earlier versions that end a hold name it only in their key.
    pub fn pod(&self) -> Option<PodId> {
        let from_key = || {
            let ends = matches!(self.kind, EntryKind::Settle | EntryKind::Release);
            let (pod, number) = self.key.split_once(':').filter(|_| ends)?;
            number.parse::<u64>().ok()?;
            pod.parse().ok()
        };
        self.details.pod.clone().or_else(from_key)
    }

    /// The time that the entry is for: the beginning of its charged period, or the time of the change if it has none.
    /// A charge is booked when its period is over, possibly after midnight.
    pub fn effective_at(&self) -> Timestamp {
        self.details.period.map_or(self.at, |period| period.from)
    }

    /// The day (UTC) that the entry is for. No charge crosses midnight.
    pub fn day(&self) -> Date {
        day_of(self.effective_at())
    }

    /// Whether the entry is for a time from `from` on and before `until`; `None`: no limit.
    pub fn is_within(&self, from: Option<Timestamp>, until: Option<Timestamp>) -> bool {
        let time = self.effective_at();
        from.is_none_or(|from| time >= from) && until.is_none_or(|until| time < until)
    }

    /// The number of entries that this one stands for: 1, unless it is a [folded](crate::money::LedgerFolding) one.
    pub fn entry_count(&self) -> u64 {
        self.details.folded.map_or(1, |folded| folded.entries)
    }

    /// The whole seconds of the charged time, without the gaps between folded periods; 0 without a period.
    pub fn charged_seconds(&self) -> i64 {
        let of_period = self.details.period.map_or(0, |period| period.seconds());
        self.details.folded.map_or(of_period, |folded| folded.seconds)
    }
}

/// The kind of a ledger entry.
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
    /// Money was held, or a hold topped up.
    Hold,
    /// A hold was ended and part of it charged, in one step: by earlier versions.
    Settle,
    /// The remaining amount of a hold is available again.
    Release,
    /// Usage was charged.
    Usage,
    /// The part of a usage charge that nobody could pay was given back.
    WriteOff,
}
