//! The suites of stores and billing on a real server.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod mongo_server;

use std::sync::Arc;

use neuropod_core::conformance;
use neuropod_store::MongoStore;

use self::mongo_server::TestDatabase;

#[tokio::test(flavor = "multi_thread")]
async fn is_a_pod_store() {
    let Some(database) = TestDatabase::new("mongo/is_a_pod_store") else {
        return;
    };
    let store = MongoStore::connect(&database.uri).await.unwrap();
    conformance::store::run(Arc::new(store)).await;
    database.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn is_a_billing() {
    let Some(database) = TestDatabase::new("mongo/is_a_billing") else {
        return;
    };
    let store = MongoStore::connect(&database.uri).await.unwrap();
    conformance::billing::run(Arc::new(store)).await;
    database.remove().await;
}

/// Each suite has a store of its own, as platforms on several machines have.
#[tokio::test(flavor = "multi_thread")]
async fn passes_with_other_stores_on_the_same_database() {
    let Some(database) = TestDatabase::new("mongo/passes_with_other_stores_on_the_same_database") else {
        return;
    };
    let connect = async || Arc::new(MongoStore::connect(&database.uri).await.unwrap());
    // Made ready by two at the same time.
    let (first, second) = tokio::join!(connect(), connect());
    tokio::join!(conformance::store::run(first), conformance::billing::run(second),);
    database.remove().await;
}
