//! The store and the cluster that the configuration names.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use neuropod::k8s::{Exposure, KubeCluster, KubeConfig, NetworkRules, Security, Storage};
use neuropod::plan::{NamespaceScope, VolumeScope};
use neuropod::sim::{Settings, SimCluster};
use neuropod::store::{MemoryStore, MongoStore, SqliteStore};
use neuropod::{Billing, ClusterBackend, Layout, PodStore};
use secrecy::ExposeSecret;

use crate::config::{ClusterKind, Config, Kube};
use crate::secrets::Place;
use crate::{gallery, live};

/// Where everything is kept.
pub(crate) struct Store {
    /// Pods, users, templates, prices.
    pub(crate) pods: Arc<dyn PodStore>,
    /// Money.
    pub(crate) billing: Arc<dyn Billing>,
}

impl Store {
    fn both<S: PodStore + Billing>(store: S) -> Self {
        let store = Arc::new(store);
        Self {
            pods: store.clone(),
            billing: store,
        }
    }

    /// Opens the store that is configured.
    ///
    /// # Errors
    /// Those of the store.
    pub(crate) async fn open(config: &Config) -> Result<Self> {
        let address = config.store.expose_secret();
        if let Some(file) = sqlite_file(config) {
            let store = SqliteStore::open(&file).await;
            return Ok(Self::both(
                store.with_context(|| format!("store: {}", file.display()))?,
            ));
        }
        if address == "memory" {
            return Ok(Self::both(MemoryStore::new()));
        }
        Ok(Self::both(MongoStore::connect(address).await.context("store")?))
    }
}

/// The file of a SQLite store.
fn sqlite_file(config: &Config) -> Option<PathBuf> {
    let file = config.store.expose_secret().strip_prefix("sqlite:")?;
    Some(Path::new(file).to_owned())
}

/// Where the secrets go that were not given.
pub(crate) fn place_of_secrets(config: &Config) -> Place {
    match sqlite_file(config) {
        Some(file) => Place::Beside(file),
        None if live::is_shared(config) => Place::Shared,
        None => Place::Nowhere,
    }
}

/// The cluster that is configured; where it is simulated, also what plays tricks on it.
///
/// # Errors
/// There is no cluster, or it is not set up for pods.
pub(crate) async fn cluster(config: &Config) -> Result<(Arc<dyn ClusterBackend>, Option<SimCluster>)> {
    match config.cluster {
        ClusterKind::Sim => {
            let settings = if config.scenario.is_empty() {
                lifelike()
            } else {
                gallery::settings(lifelike())
            };
            let cluster = SimCluster::new(settings);
            Ok((Arc::new(cluster.clone()), Some(cluster)))
        }
        ClusterKind::Kube => {
            let cluster = KubeCluster::infer(kube(&config.kube)).await.context("cluster")?;
            cluster.check_setup().await.context("cluster")?;
            Ok((Arc::new(cluster), None))
        }
    }
}

/// A simulated cluster as slow as one with the image on its nodes, for people to watch.
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

/// How pods are laid out in the cluster.
pub(crate) fn layout(config: &Config) -> Layout {
    Layout {
        // In the gallery each pod has its own story, and its volume belongs to it.
        volume: if config.kube.volume_per_pod || !config.scenario.is_empty() {
            VolumeScope::Pod
        } else {
            VolumeScope::User
        },
        namespace: if config.kube.namespace_per_user {
            NamespaceScope::User
        } else {
            NamespaceScope::Platform
        },
        ..Layout::default()
    }
}

fn kube(kube: &Kube) -> KubeConfig {
    let exposure = match &kube.gateway {
        Some(name) => Exposure::Gateway {
            name: name.clone(),
            namespace: kube.gateway_namespace.clone(),
            section: kube.gateway_listener.clone(),
        },
        None => Exposure::Ingress {
            class: kube.ingress_class.clone(),
            tls_secret: kube.tls_secret.clone(),
            annotations: kube.ingress_annotations.clone(),
        },
    };
    KubeConfig {
        instance: kube.instance.clone(),
        namespace: kube.namespace.clone(),
        namespace_per_user: kube.namespace_per_user,
        exposure,
        storage: Storage {
            class: kube.storage_class.clone(),
            grow: kube.grow_volumes,
            ..Storage::default()
        },
        network: NetworkRules {
            ingress_namespace: (!kube.ingress_namespace.is_empty()).then(|| kube.ingress_namespace.clone()),
            ..NetworkRules::default()
        },
        security: if kube.restricted {
            Security::Restricted
        } else {
            Security::Baseline
        },
        image_pull_secrets: kube.image_pull_secrets.clone(),
        ..KubeConfig::default()
    }
}
