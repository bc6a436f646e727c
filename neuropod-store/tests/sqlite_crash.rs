//! A process that writes is killed: what was acknowledged is there, and the money adds up.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

mod sample;

use std::collections::BTreeSet;
use std::env;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use neuropod_core::{AccountKind, Billing, BillingExt, Money, PodId, PodStore, UserId};
use neuropod_store::SqliteStore;
use tokio::task::JoinSet;

/// Names the file, in the process that is to be killed.
const FILE: &str = "NEUROPOD_TEST_SQLITE_FILE";
const KILLS: usize = 100;
const TASKS: usize = 8;

/// Writes with many tasks until it is killed, and says what was acknowledged.
async fn write_forever(path: &Path) {
    let store = Arc::new(SqliteStore::open(path).await.unwrap());
    store.open(&user(), AccountKind::Prepaid).await.unwrap();
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let store = store.clone();
        tasks.spawn(async move {
            loop {
                write(&store).await;
            }
        });
    }
    tasks.join_all().await;
}

async fn write(store: &SqliteStore) {
    let pod = store.insert(&sample::pod(&user())).await.unwrap();
    println!("pod {} 1", pod.id);
    store.update(&pod).await.unwrap();
    println!("pod {} 2", pod.id);
    let (paid, held) = (format!("paid-{}", pod.id), format!("held-{}", pod.id));
    store.deposit(&paid, &user(), Money::from_cents(3)).await.unwrap();
    println!("key {paid} 1");
    store.reserve(&held, &user(), Money::from_cents(2)).await.unwrap();
    println!("key {held} 1");
    store.settle(&held, Money::from_cents(1)).await.unwrap();
    println!("key {held} 2");
}

fn user() -> UserId {
    UserId::new("ana")
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost() {
    if let Some(path) = env::var_os(FILE) {
        write_forever(Path::new(&path)).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("neuropod.db");
    let mut acknowledged = Vec::new();
    for round in 0..KILLS {
        // Another moment in each round.
        let count = 1 + round * 7 % 40;
        acknowledged.extend(kill_after(count, &path));
    }

    let store = SqliteStore::open(&path).await.unwrap();
    let entries = store.all_entries(&user()).await.unwrap();
    for (kind, id, count) in &acknowledged {
        let found = match kind.as_str() {
            "pod" => {
                let id: PodId = id.parse().unwrap();
                store.get(&id).await.unwrap().map_or(0, |pod| pod.version)
            }
            _ => entries.iter().filter(|entry| entry.key == *id).count() as u64,
        };
        assert!(
            found >= *count,
            "{kind} {id} was acknowledged {count} times and is there {found} times"
        );
    }
    assert!(acknowledged.len() > KILLS, "there was something to lose");
    let once: BTreeSet<_> = entries.iter().map(|entry| (&entry.key, entry.kind)).collect();
    assert_eq!(once.len(), entries.len(), "no change happened twice");
    let balance = store.balance(&user()).await.unwrap();
    let total: Money = entries.iter().map(|entry| entry.amount).sum();
    let held: Money = entries.iter().map(|entry| entry.held).sum();
    assert_eq!(
        (balance.total(), balance.held),
        (total, held),
        "the entries add up"
    );
}

/// Starts a process that writes, kills it after so many acknowledgements, and answers all that it gave.
fn kill_after(count: usize, path: &Path) -> Vec<(String, String, u64)> {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["nothing_acknowledged_is_lost", "--exact", "--nocapture"])
        .env(FILE, path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut acknowledged = Vec::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        if let [kind @ ("pod" | "key"), id, times] = line.split(' ').collect::<Vec<_>>()[..] {
            acknowledged.push((kind.to_owned(), id.to_owned(), times.parse().unwrap()));
            if acknowledged.len() == count {
                // SIGKILL; what is in the pipe already is still read.
                child.kill().unwrap();
            }
        }
    }
    child.wait().unwrap();
    assert!(
        acknowledged.len() >= count,
        "the process ended before it was killed"
    );
    acknowledged
}
