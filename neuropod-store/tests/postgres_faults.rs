//! What a server refuses, and recovery from it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod failure;
mod postgres_server;
mod sample;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use neuropod_core::money::{AccountKind, BillingExt};
use neuropod_core::store::UserStore;
use neuropod_core::{Billing, Money, PodStore, UserId};
use neuropod_store::PostgresStore;
use sqlx::{Connection, PgConnection};
use tokio::task::JoinSet;

use self::failure::failed;
use self::postgres_server::{
    TIMEOUT, TestDatabase, in_time, open_impatient, options, own_server, repeat, run, shown, with_database,
};

const CENT: Money = Money::from_cents(1);

/// An administrator, or a pooler, ends connections while they are used and while they are not.
#[tokio::test(flavor = "multi_thread")]
async fn connections_that_are_killed() {
    const KILLS: usize = 20;
    let Some(database) = TestDatabase::new("postgres_faults/connections_that_are_killed").await else {
        return;
    };
    let store = Arc::new(open_impatient(&database.uri).await);
    let user = UserId::new("ana");
    store.open(&user, AccountKind::Prepaid).await.unwrap();
    let mut other = database.by_hand().await;

    let killed = Arc::new(AtomicBool::new(false));
    let mut tasks = JoinSet::new();
    for task in 0..4 {
        let (store, user, killed) = (store.clone(), user.clone(), killed.clone());
        tasks.spawn(async move {
            let mut changes = 0;
            while !killed.load(Ordering::Relaxed) {
                let key = format!("{task}/{changes}");
                repeat(|| store.deposit(&key, &user, CENT)).await;
                changes += 1;
            }
            changes
        });
    }
    let mut ended = 0;
    for _ in 0..KILLS {
        ended += kill_connections(&mut other).await;
        tokio::task::yield_now().await;
    }
    killed.store(true, Ordering::Relaxed);
    let changes: u32 = tasks.join_all().await.into_iter().sum();
    assert_eq!(store.balance(&user).await.unwrap().available, CENT.times(changes));
    assert!(ended > 0 && changes > 0, "{ended} connections, {changes} changes");
    database.remove().await;
}

/// Ends all connections of the store; returns how many.
async fn kill_connections(other: &mut PgConnection) -> i64 {
    let ended = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
        WHERE datname = current_database() AND application_name = 'neuropod'";
    sqlx::query_scalar(ended).fetch_one(other).await.unwrap()
}

/// Another client holds all connections that the server has.
#[tokio::test(flavor = "multi_thread")]
async fn too_many_connections() {
    let Some(server) = own_server("postgres_faults/too_many_connections") else {
        return;
    };
    let database = TestDatabase::on(&server.uri()).await;
    let store = open_impatient(&database.uri).await;
    let mut other = database.by_hand().await;
    kill_connections(&mut other).await;
    let mut others = vec![other];
    while let Ok(connection) = PgConnection::connect(&database.uri).await {
        others.push(connection);
    }
    failed(in_time(store.users()).await, "unavailable", true);
    let opened = in_time(PostgresStore::open_with(options(&database.uri))).await;
    let error = failed(opened, "unavailable", true);
    assert!(error.message().contains("too many connections"), "{error}");
    assert!(!shown(&error).contains(server.password()), "{error:?}");

    others.clear();
    repeat(|| async { store.users().await.map(drop) }).await;
}

/// The server becomes a standby, or its administrator forbids writing: reads go on, and so does all once it may write.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_only_reads() {
    let Some(database) = TestDatabase::new("postgres_faults/a_server_that_only_reads").await else {
        return;
    };
    let store = open_impatient(&database.uri).await;
    let user = UserId::new("ana");
    let pod = store.insert(&sample::pod(&user)).await.unwrap();
    store.open(&user, AccountKind::Prepaid).await.unwrap();
    let mut other = database.by_hand().await;
    let name: String = sqlx::query_scalar("SELECT current_database()::text")
        .fetch_one(&mut other)
        .await
        .unwrap();
    run(
        &mut other,
        &format!("ALTER DATABASE {name} SET default_transaction_read_only = on"),
    )
    .await;
    kill_connections(&mut other).await;

    repeat(|| async { store.get(&pod.id).await.map(drop) }).await;
    failed(store.update(&pod).await, "unavailable", true);
    // The first change may meet a connection that was killed.
    let refused = || async {
        let error = failed(store.deposit("paid", &user, CENT).await, "unavailable", true);
        if error.message().contains("only reads") {
            Ok(())
        } else {
            Err(error)
        }
    };
    repeat(refused).await;
    let opened = PostgresStore::open_with(options(&database.uri)).await;
    failed(opened, "unavailable", true);

    // The connections that only read are not used again.
    run(
        &mut other,
        &format!("ALTER DATABASE {name} RESET default_transaction_read_only"),
    )
    .await;
    repeat(|| store.deposit("paid", &user, CENT)).await;
    repeat(|| async { store.update(&pod).await.map(drop) }).await;
    database.remove().await;
}

