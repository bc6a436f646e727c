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
