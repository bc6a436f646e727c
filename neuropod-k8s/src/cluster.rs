//! The backend itself.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::BoxStream;
use kube::Client;
use neuropod_core::cluster::gpus::UnmatchedGpu;
use neuropod_core::cluster::{
    Catalogue, ClusterEvent, Inventory, LogOptions, LogStream, Observation, Usage, VolumePolicy, Workload,
    WorkloadRef,
};
use neuropod_core::message::{Language, unmatched_gpu};
use neuropod_core::{ClusterBackend, Error, ErrorKind, PodId, Result};
use tokio::sync::Semaphore;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::config::KubeConfig;
use crate::enforcement::{self, Enforcement};
use crate::manifests::namespace_of;
use crate::request::Requests;
use crate::rights::{self, MissingRight};
use crate::setup::{self, Setup};
use crate::upkeep::{self, Upkeep};
use crate::{apply, inventory, logs, observe, remove, site, usage, watch};

/// A Kubernetes cluster in which pods run.
///
/// It is made by one of [`from_kubeconfig`](Self::from_kubeconfig), [`in_cluster`](Self::in_cluster),
/// [`infer`](Self::infer), [`connect`](Self::connect) and [`with_client`](Self::with_client).
pub struct KubeCluster {
    pub(crate) requests: Requests,
    pub(crate) config: KubeConfig,
    pub(crate) setup: Setup,
    pub(crate) upkeep: Upkeep,
    /// The namespace that this process is in, where it runs in the cluster.
    pub(crate) own_namespace: Option<String>,
    /// The pods that were applied and not removed since: these are looked at before anything is made.
    applied: Mutex<HashSet<PodId>>,
    /// Lets so many logs be read at a time. They live as long as their containers, and HTTP/1.1 takes one
    /// connection for each.
    pub(crate) log_streams: Arc<Semaphore>,
    /// Ends the watches when the backend is dropped.
    end: DropGuard,
}

impl KubeCluster {
    /// A cluster that is reached through a client of the caller's own making.
    ///
    /// A client that kube makes by itself repeats requests up to 15 times, which only the deadline of each
    /// operation ends: [`connect`](Self::connect) switches that off.
    pub fn with_client(client: Client, config: KubeConfig) -> Self {
        Self {
            requests: Requests::new(client, config.writes_in_flight, config.deadline),
            setup: Setup::default(),
            upkeep: Upkeep::default(),
            own_namespace: None,
            applied: Mutex::default(),
            log_streams: Arc::new(Semaphore::new(config.log_streams)),
            end: CancellationToken::new().drop_guard(),
            config,
        }
    }

    /// How it uses the cluster.
    pub fn config(&self) -> &KubeConfig {
        &self.config
    }

    /// Whether what the platform needs is there: the namespace, the ingress class or Gateway API, the storage class.
    /// [`apply`](ClusterBackend::apply) checks it too, at most every five minutes. Then whether the platform has every
    /// [right](Self::missing_rights) that its configuration needs: [`watch`](ClusterBackend::watch) can't say that one is
    /// missing, and that pods can't be deleted shows when the first is stopped. The network policy of the pods is made,
    /// or put right, before there are any.
    ///
    /// A GPU type of [`KubeConfig::catalogue`] that no node can take is a warning in the log (`tracing`), not an error: its
    /// nodes may come only when they are asked for. [`check_catalogue`](Self::check_catalogue) answers them. So is a
    /// right that only a part of the platform needs, such as the counting of GPUs.
    ///
    /// What works and keeps tenants less apart than it could is a warning in the log (`tracing`): network policies that
    /// nothing is known to [enforce](Self::enforcement), a namespace of the pods without a Pod Security level, or one that
    /// the platform itself is in.
    ///
    /// # Errors
    /// `NotConfigured` when something is missing, a Secret that is to be copied into namespaces of users among it, or pods
    /// are at the site of the control plane ([`KubeConfig::domains`]); `PermissionDenied` with all rights that are missing;
    /// the message says what to do. Those of the network policy: without it no pod is made.
    pub async fn check_setup(&self) -> Result<()> {
        site::check(&self.config.domains)?;
        let work = async {
            let set_up = self.setup.look(&self.requests, &self.config).await;
            // Nobody has a right in a namespace that is not there: that comes first. Of rights, all that are missing are
            // said, and not the first alone.
            let lacks_right = |error: &Error| *error.kind() == ErrorKind::PermissionDenied;
            if set_up.as_ref().err().is_none_or(lacks_right) {
                rights::check(&self.requests, &self.config).await?;
            }
            set_up?;
            upkeep::ensure(self, &self.config.namespace).await?;
            upkeep::secrets::check_sources(self).await?;
            setup::warn_of_namespace(self).await?;
            if let Some(catalogue) = &self.config.catalogue {
                for gpu in setup::unmatched(&self.requests, catalogue, &self.config.instance).await? {
                    tracing::warn!("{}", unmatched_gpu(&gpu, Language::En));
                }
            }
            match enforcement::find(&self.requests).await {
                by @ Enforcement::By(_) => tracing::info!("{by}"),
                unknown => tracing::warn!("{unknown}"),
            }
            Ok(())
        };
        self.requests.in_time(work).await
    }

