//! Whether store and cluster work. They are checked at most every few seconds, because anybody may ask without limit.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use neuropod::cluster::WorkloadRef;
use neuropod::store::ListOptions;
use neuropod::store::{Outcome, PastRequest};
use neuropod::{ClusterBackend, PodId};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

/// How long a result is reused.
const FRESH: Duration = Duration::from_secs(5);
/// How long store and cluster may take before they count as unreachable.
const PATIENCE: Duration = Duration::from_secs(3);

/// What answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Answering {
    /// The store.
    pub(crate) store: StoreState,
    /// The cluster.
    pub(crate) cluster: bool,
}

/// What the store does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StoreState {
    /// It reads and writes.
    Works,
    /// It can't be read, or does not answer.
    Unreachable,
    /// It is read, and takes nothing: its disk is full or read-only, its file is gone, somebody has locked it for long.
    NotWritable,
}

/// What answered a moment ago.
#[derive(Default)]
pub(crate) struct Readiness(Mutex<Option<(Instant, Answering)>>);

impl Readiness {
    /// Checks store and cluster, unless they were checked a moment ago.
    pub(crate) async fn get(
        &self,
        store: &dyn neuropod::store::Store,
        cluster: &dyn ClusterBackend,
    ) -> Answering {
        let mut known = self.0.lock().await;
        if let Some((at, answering)) = &*known
            && at.elapsed() < FRESH
        {
            return *answering;
        }
        // Observes a pod that does not exist: that needs all that pods need, and nothing that they can do without,
        // such as a metrics-server.
        let nobody = WorkloadRef {
            pod_id: PodId::from_bits(0),
            user_hash: String::new(),
            namespace: None,
            name: "neuropod-readiness".into(),
            volume: String::new(),
        };
        let cluster = timeout(PATIENCE, cluster.observe(&nobody));
        let (store, cluster) = tokio::join!(ask(store), cluster);
        let answering = Answering {
            store,
            cluster: matches!(cluster, Ok(Ok(_))),
        };
        if known.is_none_or(|(_, before)| before.store != store) && store != StoreState::Works {
            tracing::warn!("the server is not ready: the store is {}", store.as_str());
        }
        *known = Some((Instant::now(), answering));
        answering
    }
}

async fn ask(store: &dyn neuropod::store::Store) -> StoreState {
    let one = ListOptions {
        limit: 1,
        ..ListOptions::default()
    };
    if !matches!(timeout(PATIENCE, store.list(&one)).await, Ok(Ok(_))) {
        return StoreState::Unreachable;
    }
    match timeout(PATIENCE, write(store)).await {
        Ok(Ok(())) => StoreState::Works,
        Ok(Err(error)) => {
            tracing::debug!(%error, "the store can't be written");
            StoreState::NotWritable
        }
        Err(_) => StoreState::NotWritable,
    }
}

/// Writes something, as every store can, and takes it away again. That a store takes a change of nothing proves nothing:
/// on a full disk there is room for it.
async fn write(store: &dyn neuropod::store::Store) -> neuropod::Result<()> {
    // Nobody made a request then, nor has any other this id: what is forgotten is this alone.
    let created_at = Timestamp::UNIX_EPOCH;
    let probe = PastRequest {
        id: PodId::from_bits(0),
        digest: "readiness".into(),
        outcome: Outcome::Deleted,
        created_at,
    };
    store.keep_request(&probe).await?;
    store
        .forget_requests(created_at + SignedDuration::from_secs(1))
        .await
}

impl StoreState {
    /// In a word or two.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Works => "ok",
            Self::Unreachable => "unreachable",
            Self::NotWritable => "not writable",
        }
    }
}

#[cfg(test)]
mod tests {
    use neuropod::store::UserStore;
    use neuropod::store::{MemoryStore, SqliteStore};
    use sqlx::Connection;
    use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

    use super::*;

    async fn kept(store: &dyn neuropod::store::Store) -> Option<PastRequest> {
        store.past_request(&PodId::from_bits(0)).await.unwrap()
    }

    #[tokio::test]
    async fn the_attempt_to_write_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = SqliteStore::open(folder.path().join("neuropod.db"))
            .await
            .unwrap();
        let memory = MemoryStore::new();
        let stores: [&dyn neuropod::store::Store; 2] = [&file, &memory];
        for store in stores {
            assert_eq!(ask(store).await, StoreState::Works);
            assert_eq!(kept(store).await, None);
        }
    }

    #[tokio::test]
    async fn a_file_that_is_gone_or_locked_is_not_ready_though_it_can_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("neuropod.db");
        let store = SqliteStore::open(&path).await.unwrap();
        let options = SqliteConnectOptions::new().filename(&path);
        let mut other = SqliteConnection::connect_with(&options).await.unwrap();
        sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
        assert_eq!(ask(&store).await, StoreState::NotWritable);
        sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
        assert_eq!(ask(&store).await, StoreState::Works);
        other.close().await.unwrap();
        std::fs::remove_file(&path).unwrap();
        assert!(store.users().await.is_ok(), "it is still read");
        assert_eq!(ask(&store).await, StoreState::NotWritable);
    }
}
