//! Whether store and cluster do what they are for.

use std::time::Duration;

use tokio::time::timeout;

use crate::cluster::workload::WorkloadRef;
use crate::id::PodId;
use crate::platform::handle::Platform;
use crate::store::traits::ListOptions;

/// Whether a platform can do its work now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// The state of the store.
    pub store: StoreHealth,
    /// Whether the cluster responds.
    pub cluster: bool,
}

impl Health {
    /// Whether all of it works.
    pub fn is_ready(self) -> bool {
        self.store == StoreHealth::Works && self.cluster
    }
}

/// What a store does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreHealth {
    /// It reads and writes.
    Works,
    /// It can't be read, or does not respond.
    Unreachable,
    /// It can be read, and not written: its disk is full or read-only, its file is gone, somebody has locked it for long.
    NotWritable,
}

impl StoreHealth {
    /// In a word or two.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Works => "ok",
            Self::Unreachable => "unreachable",
            Self::NotWritable => "not writable",
        }
    }
}

impl Platform {
    /// Reads and writes the store and asks the cluster for a pod that is not there. Each may take as long as `patience`
    /// before it counts as gone. Whether the store is written is known where it keeps the outcomes of requests
    /// ([`PlatformBuilder::requests`](crate::PlatformBuilder::requests)).
    ///
    /// It costs a write: who exposes it to others should cache it for some seconds.
    pub async fn health(&self, patience: Duration) -> Health {
        // Reading one pod needs what every pod needs, and nothing, such as a metrics-server, that pods can do without.
        let nobody = WorkloadRef {
            pod_id: PodId::from_bits(0),
            user_hash: String::new(),
            namespace: None,
            name: "neuropod-readiness".into(),
            volume: String::new(),
        };
        let cluster = timeout(patience, self.0.cluster.observe(&nobody));
        let (store, cluster) = tokio::join!(self.store_health(patience), cluster);
        Health {
            store,
            cluster: matches!(cluster, Ok(Ok(_))),
        }
    }

    async fn store_health(&self, patience: Duration) -> StoreHealth {
        let one = ListOptions {
            limit: 1,
            ..ListOptions::default()
        };
        if !matches!(timeout(patience, self.0.records.page(&one)).await, Ok(Ok(_))) {
            return StoreHealth::Unreachable;
        }
        match timeout(patience, self.0.requests.probe()).await {
            Ok(Ok(())) => StoreHealth::Works,
            Ok(Err(error)) => {
                tracing::debug!(%error, "the store can't be written");
                StoreHealth::NotWritable
            }
            Err(_) => StoreHealth::NotWritable,
        }
    }
}