    /// The GPU types on offer in a catalogue that no node of the cluster can take, even when all its GPUs are free: the
    /// resource or a label has another name there, a taint is not tolerated, or a pod gets more than one node has. Empty
    /// where the platform may not look at nodes.
    ///
    /// # Errors
    /// When the cluster does not answer.
    pub async fn check_catalogue(&self, catalogue: &Catalogue) -> Result<Vec<UnmatchedGpu>> {
        let work = setup::unmatched(&self.requests, catalogue, &self.config.instance);
        self.requests.in_time(work).await
    }

    /// The rights that the configuration needs and the platform does not have, those that it can do without among them.
    /// Empty where the API server takes no such questions.
    ///
    /// # Errors
    /// When the cluster does not answer.
    pub async fn missing_rights(&self) -> Result<Vec<MissingRight>> {
        let work = rights::missing(&self.requests, &self.config);
        self.requests.in_time(work).await
    }

    /// What enforces network policies in the cluster, as far as can be told. Everything that keeps pods apart on the
    /// network depends on it.
    pub async fn enforcement(&self) -> Result<Enforcement> {
        self.requests
            .in_time(async { Ok(enforcement::find(&self.requests).await) })
            .await
    }

    /// Notes that a pod is applied, and says whether it was before.
    pub(crate) fn remember(&self, pod: &PodId) -> bool {
        !self.applied().insert(pod.clone())
    }

    /// Notes that all of a pod is gone or has been asked to go.
    pub(crate) fn forget(&self, pod: &PodId) {
        self.applied().remove(pod);
    }

    fn applied(&self) -> MutexGuard<'_, HashSet<PodId>> {
        self.applied.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The namespace of a pod's objects.
    pub(crate) fn namespace<'a>(&'a self, reference: &'a WorkloadRef) -> &'a str {
        namespace_of(reference.namespace.as_deref(), &self.config)
    }

    /// The namespace to look for pods in; `None`: all.
    pub(crate) fn scope(&self) -> Option<&str> {
        (!self.config.namespace_per_user).then_some(self.config.namespace.as_str())
    }

    /// The namespace as a [`WorkloadRef`] has it.
    pub(crate) fn reference_namespace(&self, namespace: &str) -> Option<String> {
        (namespace != self.config.namespace).then(|| namespace.to_owned())
    }
}

/// Without the client, whose configuration has credentials in it.
impl std::fmt::Debug for KubeCluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KubeCluster")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl ClusterBackend for KubeCluster {
    async fn apply(&self, workload: &Workload) -> Result<Observation> {
        let work = Box::pin(apply::apply(self, workload));
        self.requests.in_time(work).await
    }

    async fn remove(&self, reference: &WorkloadRef, volume: VolumePolicy) -> Result<Observation> {
        let work = Box::pin(remove::remove(self, reference, volume));
        self.requests.in_time(work).await
    }

    async fn observe(&self, reference: &WorkloadRef) -> Result<Observation> {
        self.requests.in_time(observe::observe(self, reference)).await
    }

    fn watch(&self) -> BoxStream<'static, ClusterEvent> {
        let (client, instance) = (self.requests.client().clone(), &self.config.instance);
        let events = watch::watch(client, instance, self.scope(), self.config.deadline);
        let end = self.end.token().clone().cancelled_owned();
        events.take_until(Box::pin(end)).boxed()
    }

    async fn logs(&self, reference: &WorkloadRef, options: LogOptions) -> Result<LogStream> {
        self.requests.in_time(logs::open(self, reference, &options)).await
    }

    async fn usage(&self) -> Result<Vec<Usage>> {
        self.requests.in_time(usage::usage(self)).await
    }

    async fn inventory(&self) -> Result<Inventory> {
        let work = Box::pin(inventory::inventory(self));
        self.requests.in_time(work).await
    }
}
