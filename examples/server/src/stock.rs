//! The GPUs of the cluster, asked for at most every few seconds.

use std::sync::Arc;
use std::time::Duration;

use neuropod::Platform;
use neuropod::cluster::gpus::by_model;
use neuropod::cluster::{GpuStock, NodeGpus};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use crate::actor::itself;

/// How long a reading is reused, so that the cluster is not asked each time somebody opens the prices.
const FRESH: Duration = Duration::from_secs(5);
/// How long prices wait for it. They are shown without it then.
const PATIENCE: Duration = Duration::from_secs(2);

/// The GPUs of the cluster as they were a moment ago.
#[derive(Default)]
pub(crate) struct Stock(Mutex<Option<(Instant, KnownGpus)>>);

/// The reply of the cluster; `None`: there was none.
type KnownGpus = Option<Arc<Gpus>>;

/// The GPUs of the cluster.
#[derive(Debug)]
pub(crate) struct Gpus {
    /// By model.
    pub(crate) models: Vec<GpuStock>,
    /// By node, with who holds them.
    pub(crate) nodes: Vec<NodeGpus>,
}

impl Stock {
    /// The GPUs; `None`: the cluster does not report them now.
    pub(crate) async fn get(&self, platform: &Platform) -> KnownGpus {
        let mut known = self.0.lock().await;
        if let Some((at, stock)) = &*known
            && at.elapsed() < FRESH
        {
            return stock.clone();
        }
        let stock = match timeout(PATIENCE, platform.gpu_nodes(&itself())).await {
            Ok(Ok(nodes)) => nodes.map(|nodes| {
                let models = by_model(&nodes);
                Arc::new(Gpus { models, nodes })
            }),
            Ok(Err(error)) => {
                tracing::warn!(%error, "the GPUs of the cluster are not known");
                None
            }
            Err(_) => {
                tracing::warn!("the cluster does not report its GPUs in time");
                None
            }
        };
        *known = Some((Instant::now(), stock.clone()));
        stock
    }
}
