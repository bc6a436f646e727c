//! Common parts of the Kubernetes backend's tests: a real control plane, a namespace for each test, the backend
//! as the `ServiceAccount` of `examples/deploy/rbac.yaml`, and a substitute for kubelets.
#![allow(dead_code, unused_imports, reason = "no test file uses all of it")]

mod access;
mod kubelet;
mod life;
mod log;
mod recorder;
mod status;
mod workload;

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use k8s_openapi::api::core::v1::{Namespace, Node, PersistentVolume, PersistentVolumeClaim};
use k8s_openapi::api::networking::v1::IngressClass;
use k8s_openapi::api::storage::v1::StorageClass;
use kube::api::PostParams;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client};
use neuropod_k8s::{Exposure, ImagePullPolicy, KubeCluster, KubeConfig, Storage};
use neuropod_test_cluster::{TestCluster, skip, wait_until};
use serde_json::{from_value, json};

pub(crate) use self::access::{
    Documents, Right, documents, install, rbac, rbac_for_namespaces, rights, role_without, without,
};
pub(crate) use self::kubelet::Kubelet;
pub(crate) use self::life::whole_life;
pub(crate) use self::log::logged;
pub(crate) use self::recorder::Recorder;
pub(crate) use self::workload::{reference, workload};

/// Long enough for a machine that compiles something else meanwhile.
pub(crate) const LIMIT: Duration = Duration::from_mins(1);

/// The ingress class and the storage class of the tests.
pub(crate) const CLASS: &str = "neuropod-test";

/// The node that pods are bound to. Nothing runs there.
pub(crate) const NODE: &str = "stage";

/// The control plane that the tests of one file share; `None` if there is none.
pub(crate) fn cluster(test: &str) -> Option<&'static TestCluster> {
    static CLUSTER: OnceLock<Option<TestCluster>> = OnceLock::new();
    static WHY_NOT: Mutex<String> = Mutex::new(String::new());
    let cluster = CLUSTER.get_or_init(|| match TestCluster::control_plane() {
        Ok(cluster) => Some(cluster),
        Err(error) if error.is_unavailable() => {
            *WHY_NOT.lock().unwrap_or_else(PoisonError::into_inner) = error.to_string();
            None
        }
        Err(error) => panic!("{error}"),
    });
    if cluster.is_none() {
        skip(test, &WHY_NOT.lock().unwrap_or_else(PoisonError::into_inner));
    }
    cluster.as_ref()
}

/// A namespace on a control plane, and the backend that is set up with it.
pub(crate) struct Site {
    pub(crate) admin: Client,
    pub(crate) namespace: String,
    pub(crate) backend: Arc<KubeCluster>,
    /// How the backend reaches the API server.
    pub(crate) connection: kube::Config,
}

impl Site {
    /// A site with the rights of `rbac.yaml`.
    pub(crate) async fn new(cluster: &TestCluster) -> Self {
        Self::with(cluster, &[access::rbac()], |_| {}).await
    }

    /// A site with other rights, and another configuration.
    pub(crate) async fn with(
        cluster: &TestCluster,
        rights: &[Documents],
        change: impl FnOnce(&mut KubeConfig),
    ) -> Self {
        let admin = cluster.client().await.unwrap();
        make_shared_objects(&admin).await;
        let namespace = make_namespace(&admin).await;
        for documents in rights {
            install(&admin, documents, &namespace).await;
        }
        let connection = wait_until("the ServiceAccount", LIMIT, async || {
            cluster
                .service_account_kubeconfig(&namespace, "neuropod")
                .map_err(|error| error.to_string())
        });
        let connection = Kubeconfig::from_yaml(&connection.await.unwrap()).unwrap();
        let connection = kube::Config::from_custom_kubeconfig(connection, &KubeConfigOptions::default())
            .await
            .unwrap();
        let mut config = config(&namespace);
        change(&mut config);
        let backend = Arc::new(KubeCluster::connect(connection.clone(), config).unwrap());
        access::wait_for_rights(&connection, &namespace, rights).await;
        Self {
            admin,
            namespace,
            backend,
            connection,
        }
    }

