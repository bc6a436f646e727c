//! The trait of billing backends.

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::id::UserId;
use crate::money::Money;

/// The longest key, in bytes.
pub const MAX_KEY_LEN: usize = 255;

/// Accounts and what happens to the money in them.
///
/// Every change has a key and happens once for each key, however often it is repeated; a repetition with another
/// user, amount or kind of change fails with a `Conflict` that is not retryable. A change that failed has not happened:
/// its key is as free as before. The balance is always the sum of the entries, and never below zero unless the account
/// is [`Unlimited`](AccountKind::Unlimited). The suite `conformance::billing` (feature `conformance`) says what an
/// implementation must do.
///
/// Keys live in one space for all users and kinds of change. A key is 1 to [`MAX_KEY_LEN`] bytes, an amount is never
/// negative, nor so big that the account would leave the range of [`Money`]; anything else fails with `Invalid`.
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

    /// Reserves `amount`: it is taken from what is available until it is settled or released. A repetition for a key
    /// that has been settled already answers `Ok` and changes nothing.
    ///
    /// # Errors
    /// `InsufficientFunds`; `InvalidState` when the key was released.
    async fn hold(&self, key: &str, user: &UserId, amount: Money) -> Result<()>;

    /// Ends a reservation: `actual` is charged, the rest is available again.
    ///
    /// # Errors
    /// `NotFound` when nothing was held under this key; `InvalidState` when it was released; `Invalid` when `actual`
    /// is more than what was held; `Conflict` when it was settled with another amount.
    async fn settle(&self, key: &str, actual: Money) -> Result<()>;

    /// Ends a reservation that was not used. A key under which nothing happened yet is closed: a hold that arrives
    /// late fails.
    ///
    /// # Errors
    /// `InvalidState` when it was settled; `Conflict` when it is the key of a charge or a deposit.
    async fn release(&self, key: &str) -> Result<()>;

    /// Takes `amount` without reserving it first.
    ///
    /// # Errors
    /// `InsufficientFunds`.
    async fn charge(&self, key: &str, user: &UserId, amount: Money) -> Result<()>;

    /// Adds `amount`.
    async fn deposit(&self, key: &str, user: &UserId, amount: Money) -> Result<()>;

    /// The entries of an account, oldest first.
    async fn entries(&self, user: &UserId) -> Result<Vec<Entry>>;
}

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
    /// What can be spent now: the sum of all entries.
    pub available: Money,
    /// What is reserved.
    pub held: Money,
}

/// One change of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The key of the operation; a hold and its settlement or release have the same.
    pub key: String,
    /// What was done.
    pub kind: EntryKind,
    /// By how much it changed what is available.
    pub amount: Money,
    /// When.
    pub at: Timestamp,
}

/// What was done to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EntryKind {
    /// Money was reserved: minus the reservation.
    Hold,
    /// A reservation was settled: plus what was not used of it.
    Settle,
    /// A reservation was released: plus the reservation.
    Release,
    /// Money was taken.
    Charge,
    /// Money was added.
    Deposit,
}
