//! Custom billing: a department pays for its people, and every charge becomes a line of its invoice.
//!
//! ```console
//! $ cargo run --example own_billing
//! ```
//!
//! The existing ledger keeps the accounts; the wrapper adds the department's invoice. It forwards every method
//! explicitly, so that none is forgotten when the trait grows.
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use neuropod::money::{AccountKind, Balance, Draw, Drawn, EntryOptions, Hold, LedgerEntry, Posting};
use neuropod::sim::{Settings, SimCluster};
use neuropod::store::MemoryStore;
use neuropod::{Actor, Billing, CreatePod, Money, Naming, Platform, Result, UserId};

struct Invoiced {
    ledger: MemoryStore,
    /// By the key of the charge: a charge repeated after a failure is one line.
    lines: Mutex<BTreeMap<String, Money>>,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Billing for Invoiced {
    async fn open(&self, user: &UserId, kind: AccountKind) -> Result<()> {
        self.ledger.open(user, kind).await
    }

    async fn balance(&self, user: &UserId) -> Result<Balance> {
        self.ledger.balance(user).await
    }

    async fn post(&self, posting: &Posting) -> Result<()> {
        self.ledger.post(posting).await
    }

    async fn hold(&self, hold: &Hold) -> Result<()> {
        self.ledger.hold(hold).await
    }

    async fn draw(&self, draw: &Draw) -> Result<Drawn> {
        let drawn = self.ledger.draw(draw).await?;
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.insert(draw.key.clone(), drawn.charged);
        Ok(drawn)
    }

    async fn release(&self, key: &str) -> Result<()> {
        self.ledger.release(key).await
    }

    async fn entries(&self, user: &UserId, options: &EntryOptions) -> Result<Vec<LedgerEntry>> {
        self.ledger.entries(user, options).await
    }
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    let cluster = SimCluster::new(Settings::default());
    let billing = Arc::new(Invoiced {
        ledger: MemoryStore::new(),
        lines: Mutex::default(),
    });
    let platform = Platform::builder()
        .naming(Naming::new("pods.example.com", "a secret of at least 16 bytes")?)
        .clock(Arc::new(cluster.clock()))
        .cluster(Arc::new(cluster))
        .pods(Arc::new(MemoryStore::new()))
        .billing(billing.clone())
        .build()?;
    let driver = platform.clone();
    tokio::spawn(async move { driver.run(std::future::pending()).await });

    // The department pays later: an account without a limit.
    let ana = Actor::client("ana");
    billing.open(&ana.id, AccountKind::Unlimited).await?;
    let request = CreatePod::from_image("training", "pytorch/pytorch:latest").gpu("rtx-4090");
    let pod = platform.create(&ana, &request).await?;
    tokio::time::sleep(Duration::from_hours(1)).await;
    platform.stop(&ana, &pod.id).await?;
    tokio::time::sleep(Duration::from_secs(10)).await;

    let lines = billing.lines.lock().unwrap_or_else(PoisonError::into_inner);
    let total: Money = lines.values().copied().sum();
    println!("lines of the invoice: {}", lines.len());
    println!("in all: {}", platform.currency().show(total));
    Ok(())
}
