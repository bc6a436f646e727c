//! The backend: [`KubeCluster`], which joins the state, the operations and the set-up into a [`ClusterBackend`].

use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::BoxStream;
use kube::Client;
use neuropod_core::cluster::gpus::UnmatchedGpu;
use neuropod_core::cluster::{
    Catalogue, ClusterEvent, Inventory, LogOptions, LogStream, NodeGpus, Observation, Presence, ReplicaId,
    Replicas, Usage, VolumePolicy, Workload, WorkloadRef,
};
use neuropod_core::{ClusterBackend, Result};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::config::KubeConfig;
use crate::context::Context;
use crate::operations::gpus::watch::GpuWatch;
use crate::operations::{apply, inventory, leases, logs, observe, remove, usage};
use crate::setup::enforcement::{self, Enforcement};
use crate::setup::rights::{self, MissingRight};
use crate::setup::{catalogue, check, connect};
use crate::watch;

/// A Kubernetes cluster in which pods run.
///
/// Created by [`from_kubeconfig`](Self::from_kubeconfig), [`in_cluster`](Self::in_cluster),
/// [`infer`](Self::infer), [`connect`](Self::connect) or [`with_client`](Self::with_client).
pub struct KubeCluster {
    context: Context,
    gpus: GpuWatch,
    /// Ends the watches when the backend is dropped.
    end: DropGuard,
}

impl KubeCluster {
    /// The cluster of a kubeconfig file, in its current context or the one named.
    ///
    /// # Errors
    /// `NotConfigured` if the file, its context or a file it refers to can't be read.
    pub async fn from_kubeconfig(path: &Path, context: Option<&str>, config: KubeConfig) -> Result<Self> {
        Self::connect(connect::from_kubeconfig(path, context).await?, config)
    }

    /// The cluster that this process runs in, as the `ServiceAccount` of its pod.
    ///
    /// # Errors
    /// `NotConfigured` outside of a cluster.
    pub fn in_cluster(config: KubeConfig) -> Result<Self> {
        Self::inside(connect::in_cluster()?, config)
    }

    /// The cluster of the current context of `$KUBECONFIG` or `~/.kube/config`, or else the one that this process
    /// runs in.
    ///
    /// # Errors
    /// `NotConfigured` if there is neither, or the kubeconfig can't be used.
    pub async fn infer(config: KubeConfig) -> Result<Self> {
        match connect::infer().await? {
            connect::Place::Outside(connection) => Self::connect(connection, config),
            connect::Place::Inside(connection) => Self::inside(connection, config),
        }
    }

    /// The cluster that `connection` describes. Must be called on the async runtime that will use it.
    ///
    /// # Errors
    /// `NotConfigured` if the certificates or credentials can't be used.
    pub fn connect(connection: kube::Config, config: KubeConfig) -> Result<Self> {
        let client = connect::client(connection, config.deadline)?;
        Ok(Self::with_client(client, config))
    }

    /// A cluster that is reached through the caller's own client.
    ///
    /// A client that kube builds itself retries requests up to 15 times, until the deadline of the operation:
    /// [`connect`](Self::connect) disables that.
    pub fn with_client(client: Client, config: KubeConfig) -> Self {
        Self::new(client, None, config)
    }

    /// The cluster around this process, so its own namespace is known.
    fn inside(connection: kube::Config, config: KubeConfig) -> Result<Self> {
        let own_namespace = Some(connection.default_namespace.clone());
        let client = connect::client(connection, config.deadline)?;
        Ok(Self::new(client, own_namespace, config))
    }

    fn new(client: Client, own_namespace: Option<String>, config: KubeConfig) -> Self {
        Self {
            context: Context::new(client, own_namespace, config),
            gpus: GpuWatch::default(),
            end: CancellationToken::new().drop_guard(),
        }
    }

    /// The configuration.
    pub fn config(&self) -> &KubeConfig {
        &self.context.config
    }

    /// Checks that all prerequisites exist: the namespace, the ingress class or Gateway API, the storage class.
    /// [`apply`](ClusterBackend::apply) checks them too, at most every five minutes. Then checks that the
    /// platform has every [right](Self::missing_rights) that its configuration needs:
    /// [`watch`](ClusterBackend::watch) can't report a missing one, and a missing right to delete pods would
    /// show only when the first pod is stopped. Creates or repairs the network policy of the pods, before there
    /// are any.
    ///
    /// A GPU type of [`KubeConfig::catalogue`] that no node can take is a warning in the log (`tracing`), not
    /// an error: its nodes may only be created on demand. [`check_catalogue`](Self::check_catalogue) returns
    /// these types. A right that only a part of the platform needs, such as counting GPUs, is a warning too.
    ///
    /// Weak isolation of tenants is a warning as well: network policies that nothing is known to
    /// [enforce](Self::enforcement), a namespace of the pods without a Pod Security level, or one that the
    /// platform itself runs in.
    ///
    /// # Errors
    /// `NotConfigured` if a prerequisite is missing (including a Secret to be copied into the namespaces of
    /// users), or if pods are at the site of the control plane ([`KubeConfig::domains`]); `PermissionDenied`
    /// with all missing rights; the message says how to fix it. The errors of creating the network policy:
    /// without it no pod is created.
    pub async fn check_setup(&self) -> Result<()> {
        check::check(&self.context).await
    }

