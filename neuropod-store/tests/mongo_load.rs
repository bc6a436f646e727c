//! Money under load on a real server, also with killed processes. Where that is FerretDB, it is on PostgreSQL.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "tests")]

mod folded;
mod killed;
mod money;
mod mongo_server;

use std::env;
use std::sync::Arc;

use neuropod_core::Billing;
use neuropod_core::conformance::billing::load::{self, Load};
use neuropod_store::MongoStore;

use self::mongo_server::TestDatabase;

async fn connect(uri: &str) -> Arc<MongoStore> {
    Arc::new(MongoStore::connect(uri).await.unwrap())
}

/// Overrides the number of operations, which is otherwise what FerretDB can do in a minute.
const OPERATIONS: &str = "NEUROPOD_TEST_LOAD_OPERATIONS";
const FEWER: u64 = 2000;
/// Each process connects anew, which takes its time.
const KILLS: u64 = 25;

/// A tenth of the other stores' 20,000 operations, unless the environment sets another number: FerretDB takes
/// some milliseconds for a command on PostgreSQL, one after the other, and a change needs six to ten of them.
#[tokio::test(flavor = "multi_thread")]
async fn money_under_load() {
    let Some(database) = TestDatabase::on_postgres("mongo_load/money_under_load") else {
        return;
    };
    let operations = env::var(OPERATIONS).map_or(FEWER, |number| number.parse().unwrap());
    let billing: Arc<dyn Billing> = connect(&database.uri).await;
    load::run(&billing, &Load::new(operations, rand::random())).await;
    database.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_accepted_money_is_lost() {
    if let Some(address) = killed::address() {
        money::work(connect(&address).await).await;
    }
    let Some(database) = TestDatabase::on_postgres("mongo_load/no_accepted_money_is_lost") else {
        return;
    };
    let billing: Arc<dyn Billing> = connect(&database.uri).await;
    money::survives_kills(KILLS, "no_accepted_money_is_lost", &database.uri, &billing).await;
    database.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_while_it_is_folded() {
    if let Some(address) = killed::address() {
        folded::work(connect(&address).await).await;
    }
    let Some(database) = TestDatabase::on_postgres("mongo_load/nothing_is_lost_while_it_is_folded") else {
        return;
    };
    let store = connect(&database.uri).await;
    let test = "nothing_is_lost_while_it_is_folded";
    folded::survives_kills(3, test, &database.uri, &store).await;
    database.remove().await;
}
