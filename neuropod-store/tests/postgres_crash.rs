//! A server that is killed, or does not answer any more.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "tests")]

mod failure;
mod postgres_server;
mod sample;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use neuropod_core::money::{AccountKind, BillingExt};
use neuropod_core::{Billing, Money, PodStore, UserId};
use neuropod_store::PostgresStore;
use neuropod_test_cluster::measured;
use tokio::task::JoinSet;

use self::failure::{failed, unanswered};
use self::postgres_server::{TestDatabase, in_time, open_impatient, options, own_server, repeat, shown};
use self::sample::minute;

const CENT: Money = Money::from_cents(1);

/// A stopped server fails calls in time, and once it is back everything works again.
#[tokio::test(flavor = "multi_thread")]
async fn stopped_and_started_again() {
    let Some(server) = own_server("postgres_crash/stopped_and_started_again") else {
        return;
    };
    let database = TestDatabase::on(&server.uri()).await;
    let store = open_impatient(&database.uri).await;
    let user = UserId::new("ana");
    let pod = store.insert(&sample::pod(&user)).await.unwrap();
    store.open(&user, AccountKind::Prepaid).await.unwrap();
    store.deposit("first", &user, CENT).await.unwrap();

    server.stop().unwrap();
    let (got, updated, paid, opened) = tokio::join!(
        in_time(store.get(&pod.id)),
        in_time(store.update(&pod)),
        in_time(store.deposit("second", &user, CENT)),
        in_time(PostgresStore::open_with(options(&database.uri))),
    );
    failed(got, "unavailable", true);
    failed(updated, "unavailable", true);
    failed(paid, "unavailable", true);
    let error = failed(opened, "unavailable", true);
    assert!(shown(&error).contains("refused"), "the cause is kept: {error:?}");
    assert!(!shown(&error).contains(server.password()), "{error:?}");

    let start = Instant::now();
    server.restart().unwrap();
    assert_eq!(store.get(&pod.id).await.unwrap(), Some(pod.clone()));
    assert_eq!(store.update(&pod).await.unwrap().version, 2);
    store.deposit("second", &user, CENT).await.unwrap();
    assert_eq!(store.balance(&user).await.unwrap().available, CENT.times(2));
    measured(format_args!(
        "PostgreSQL back, and everything done, {:.1?} after it was started again",
        start.elapsed()
    ));
}

/// A silent server fails calls in time, and keeps no connection of the pool busy. If a call took effect all the same,
/// its repetition counts once.
#[tokio::test(flavor = "multi_thread")]
async fn a_silent_server_fails_calls_in_time() {
    let Some(server) = own_server("postgres_crash/a_silent_server_fails_calls_in_time") else {
        return;
    };
    let database = TestDatabase::on(&server.uri()).await;
    let store = open_impatient(&database.uri).await;
    let user = UserId::new("ana");
    store.open(&user, AccountKind::Prepaid).await.unwrap();
    store.deposit("first", &user, CENT).await.unwrap();

    server.pause().unwrap();
    let (read, paid, opened) = tokio::join!(
        in_time(store.balance(&user)),
        in_time(store.deposit("second", &user, CENT)),
        in_time(PostgresStore::open_with(options(&database.uri))),
    );
    unanswered(read);
    unanswered(paid);
    unanswered(opened);

    server.resume().unwrap();
    repeat(|| store.deposit("second", &user, CENT)).await;
    let balance = store.balance(&user).await.unwrap();
    assert_eq!(balance.available, CENT.times(2));
}

/// The server crashes repeatedly, each time after some more changes of money by many clients of two stores; each change
/// is repeated until it is acknowledged. In the end each was made once, and the entries add up.
#[tokio::test(flavor = "multi_thread")]
async fn crashes_under_load() {
    const CLIENTS: usize = 12;
    const CRASHES: usize = 6;
    const CHANGES: usize = 40;
    let Some(server) = own_server("postgres_crash/crashes_under_load") else {
        return;
    };
    let server = Arc::new(server);
    let database = TestDatabase::on(&server.uri()).await;
    let stores = [
        open_impatient(&database.uri).await,
        open_impatient(&database.uri).await,
    ]
    .map(Arc::new);
    let users = ["ana", "berta", "carla"].map(UserId::new);
    for user in &users {
        stores[0].open(user, AccountKind::Prepaid).await.unwrap();
    }

    let acknowledged = Arc::new(AtomicUsize::new(0));
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        let (store, user) = (stores[client % 2].clone(), users[client % 3].clone());
        let acknowledged = acknowledged.clone();
        clients.spawn(async move {
            let mut rounds = 0;
            while acknowledged.load(Ordering::Relaxed) < CRASHES * CHANGES {
                let key = format!("{client}/{rounds}");
                repeat(|| store.deposit(&key, &user, Money::from_cents(10))).await;
                let hold = format!("{key}/hold");
                repeat(|| store.hold_amount(&hold, &user, Money::from_cents(5))).await;
                let drawn = minute(&format!("{key}/minute"), &user, &hold);
                repeat(|| async { store.draw(&drawn).await.map(drop) }).await;
                acknowledged.fetch_add(3, Ordering::Relaxed);
                repeat(|| store.release(&hold)).await;
                rounds += 1;
            }
            rounds
        });
    }
    let crashes = {
        let (server, acknowledged) = (server.clone(), acknowledged.clone());
        tokio::task::spawn_blocking(move || {
            let deadline = Instant::now() + Duration::from_mins(2);
            for crash in 1..=CRASHES {
                while acknowledged.load(Ordering::Relaxed) < crash * CHANGES {
                    assert!(Instant::now() < deadline, "too few changes are acknowledged");
                    std::thread::yield_now();
                }
                server.stop().unwrap();
                server.restart().unwrap();
            }
        })
    };
    crashes.await.unwrap();
    let rounds: usize = clients.join_all().await.into_iter().sum();

    let (mut earned, mut count) = (Money::ZERO, 0);
    for user in &users {
        let balance = stores[0].balance(user).await.unwrap();
        let entries = stores[1].all_entries(user).await.unwrap();
        let sum: Money = entries.iter().map(|entry| entry.amount).sum();
        assert_eq!((balance.available, balance.held), (sum, Money::ZERO));
        earned += sum;
        count += entries.len();
    }
    assert_eq!(
        earned,
        Money::from_cents(10 - 1).times(u32::try_from(rounds).unwrap())
    );
    assert_eq!(count, rounds * 4, "each change has its entries once");
    measured(format_args!(
        "PostgreSQL killed {CRASHES} times under {CLIENTS} clients: {count} changes of money, each once"
    ));
}