/// Another session holds the lock of an account: changes of it fail in time, and other accounts don't wait.
#[tokio::test(flavor = "multi_thread")]
async fn a_locked_account() {
    let Some(database) = TestDatabase::new("postgres_faults/a_locked_account").await else {
        return;
    };
    let store = open_impatient(&database.uri).await;
    let (ana, berta) = (UserId::new("ana"), UserId::new("berta"));
    for user in [&ana, &berta] {
        store.open(user, AccountKind::Prepaid).await.unwrap();
    }
    let mut other = database.by_hand().await;
    run(
        &mut other,
        "BEGIN; SELECT FROM accounts WHERE user_id = 'ana' FOR UPDATE",
    )
    .await;
    let (locked, free) = tokio::join!(
        in_time(store.deposit("ana's", &ana, CENT)),
        store.deposit("berta's", &berta, CENT),
    );
    failed(locked, "unavailable", true);
    free.unwrap();
    assert_eq!(store.balance(&ana).await.unwrap().available, Money::ZERO);

    // A table that is locked makes reads wait, too.
    run(&mut other, "ROLLBACK; BEGIN; LOCK TABLE pods").await;
    failed(in_time(store.count(&ana)).await, "unavailable", true);
    run(&mut other, "ROLLBACK").await;
    store.deposit("ana's", &ana, CENT).await.unwrap();
    assert_eq!(store.count(&ana).await.unwrap(), 0);
    database.remove().await;
}

/// A process that vanishes while it holds the lock of an account does not keep it: the server ends its transaction.
#[tokio::test(flavor = "multi_thread")]
async fn the_lock_of_a_vanished_process() {
    let Some(database) = TestDatabase::new("postgres_faults/the_lock_of_a_vanished_process").await else {
        return;
    };
    let store = open_impatient(&database.uri).await;
    let ana = UserId::new("ana");
    store.open(&ana, AccountKind::Prepaid).await.unwrap();
    let mut vanished = database.by_hand().await;
    let limit = format!(
        "SET idle_in_transaction_session_timeout = {}",
        TIMEOUT.as_millis()
    );
    run(&mut vanished, &limit).await;
    run(&mut vanished, "BEGIN; SELECT FROM accounts FOR UPDATE").await;
    in_time(async {
        repeat(|| store.deposit("paid", &ana, CENT)).await;
        Ok(())
    })
    .await
    .unwrap();
    database.remove().await;
}

/// A slow statement is ended by the server, which then does not do it after all.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_statement() {
    let Some(database) = TestDatabase::new("postgres_faults/a_slow_statement").await else {
        return;
    };
    let store = open_impatient(&database.uri).await;
    let ana = UserId::new("ana");
    store.open(&ana, AccountKind::Prepaid).await.unwrap();
    let mut other = database.by_hand().await;
    run(
        &mut other,
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS \
         $$ BEGIN PERFORM pg_sleep(60); RETURN NEW; END $$; \
         CREATE TRIGGER slow BEFORE INSERT ON entries FOR EACH ROW EXECUTE FUNCTION slow()",
    )
    .await;
    failed(in_time(store.deposit("paid", &ana, CENT)).await, "timeout", true);
    run(&mut other, "DROP TRIGGER slow ON entries").await;
    repeat(|| store.deposit("paid", &ana, CENT)).await;
    assert_eq!(store.all_entries(&ana).await.unwrap().len(), 1);
    database.remove().await;
}

