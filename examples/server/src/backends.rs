//! The store and the cluster of the configuration.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use neuropod::cluster::plan::{NamespaceScope, VolumeScope};
use neuropod::cluster::workload::Quota;
use neuropod::cluster::{Catalogue, Layout, Replicas};
use neuropod::k8s::config::{GatewayRoutes, IngressRoutes};
use neuropod::k8s::{Domains, Exposure, KubeCluster, KubeConfig, NetworkRules, Security, Storage};
use neuropod::money::LedgerFolding;
use neuropod::sim::{Settings, SimCluster};
use neuropod::store::{AuditLog, PodHints};
use neuropod::store::{MemoryStore, MongoStore, PostgresStore, SqliteStore};
use neuropod::{Billing, ClusterBackend};
use secrecy::ExposeSecret;

use crate::config::{ClusterKind, Config, Kube, UserQuota, is_postgres};
use crate::gallery;
use crate::secrets::Place;

/// The stores of all data.
#[derive(Clone)]
pub(crate) struct Store {
    /// Pods, users, templates and prices.
    pub(crate) pods: Arc<dyn neuropod::store::Store>,
    /// Money.
    pub(crate) billing: Arc<dyn Billing>,
    /// The audit log.
    pub(crate) audit: Arc<dyn AuditLog>,
    /// What folds old entries of the ledger.
    pub(crate) folding: Option<Arc<dyn LedgerFolding>>,
    /// What reports the pods that other replicas change.
    pub(crate) hints: Option<Arc<dyn PodHints>>,
}

impl Store {
    /// All in one place.
    pub(crate) fn all<S: neuropod::store::Store + Billing + LedgerFolding + AuditLog>(store: Arc<S>) -> Self {
        Self {
            pods: store.clone(),
            billing: store.clone(),
            folding: Some(store.clone()),
            audit: store,
            hints: None,
        }
    }

    /// Opens the configured store.
    ///
    /// # Errors
    /// Those of the store.
    pub(crate) async fn open(config: &Config) -> Result<Self> {
        let address = config.store.expose_secret();
        if let Some(file) = sqlite_file(config) {
            let store = SqliteStore::open(&file).await;
            let store = store.with_context(|| format!("store: {}", file.display()))?;
            return Ok(Self::all(Arc::new(store)));
        }
        if address == "memory" {
            return Ok(Self::all(Arc::new(MemoryStore::new())));
        }
        if is_postgres(address) {
            let store = Arc::new(PostgresStore::open(address).await.context("store")?);
            return Ok(Self {
                hints: Some(store.clone()),
                ..Self::all(store)
            });
        }
        let store = MongoStore::connect(address).await.context("store")?;
        Ok(Self::all(Arc::new(store)))
    }
}

/// The file of a SQLite store.
fn sqlite_file(config: &Config) -> Option<PathBuf> {
    let file = config.store.expose_secret().strip_prefix("sqlite:")?;
    Some(Path::new(file).to_owned())
}

/// Fails if the folder of the store's file is missing. Otherwise the secrets beside it would fail first, with a
/// less helpful error.
pub(crate) fn check_folder(config: &Config) -> Result<()> {
    let Some(file) = sqlite_file(config) else {
        return Ok(());
    };
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    ensure!(
        folder.is_none_or(Path::is_dir),
        "store: {}: its folder does not exist; create it, or choose another file with --store sqlite:FILE",
        file.display()
    );
    Ok(())
}

/// The place for secrets that are not configured.
pub(crate) fn place_of_secrets(config: &Config) -> Place {
    match sqlite_file(config) {
        Some(file) => Place::Beside(file),
        None if config.is_shared() => Place::Shared,
        None => Place::Nowhere,
    }
}

/// Where pods run.
#[derive(Clone)]
pub(crate) struct Cluster {
    pub(crate) backend: Arc<dyn ClusterBackend>,
    /// Where the replicas of this server show that they run, if they divide the pods among them.
    pub(crate) replicas: Option<Arc<dyn Replicas>>,
}

impl From<Arc<dyn ClusterBackend>> for Cluster {
    /// A cluster whose pods are not divided.
    fn from(backend: Arc<dyn ClusterBackend>) -> Self {
        Self {
            backend,
            replicas: None,
        }
    }
}

/// The configured cluster, and its control if it is simulated.
///
/// # Errors
/// There is no cluster, or it is not set up for pods.
pub(crate) async fn cluster(config: &Config) -> Result<(Cluster, Option<SimCluster>)> {
    match config.cluster {
        ClusterKind::Sim => {
            let settings = if config.scenario.is_empty() {
                lifelike()
            } else {
                gallery::settings(lifelike())
            };
            let cluster = SimCluster::new(settings);
            let backend: Arc<dyn ClusterBackend> = Arc::new(cluster.clone());
            Ok((backend.into(), Some(cluster)))
        }
        ClusterKind::Kube => {
            let kube = &config.kube;
            let options = kube_config(kube)
                .with_catalogue(config.catalogue.clone())
                .with_domains(domains(config));
            let cluster = match &kube.kubeconfig {
                Some(file) => KubeCluster::from_kubeconfig(file, kube.context.as_deref(), options).await,
                None => KubeCluster::infer(options).await,
            };
            let cluster = cluster.context("cluster")?;
            cluster.check_setup().await.context("cluster")?;
            let backend = Arc::new(cluster);
            let replicas = kube.leases.then(|| backend.clone() as Arc<dyn Replicas>);
            Ok((Cluster { backend, replicas }, None))
        }
    }
}

