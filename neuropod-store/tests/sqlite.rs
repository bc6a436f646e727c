//! The suites of stores and billing on a SQLite file, and tests that need a file.
#![allow(clippy::unwrap_used, reason = "tests")]

mod by_hand;
mod sample;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use neuropod_core::conformance::billing::load::{self, Load};
use neuropod_core::money::billing::{Details, Hold};
use neuropod_core::money::{AccountKind, BillingExt};
use neuropod_core::{Billing, Money, PodStore, UserId, conformance};
use neuropod_store::SqliteStore;
use tempfile::TempDir;

async fn open(folder: &TempDir) -> Arc<SqliteStore> {
    Arc::new(SqliteStore::open(path(folder)).await.unwrap())
}

fn path(folder: &TempDir) -> PathBuf {
    folder.path().join("neuropod.db")
}

/// Undoes version 7 of the tables. At that time pods had their names in another field.
async fn before_names(path: &Path) {
    let mut file = by_hand::connect(path).await;
    let older = "DROP TABLE pod_names; DELETE FROM _sqlx_migrations WHERE version = 7; \
        UPDATE pods SET document = \
        json_set(json_remove(document, '$.podName', '$.layout'), '$.name', document ->> '$.podName')";
    by_hand::run(&mut file, older).await;
}

#[tokio::test]
async fn entries_of_earlier_versions_get_the_names_of_existing_pods() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    let ana = UserId::new("ana");
    let [pod, gone] = [(); 2].map(|()| sample::pod(&ana));
    let pod = store.insert(&pod).await.unwrap();
    store.open(&ana, AccountKind::Unlimited).await.unwrap();
    for id in [&pod.id, &gone.id] {
        let details = Details {
            pod: Some(id.clone()),
            ..Details::default()
        };
        let hold = Hold {
            details,
            ..Hold::new(format!("{id}:0"), &ana, Money::from_cents(1))
        };
        store.hold(&hold).await.unwrap();
        store.release(&hold.key).await.unwrap();
    }
    store.close().await;
    before_names(&path(&folder)).await;

    let store = open(&folder).await;
    store.remove(&pod.id, pod.version).await.unwrap();
    let entries = store.all_entries(&ana).await.unwrap();
    let names: Vec<_> = entries
        .iter()
        .map(|entry| entry.details.pod_name.as_deref())
        .collect();
    let name = Some(pod.name.as_str());
    assert_eq!(names, [name, name, None, None], "{entries:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn is_a_pod_store() {
    let folder = tempfile::tempdir().unwrap();
    conformance::store::run(open(&folder).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn is_an_audit_log() {
    let folder = tempfile::tempdir().unwrap();
    conformance::audit::run(open(&folder).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn is_a_billing() {
    let folder = tempfile::tempdir().unwrap();
    conformance::billing::run(open(&folder).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn folds_its_ledger() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    conformance::folding::run(store.clone(), store.clone()).await;
    conformance::folding::run_long(store.clone(), store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn money_under_load() {
    let folder = tempfile::tempdir().unwrap();
    let billing: Arc<dyn Billing> = open(&folder).await;
    load::run(&billing, &Load::new(20_000, rand::random())).await;
}

/// Each suite has its own store, like processes that share a file.
#[tokio::test(flavor = "multi_thread")]
async fn passes_with_other_stores_on_the_same_file() {
    let folder = tempfile::tempdir().unwrap();
    // Created by four at the same time.
    let (first, second, third, fourth) =
        tokio::join!(open(&folder), open(&folder), open(&folder), open(&folder));
    tokio::join!(
        conformance::store::run(first),
        conformance::store::run(second),
        conformance::billing::run(third),
        conformance::billing::run(fourth),
    );
}
