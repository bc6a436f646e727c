//! Money under load finds what is wrong with billing.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::collections::HashSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use neuropod_core::billing::{Draw, Drawn, EntryKind, EntryOptions, Hold, Posting, PostingKind};
use neuropod_core::conformance::billing::load::{self, Load};
use neuropod_core::{AccountKind, Balance, Billing, Entry, Error, ErrorKind, Money, Result, UserId};
use neuropod_store::MemoryStore;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    None,
    /// Charges again when a draw is repeated.
    DrawsTwice,
    /// Answers what a repeated draw would do now.
    AnswersAnew,
    /// Accepts some deposits, and loses them.
    LosesDeposits,
    /// Makes some charges, and answers that it did not.
    ChargesAndRefuses,
    /// Accepts other changes under a key that was used.
    ForgetsParameters,
    /// Releases reservations, and leaves them as they are.
    KeepsReservations,
    /// Tops up more than was asked for.
    TopsUpTooMuch,
    /// Lets prepaid accounts spend what they don't have.
    Overdraws,
    /// Writes off what a draw could not pay, and has no entry of it.
    ForgetsWriteOffs,
    /// Some charges fail for no cause of theirs.
    FailsUnderLoad,
}

/// [`MemoryStore`], with a fault.
struct Faulty {
    fault: Fault,
    inner: MemoryStore,
    draws: Mutex<HashSet<String>>,
    calls: AtomicU32,
}

/// How often some of the calls go wrong: not at once, and often enough.
const SOME: u32 = 50;
/// Stands after the key of what is done again.
const AGAIN: &str = " again";

impl Faulty {
    /// Whether this is one of the calls that this fault spoils.
    fn has_now(&self, fault: Fault) -> bool {
        self.fault == fault && self.calls.fetch_add(1, Ordering::Relaxed) % SOME == SOME - 1
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
        if posting.kind == PostingKind::Deposit && self.has_now(Fault::LosesDeposits) {
            return Ok(());
        }
        if charges && self.has_now(Fault::FailsUnderLoad) {
            return Err(Error::new(ErrorKind::Timeout, "too many at once"));
        }
        let done = self.inner.post(posting).await;
        if charges && done.is_ok() && self.has_now(Fault::ChargesAndRefuses) {
            let (required, available) = (posting.amount, Money::ZERO);
            let kind = ErrorKind::InsufficientFunds { required, available };
            return Err(Error::new(kind, "not enough"));
        }
        match done {
            Err(error) if *error.kind() == ErrorKind::Conflict && self.fault == Fault::ForgetsParameters => {
                Ok(())
            }
            done => done,
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
        let drawn = self.inner.draw(&draw).await?;
        let is_new = self.draws.lock().unwrap().insert(draw.key.clone());
        match self.fault {
            Fault::DrawsTwice if !is_new => {
                draw.key += AGAIN;
                // The reservation may have ended; what is answered is right anyway.
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

    async fn settle(&self, key: &str, actual: Money) -> Result<()> {
        self.inner.settle(key, actual).await
    }

    async fn release(&self, key: &str) -> Result<()> {
        match self.fault {
            Fault::KeepsReservations => Ok(()),
            _ => self.inner.release(key).await,
        }
    }

    async fn entries(&self, user: &UserId, options: &EntryOptions) -> Result<Vec<Entry>> {
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

/// What the load says of a billing with this fault.
async fn verdict(fault: Fault) -> Result<(), String> {
    let billing: Arc<dyn Billing> = Arc::new(Faulty {
        fault,
        inner: MemoryStore::new(),
        draws: Mutex::default(),
        calls: AtomicU32::new(0),
    });
    let run = async move { load::run(&billing, &Load::new(5000, 1)).await };
    tokio::spawn(run).await.map_err(|error| {
        let panic = error.into_panic();
        match panic.downcast::<String>() {
            Ok(text) => *text,
            Err(other) => (*other.downcast::<&str>().unwrap()).to_owned(),
        }
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn finds_each_fault() {
    assert_eq!(verdict(Fault::None).await, Ok(()));
    for (fault, expected) in [
        (Fault::DrawsTwice, "was applied twice"),
        (Fault::AnswersAnew, "can't be answered so"),
        (Fault::LosesDeposits, "the ledger has something else"),
        (Fault::ChargesAndRefuses, "what was refused"),
        (Fault::ForgetsParameters, "can't be answered so"),
        (Fault::KeepsReservations, "can't be answered so"),
        (Fault::TopsUpTooMuch, "the entries of"),
        (Fault::Overdraws, "less than nothing"),
        (Fault::ForgetsWriteOffs, "add up"),
        (Fault::FailsUnderLoad, "a cause that it can't have"),
    ] {
        let verdict = verdict(fault).await;
        assert!(
            verdict.as_ref().is_err_and(|text| text.contains(expected)),
            "{fault:?}, {expected}: {verdict:?}"
        );
    }
}
