//! Whether a platform can do its work.

use std::sync::Arc;
use std::time::Duration;

use neuropod::platform::StoreHealth;
use neuropod::sim::faults::{Fault, Faults};
use neuropod::sim::{CallError, Method, Settings};
use neuropod::store::{MemoryStore, RequestStore, SqliteStore, Store, UserStore};
use neuropod::{ErrorKind, PodId};
use sqlx::Connection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

use crate::common::World;

const PATIENCE: Duration = Duration::from_secs(10);

/// The health of a platform on this store.
async fn store_health<S: Store>(store: &Arc<S>) -> StoreHealth {
    let world = World::new(Settings::default()).await;
    let parts = world
        .parts_without_store()
        .store(Arc::clone(store) as Arc<dyn Store>);
    parts.build().unwrap().health(PATIENCE).await.store
}

#[tokio::test]
async fn checking_a_store_leaves_nothing_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = SqliteStore::open(folder.path().join("neuropod.db")).await;
    let file = Arc::new(file.unwrap());
    let memory = Arc::new(MemoryStore::new());
    assert_eq!(store_health(&file).await, StoreHealth::Works);
    assert_eq!(store_health(&memory).await, StoreHealth::Works);
    let probe = PodId::from_bits(0);
    assert_eq!(file.past_request(&probe).await.unwrap(), None);
    assert_eq!(memory.past_request(&probe).await.unwrap(), None);
}

#[tokio::test]
async fn a_file_that_is_locked_or_gone_is_not_writable_though_it_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("neuropod.db");
    let store = Arc::new(SqliteStore::open(&path).await.unwrap());
    let options = SqliteConnectOptions::new().filename(&path);
    let mut other = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    assert_eq!(store_health(&store).await, StoreHealth::NotWritable);
    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    assert_eq!(store_health(&store).await, StoreHealth::Works);
    other.close().await.unwrap();
    std::fs::remove_file(&path).unwrap();
    assert!(store.users().await.is_ok(), "it is still read");
    assert_eq!(store_health(&store).await, StoreHealth::NotWritable);
}

#[tokio::test(start_paused = true)]
async fn what_does_not_respond_is_not_ready_and_what_recovers_is() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    assert!(platform.health(PATIENCE).await.is_ready());

    world.cluster.inject_error(CallError {
        method: Some(Method::Observe),
        times: u32::MAX,
        kind: ErrorKind::Unavailable,
        after_effect: false,
    });
    let health = platform.health(PATIENCE).await;
    assert_eq!((health.store, health.cluster), (StoreHealth::Works, false));
    assert!(!health.is_ready());
    world.cluster.clear_errors();
    assert!(platform.health(PATIENCE).await.is_ready());

    let faults = Faults::lasting(1, Fault::ErrorBefore, Duration::from_mins(5));
    let store = faults.store(Arc::clone(&world.store) as Arc<dyn Store>);
    let platform = world.parts().store(store).build().unwrap();
    let health = platform.health(PATIENCE).await;
    assert_eq!((health.store, health.cluster), (StoreHealth::Unreachable, true));
    assert!(!health.is_ready());
    faults.heal();
    assert!(platform.health(PATIENCE).await.is_ready());
}
