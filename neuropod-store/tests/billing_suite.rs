//! The suite of money under load detects faulty billing.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod verdict;

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use neuropod_core::conformance::billing::load;
use neuropod_core::money::billing::{Draw, Drawn, EntryKind, EntryOptions, Hold, Posting, PostingKind};
use neuropod_core::money::{AccountKind, Balance, LedgerEntry};
use neuropod_core::{Billing, Error, ErrorKind, Money, Result, UserId};
use neuropod_store::MemoryStore;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    None,
    /// Charges again when a draw is repeated.
    DrawsTwice,
    /// Returns the present result of a repeated draw instead of the first one.
    AnswersAnew,
    /// Refuses a repeated posting.
    RefusesRepetitions,
    /// Accepts deposits, but loses them.
    LosesDeposits,
    /// Charges, but reports that it did not.
    ChargesAndRefuses,
    /// Accepts different changes under a used key.
    ForgetsParameters,
    /// Releases holds without changing them.
    KeepsHolds,
    /// Tops up more than requested.
    TopsUpTooMuch,
    /// Charges more than a daily cap allows.
    ForgetsCaps,
    /// Lets prepaid accounts spend more than they have.
    Overdraws,
    /// Writes off the unpaid part of a draw without an entry.
    ForgetsWriteOffs,
    /// Charges fail without a reason.
    FailsUnderLoad,
}

/// [`MemoryStore`], with a fault.
struct Faulty {
    fault: Fault,
    inner: MemoryStore,
    /// The keys of all changes so far.
    done: Mutex<HashSet<String>>,
}

/// The suffix of the key of a repetition.
const AGAIN: &str = " again";

impl Faulty {
    /// Whether the key is new.
    fn is_new(&self, key: &str) -> bool {
        self.done.lock().unwrap().insert(key.to_owned())
    }

    fn shown_balance(&self, balance: Balance) -> Balance {
        let kind = match self.fault {
            Fault::Overdraws => AccountKind::Prepaid,
            _ => balance.kind,
        };
        Balance { kind, ..balance }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Billing for Faulty {
    async fn open(&self, user: &UserId, kind: AccountKind) -> Result<()> {
        let kind = match self.fault {
            Fault::Overdraws => AccountKind::Unlimited,
            _ => kind,
        };
        self.inner.open(user, kind).await
    }

    async fn balance(&self, user: &UserId) -> Result<Balance> {
        self.inner
            .balance(user)
            .await
            .map(|balance| self.shown_balance(balance))
    }

    async fn post(&self, posting: &Posting) -> Result<()> {
        let charges = posting.kind == PostingKind::Charge;
        match self.fault {
            Fault::LosesDeposits if posting.kind == PostingKind::Deposit => return Ok(()),
            Fault::FailsUnderLoad if charges => {
                return Err(Error::new(ErrorKind::Timeout, "too many at once"));
            }
            _ => {}
        }
        self.inner
            .post(posting)
            .await
            .or_else(|error| match (self.fault, error.kind()) {
                (Fault::ForgetsParameters, ErrorKind::Conflict) => Ok(()),
                _ => Err(error),
            })?;
        match self.fault {
            Fault::ChargesAndRefuses if charges => Err(Error::new(
                ErrorKind::InsufficientFunds {
                    required: posting.amount,
                    available: Money::ZERO,
                },
                "not enough",
            )),
            Fault::RefusesRepetitions if !self.is_new(&posting.key) => {
                Err(Error::new(ErrorKind::Conflict, "done").with_retryable(false))
            }
            _ => Ok(()),
        }
    }

    async fn hold(&self, hold: &Hold) -> Result<()> {
        self.inner.hold(hold).await
    }

    async fn draw(&self, draw: &Draw) -> Result<Drawn> {
        let mut draw = draw.clone();
        if self.fault == Fault::TopsUpTooMuch {
            draw.top_up += Money::from_cents(1);
        }
        if self.fault == Fault::ForgetsCaps {
            draw.daily_cap = None;
        }
        let drawn = self.inner.draw(&draw).await?;
        let is_new = self.is_new(&draw.key);
        match self.fault {
            Fault::DrawsTwice if !is_new => {
                draw.key += AGAIN;
                // The hold may have ended; what is answered is right anyway.
                let _ = self.inner.draw(&draw).await;
                Ok(drawn)
            }
            Fault::AnswersAnew if !is_new => {
                let held = Money::ZERO;
                Ok(Drawn { held, ..drawn })
            }
            _ => Ok(drawn),
        }
    }

    async fn release(&self, key: &str) -> Result<()> {
        match self.fault {
            Fault::KeepsHolds => Ok(()),
            _ => self.inner.release(key).await,
        }
    }

    async fn entries(&self, user: &UserId, options: &EntryOptions) -> Result<Vec<LedgerEntry>> {
        let mut entries = self.inner.entries(user, options).await?;
        if self.fault == Fault::ForgetsWriteOffs {
            entries.retain(|entry| entry.kind != EntryKind::WriteOff);
        }
        for entry in &mut entries {
            entry.key = entry.key.replace(AGAIN, "");
        }
        Ok(entries)
    }
}

/// The result of the load for billing with this fault.
async fn verdict(fault: Fault) -> Result<(), String> {
    let billing: Arc<dyn Billing> = Arc::new(Faulty {
        fault,
        inner: MemoryStore::new(),
        done: Mutex::default(),
    });
    let run = async move { load::random_operations(&billing).await };
    verdict::of(run).await
}

#[tokio::test(flavor = "multi_thread")]
async fn finds_each_fault() {
    assert_eq!(verdict(Fault::None).await, Ok(()));
    for (fault, expected) in [
        (Fault::DrawsTwice, "was applied twice"),
        (Fault::AnswersAnew, "the ledger has something else"),
        (Fault::RefusesRepetitions, "can't have this result"),
        (Fault::LosesDeposits, "the ledger has something else"),
        (Fault::ChargesAndRefuses, "or a refused one"),
        (Fault::ForgetsParameters, "the ledger has something else"),
        (Fault::KeepsHolds, "the ledger has something else"),
        (Fault::TopsUpTooMuch, "the entries of"),
        (Fault::ForgetsCaps, "the entries of"),
        (Fault::Overdraws, "negative balance"),
        (Fault::ForgetsWriteOffs, "add up"),
        (Fault::FailsUnderLoad, "can't have this error"),
    ] {
        verdict::finds(&verdict(fault).await, fault, expected);
    }
}
