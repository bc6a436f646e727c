//! A writing process is killed: acknowledged writes are there, and the money adds up.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "tests")]

mod folded;
mod killed;
mod money;
mod sample;

use std::path::Path;
use std::sync::Arc;

use neuropod_core::{Billing, Pod, PodId, PodStore, UserId};
use neuropod_store::SqliteStore;
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use self::killed::killed_after;

/// The number of kills.
const KILLS: u64 = 100;
/// The number of writing tasks.
const TASKS: usize = 8;

async fn open(path: impl AsRef<Path>) -> Arc<SqliteStore> {
    Arc::new(SqliteStore::open(path).await.unwrap())
}

/// An acknowledgement.
#[derive(Serialize, Deserialize)]
struct Written {
    pod: PodId,
    version: u64,
}

impl Written {
    fn of(pod: &Pod) -> Self {
        Self {
            pod: pod.id.clone(),
            version: pod.version,
        }
    }
}

/// Writes pods with many tasks until it is killed.
async fn write_forever(store: Arc<SqliteStore>) {
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let store = store.clone();
        tasks.spawn(async move {
            loop {
                let mut pod = store.insert(&sample::pod(&UserId::new("ana"))).await.unwrap();
                killed::report(&Written::of(&pod));
                pod = store.update(&pod).await.unwrap();
                killed::report(&Written::of(&pod));
            }
        });
    }
    tasks.join_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_acknowledged_pod_is_lost() {
    if let Some(address) = killed::address() {
        write_forever(open(address).await).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("neuropod.db");
    let mut acknowledged: Vec<Written> = Vec::new();
    for round in 0..KILLS {
        // At another moment in each round.
        let count = 1 + usize::try_from(round * 7 % 40).unwrap();
        let address = path.to_str().unwrap();
        acknowledged.extend(killed_after::<Written>(
            count,
            "no_acknowledged_pod_is_lost",
            address,
            &(),
        ));
    }
    let store = open(&path).await;
    for Written { pod, version } in acknowledged {
        let found = store.get(&pod).await.unwrap();
        assert!(
            found.is_some_and(|found| found.version >= version),
            "the pod {pod} was acknowledged in the version {version}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_accepted_money_is_lost() {
    if let Some(address) = killed::address() {
        money::work(open(address).await).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("neuropod.db");
    let store: Arc<dyn Billing> = open(&path).await;
    let address = path.to_str().unwrap();
    money::survives_kills(KILLS, "no_accepted_money_is_lost", address, &store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_while_it_is_folded() {
    if let Some(address) = killed::address() {
        folded::work(open(address).await).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("neuropod.db");
    let store = open(&path).await;
    let address = path.to_str().unwrap();
    folded::survives_kills(30, "nothing_is_lost_while_it_is_folded", address, &store).await;
}
