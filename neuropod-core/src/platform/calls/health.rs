//! The health of store and cluster.

use std::time::Duration;

use tokio::time::timeout;

use crate::cluster::workload::WorkloadRef;
use crate::id::PodId;
use crate::platform::handle::Platform;
use crate::store::traits::ListOptions;

/// Whether a platform is operational now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// The state of the store.
    pub store: StoreHealth,
    /// Whether the cluster responds.
    pub cluster: bool,
}

impl Health {
    /// Whether both are operational.
    pub fn is_ready(self) -> bool {
        self.store == StoreHealth::Works && self.cluster
    }
}

/// The kind of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreHealth {
    /// It reads and writes.
    Works,
    /// It can't be read, or does not respond.
    Unreachable,
    /// Can be read, but not written: its disk is full or read-only, its file is missing, or it is locked for a
    /// long time.
    NotWritable,
}

impl StoreHealth {
    /// The state in a word or two.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Works => "ok",
            Self::Unreachable => "unreachable",
            Self::NotWritable => "not writable",
        }
    }
}

impl Platform {
    /// Reads and writes the store, and queries the cluster for an unknown pod. Each may last as long as
    /// `patience` before it counts as unavailable. The store is written only where it keeps the outcomes of
    /// requests ([`PlatformBuilder::requests`](crate::PlatformBuilder::requests)).
    ///
    /// Each call costs a write: an application that exposes it should cache the result for some seconds.
    pub async fn health(&self, patience: Duration) -> Health {
        // Reading one pod needs the parts that every pod needs, and no optional ones such as a metrics-server.
        let nobody = WorkloadRef {
            pod_id: PodId::from_bits(0),
            user_hash: String::new(),
            namespace: None,
            name: "neuropod-readiness".into(),
            volume: String::new(),
            objects: None,
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
