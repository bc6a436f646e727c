//! The store itself: its parts, each behind a lock.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use neuropod_core::clock::{Clock, SystemClock};
use neuropod_core::store::PastRequest;
use neuropod_core::{PodId, PriceList, Template, User};

use super::audit::Audit;
use super::collection::Collection;
use super::ledger::Ledger;
use super::pods::Pods;

/// Keeps pods, users, templates, money and the audit log in memory, until the process ends.
///
/// For tests, demonstrations and a first look: the documents are lost with the process, but pods in the cluster and debts
/// are not. Every operation is atomic and short, and never waits for anything but a lock.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> neuropod_core::Result<()> {
/// use neuropod_core::{Billing, Money, UserId};
/// use neuropod_core::money::{AccountKind, BillingExt};
/// use neuropod_store::MemoryStore;
///
/// let store = MemoryStore::new();
/// let ana = UserId::new("ana");
/// store.open(&ana, AccountKind::Prepaid).await?;
/// store.deposit("payment-1", &ana, Money::from_cents(1000)).await?;
/// // The same payment reported again counts once.
/// store.deposit("payment-1", &ana, Money::from_cents(1000)).await?;
///
/// store.hold_amount("hour-1", &ana, Money::from_cents(300)).await?;
/// store.release("hour-1").await?;
/// assert_eq!(store.balance(&ana).await?.available, Money::from_cents(1000));
/// # Ok(())
/// # }
/// ```
pub struct MemoryStore {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) pods: RwLock<Pods>,
    pub(super) users: RwLock<Collection<User>>,
    pub(super) templates: RwLock<Collection<Template>>,
    pub(super) prices: RwLock<Vec<PriceList>>,
    pub(super) requests: RwLock<HashMap<PodId, PastRequest>>,
    pub(super) ledger: RwLock<Ledger>,
    pub(super) audit: RwLock<Audit>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::with_clock(Arc::new(SystemClock))
    }

    /// An empty store, with `clock` for the times of ledger entries.
    pub fn with_clock(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            pods: RwLock::default(),
            users: RwLock::default(),
            templates: RwLock::default(),
            prices: RwLock::default(),
            requests: RwLock::default(),
            ledger: RwLock::default(),
            audit: RwLock::default(),
        }
    }
}

/// Shows no documents, because they hold tokens.
impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

// No operation panics half-way through a change, so the data behind a poisoned lock is consistent.
pub(super) fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}
