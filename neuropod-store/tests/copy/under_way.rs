//! What MongoDB has in between, and what only it has.

use mongodb::bson::{Bson, DateTime, Document, doc};
use neuropod_core::money::{AccountKind, BillingExt};
use neuropod_core::store::UserStore;
use neuropod_core::{Billing, Money, UserId};
use neuropod_store::copy::{Address, copy};
use neuropod_store::{MongoStore, SqliteStore};

use crate::Files;
use crate::failure::failed;
use crate::layout_1::users;
use crate::mongo_server::TestDatabase;

const CENT: Money = Money::from_cents(1);

#[tokio::test(flavor = "multi_thread")]
async fn what_processes_left_under_way_is_completed() {
    let Some(documents) = TestDatabase::new("copy/what_processes_left_under_way_is_completed") else {
        return;
    };
    let store = MongoStore::connect(&documents.uri).await.unwrap();
    let ana = UserId::new("ana");
    store.open(&ana, AccountKind::Prepaid).await.unwrap();
    store.deposit("first", &ana, CENT).await.unwrap();
    store.deposit("second", &ana, CENT).await.unwrap();
    let whole = (
        store.balance(&ana).await.unwrap(),
        store.all_entries(&ana).await.unwrap(),
    );
    let mut root = users().swap_remove(1);
    root.version = 0;
    for _ in 0..2 {
        // The trace of the removed user stays when they are stored again.
        store.remove_user(&root.id).await.unwrap();
        store.insert_user(&root).await.unwrap();
    }

    let driver = documents.driver().await;
    let collection = |name: &str| driver.collection::<Document>(name);
    let (accounts, entries, keys) = (collection("accounts"), collection("entries"), collection("keys"));
    let account = accounts.find_one(doc! {}).await.unwrap().unwrap();
    let mut entry = entries
        .find_one_and_delete(doc! { "number": 2 })
        .await
        .unwrap()
        .unwrap();
    entry.remove("_id");
    let mut gone = entry.clone();
    let key = keys.find_one(doc! { "_id": "second" }).await.unwrap().unwrap();
    let pending = doc! {
        "version": account.get("version").unwrap(),
        "entries": [entry],
        "records": [{ "key": "second", "record": key.get("record").unwrap() }],
    };
    let unknown = doc! { "$set": { "record": Bson::Null, "at": 0_i64 } };
    keys.update_one(doc! { "_id": "second" }, unknown).await.unwrap();
    accounts
        .update_one(doc! {}, doc! { "$set": { "pending": pending } })
        .await
        .unwrap();
    let claim = doc! {
        "_id": "claimed", "account": "ana", "previous": null, "claim": 1_i64, "record": null, "at": 0_i64,
    };
    keys.insert_one(claim).await.unwrap();
    gone.extend(doc! { "number": 3, "amount": 0_i64, "held": 0_i64, "gone": DateTime::now() });
    entries.insert_one(gone).await.unwrap();

    let files = Files::new();
    let report = copy(&Address::mongo(&documents.uri), &files.address("to.db"))
        .await
        .unwrap();
    let found: Vec<_> = report
        .kinds
        .iter()
        .filter(|kind| kind.compared > 0)
        .map(|kind| (kind.name, kind.compared))
        .collect();
    let expected = [
        ("users", 1),
        ("accounts", 1),
        ("ledger entries", 2),
        ("keys of money", 2),
    ];
    assert_eq!(found, expected);
    assert_eq!(report.unbalanced, 0);
    let copied = SqliteStore::open(files.path("to.db")).await.unwrap();
    assert_eq!(
        (
            copied.balance(&ana).await.unwrap(),
            copied.all_entries(&ana).await.unwrap()
        ),
        whole
    );
    copied.deposit("second", &ana, CENT).await.unwrap();
    assert_eq!(copied.balance(&ana).await.unwrap(), whole.0, "it counts once");
    copied.deposit("claimed", &ana, CENT).await.unwrap();
    assert!(!copied.was_removed(&root.id).await.unwrap());
    documents.remove().await;
}

/// The books of a later version may mean something else by their other fields.
#[tokio::test(flavor = "multi_thread")]
async fn accounts_of_a_later_version_are_refused() {
    let Some(documents) = TestDatabase::new("copy/accounts_of_a_later_version_are_refused") else {
        return;
    };
    let store = MongoStore::connect(&documents.uri).await.unwrap();
    let ana = UserId::new("ana");
    store.open(&ana, AccountKind::Prepaid).await.unwrap();
    let accounts = documents.driver().await.collection::<Document>("accounts");
    accounts
        .update_one(doc! {}, doc! { "$set": { "credit": 5 } })
        .await
        .unwrap();
    let files = Files::new();
    let refused = copy(&Address::mongo(&documents.uri), &files.address("to.db")).await;
    let error = failed(refused, "unsupported", false);
    assert!(
        error.to_string().contains("credit") && error.to_string().contains("ana"),
        "{error}"
    );
    documents.remove().await;
}

/// Books that are wrong are copied as they are, and reported.
#[tokio::test]
async fn accounts_that_do_not_add_up_are_reported() {
    let files = Files::new();
    let store = SqliteStore::open(files.path("from.db")).await.unwrap();
    for (user, amount) in [("ana", CENT), ("berta", CENT), ("carla", Money::ZERO)] {
        let user = UserId::new(user);
        store.open(&user, AccountKind::Prepaid).await.unwrap();
        if amount > Money::ZERO {
            store
                .deposit(&format!("for {user}"), &user, amount)
                .await
                .unwrap();
        }
    }
    store.close().await;
    let mut file = crate::by_hand::connect(&files.path("from.db")).await;
    crate::by_hand::run(
        &mut file,
        "UPDATE accounts SET available = available + 1 WHERE user <> 'ana'",
    )
    .await;
    let report = copy(&files.address("from.db"), &files.address("to.db"))
        .await
        .unwrap();
    assert_eq!(report.unbalanced, 2);
    assert_eq!(
        (report.available, report.booked),
        (Money::from_micros(20_002), CENT.times(2))
    );
}