/// A simulated cluster with realistic delays, as if the nodes had the image, for people to watch.
fn lifelike() -> Settings {
    Settings {
        seed: rand::random(),
        epoch: jiff::Timestamp::now(),
        schedule: Duration::from_millis(400),
        prepare: Duration::from_millis(800),
        pull: Duration::from_secs(2),
        start: Duration::from_millis(500),
        ready: Duration::from_secs(2),
        terminate: Duration::from_secs(1),
        chatter: Some(Duration::from_secs(5)),
        ..Settings::default()
    }
}

/// The layout of pods in the cluster. Every field is given, so that a new one gets a key.
pub(crate) fn layout(config: &Config) -> Layout {
    let Kube {
        volume_per_pod,
        namespace_per_user,
        quota,
        same_owner_traffic,
        grace_seconds,
        ..
    } = &config.kube;
    Layout {
        // In the gallery each pod has its own story, and so its own volume.
        volume: if *volume_per_pod || !config.scenario.is_empty() {
            VolumeScope::Pod
        } else {
            VolumeScope::User
        },
        namespace: if *namespace_per_user {
            NamespaceScope::User
        } else {
            NamespaceScope::Platform
        },
        same_owner_traffic: *same_owner_traffic,
        quota: quota.map(|quota| limits(quota, &config.catalogue)),
        grace_seconds: *grace_seconds,
    }
}

/// The limits on all pods of a user together.
fn limits(quota: UserQuota, catalogue: &Catalogue) -> Quota {
    let UserQuota {
        pods,
        cpu_millis,
        memory_mib,
        volume_gb,
        gpus,
    } = quota;
    let resources = catalogue
        .iter()
        .filter_map(|(_, gpu)| gpu.accelerator.as_ref())
        .map(|accelerator| accelerator.resource.clone());
    Quota {
        pods,
        cpu_millis,
        memory_mib,
        volume_gb,
        gpus: gpus.map_or_else(BTreeMap::new, |most| {
            resources.map(|resource| (resource, most)).collect()
        }),
    }
}

/// The domains of the pods, and of the pages that may call the API, where people are signed in. In development
/// all are on one machine.
fn domains(config: &Config) -> Domains {
    let origins = config.origins();
    let hosts = origins.iter().filter_map(|origin| {
        let address: http::Uri = origin.parse().ok()?;
        address.host().map(str::to_owned)
    });
    Domains::new(&config.domain, hosts).with_allow_same_site(config.allow_same_site || config.dev)
}

/// The configuration of the cluster. A test checks that each option of the backend is set here or in
/// [`cluster`].
fn kube_config(kube: &Kube) -> KubeConfig {
    let mut network = NetworkRules::default()
        .with_ingress_ranges(&kube.ingress_ranges)
        .with_blocked_ranges(&kube.blocked_ranges)
        .with_allowed_ranges(&kube.allowed_ranges)
        .with_dns_ranges(&kube.dns_ranges);
    if !kube.ingress_namespace.is_empty() {
        network = network.with_ingress_namespace(kube.ingress_namespace.clone());
    }
    let mut storage = Storage::default()
        .with_access_mode(kube.access_mode.as_str())
        .with_grow(kube.grow_volumes);
    storage.class.clone_from(&kube.storage_class);
    let security = if kube.restricted {
        Security::Restricted
    } else {
        Security::Baseline
    };
    let mut config = KubeConfig::default()
        .with_instance(&kube.instance)
        .with_namespace(&kube.namespace)
        .with_namespace_per_user(kube.namespace_per_user)
        .with_exposure(exposure(kube))
        .with_services(kube.services.into())
        .with_storage(storage)
        .with_network(network)
        .with_security(security)
        .with_user_namespaces(kube.user_namespaces)
        .with_leases(kube.leases)
        .with_image_pull_secrets(&kube.image_pull_secrets)
        .with_image_pull_policy(kube.image_pull_policy.into())
        .with_deadline(Duration::from_secs(kube.deadline_seconds.into()))
        .with_writes_in_flight(kube.writes_in_flight as usize)
        .with_log_streams(kube.log_streams as usize);
    config.runtime_class.clone_from(&kube.runtime_class);
    config
}

fn exposure(kube: &Kube) -> Exposure {
    if let Some(name) = &kube.gateway {
        let mut routes = GatewayRoutes::new(name);
        routes.namespace.clone_from(&kube.gateway_namespace);
        routes.section.clone_from(&kube.gateway_listener);
        return routes.into();
    }
    let mut routes = IngressRoutes::default();
    routes.class.clone_from(&kube.ingress_class);
    routes.tls_secret.clone_from(&kube.tls_secret);
    routes.annotations.clone_from(&kube.ingress_annotations);
    routes.into()
}

#[cfg(test)]
mod tests;
