//! A file of the last version before layout 2: everything can be read, and rewritten fields are in their new
//! places.
#![allow(clippy::unwrap_used, reason = "tests")]

mod by_hand;
mod layout_1;

use std::path::PathBuf;

use neuropod_core::money::AccountKind;
use neuropod_core::money::billing::{Details, Draw, EntryKind, EntryOptions};
use neuropod_core::store::RequestStore;
use neuropod_core::store::audit::{AuditLog, AuditOptions};
use neuropod_core::store::{ListOptions, PriceStore, TemplateStore, UserStore};
use neuropod_core::{Billing, Money, PodStore, UserId};
use neuropod_store::SqliteStore;
use serde_json::{Value, json};
use sqlx::Row;
use tempfile::TempDir;

use self::layout_1::{
    ANA, CANARIES, audit, details, full_pod, moment, prices, requests, sparse_pod, template, users,
};

/// A copy of the file.
fn file(folder: &TempDir) -> PathBuf {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/layout_1/sqlite.db");
    let copy = folder.path().join("neuropod.db");
    std::fs::copy(file, &copy).unwrap();
    copy
}

#[tokio::test]
async fn everything_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(file(&folder)).await.unwrap();
    let pods = store.list(&ListOptions::default()).await.unwrap().pods;
    assert_eq!(pods, [sparse_pod(), full_pod()]);
    assert_eq!(store.get(&full_pod().id).await.unwrap(), Some(full_pod()));
    for pod in pods {
        let of_owner = ListOptions::default()
            .with_owner(pod.owner.clone())
            .with_deleted();
        let on_volume = store.list(&of_owner.with_volume(&pod.volume)).await.unwrap().pods;
        assert!(on_volume.contains(&pod), "{on_volume:?}");
    }
    assert_eq!(store.users().await.unwrap(), users());
    assert_eq!(store.templates().await.unwrap(), [template()]);
    assert_eq!(store.prices(None).await.unwrap(), Some(prices()));
    for request in requests() {
        let read = store.past_request(&request.id).await.unwrap();
        assert_eq!(read, Some(request));
    }
    let mut read = store.page(&AuditOptions::default()).await.unwrap().entries;
    read.reverse();
    assert_eq!(read, audit());
}

#[tokio::test]
async fn accounts_and_keys_keep_working() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(file(&folder)).await.unwrap();
    let ana = UserId::new(ANA);
    let balance = store.balance(&ana).await.unwrap();
    // 10 EUR were paid in, a hold of 1 EUR is open, 10 cents and 5 micro-euros were charged.
    assert_eq!(balance.kind, AccountKind::Prepaid);
    assert_eq!(balance.held, Money::from_cents(100));
    assert_eq!(balance.total(), Money::from_micros(9_899_995));
    assert_eq!(balance.spent.unwrap().amount, Money::from_cents(10));
    let entries = store.entries(&ana, &EntryOptions::default()).await.unwrap();
    let kinds: Vec<_> = entries.iter().map(|entry| entry.kind).collect();
    let expected = [
        EntryKind::Deposit,
        EntryKind::Hold,
        EntryKind::Usage,
        EntryKind::Hold,
        EntryKind::Hold,
        EntryKind::Settle,
    ];
    assert_eq!(kinds, expected);
    assert_eq!((entries[0].at, &entries[0].details), (moment(0), &details()));
    store.release("hold-1").await.unwrap();
    assert_eq!(store.balance(&ana).await.unwrap().held, Money::ZERO);
    let draw = Draw {
        key: "late".into(),
        user: ana.clone(),
        hold: Some("hold-3".into()),
        amount: Money::ZERO,
        top_up: Money::from_cents(1),
        at_most: None,
        daily_cap: None,
        details: Details::default(),
    };
    let error = store.draw(&draw).await.unwrap_err();
    assert_eq!(error.kind().code(), "invalid_state", "it was released before");
}

/// The rewritten documents as stored.
async fn documents(path: &std::path::Path, table: &str) -> Vec<Value> {
    let mut file = by_hand::connect(path).await;
    let query = sqlx::AssertSqlSafe(format!("SELECT document FROM {table} ORDER BY id"));
    let rows = sqlx::query(query).fetch_all(&mut file).await.unwrap();
    rows.iter()
        .map(|row| serde_json::from_str(row.get("document")).unwrap())
        .collect()
}

#[tokio::test]
async fn rewritten_fields_are_in_their_new_places() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder);
    let mut by_hand = by_hand::connect(&path).await;
    // Fields of a later version are kept.
    by_hand::run(
        &mut by_hand,
        "UPDATE pods SET document = json_set(document, '$.later', 1, '$.spec.later', 2, '$.login.later', 3)",
    )
    .await;
    let store = SqliteStore::open(&path).await.unwrap();
    for pod in [full_pod(), sparse_pod()] {
        let updated = store.update(&pod).await.unwrap();
        assert_eq!(store.get(&pod.id).await.unwrap(), Some(updated));
    }
    for user in users() {
        store.update_user(&user).await.unwrap();
    }
    store.update_template(&template()).await.unwrap();
    store.close().await;

    for mut pod in documents(&path, "pods").await {
        assert_eq!(pod["layout"], 2);
        assert_eq!((&pod["later"], &pod["login"]["later"]), (&json!(1), &json!(3)));
        assert_eq!(pod["spec"], json!({ "later": 2 }), "nothing that is known");
        let secrets = pod.as_object_mut().unwrap().remove("secrets").unwrap();
        let (secrets, rest) = (secrets.to_string(), pod.to_string());
        for canary in CANARIES {
            assert_eq!(secrets.contains(canary), pod["podName"] == "Training", "{canary}");
            assert!(!rest.contains(canary), "{canary} in {rest}");
        }
        for old in ["id", "owner", "name", "requestedAt"] {
            assert_eq!(pod.get(old), None, "{old}");
        }
    }
    for user in documents(&path, "users").await {
        assert_eq!(
            (user.get("avatar"), user.get("endedSessions"), user.get("id")),
            (None, None, None)
        );
    }
    let store = SqliteStore::open(&path).await.unwrap();
    let read = store.users().await.unwrap();
    let extras: Vec<_> = read.into_iter().map(|user| user.extra).collect();
    let expected: Vec<_> = users().into_iter().map(|user| user.extra).collect();
    assert_eq!(extras, expected);
}

#[tokio::test]
async fn a_document_of_a_later_layout_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder);
    let mut by_hand = by_hand::connect(&path).await;
    by_hand::run(
        &mut by_hand,
        "UPDATE pods SET document = json_set(document, '$.layout', 3)",
    )
    .await;
    let store = SqliteStore::open(&path).await.unwrap();
    let error = store.get(&full_pod().id).await.unwrap_err();
    assert_eq!(error.kind().code(), "unexpected", "{error:?}");
}
