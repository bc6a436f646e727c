//! What is in the cluster, and what pods use of it.

use std::collections::HashSet;

use crate::cluster::backend::{Inventory, Usage};
use crate::cluster::gpus::GpuStock;
use crate::error::kind::Result;
use crate::id::{Actor, PodId};
use crate::platform::handle::Platform;

impl Platform {
    /// What running pods use now: a client's own, or everybody's for an administrator. A pod of which nothing is known is
    /// missing; an unknown figure is `None`. Each call asks the cluster.
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

    /// What one pod uses now; `None`: nothing is known.
    ///
    /// # Errors
    /// `NotFound`; `Forbidden`; those of the cluster.
    pub async fn pod_usage(&self, actor: &Actor, id: &PodId) -> Result<Option<Usage>> {
        self.0.records.visible(actor, id).await?;
        let usage = self.0.cluster.usage().await?;
        Ok(usage.into_iter().find(|usage| usage.pod_id == *id))
    }

    /// How many GPUs of each model the cluster has, and how many are free. Each call asks the cluster.
    ///
    /// # Errors
    /// Those of the cluster.
    pub async fn gpu_stock(&self) -> Result<Vec<GpuStock>> {
        Ok(self.0.cluster.inventory().await?.gpus)
    }

    /// Everything of this platform that is in the cluster, and its GPUs with who holds them. Each call asks the cluster.
    ///
    /// # Errors
    /// `Forbidden` for clients; those of the cluster.
    pub async fn inventory(&self, actor: &Actor) -> Result<Inventory> {
        actor.require_admin()?;
        self.0.cluster.inventory().await
    }
}
