//! The suites of stores and billing on a SQLite file, and what only a file can show.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::Path;
use std::sync::Arc;

use neuropod_core::conformance::billing::load::{self, Load};
use neuropod_core::{Billing, conformance};
use neuropod_store::SqliteStore;
use tempfile::TempDir;

async fn open(folder: &TempDir) -> Arc<SqliteStore> {
    Arc::new(SqliteStore::open(path(folder)).await.unwrap())
}

fn path(folder: &TempDir) -> impl AsRef<Path> {
    folder.path().join("neuropod.db")
}

#[tokio::test(flavor = "multi_thread")]
async fn is_a_pod_store() {
    let folder = tempfile::tempdir().unwrap();
    conformance::store::run(open(&folder).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn is_a_billing() {
    let folder = tempfile::tempdir().unwrap();
    conformance::billing::run(open(&folder).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn money_under_load() {
    let folder = tempfile::tempdir().unwrap();
    let billing: Arc<dyn Billing> = open(&folder).await;
    load::run(&billing, &Load::new(20_000, rand::random())).await;
}

/// Each suite has a store of its own, as processes that share a file have.
#[tokio::test(flavor = "multi_thread")]
async fn passes_with_other_stores_on_the_same_file() {
    let folder = tempfile::tempdir().unwrap();
    // Made by four at the same time.
    let (first, second, third, fourth) =
        tokio::join!(open(&folder), open(&folder), open(&folder), open(&folder));
    tokio::join!(
        conformance::store::run(first),
        conformance::store::run(second),
        conformance::billing::run(third),
        conformance::billing::run(fourth),
    );
}
