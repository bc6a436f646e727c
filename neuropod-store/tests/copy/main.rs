//! Moving between stores, on real servers.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

#[path = "../by_hand/mod.rs"]
mod by_hand;
#[path = "../failure/mod.rs"]
mod failure;
mod faults;
mod filled;
#[path = "../layout_1/mod.rs"]
mod layout_1;
mod locks;
#[path = "../mongo_server/mod.rs"]
mod mongo_server;
mod picture;
#[path = "../postgres_server/mod.rs"]
mod postgres_server;
mod refused;
mod round;
mod under_way;

use std::path::PathBuf;

use neuropod_store::copy::{Address, compare, copy};
use neuropod_store::{MongoStore, PostgresOptions, PostgresStore, SqliteStore};
use tempfile::TempDir;

/// A folder for SQLite files.
struct Files(TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn address(&self, name: &str) -> Address {
        Address::sqlite(self.path(name))
    }
}

fn postgres(uri: &str) -> Address {
    Address::postgres(PostgresOptions::new(uri))
}

/// Applications open their stores, and copy, in tasks of tokio.
#[test]
fn stores_are_opened_and_copied_in_tasks() {
    fn can_be_a_task<F: Future + Send + 'static>(_: F) {}
    let address = || Address::sqlite("a.db");
    can_be_a_task(SqliteStore::open("a.db"));
    can_be_a_task(PostgresStore::open_with(PostgresOptions::new(
        "postgres://localhost/a",
    )));
    can_be_a_task(async { MongoStore::connect("mongodb://localhost/a").await });
    can_be_a_task(async move { copy(&address(), &address()).await });
    can_be_a_task(async move { compare(&address(), &address()).await });
}
