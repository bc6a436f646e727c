//! Concurrent writes share a transaction, which only the disk notices.
#![allow(clippy::unwrap_used, reason = "tests")]

mod by_hand;
mod failure;
mod sample;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use futures::future::{join_all, poll_immediate};
use neuropod_core::money::billing::EntryOptions;
use neuropod_core::money::{AccountKind, BillingExt};
use neuropod_core::{Billing, Money, Pod, PodStore, Result, UserId};
use neuropod_store::SqliteStore;

use self::by_hand::{connect, run};
use self::failure::failed;

/// The number of concurrent writers.
const WRITES: usize = 50;
/// The number of rounds.
const ROUNDS: usize = 40;
const CENT: Money = Money::from_cents(1);

/// The number of transactions in the write-ahead log, which is kept short here:
/// <https://www.sqlite.org/fileformat2.html#the_write_ahead_log>.
fn transactions(path: &Path) -> usize {
    const HEADER: usize = 32;
    const FRAME_HEADER: usize = 24;
    let log = fs::read(path.with_extension("db-wal")).unwrap();
    let number = |bytes: &[u8]| u32::from_be_bytes(bytes[..4].try_into().unwrap());
    let page = usize::try_from(number(&log[8..])).unwrap();
    let frames = log[HEADER..].chunks_exact(FRAME_HEADER + page);
    frames.filter(|frame| number(&frame[4..]) != 0).count()
}

/// Deposits a cent under each of many keys concurrently, with new keys in each round.
async fn deposit(store: &SqliteStore, user: &UserId, round: usize) -> Vec<Result<()>> {
    let keys = (0..WRITES).map(|number| format!("key-{round}-{number}"));
    join_all(keys.map(|key| async move { store.deposit(&key, user, CENT).await })).await
}

/// The balance of the account, which its entries must add up to.
async fn cents(store: &SqliteStore, user: &UserId) -> usize {
    let entries = store.entries_of(user, &EntryOptions::default()).await.unwrap();
    let balance = store.balance(user).await.unwrap();
    let sum: Money = entries.iter().map(|entry| entry.amount).sum();
    assert_eq!(balance.available, sum);
    usize::try_from(sum.micros() / CENT.micros()).unwrap()
}

#[tokio::test]
async fn queued_steps_share_one_transaction() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("neuropod.db");
    let store = SqliteStore::open(&path).await.unwrap();
    let ana = UserId::new("ana");
    store.open(&ana, AccountKind::Prepaid).await.unwrap();

    let before = transactions(&path);
    let taken = sample::pod(&ana);
    let pods: Vec<Pod> = (0..WRITES)
        .map(|_| sample::pod(&ana))
        .chain([taken.clone(), taken])
        .collect();
    let (inserted, deposited) = tokio::join!(
        join_all(pods.iter().map(|pod| store.insert(pod))),
        deposit(&store, &ana, 0),
    );
    let took = transactions(&path) - before;
    assert!(took <= 2, "{took} transactions for {} writes", 2 * WRITES);

    let (twice, inserted): (Vec<_>, Vec<_>) = inserted.into_iter().partition(Result::is_err);
    assert_eq!((inserted.len(), twice.len()), (WRITES + 1, 1));
    for second in twice {
        failed(second, "already_exists", false);
    }
    for pod in inserted {
        let pod = pod.unwrap();
        assert_eq!(store.get(&pod.id).await.unwrap(), Some(pod));
    }
    assert!(deposited.iter().all(Result::is_ok));
    assert_eq!(cents(&store, &ana).await, WRITES);
}

/// All writes of a failed step are undone, and no others.
#[tokio::test]
async fn a_failed_step_leaves_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("neuropod.db");
    let store = SqliteStore::open(&path).await.unwrap();
    let ana = UserId::new("ana");
    store.open(&ana, AccountKind::Prepaid).await.unwrap();
    let mut other = connect(&path).await;
    run(
        &mut other,
        "CREATE TRIGGER refuse BEFORE INSERT ON keys WHEN NEW.key = 'key-0-7' \
         BEGIN SELECT RAISE(ABORT, 'not this one'); END",
    )
    .await;

    let (mut refused, done): (Vec<_>, Vec<_>) = deposit(&store, &ana, 0)
        .await
        .into_iter()
        .partition(Result::is_err);
    assert_eq!((refused.len(), done.len()), (1, WRITES - 1));
    failed(refused.swap_remove(0), "unexpected", false);
    assert_eq!(cents(&store, &ana).await, WRITES - 1);
}

/// A full disk, among others, makes SQLite roll back the whole transaction.
#[tokio::test]
async fn a_lost_transaction_fails_all_its_steps() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("neuropod.db");
    let store = SqliteStore::open(&path).await.unwrap();
    let ana = UserId::new("ana");
    store.open(&ana, AccountKind::Prepaid).await.unwrap();
    let mut other = connect(&path).await;
    run(
        &mut other,
        "CREATE TRIGGER refuse BEFORE INSERT ON keys WHEN NEW.key = 'key-0-7' \
         BEGIN SELECT RAISE(ROLLBACK, 'none of it'); END",
    )
    .await;

    let answers = deposit(&store, &ana, 0).await;
    assert_eq!(answers.len(), WRITES);
    for answer in answers {
        failed(answer, "unexpected", false);
    }
    assert_eq!(cents(&store, &ana).await, 0);

    run(&mut other, "DROP TRIGGER refuse").await;
    assert!(deposit(&store, &ana, 0).await.iter().all(Result::is_ok));
    assert_eq!(cents(&store, &ana).await, WRITES);
}

/// A call that is dropped before its turn writes nothing, and does not delay others.
#[tokio::test]
async fn a_dropped_step_leaves_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("neuropod.db");
    let store = SqliteStore::open(&path).await.unwrap();
    let ana = UserId::new("ana");
    let [left, stayed] = [sample::pod(&ana), sample::pod(&ana)];
    let mut stays = Box::pin(store.insert(&stayed));
    assert!(poll_immediate(&mut stays).await.is_none());
    assert!(poll_immediate(store.insert(&left)).await.is_none());

    stays.await.unwrap();
    store.insert(&sample::pod(&ana)).await.unwrap();
    assert!(store.get(&stayed.id).await.unwrap().is_some());
    assert_eq!(store.get(&left.id).await.unwrap(), None);
}

/// Calls abandoned at any moment count once or not at all, and exactly once when repeated.
#[tokio::test(flavor = "multi_thread")]
async fn abandoned_calls_count_once_when_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(
        SqliteStore::open(folder.path().join("neuropod.db"))
            .await
            .unwrap(),
    );
    let ana = UserId::new("ana");
    store.open(&ana, AccountKind::Prepaid).await.unwrap();
    for round in 0..ROUNDS {
        let (store, ana) = (Arc::clone(&store), ana.clone());
        let calls = tokio::spawn(async move { deposit(&store, &ana, round).await });
        for _ in 0..round * 10 {
            tokio::task::yield_now().await;
        }
        calls.abort();
    }
    for round in 0..ROUNDS {
        assert!(deposit(&store, &ana, round).await.iter().all(Result::is_ok));
        assert!(deposit(&store, &ana, round).await.iter().all(Result::is_ok));
    }
    assert_eq!(cents(&store, &ana).await, ROUNDS * WRITES);
}
