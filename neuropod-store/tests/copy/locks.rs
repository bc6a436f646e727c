//! A source can't be changed during a copy, or that is found.

use neuropod_core::money::{AccountKind, BillingExt};
use neuropod_core::{Billing, Money, UserId};
use neuropod_store::copy::{Address, copy};
use neuropod_store::{MongoStore, PostgresStore};
use sqlx::{Executor, PgConnection};

use crate::failure::failed;
use crate::mongo_server::TestDatabase as MongoDatabase;
use crate::postgres_server::{TestDatabase, run};
use crate::{Files, by_hand, filled, postgres};

/// Makes a copy into this database wait before its last records.
async fn close_gate(target: &TestDatabase) -> PgConnection {
    PostgresStore::open(&target.uri).await.unwrap().close().await;
    let mut gate = target.by_hand().await;
    run(
        &mut gate,
        "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS \
         $$ BEGIN PERFORM pg_advisory_xact_lock(7); RETURN NEW; END $$; \
         CREATE TRIGGER wait BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION wait(); \
         SELECT pg_advisory_lock(7)",
    )
    .await;
    gate
}

/// Returns when a copy waits at the gate.
async fn at_gate(gate: &mut PgConnection) {
    let waiting = "SELECT count(*) > 0 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted \
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    while !sqlx::query_scalar::<_, bool>(waiting)
        .fetch_one(&mut *gate)
        .await
        .unwrap()
    {
        tokio::task::yield_now().await;
    }
}

async fn open_gate(gate: &mut PgConnection) {
    run(gate, "SELECT pg_advisory_unlock(7)").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_locked() {
    let Some(database) = TestDatabase::new("copy/a_file_is_locked").await else {
        return;
    };
    let files = Files::new();
    filled::file(&files.path("from.db")).await;
    let mut gate = close_gate(&database).await;
    let (from, to) = (files.address("from.db"), postgres(&database.uri));
    let mut other = by_hand::connect(&files.path("from.db")).await;
    let add = "PRAGMA busy_timeout = 0; INSERT INTO removed_users VALUES ('late')";
    let (copied, error) = tokio::join!(copy(&from, &to), async {
        at_gate(&mut gate).await;
        let error = other.execute(add).await.unwrap_err();
        open_gate(&mut gate).await;
        error
    });
    copied.unwrap();
    assert!(error.to_string().contains("locked"), "{error}");
    other.execute(add).await.unwrap();
    database.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_is_locked() {
    let Some(database) = TestDatabase::new("copy/a_database_is_locked").await else {
        return;
    };
    let source = TestDatabase::new("copy/a_database_is_locked").await.unwrap();
    let files = Files::new();
    filled::file(&files.path("from.db")).await;
    copy(&files.address("from.db"), &postgres(&source.uri))
        .await
        .unwrap();
    let mut gate = close_gate(&database).await;
    let (from, to) = (postgres(&source.uri), postgres(&database.uri));
    let mut other = source.by_hand().await;
    let add = "SET lock_timeout = '20ms'; INSERT INTO removed_users VALUES ('late')";
    let (copied, error) = tokio::join!(copy(&from, &to), async {
        at_gate(&mut gate).await;
        let error = other.execute(add).await.unwrap_err();
        open_gate(&mut gate).await;
        error
    });
    copied.unwrap();
    assert!(error.to_string().contains("lock"), "{error}");
    other.execute(add).await.unwrap();
    database.remove().await;
    source.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_was_changed_is_found() {
    let Some(database) = TestDatabase::new("copy/a_source_that_was_changed_is_found").await else {
        return;
    };
    let Some(documents) = MongoDatabase::new("copy/a_source_that_was_changed_is_found") else {
        return;
    };
    let files = Files::new();
    filled::file(&files.path("from.db")).await;
    let uri = documents.uri.clone();
    copy(&files.address("from.db"), &Address::mongo(&uri))
        .await
        .unwrap();
    let platform = MongoStore::connect(&uri).await.unwrap();
    let mut gate = close_gate(&database).await;
    let (from, to) = (Address::mongo(&uri), postgres(&database.uri));
    let eva = UserId::new("eva");
    let (copied, ()) = tokio::join!(copy(&from, &to), async {
        at_gate(&mut gate).await;
        platform.open(&eva, AccountKind::Prepaid).await.unwrap();
        platform
            .deposit("late", &eva, Money::from_cents(1))
            .await
            .unwrap();
        open_gate(&mut gate).await;
    });
    let error = failed(copied, "conflict", false);
    assert!(error.message().contains("stop everything"), "{error}");
    let half = PostgresStore::open(&database.uri).await.unwrap_err();
    assert!(half.message().contains("is not finished"), "{half}");

    let report = copy(&Address::mongo(&uri), &postgres(&database.uri))
        .await
        .unwrap();
    assert_eq!(report.unbalanced, 0);
    let store = PostgresStore::open(&database.uri).await.unwrap();
    assert_eq!(store.balance(&eva).await.unwrap().available, Money::from_cents(1));
    store.close().await;
    database.remove().await;
    documents.remove().await;
}
