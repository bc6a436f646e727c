//! What is not copied, and differences that are found.

use mongodb::bson::{Document, doc};
use neuropod_core::money::AccountKind;
use neuropod_core::store::UserStore;
use neuropod_core::{Billing, UserId};
use neuropod_store::copy::{Address, compare, copy};
use neuropod_store::{MongoStore, PostgresStore, SqliteStore};

use crate::failure::failed;
use crate::layout_1::users;
use crate::mongo_server::TestDatabase as MongoDatabase;
use crate::postgres_server::{TestDatabase, run, shown};
use crate::{Files, by_hand, filled, postgres};

#[tokio::test]
async fn an_empty_or_missing_source_is_refused() {
    let files = Files::new();
    let error = failed(
        copy(&files.address("missing.db"), &files.address("to.db")).await,
        "not_configured",
        false,
    );
    assert!(error.to_string().contains("no such file"), "{error}");
    assert!(!files.path("missing.db").exists(), "it is not made");
    SqliteStore::open(files.path("empty.db"))
        .await
        .unwrap()
        .close()
        .await;
    let error = failed(
        copy(&files.address("empty.db"), &files.address("to.db")).await,
        "not_found",
        false,
    );
    assert!(error.message().contains("empty"), "{error}");
    SqliteStore::open(files.path("to.db")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_has_something_is_refused() {
    let Some(database) = TestDatabase::new("copy/a_target_that_has_something_is_refused").await else {
        return;
    };
    let Some(documents) = MongoDatabase::new("copy/a_target_that_has_something_is_refused") else {
        return;
    };
    let files = Files::new();
    filled::file(&files.path("from.db")).await;
    let (file, server, mongo) = (
        SqliteStore::open(files.path("to.db")).await.unwrap(),
        PostgresStore::open(&database.uri).await.unwrap(),
        MongoStore::connect(&documents.uri).await.unwrap(),
    );
    let eva = UserId::new("eva");
    for store in [&file as &dyn Billing, &server, &mongo] {
        store.open(&eva, AccountKind::Prepaid).await.unwrap();
    }
    let mut ana = users().swap_remove(0);
    ana.version = 0;
    for store in [&file as &dyn UserStore, &server, &mongo] {
        store.insert_user(&ana).await.unwrap();
    }
    for to in [
        files.address("to.db"),
        postgres(&database.uri),
        Address::mongo(&documents.uri),
    ] {
        let refused = copy(&files.address("from.db"), &to).await;
        let error = failed(refused, "already_exists", false);
        assert!(error.to_string().contains("1 user, 1 account"), "{error}");
    }
    for store in [&file as &dyn UserStore, &server, &mongo] {
        assert_eq!(
            store.users().await.unwrap().len(),
            1,
            "nothing was added or removed"
        );
    }
    // Nobody copies a store into itself.
    let itself = copy(&files.address("from.db"), &files.address("from.db")).await;
    failed(itself, "already_exists", false);
    database.remove().await;
    documents.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn differences_are_found() {
    let Some(database) = TestDatabase::new("copy/differences_are_found").await else {
        return;
    };
    let Some(documents) = MongoDatabase::new("copy/differences_are_found") else {
        return;
    };
    let files = Files::new();
    filled::file(&files.path("from.db")).await;
    let from = files.address("from.db");
    let targets = [
        files.address("to.db"),
        postgres(&database.uri),
        Address::mongo(&documents.uri),
    ];
    for to in &targets {
        copy(&from, to).await.unwrap();
    }
    let [file, server, mongo] = &targets;

    let mut by_hand = by_hand::connect(&files.path("to.db")).await;
    for (change, undo, found) in [
        (
            "UPDATE pods SET document = json_set(document, '$.later.x', 1) WHERE id = '00000000000000c1'",
            "UPDATE pods SET document = json_remove(document, '$.later.x')",
            "(pod: 00000000000000c1)",
        ),
        (
            "INSERT INTO removed_users VALUES ('more')",
            "DELETE FROM removed_users WHERE id = 'more'",
            "1 deleted users, the target 2",
        ),
        (
            "UPDATE accounts SET available = available + 1 WHERE user = 'root'",
            "UPDATE accounts SET available = available - 1 WHERE user = 'root'",
            "(account: root)",
        ),
        (
            "UPDATE users SET document = replace(document, 'example.com', 'example.org') WHERE id = 'root'",
            "UPDATE users SET document = replace(document, 'example.org', 'example.com') WHERE id = 'root'",
            "(user: root)",
        ),
    ] {
        by_hand::run(&mut by_hand, change).await;
        let error = failed(compare(&from, file).await, "unexpected", false);
        assert!(error.to_string().contains(found), "{found}: {error}");
        by_hand::run(&mut by_hand, undo).await;
        compare(&from, file).await.unwrap();
    }

    let mut by_hand = database.by_hand().await;
    run(&mut by_hand, "DELETE FROM keys WHERE key = 'never held'").await;
    let error = failed(compare(&from, server).await, "unexpected", false);
    assert!(error.to_string().contains("missing"), "{error}");
    assert!(
        error.to_string().contains("(key of money: never held)"),
        "{error}"
    );

    let entries = documents.driver().await.collection::<Document>("entries");
    let first = doc! { "user": crate::layout_1::ANA, "number": 1 };
    let more = doc! { "$inc": { "amount": 1_i64 } };
    entries.update_one(first, more).await.unwrap();
    let error = failed(compare(&from, mongo).await, "unexpected", false);
    let name = format!("(ledger entry: 1 of {})", crate::layout_1::ANA);
    assert!(error.to_string().contains(&name), "{error}");
    assert!(
        !shown(&error).contains("canary"),
        "no document is shown: {error:?}"
    );
    database.remove().await;
    documents.remove().await;
}
