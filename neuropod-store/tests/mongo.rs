//! The suites of stores and billing on a real server.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod both;
mod canary;
mod failure;
mod mongo_server;
mod sample;

use std::sync::Arc;

use futures::TryStreamExt;
use mongodb::bson::{Document, doc};
use neuropod_core::money::billing::{Details, Hold};
use neuropod_core::money::{AccountKind, BillingExt};
use neuropod_core::{Billing, Money, PodStore, UserId, conformance};
use neuropod_store::MongoStore;

use self::both::Both;
use self::failure::failed;
use self::mongo_server::TestDatabase;

#[tokio::test(flavor = "multi_thread")]
async fn is_a_pod_store() {
    for database in TestDatabase::each("mongo/is_a_pod_store") {
        let store = MongoStore::connect(&database.uri).await.unwrap();
        let suite = conformance::store::run(Arc::new(store));
        database.check(Box::pin(suite)).await;
        database.remove().await;
    }
}

/// PostgreSQL can't keep the character NUL in JSON. That is no reason to try again.
#[tokio::test(flavor = "multi_thread")]
async fn ferretdb_on_postgres_refuses_nul() {
    let test = "mongo/ferretdb_on_postgres_refuses_nul";
    let Some(database) = TestDatabase::on_postgres(test).filter(TestDatabase::refuses_nul) else {
        return;
    };
    let store = MongoStore::connect(&database.uri).await.unwrap();
    let ana = UserId::new("ana");
    store.open(&ana, AccountKind::Prepaid).await.unwrap();
    let paid = store.deposit("a\0b", &ana, Money::from_cents(1)).await;
    failed(paid, "unexpected", false);
    let balance = store.balance(&ana).await.unwrap();
    assert_eq!(balance.available, Money::ZERO);
    store.deposit("ab", &ana, Money::from_cents(1)).await.unwrap();
    database.remove().await;
}

/// By which `MongoStore` knows it, and warns of it.
#[tokio::test(flavor = "multi_thread")]
async fn ferretdb_says_what_it_is() {
    let test = "mongo/ferretdb_says_what_it_is";
    let Some(database) = TestDatabase::on_postgres(test).filter(TestDatabase::refuses_nul) else {
        return;
    };
    let client = mongodb::Client::with_uri_str(&database.uri).await.unwrap();
    let admin = client.database("admin");
    let info = admin.run_command(doc! { "buildInfo": 1 }).await.unwrap();
    assert!(info.contains_key("ferretdbVersion"), "{info}");
    database.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn is_an_audit_log() {
    for database in TestDatabase::each("mongo/is_an_audit_log") {
        let store = MongoStore::connect(&database.uri).await.unwrap();
        database.check(conformance::audit::run(Arc::new(store))).await;
        database.remove().await;
    }
}

/// On PostgreSQL only: it takes a while, and two stores on one database do the same on SQLite.
#[tokio::test(flavor = "multi_thread")]
async fn is_a_billing() {
    let Some(database) = TestDatabase::on_postgres("mongo/is_a_billing") else {
        return;
    };
    let store = MongoStore::connect(&database.uri).await.unwrap();
    database.check(conformance::billing::run(Arc::new(store))).await;
    database.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_of_earlier_versions_get_the_names_of_existing_pods() {
    for database in TestDatabase::each("mongo/entries_of_earlier_versions") {
        let store = MongoStore::connect(&database.uri).await.unwrap();
        let ana = UserId::new("ana");
        let pod = store.insert(&sample::pod(&ana)).await.unwrap();
        store.open(&ana, AccountKind::Unlimited).await.unwrap();
        let details = Details {
            pod: Some(pod.id.clone()),
            ..Details::default()
        };
        let hold = Hold {
            details,
            ..Hold::new(format!("{}:0", pod.id), &ana, Money::from_cents(1))
        };
        store.hold(&hold).await.unwrap();
        // An earlier version stored no names.
        let driver = database.driver().await;
        driver.collection::<Document>("podNames").drop().await.unwrap();

        let store = MongoStore::connect(&database.uri).await.unwrap();
        store.remove(&pod.id, pod.version).await.unwrap();
        let entries = store.all_entries(&ana).await.unwrap();
        assert_eq!(entries[0].details.pod_name, Some(pod.name), "{entries:#?}");
        database.remove().await;
    }
}

// FerretDB takes minutes for these on PostgreSQL, as it reads a whole collection for each look-up.
#[tokio::test(flavor = "multi_thread")]
async fn folds_its_ledger() {
    let Some(database) = TestDatabase::new("mongo/folds_its_ledger") else {
        return;
    };
    let store = Arc::new(MongoStore::connect(&database.uri).await.unwrap());
    conformance::folding::run(store.clone(), store).await;
    database.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_stores_on_one_database_fold_their_ledger() {
    let Some(database) = TestDatabase::new("mongo/two_stores_on_one_database_fold_their_ledger") else {
        return;
    };
    let (first, second) = tokio::join!(
        MongoStore::connect(&database.uri),
        MongoStore::connect(&database.uri)
    );
    let both = Arc::new(Both::new([first.unwrap(), second.unwrap()]));
    conformance::folding::run(both.clone(), both).await;
    database.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_stores_on_one_database_are_a_billing() {
    let Some(database) = TestDatabase::new("mongo/two_stores_on_one_database_are_a_billing") else {
        return;
    };
    // Set up by both at the same time.
    let (first, second) = tokio::join!(
        MongoStore::connect(&database.uri),
        MongoStore::connect(&database.uri)
    );
    let both = Both::new([first.unwrap(), second.unwrap()]);
    database.check(conformance::billing::run(Arc::new(both))).await;
    database.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_only_in_their_field() {
    for database in TestDatabase::each("mongo/secrets_are_only_in_their_field") {
        let store = MongoStore::connect(&database.uri).await.unwrap();
        canary::fill(&store).await;
        let driver = database.driver().await;
        let mut searched = 0;
        for name in driver.list_collection_names().await.unwrap() {
            let mut documents = driver.collection::<Document>(&name).find(doc! {}).await.unwrap();
            while let Some(mut document) = documents.try_next().await.unwrap() {
                searched += 1;
                let has_secrets = |(collection, _): &&(&str, _)| name == *collection;
                if let Some((_, canaries)) = canary::KEPT.iter().find(has_secrets) {
                    canary::check_secrets(&document.remove("secrets").unwrap().to_string(), canaries);
                }
                canary::check_clean(&name, &document.to_string());
            }
        }
        assert!(searched >= 10, "only {searched} documents were searched");
        database.remove().await;
    }
}
