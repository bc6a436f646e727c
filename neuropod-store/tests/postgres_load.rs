//! Money on a real server, with killed processes.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "tests")]

mod folded;
mod killed;
mod money;
mod postgres_server;

use std::sync::Arc;
use std::time::Duration;

use neuropod_core::Billing;
use neuropod_store::{PostgresOptions, PostgresStore};

use self::postgres_server::TestDatabase;

/// Each process connects anew, which takes its time.
const KILLS: u64 = 25;

/// Patient, as the machine may be doing something else.
async fn open(uri: &str) -> Arc<PostgresStore> {
    let options = PostgresOptions::new(uri).with_timeout(Duration::from_mins(1));
    Arc::new(PostgresStore::open_with(options).await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn no_accepted_money_is_lost() {
    if let Some(address) = killed::address() {
        money::work(open(&address).await).await;
    }
    let Some(database) = TestDatabase::new("postgres_load/no_accepted_money_is_lost").await else {
        return;
    };
    let billing: Arc<dyn Billing> = open(&database.uri).await;
    money::survives_kills(KILLS, "no_accepted_money_is_lost", &database.uri, &billing).await;
    database.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_while_it_is_folded() {
    if let Some(address) = killed::address() {
        folded::work(open(&address).await).await;
    }
    let Some(database) = TestDatabase::new("postgres_load/nothing_is_lost_while_it_is_folded").await else {
        return;
    };
    let store = open(&database.uri).await;
    let test = "nothing_is_lost_while_it_is_folded";
    folded::survives_kills(KILLS, test, &database.uri, &store).await;
    database.remove().await;
}