    pub(crate) fn kubelet(&self) -> Kubelet {
        Kubelet::new(self.admin.clone(), &self.namespace)
    }

    /// The objects of one kind in the namespace, for the administrator.
    pub(crate) fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<Scope = kube::core::NamespaceResourceScope>,
        K::DynamicType: Default,
    {
        Api::namespaced(self.admin.clone(), &self.namespace)
    }

    /// Another backend for the same namespace.
    pub(crate) fn another(&self, change: impl FnOnce(&mut KubeConfig)) -> KubeCluster {
        let mut config = self.backend.config().clone();
        change(&mut config);
        KubeCluster::connect(self.connection.clone(), config).unwrap()
    }

    /// Creates the volume of a claim, like a provisioner. It is created before the claim, which is then bound
    /// at once; a waiting claim would be checked only every 15 seconds.
    pub(crate) async fn make_volume(&self, namespace: &str, claim: &str) {
        let volume = json!({
            "metadata": { "name": format!("{namespace}-{claim}") },
            "spec": {
                "capacity": { "storage": "20G" },
                "accessModes": ["ReadWriteOnce"],
                "storageClassName": CLASS,
                "hostPath": { "path": "/nowhere" },
                "claimRef": { "namespace": namespace, "name": claim },
            },
        });
        make(Api::<PersistentVolume>::all(self.admin.clone()), volume).await;
    }

    /// Waits until a claim has its volume.
    pub(crate) async fn wait_for_volume(&self, namespace: &str, claim: &str) {
        let claims: Api<PersistentVolumeClaim> = Api::namespaced(self.admin.clone(), namespace);
        wait_until("the volume", LIMIT, async || {
            let status = claims.get(claim).await.map_err(|error| error.to_string())?.status;
            let phase = status.and_then(|status| status.phase);
            (phase.as_deref() == Some("Bound"))
                .then_some(())
                .ok_or(format!("{phase:?}"))
        })
        .await
        .unwrap();
    }
}

/// The configuration of the tests, with their classes.
pub(crate) fn config(namespace: &str) -> KubeConfig {
    KubeConfig::default()
        .with_namespace(namespace)
        .with_exposure(Exposure::ingress(CLASS))
        .with_storage(Storage::default().with_class(CLASS))
        // The images of the tests are on the node, and not in a registry.
        .with_image_pull_policy(ImagePullPolicy::IfNotPresent)
}

pub(crate) async fn make_namespace(admin: &Client) -> String {
    let namespace: Namespace =
        from_value(json!({ "metadata": { "generateName": "neuropod-site-" } })).unwrap();
    let namespaces: Api<Namespace> = Api::all(admin.clone());
    let made = namespaces
        .create(&PostParams::default(), &namespace)
        .await
        .unwrap();
    made.metadata.name.unwrap()
}

/// The classes and the node, once for all tests on a cluster.
pub(crate) async fn make_shared_objects(admin: &Client) {
    let class = json!({ "metadata": { "name": CLASS }, "spec": { "controller": "example.com/none" } });
    make(Api::<IngressClass>::all(admin.clone()), class).await;
    let class = json!({
        "metadata": { "name": CLASS },
        "provisioner": "example.com/none",
        "allowVolumeExpansion": true,
    });
    make(Api::<StorageClass>::all(admin.clone()), class).await;
    make(
        Api::<Node>::all(admin.clone()),
        json!({ "metadata": { "name": NODE } }),
    )
    .await;
}

/// Creates an object, unless it exists.
pub(crate) async fn make<K>(api: Api<K>, object: serde_json::Value)
where
    K: serde::de::DeserializeOwned + serde::Serialize + Clone + std::fmt::Debug,
{
    match api
        .create(&PostParams::default(), &from_value(object).unwrap())
        .await
    {
        Ok(_) => {}
        Err(kube::Error::Api(status)) if status.is_already_exists() => {}
        Err(error) => panic!("{error}"),
    }
}
