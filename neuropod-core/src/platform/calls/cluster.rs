//! The objects in the cluster, and the usage of pods.

use std::collections::HashSet;

use crate::cluster::backend::{Inventory, Usage};
use crate::cluster::gpus::{GpuStock, NodeGpus, by_model};
use crate::error::kind::Result;
use crate::id::{Actor, PodId};
use crate::platform::handle::Platform;

impl Platform {
    /// The current usage of running pods: for clients of their own, for administrators of all. Pods without a
    /// report are missing; an unknown figure is `None`. Each call queries the cluster.
    ///
    /// # Errors
    /// Those of the cluster and, for clients, of the store.
    pub async fn usage(&self, actor: &Actor) -> Result<Vec<Usage>> {
        let mut usage = self.0.cluster.usage().await?;
        if !actor.is_admin() {
            let own = self.0.records.all(Some(&actor.id), false).await?;
            let own: HashSet<_> = own.into_iter().map(|pod| pod.id).collect();
            usage.retain(|usage| own.contains(&usage.pod_id));
        }
        Ok(usage)
    }

    /// The current usage of one pod; `None`: nothing is known.
    ///
    /// # Errors
    /// `NotFound`; `Forbidden`; those of the cluster.
    pub async fn pod_usage(&self, actor: &Actor, id: &PodId) -> Result<Option<Usage>> {
        self.0.records.visible(actor, id).await?;
        let usage = self.0.cluster.usage().await?;
        Ok(usage.into_iter().find(|usage| usage.pod_id == *id))
    }

    /// The number of GPUs of each model in the cluster, and the number of free ones; empty if the cluster does not
    /// report them.
    ///
    /// # Errors
    /// Those of the cluster.
    pub async fn gpu_stock(&self) -> Result<Vec<GpuStock>> {
        let nodes = self.0.cluster.gpus().await?;
        Ok(by_model(nodes.as_deref().unwrap_or_default()))
    }

    /// The GPUs of the cluster by node, with the pods that use them, those of others included; sorted by node and
    /// resource. `None` if the cluster does not report it.
    ///
    /// # Errors
    /// `Forbidden` for clients; those of the cluster.
    pub async fn gpu_nodes(&self, actor: &Actor) -> Result<Option<Vec<NodeGpus>>> {
        actor.require_admin()?;
        self.0.cluster.gpus().await
    }

    /// All objects of this platform in the cluster. Each call queries the cluster.
    ///
    /// # Errors
    /// `Forbidden` for clients; those of the cluster.
    pub async fn inventory(&self, actor: &Actor) -> Result<Inventory> {
        actor.require_admin()?;
        self.0.cluster.inventory().await
    }
}
