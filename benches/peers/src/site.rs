//! The cluster of the measurements: a control plane, what has to be in it, and the ways to it.

use std::fmt::Debug;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::{Namespace, PersistentVolumeClaim, Pod, Secret, Service, ServiceAccount};
use k8s_openapi::api::networking::v1::{Ingress, IngressClass, NetworkPolicy};
use k8s_openapi::api::storage::v1::StorageClass;
use kube::api::{DeleteParams, ListParams, PostParams};
use kube::{Api, Client, Resource};
use neuropod_test_cluster::{ControlPlane, SELECTOR, client, wait_until};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, from_value, json};
use tempfile::TempDir;
use tokio::time::sleep;

use crate::delay::Delay;
use crate::peer::Kind;
use crate::sample::{CLASS, FLEET_NAMESPACE, HUB_NAMESPACE, NAMESPACE};

const NAMESPACES: [&str; 3] = [NAMESPACE, HUB_NAMESPACE, FLEET_NAMESPACE];

/// The pause after deletions, in which the controllers catch up.
const CATCH_UP: Duration = Duration::from_millis(150);

/// The time that the controllers may take for a new namespace.
const READY: Duration = Duration::from_mins(1);

/// A control plane with the namespaces and classes of the measurements.
pub(crate) struct Site {
    pub(crate) control_plane: Arc<ControlPlane>,
    pub(crate) admin: Client,
    /// The kubeconfigs of the ways.
    folder: TempDir,
}

/// A way to the API server.
pub(crate) struct Way {
    pub(crate) kubeconfig: PathBuf,
    pub(crate) client: Client,
    /// `None`: the way is direct.
    _delay: Option<Delay>,
}

impl Site {
    pub(crate) async fn start() -> Result<Self> {
        let started = tokio::task::spawn_blocking(ControlPlane::start).await;
        let control_plane = started.context("start the control plane")??;
        let admin = client(control_plane.kubeconfig()).await?;
        let site = Self {
            control_plane: Arc::new(control_plane),
            admin,
            folder: tempfile::tempdir().context("a folder")?,
        };
        site.furnish().await?;
        Ok(site)
    }

    async fn furnish(&self) -> Result<()> {
        for name in NAMESPACES {
            self.make::<Namespace>(json!({ "metadata": { "name": name } }))
                .await?;
        }
        let class = json!({ "metadata": { "name": CLASS }, "spec": { "controller": "example.com/none" } });
        self.make::<IngressClass>(class).await?;
        let class = json!({ "metadata": { "name": CLASS }, "provisioner": "example.com/none" });
        self.make::<StorageClass>(class).await?;
        // Pods are refused until the controllers have made it.
        for namespace in NAMESPACES {
            let accounts: Api<ServiceAccount> = Api::namespaced(self.admin.clone(), namespace);
            wait_until("the ServiceAccount", READY, async || {
                accounts
                    .get("default")
                    .await
                    .map(drop)
                    .map_err(|error| error.to_string())
            })
            .await?;
        }
        Ok(())
    }

    async fn make<K>(&self, object: Value) -> Result<()>
    where
        K: DeserializeOwned + Serialize + Clone + Debug + Resource<DynamicType = ()>,
    {
        let object: K = from_value(object)?;
        let created = Api::<K>::all(self.admin.clone())
            .create(&PostParams::default(), &object)
            .await;
        created
            .map(drop)
            .with_context(|| format!("create a {}", K::kind(&())))
    }

    /// A way with this round trip.
    pub(crate) async fn way(&self, round_trip: Duration) -> Result<Way> {
        let direct = self.control_plane.url();
        let port = direct.rsplit(':').next().unwrap_or_default();
        let mut kubeconfig = self.control_plane.kubeconfig().to_owned();
        let mut delay = None;
        if !round_trip.is_zero() {
            let proxy = Delay::start(port.parse().context("the port of the API server")?, round_trip).await?;
            kubeconfig = kubeconfig.replace(direct, &format!("https://127.0.0.1:{}", proxy.port()));
            delay = Some(proxy);
        }
        let path = self.folder.path().join(format!("{}ms", round_trip.as_millis()));
        std::fs::write(&path, &kubeconfig).context("write a kubeconfig")?;
        Ok(Way {
            client: client(&kubeconfig).await?,
            kubeconfig: path,
            _delay: delay,
        })
    }

    /// Kills the API server, and returns once it is ready again.
    pub(crate) async fn restart_api_server(&self) -> Result<()> {
        let control_plane = Arc::clone(&self.control_plane);
        let restart = move || {
            control_plane.stop_api_server();
            control_plane.start_api_server()
        };
        let restarted = tokio::task::spawn_blocking(restart).await;
        restarted.context("start the API server again")??;
        Ok(())
    }

    /// Deletes what a peer has created.
    pub(crate) async fn clear(&self, kind: Kind) -> Result<()> {
        let namespace = kind.namespace();
        let all = match kind {
            // The policy of the namespace stays.
            Kind::Ours | Kind::Raw | Kind::OursCold | Kind::RawCold => ListParams::default().labels(SELECTOR),
            // The Service of the API server is there too.
            Kind::Plan | Kind::PlanKeepAlive => ListParams::default().fields("metadata.name!=kubernetes"),
            Kind::KubeSpawner | Kind::KubeSpawnerServices => ListParams::default(),
        };
        self.delete::<Pod>(namespace, &all).await?;
        self.delete::<PersistentVolumeClaim>(namespace, &all).await?;
        if kind != Kind::KubeSpawner {
            self.delete::<Service>(namespace, &all).await?;
            self.delete::<Ingress>(namespace, &all).await?;
        }
        if namespace == NAMESPACE {
            self.delete::<Secret>(namespace, &all).await?;
            self.delete::<NetworkPolicy>(namespace, &all).await?;
        }
        sleep(CATCH_UP).await;
        Ok(())
    }

    async fn delete<K>(&self, namespace: &str, all: &ListParams) -> Result<()>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()> + Clone + Debug,
        K: DeserializeOwned,
    {
        let api: Api<K> = Api::namespaced(self.admin.clone(), namespace);
        let now = DeleteParams::default().grace_period(0);
        let deleted = api.delete_collection(&now, all).await;
        deleted
            .map(drop)
            .with_context(|| format!("delete each {}", K::kind(&())))
    }
}
