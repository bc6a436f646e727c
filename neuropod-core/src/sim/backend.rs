//! The simulated cluster as a [`ClusterBackend`], and as the place of [`Replicas`].

use std::time::Duration;

use async_trait::async_trait;
use futures::stream::BoxStream;
use tokio::time::sleep;

use super::api_server;
use super::calls::Method;
use super::cluster::SimCluster;
use super::log_stream::{find_log, stream_log};
use super::scheduler::gpu_nodes;
use super::state::ClusterState;
use super::watch_stream::open_watch;
use crate::cluster::backend::{ClusterBackend, ClusterEvent, Inventory, LogOptions, LogStream, Usage};
use crate::cluster::gpus::NodeGpus;
use crate::cluster::observation::Observation;
use crate::cluster::replicas::{Presence, ReplicaId, Replicas};
use crate::cluster::workload::{VolumePolicy, Workload, WorkloadRef};
use crate::error::kind::Result;

#[async_trait]
impl ClusterBackend for SimCluster {
    async fn apply(&self, workload: &Workload) -> Result<Observation> {
        let apply = |cluster: &mut ClusterState| api_server::apply(cluster, workload);
        call(self, Method::Apply, Some(&workload.reference.name), apply).await
    }

    async fn remove(&self, reference: &WorkloadRef, volume: VolumePolicy) -> Result<Observation> {
        let remove = |cluster: &mut ClusterState| Ok(api_server::remove(cluster, reference, volume));
        call(self, Method::Remove, Some(&reference.name), remove).await
    }

    async fn observe(&self, reference: &WorkloadRef) -> Result<Observation> {
        let observe = |cluster: &mut ClusterState| Ok(api_server::observe(cluster, reference));
        call(self, Method::Observe, Some(&reference.name), observe).await
    }

    fn watch(&self) -> BoxStream<'static, ClusterEvent> {
        self.shared
            .read(|cluster| cluster.calls.record(cluster.now, Method::Watch, None));
        open_watch(&self.shared)
    }

    async fn logs(&self, reference: &WorkloadRef, options: LogOptions) -> Result<LogStream> {
        let find = |cluster: &mut ClusterState| find_log(cluster, reference, options.previous);
        let found = call(self, Method::Logs, Some(&reference.name), find).await?;
        stream_log(&self.shared, found, &options)
    }

    async fn usage(&self) -> Result<Vec<Usage>> {
        call(self, Method::Usage, None, |cluster| {
            Ok(api_server::usage(cluster))
        })
        .await
    }

    async fn inventory(&self) -> Result<Inventory> {
        call(self, Method::Inventory, None, |cluster| {
            Ok(api_server::inventory(cluster))
        })
        .await
    }

    async fn gpus(&self) -> Result<Option<Vec<NodeGpus>>> {
        call(self, Method::Gpus, None, |cluster| Ok(Some(gpu_nodes(cluster)))).await
    }

    fn route_delay(&self) -> Duration {
        self.shared.read(|cluster| cluster.settings.route_delay)
    }
}

#[async_trait]
impl Replicas for SimCluster {
    async fn renew(&self, replica: &ReplicaId) -> Result<Vec<Presence>> {
        let renew = |cluster: &mut ClusterState| Ok(cluster.replicas.renew(replica));
        call(self, Method::Renew, None, renew).await
    }

    async fn give_up(&self, replica: &ReplicaId) -> Result<()> {
        let give_up = |cluster: &mut ClusterState| {
            cluster.replicas.give_up(replica);
            Ok(())
        };
        call(self, Method::GiveUp, None, give_up).await
    }
}

/// A call on its way to the cluster and back: it takes effect between the two waits.
async fn call<R>(
    cluster: &SimCluster,
    method: Method,
    name: Option<&String>,
    effect: impl FnOnce(&mut ClusterState) -> Result<R>,
) -> Result<R> {
    let latency = cluster.latency;
    if !latency.is_zero() {
        sleep(latency).await;
    }
    let result = cluster.shared.change(|state| {
        state.calls.record(state.now, method, name.cloned());
        match state.calls.next_error(method) {
            None => effect(state),
            Some(injected) => {
                if injected.after_effect {
                    // Its result is lost on the way.
                    drop(effect(state));
                }
                Err(injected.error(method))
            }
        }
    });
    if !latency.is_zero() {
        sleep(latency).await;
    }
    result
}
