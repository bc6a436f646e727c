//! The suite of folding detects faulty implementations.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use neuropod_core::conformance::folding;
use neuropod_core::money::billing::{Draw, Drawn, EntryKind, EntryOptions, Hold, Posting};
use neuropod_core::money::{AccountKind, Balance, Folded, LedgerEntry, LedgerFolding};
use neuropod_core::{Billing, ErrorKind, Money, Result, UserId};
use neuropod_store::MemoryStore;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    None,
    /// Folds nothing.
    Idle,
    /// Folds everything, whatever its time.
    TooMuch,
    /// Makes a folded charge again.
    ForgetsCharges,
    /// Loses a micro-euro of each sum.
    LosesMoney,
    /// Forgets the seconds of folded charges.
    ForgetsSeconds,
    /// Loses a part of what is held.
    LosesHolds,
    /// Counts a folded entry as one.
    ForgetsCounts,
    /// Removes deposits.
    LosesDeposits,
    /// Forgets the pods of folded entries.
    ForgetsPods,
    /// Gives folded entries new numbers.
    NumbersAnew,
}

/// [`MemoryStore`], with a fault.
struct Faulty {
    fault: Fault,
    inner: MemoryStore,
}

#[async_trait]
impl LedgerFolding for Faulty {
    async fn fold(&self, before: Timestamp) -> Result<Folded> {
        match self.fault {
            Fault::Idle => Ok(Folded::default()),
            Fault::TooMuch => self.inner.fold(Timestamp::MAX).await,
            _ => self.inner.fold(before).await,
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Billing for Faulty {
    async fn open(&self, user: &UserId, kind: AccountKind) -> Result<()> {
        self.inner.open(user, kind).await
    }

    async fn balance(&self, user: &UserId) -> Result<Balance> {
        self.inner.balance(user).await
    }

    async fn post(&self, posting: &Posting) -> Result<()> {
        self.inner.post(posting).await
    }

    async fn hold(&self, hold: &Hold) -> Result<()> {
        self.inner.hold(hold).await
    }

    async fn draw(&self, draw: &Draw) -> Result<Drawn> {
        let drawn = self.inner.draw(draw).await;
        match &drawn {
            Err(error) if self.fault == Fault::ForgetsCharges && *error.kind() == ErrorKind::InvalidState => {
                let mut again = draw.clone();
                again.key += " again";
                again.details.pod = None;
                self.inner.draw(&again).await
            }
            _ => drawn,
        }
    }

    async fn release(&self, key: &str) -> Result<()> {
        self.inner.release(key).await
    }

    async fn entries(&self, user: &UserId, options: &EntryOptions) -> Result<Vec<LedgerEntry>> {
        let mut entries = self.inner.entries(user, options).await?;
        let has_folded = entries.iter().any(|entry| entry.details.folded.is_some());
        if self.fault == Fault::LosesDeposits && has_folded {
            entries.retain(|entry| entry.kind != EntryKind::Deposit);
        }
        for entry in &mut entries {
            let Some(folded) = &mut entry.details.folded else {
                continue;
            };
            match self.fault {
                Fault::LosesMoney => entry.amount += Money::from_micros(1),
                Fault::ForgetsSeconds => folded.seconds = 0,
                Fault::LosesHolds => entry.held += Money::from_micros(1),
                Fault::ForgetsCounts => folded.entries = 1,
                Fault::ForgetsPods => entry.details.pod = None,
                Fault::NumbersAnew => entry.number += 1_000_000,
                _ => {}
            }
        }
        Ok(entries)
    }
}

/// Whether the suite accepts a store with this fault.
async fn is_accepted(fault: Fault) -> bool {
    let store = Arc::new(Faulty {
        fault,
        inner: MemoryStore::new(),
    });
    let suite = folding::run(store.clone(), store);
    match tokio::spawn(suite).await {
        Ok(()) => true,
        Err(error) => {
            assert!(error.is_panic(), "{error}");
            false
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn finds_each_fault() {
    assert!(is_accepted(Fault::None).await);
    for fault in [
        Fault::Idle,
        Fault::TooMuch,
        Fault::ForgetsCharges,
        Fault::LosesMoney,
        Fault::ForgetsSeconds,
        Fault::LosesHolds,
        Fault::ForgetsCounts,
        Fault::LosesDeposits,
        Fault::ForgetsPods,
        Fault::NumbersAnew,
    ] {
        assert!(!is_accepted(fault).await, "{fault:?}");
    }
}
