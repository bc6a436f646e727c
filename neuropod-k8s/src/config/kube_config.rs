//! The whole configuration of the backend.

use std::collections::BTreeSet;
use std::time::Duration;

use neuropod_core::cluster::{Catalogue, WorkloadRef};

use super::containers::{ImagePullPolicy, Security};
use super::domains::Domains;
use super::exposure::Exposure;
use super::network::NetworkRules;
use super::services::Services;
use super::storage::Storage;

/// The configuration of [`KubeCluster`](crate::KubeCluster).
///
/// ```
/// use neuropod_k8s::{Exposure, KubeConfig};
///
/// let config = KubeConfig::default()
///     .with_namespace("gpu-pods")
///     .with_exposure(Exposure::ingress("nginx"));
/// assert_eq!(config.storage.access_mode, "ReadWriteOnce");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KubeConfig {
    /// Identifies the platform: the label `app.kubernetes.io/instance` of every object that it creates, at most
    /// 63 letters, digits, `-`, `_` and `.`. Two platforms in one cluster, each with its own store, need
    /// different values: the platform removes objects with this label that have no record in its store.
    pub instance: String,
    /// The namespace of all pods whose [`WorkloadRef`](neuropod_core::cluster::WorkloadRef) has none. It must
    /// exist and contain only pods: the platform may read every Secret in it, and runs in another.
    pub namespace: String,
    /// Whether there are pods in other namespaces too (one namespace per user). Such namespaces are created
    /// when needed and never deleted, because volumes may be in them. Needs rights in the whole cluster.
    pub namespace_per_user: bool,
    /// How ports are reached from outside of the cluster.
    pub exposure: Exposure,
    /// The kind of the Services behind it.
    pub services: Services,
    /// The domains at which browsers find pods and the control plane.
    pub domains: Domains,
    /// Workspace volumes.
    pub storage: Storage,
    /// The networks that pods may reach, and the clients that may reach them.
    pub network: NetworkRules,
    /// The rights of containers on their node.
    pub security: Security,
    /// The GPU types on offer: [`check_setup`](crate::KubeCluster::check_setup) warns of types that no node can
    /// take. `None`: not checked.
    pub catalogue: Option<Catalogue>,
    /// Whether root in a container is an unprivileged user on its node (`hostUsers: false`). Needs Kubernetes
    /// 1.33, and a runtime and file systems with id-mapped mounts.
    pub user_namespaces: bool,
    /// The `RuntimeClass` of all pods whose GPU type has none, such as gVisor or Kata; `None`: the runtime of
    /// the node.
    pub runtime_class: Option<String>,
    /// Names of Secrets with registry credentials, in [`namespace`](Self::namespace). Namespaces of users get
    /// copies, which follow changes. A copy whose name leaves this list is deleted once it is unused. No pod is
    /// created in such a namespace while one of the Secrets is missing.
    pub image_pull_secrets: Vec<String>,
    /// Whether the replicas of the platform divide the pods among them by Leases: then
    /// [`check_setup`](crate::KubeCluster::check_setup) checks the rights for it. The builder of the platform takes the
    /// backend as its [`Replicas`](neuropod_core::cluster::Replicas) too.
    pub leases: bool,
    /// When the kubelet asks the registry for an image.
    pub image_pull_policy: ImagePullPolicy,
    /// The maximum duration of an operation, or of one page of the complete lists (`inventory`, `gpus`). After it, the
    /// operation fails with
    /// [`Timeout`](neuropod_core::ErrorKind::Timeout).
    pub deadline: Duration,
    /// The maximum number of concurrent write requests. An API server handles 16 to 32 well.
    pub writes_in_flight: usize,
    /// The maximum number of logs read at the same time; another one fails with
    /// [`RateLimited`](neuropod_core::ErrorKind::RateLimited). Each holds a connection. The driver reads up to 256 logs for
    /// tokens, or as many as it gets: fewer streams make the tokens of many pods at once come a little later.
    pub log_streams: usize,
}