    /// The offered GPU types of a catalogue that no node of the cluster can take, even with all its GPUs free:
    /// the resource or a label has another name there, a taint is not tolerated, or a pod needs more than one
    /// node has. Empty if the platform may not list nodes.
    ///
    /// # Errors
    /// If the cluster does not respond.
    pub async fn check_catalogue(&self, catalogue: &Catalogue) -> Result<Vec<UnmatchedGpu>> {
        let work = catalogue::unmatched(&self.context.requests, catalogue, &self.context.config.instance);
        self.context.requests.in_time(work).await
    }

    /// The rights that the configuration needs and the platform does not have, including optional ones. Empty
    /// if the API server does not accept such questions.
    ///
    /// # Errors
    /// If the cluster does not respond.
    pub async fn missing_rights(&self) -> Result<Vec<MissingRight>> {
        let work = rights::missing(&self.context.requests, &self.context.config);
        self.context.requests.in_time(work).await
    }

    /// The enforcement of network policies in the cluster, as far as it can be detected. The isolation of pods
    /// on the network depends on it.
    ///
    /// # Errors
    /// If the cluster does not respond in time.
    pub async fn enforcement(&self) -> Result<Enforcement> {
        let requests = &self.context.requests;
        requests
            .in_time(async { Ok(enforcement::find(requests).await) })
            .await
    }
}

/// Leaves out the client, whose configuration holds credentials.
impl std::fmt::Debug for KubeCluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KubeCluster")
            .field("config", &self.context.config)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl ClusterBackend for KubeCluster {
    async fn apply(&self, workload: &Workload) -> Result<Observation> {
        let work = Box::pin(apply::apply(&self.context, workload));
        self.context.requests.in_time(work).await
    }

    async fn remove(&self, reference: &WorkloadRef, volume: VolumePolicy) -> Result<Observation> {
        let work = Box::pin(remove::remove(&self.context, reference, volume));
        self.context.requests.in_time(work).await
    }

    async fn observe(&self, reference: &WorkloadRef) -> Result<Observation> {
        let work = observe::observe(&self.context, reference);
        self.context.requests.in_time(work).await
    }

    fn watch(&self) -> BoxStream<'static, ClusterEvent> {
        let Context { requests, config, .. } = &self.context;
        let (client, scope) = (requests.client().clone(), self.context.scope());
        let events = watch::watch(client, config, scope);
        let end = self.end.token().clone().cancelled_owned();
        events.take_until(Box::pin(end)).boxed()
    }

    async fn logs(&self, reference: &WorkloadRef, options: LogOptions) -> Result<LogStream> {
        let work = logs::open(&self.context, reference, &options);
        self.context.requests.in_time(work).await
    }

    async fn usage(&self) -> Result<Vec<Usage>> {
        self.context.requests.in_time(usage::usage(&self.context)).await
    }

    async fn inventory(&self) -> Result<Inventory> {
        // Each page is in time: the whole takes as long as the cluster is large.
        Box::pin(inventory::inventory(&self.context)).await
    }

    async fn gpus(&self) -> Result<Option<Vec<NodeGpus>>> {
        let Context { requests, config, .. } = &self.context;
        self.gpus.gpus(requests, config.deadline, &config.instance).await
    }

    fn route_delay(&self) -> Duration {
        self.context.config.services.route_delay()
    }
}

/// The presences of replicas are Leases in [`KubeConfig::namespace`], one for each replica that runs. It takes the rights that
/// [`KubeConfig::leases`] checks.
#[async_trait]
impl Replicas for KubeCluster {
    async fn renew(&self, replica: &ReplicaId) -> Result<Vec<Presence>> {
        let work = leases::renew(&self.context, replica);
        self.context.requests.in_time(work).await
    }

    async fn give_up(&self, replica: &ReplicaId) -> Result<()> {
        let work = leases::give_up(&self.context, replica);
        self.context.requests.in_time(work).await
    }
}

#[cfg(test)]
mod tests {
    use neuropod_core::ErrorKind;

    use super::*;

    async fn refused(text: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kubeconfig");
        std::fs::write(&path, text).unwrap();
        let error = KubeCluster::from_kubeconfig(&path, None, KubeConfig::default())
            .await
            .err()
            .unwrap();
        assert_eq!(*error.kind(), ErrorKind::NotConfigured);
        format!("{error}: {:?}", std::error::Error::source(&error))
    }

    #[tokio::test]
    async fn an_invalid_kubeconfig_is_reported_without_its_contents() {
        let text = refused("users: [{ name: ana, user: { token: hunter2 }").await;
        assert!(text.contains("line 1") && !text.contains("hunter2"), "{text}");
        let text = refused("users:\n- name: ana\n  user: hunter2\n").await;
        assert!(text.contains("line 3") && !text.contains("hunter2"), "{text}");
        let text = refused("apiVersion: v1").await;
        assert!(text.contains("the kubeconfig can't be used"), "{text}");
    }
}