/// Transactions that the server breaks off, because others were faster, begin again by themselves. What fails for
/// another reason is undone.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_breaks_off() {
    let Some(database) = TestDatabase::new("postgres_faults/what_the_server_breaks_off").await else {
        return;
    };
    let store = open_impatient(&database.uri).await;
    let ana = UserId::new("ana");
    store.open(&ana, AccountKind::Prepaid).await.unwrap();
    let mut other = database.by_hand().await;
    run(
        &mut other,
        "CREATE SEQUENCE tries; \
         CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE try bigint := nextval('tries'); BEGIN \
         IF NEW.key = 'race' AND try <= 2 THEN RAISE EXCEPTION 'others were faster' USING ERRCODE = '40001'; END IF; \
         IF NEW.key = 'lock' AND try <= 5 THEN RAISE EXCEPTION 'a circle' USING ERRCODE = '40P01'; END IF; \
         IF NEW.key = 'never' THEN RAISE EXCEPTION 'others are always faster' USING ERRCODE = '40001'; END IF; \
         IF NEW.key = 'full' THEN RAISE EXCEPTION 'no space left' USING ERRCODE = '53100'; END IF; \
         IF NEW.key = 'mine' THEN RAISE EXCEPTION 'not this one'; END IF; \
         RETURN NEW; END $$; \
         CREATE TRIGGER refuse BEFORE INSERT ON keys FOR EACH ROW EXECUTE FUNCTION refuse()",
    )
    .await;
    store.deposit("race", &ana, CENT).await.unwrap();
    store.deposit("lock", &ana, CENT).await.unwrap();
    for (key, code, retryable, text) in [
        ("never", "unavailable", true, "others changed"),
        ("full", "unavailable", true, "disk"),
        ("mine", "unexpected", false, "refused"),
    ] {
        let error = failed(in_time(store.deposit(key, &ana, CENT)).await, code, retryable);
        assert!(error.message().contains(text), "{error}");
    }
    assert_eq!(store.balance(&ana).await.unwrap().available, CENT.times(2));
    assert_eq!(store.all_entries(&ana).await.unwrap().len(), 2);
    database.remove().await;
}

/// The error names the problem, and not the password.
#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_opened() {
    let Some(server) = own_server("postgres_faults/what_can_not_be_opened") else {
        return;
    };
    let database = TestDatabase::on(&server.uri()).await;
    let mut other = database.by_hand().await;
    run(&mut other, "CREATE ROLE guest LOGIN PASSWORD 's3cret'").await;
    run(
        &mut other,
        "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0",
    )
    .await;
    let address = server.uri().split_once('@').unwrap().1.to_owned();
    let with = |user: &str, rest: &str| format!("postgres://{user}@{address}{rest}");
    let as_guest = database
        .uri
        .replace(server.uri().split_once('@').unwrap().0, "postgres://guest:s3cret");
    let cases = [
        (
            with("neuropod:s3cret", "postgres"),
            "permission_denied",
            "credentials",
        ),
        (
            with("nobody:s3cret", "postgres"),
            "permission_denied",
            "credentials",
        ),
        (as_guest, "permission_denied", "may not"),
        (
            with_database(&server.uri(), "nowhere"),
            "not_configured",
            "does not exist",
        ),
        (
            with_database(&server.uri(), "latin"),
            "not_configured",
            "encoding",
        ),
        (
            database.uri.clone() + "sslmode=require",
            "not_configured",
            "encrypted",
        ),
        (
            database.uri.clone() + "sslmode=verify-full",
            "not_configured",
            "encrypted",
        ),
        (
            "postgres://ana:s3cret@127.0.0.1:port/x".into(),
            "not_configured",
            "address",
        ),
        (
            "mysql://ana:s3cret@127.0.0.1/x".into(),
            "not_configured",
            "postgres://",
        ),
        (
            "postgres://ana:s3cret@127.0.0.1:1/x".into(),
            "unavailable",
            "broke",
        ),
    ];
    for (uri, code, text) in cases {
        let opened = in_time(PostgresStore::open_with(options(&uri))).await;
        let error = failed(opened, code, code == "unavailable");
        assert!(error.message().contains(text), "{text}: {error}");
        let shown = shown(&error) + &format!("{:?}", options(&uri));
        assert!(
            !shown.contains("s3cret") && !shown.contains(server.password()),
            "{shown}"
        );
    }
}

/// Tables of a later version are left alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_a_later_version() {
    let Some(database) = TestDatabase::new("postgres_faults/a_database_of_a_later_version").await else {
        return;
    };
    open_impatient(&database.uri).await.close().await;
    let mut other = database.by_hand().await;
    run(
        &mut other,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (99, 'later', TRUE, '', 0)",
    )
    .await;
    let error = failed(PostgresStore::open(&database.uri).await, "not_configured", false);
    assert!(error.message().contains("another version"), "{error}");
    database.remove().await;
}