impl Default for KubeConfig {
    /// The instance `default` in the namespace `neuropod-pods`, an Ingress of the cluster's default class, headless Services, the default
    /// storage class, 30 seconds, 24 writes and 64 logs at a time.
    fn default() -> Self {
        Self {
            instance: "default".into(),
            namespace: "neuropod-pods".into(),
            namespace_per_user: false,
            exposure: Exposure::default(),
            services: Services::default(),
            domains: Domains::default(),
            storage: Storage::default(),
            network: NetworkRules::default(),
            security: Security::default(),
            catalogue: None,
            user_namespaces: false,
            runtime_class: None,
            image_pull_secrets: Vec::new(),
            leases: false,
            image_pull_policy: ImagePullPolicy::default(),
            deadline: Duration::from_secs(30),
            writes_in_flight: 24,
            log_streams: 64,
        }
    }
}

impl KubeConfig {
    /// Sets [`instance`](Self::instance).
    pub fn with_instance(mut self, instance: impl Into<String>) -> Self {
        self.instance = instance.into();
        self
    }

    /// Sets [`namespace`](Self::namespace).
    pub fn with_namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = namespace.into();
        self
    }

    /// Sets [`namespace_per_user`](Self::namespace_per_user).
    pub fn with_namespace_per_user(mut self, namespace_per_user: bool) -> Self {
        self.namespace_per_user = namespace_per_user;
        self
    }

    /// Sets [`exposure`](Self::exposure).
    pub fn with_exposure(mut self, exposure: impl Into<Exposure>) -> Self {
        self.exposure = exposure.into();
        self
    }

    /// Sets [`services`](Self::services).
    pub fn with_services(mut self, services: Services) -> Self {
        self.services = services;
        self
    }

    /// Sets [`domains`](Self::domains).
    pub fn with_domains(mut self, domains: Domains) -> Self {
        self.domains = domains;
        self
    }

    /// Sets [`storage`](Self::storage).
    pub fn with_storage(mut self, storage: Storage) -> Self {
        self.storage = storage;
        self
    }

    /// Sets [`network`](Self::network).
    pub fn with_network(mut self, network: NetworkRules) -> Self {
        self.network = network;
        self
    }

    /// Sets [`security`](Self::security).
    pub fn with_security(mut self, security: Security) -> Self {
        self.security = security;
        self
    }

    /// Sets [`catalogue`](Self::catalogue).
    pub fn with_catalogue(mut self, catalogue: Catalogue) -> Self {
        self.catalogue = Some(catalogue);
        self
    }

    /// Sets [`user_namespaces`](Self::user_namespaces).
    pub fn with_user_namespaces(mut self, user_namespaces: bool) -> Self {
        self.user_namespaces = user_namespaces;
        self
    }

    /// Sets [`runtime_class`](Self::runtime_class).
    pub fn with_runtime_class(mut self, class: impl Into<String>) -> Self {
        self.runtime_class = Some(class.into());
        self
    }

    /// Sets [`image_pull_secrets`](Self::image_pull_secrets).
    pub fn with_image_pull_secrets(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.image_pull_secrets = names.into_iter().map(Into::into).collect();
        self
    }

    /// Sets [`leases`](Self::leases).
    pub fn with_leases(mut self, leases: bool) -> Self {
        self.leases = leases;
        self
    }

    /// Sets [`image_pull_policy`](Self::image_pull_policy).
    pub fn with_image_pull_policy(mut self, policy: ImagePullPolicy) -> Self {
        self.image_pull_policy = policy;
        self
    }

    /// Sets [`deadline`](Self::deadline).
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Sets [`writes_in_flight`](Self::writes_in_flight).
    pub fn with_writes_in_flight(mut self, writes: usize) -> Self {
        self.writes_in_flight = writes;
        self
    }

    /// Sets [`log_streams`](Self::log_streams).
    pub fn with_log_streams(mut self, logs: usize) -> Self {
        self.log_streams = logs;
        self
    }

    /// The namespace of a pod's objects.
    pub(crate) fn namespace_of<'a>(&'a self, reference: &'a WorkloadRef) -> &'a str {
        reference.namespace.as_deref().unwrap_or(&self.namespace)
    }

    /// The names of the Secrets that pods and routes use. They are copied into the namespaces of users.
    pub(crate) fn secret_names(&self) -> BTreeSet<&str> {
        let tls = match &self.exposure {
            Exposure::Ingress(routes) => routes.tls_secret.as_deref(),
            Exposure::Gateway(_) => None,
        };
        let pull = self.image_pull_secrets.iter().map(String::as_str);
        pull.chain(tls).collect()
    }
}
