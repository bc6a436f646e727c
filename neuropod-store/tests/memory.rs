//! The suites of stores and billing, on the store in memory.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;
use neuropod_core::clock::Clock;
use neuropod_core::conformance::billing::load::{self, Load};
use neuropod_core::money::{AccountKind, BillingExt};
use neuropod_core::{Billing, Money, UserId, conformance};
use neuropod_store::MemoryStore;

#[tokio::test(flavor = "multi_thread")]
async fn is_a_pod_store() {
    conformance::store::run(Arc::new(MemoryStore::new())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn is_an_audit_log() {
    conformance::audit::run(Arc::new(MemoryStore::new())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn is_a_billing() {
    conformance::billing::run(Arc::new(MemoryStore::new())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn folds_its_ledger() {
    let store = Arc::new(MemoryStore::new());
    conformance::folding::run(store.clone(), store).await;
}

/// It is not tested with kills, because nothing outlives its process.
#[tokio::test(flavor = "multi_thread")]
async fn money_under_load() {
    let billing: Arc<dyn Billing> = Arc::new(MemoryStore::new());
    load::run(&billing, &Load::new(20_000, rand::random())).await;
}

/// Like a store on a server that others use at the same time.
#[tokio::test(flavor = "multi_thread")]
async fn passes_with_the_data_of_other_suites_in_it() {
    let store = Arc::new(MemoryStore::new());
    tokio::join!(
        conformance::store::run(store.clone()),
        conformance::store::run(store.clone()),
        conformance::billing::run(store.clone()),
        conformance::billing::run(store.clone()),
    );
    conformance::store::run(store).await;
}

/// A clock that advances a second at each reading.
struct Ticking(AtomicI64);

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.fetch_add(1, Ordering::Relaxed)).unwrap()
    }
}

#[tokio::test]
async fn entries_have_the_time_of_the_clock() {
    let store = MemoryStore::with_clock(Arc::new(Ticking(AtomicI64::new(100))));
    let user = UserId::new("ana");
    store.open(&user, AccountKind::Prepaid).await.unwrap();
    for key in ["a", "b", "c"] {
        store.deposit(key, &user, Money::from_cents(1)).await.unwrap();
    }
    let entries = store.all_entries(&user).await.unwrap();
    let times: Vec<_> = entries.iter().map(|entry| entry.at.as_second()).collect();
    assert_eq!(times, [100, 101, 102]);
}
