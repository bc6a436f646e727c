//! The node with what stands around it, and a server on it.

use std::net::Ipv4Addr;

use http::Method;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::{Pod as KubePod, ServiceAccount};
use kube::api::ListParams;
use kube::{Api, Client, Resource};
use neuropod_test_cluster::{
    Certificate, Edge, Enforcer, Image, Node, Outside, TestCluster, apply, skip, wait_until,
};
use serde_json::{Value, json};
use tokio::sync::{Mutex, MutexGuard, OnceCell};

use crate::LIMIT;
use crate::process::{Server, Setup};

/// The domain of the pods.
pub(crate) const DOMAIN: &str = "pods.example.com";
/// The Secret with the certificate of all hosts of pods.
const CERTIFICATE: &str = "wildcard";
/// What a program in a cluster may ask that is none of its business, at addresses that nobody has outside of it; and the
/// address of a server in the internet.
pub(crate) const METADATA: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 254);
pub(crate) const INTERNET: Ipv4Addr = Ipv4Addr::new(93, 184, 215, 14);
pub(crate) const PRIVATE: [Ipv4Addr; 6] = [
    Ipv4Addr::new(10, 99, 0, 7),
    Ipv4Addr::new(100, 64, 0, 7),
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(168, 63, 129, 16),
    Ipv4Addr::new(172, 16, 0, 7),
    Ipv4Addr::new(192, 168, 77, 7),
];

/// The cluster of all tests of this program. It ends with the process.
struct Shared {
    cluster: TestCluster,
    certificate: Certificate,
    outside: Outside,
    enforcer: Enforcer,
}

static SHARED: OnceCell<Result<Shared, String>> = OnceCell::const_new();
/// Whose turn it is: pods of two tests together may not fit on the node.
static TURN: Mutex<()> = Mutex::const_new(());

pub(crate) struct Site {
    shared: &'static Shared,
    pub(crate) client: Client,
    _turn: MutexGuard<'static, ()>,
}

/// A namespace for pods, and a server that makes them there.
pub(crate) struct Platform {
    pub(crate) server: Server,
    pub(crate) namespace: String,
}

impl Site {
    /// The node, once it is this test's turn; `None`, and a noted skip, where there is none.
    pub(crate) async fn get(test: &str) -> Option<Self> {
        // The HTTP client wants one. Another test may have been first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let turn = TURN.lock().await;
        let shared = SHARED.get_or_init(async || start()).await;
        let shared = match shared {
            Ok(shared) => shared,
            Err(reason) => {
                skip(&format!("edge/{test}"), reason);
                return None;
            }
        };
        // Used by what it keeps alive only.
        let _ = (&shared.outside, &shared.enforcer);
        Some(Self {
            shared,
            client: shared.cluster.client().await.unwrap(),
            _turn: turn,
        })
    }

    pub(crate) fn node(&self) -> &'static Node {
        self.shared.cluster.own_node().unwrap()
    }

    pub(crate) fn api<K>(&self, namespace: &str) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.client.clone(), namespace)
    }

    pub(crate) async fn apply(&self, object: &Value) {
        apply(&self.client, object, false).await.unwrap();
    }

    /// A new namespace in which pods can be made.
    pub(crate) async fn namespace(&self, name: &str) {
        let object = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } });
        self.apply(&object).await;
        let accounts = self.api::<ServiceAccount>(name);
        wait_until("the namespace's ServiceAccount", LIMIT, async || {
            let found = accounts.get("default").await;
            found.map(drop).map_err(|error| error.to_string())
        })
        .await
        .unwrap();
    }

    /// A server whose pods are in this namespace, with `exposure` in the table `[kube]` of its configuration.
    pub(crate) async fn platform(&self, namespace: &str, exposure: &str) -> Platform {
        self.namespace(namespace).await;
        // Also where no controller follows it yet, the server wants it to be there.
        self.apply(&json!({
            "apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": { "name": Edge::CLASS },
            "spec": { "controller": "traefik.io/ingress-controller" },
        }))
        .await;
        self.apply(&self.shared.certificate.secret(namespace, CERTIFICATE))
            .await;
        let configuration = format!(
            r#"
            cluster = "kube"
            domain = "{DOMAIN}"
            admin_email = "admin@example.com"
            log = "json"

            [kube]
            instance = "{namespace}"
            namespace = "{namespace}"
            grace_seconds = 8
            ingress_namespace = {{ "kubernetes.io/metadata.name" = "{edge}" }}
            {exposure}

            [catalogue.cpu]
            name = "CPU"
            size = {{ cpuMillis = 1000, memoryMib = 1024 }}

            [catalogue.tiny]
            name = "Small"
            size = {{ cpuMillis = 100, memoryMib = 64 }}
            "#,
            edge = Edge::NAMESPACE,
        );
        let server = Server::start(Setup {
            configuration: &configuration,
            kubeconfig: self.shared.cluster.kubeconfig(),
            store: None,
            scheme: "https",
        });
        Platform {
            server: server.await,
            namespace: namespace.to_owned(),
        }
    }

    /// The pod of the cluster that this pod of the platform is, once it is ready.
    pub(crate) async fn kube_pod(&self, platform: &Platform, id: &str) -> KubePod {
        let pods = self.api::<KubePod>(&platform.namespace);
        let selector = ListParams::default().labels(&format!("neuropod.io/pod-id={id}"));
        wait_until("a ready pod", LIMIT, async || {
            let found = pods.list(&selector).await.map_err(|error| error.to_string())?;
            let is_ready = |pod: &KubePod| {
                let status = pod.status.as_ref();
                let conditions = status.and_then(|status| status.conditions.as_ref());
                conditions
                    .into_iter()
                    .flatten()
                    .any(|condition| condition.type_ == "Ready" && condition.status == "True")
            };
            let ready = found.items.iter().find(|pod| is_ready(pod)).cloned();
            ready.ok_or_else(|| format!("{:?}", found.items))
        })
        .await
        .unwrap()
    }
}

impl Platform {
    /// A pod of who signed in with this token, and its id.
    pub(crate) async fn create(
        &self,
        token: &str,
        name: &str,
        image: Image,
        gpu: &str,
        ports: &str,
    ) -> String {
        let request = json!({
            "name": name,
            "deploymentType": "docker",
            "dockerImage": image.reference(),
            "gpu": gpu,
            "containerDiskSize": 1,
            "volumeDiskSize": 1,
            "ports": ports,
            "enableJupyter": image == Image::Jupyter,
        });
        let created = self
            .server
            .call_as(token, Method::POST, "/api/pods", Some(&request))
            .await;
        created["data"]["podId"].as_str().unwrap().to_owned()
    }
}

fn start() -> Result<Shared, String> {
    let cluster = match TestCluster::node() {
        Err(error) if error.is_unavailable() => return Err(error.to_string()),
        other => other.unwrap(),
    };
    let Some(node) = cluster.own_node() else {
        return Err("the images are not in a cluster of someone else's".into());
    };
    node.load(Image::Jupyter).unwrap();
    let enforcer = node.enforce_policies().unwrap();
    let addresses = [&PRIVATE[..], &[METADATA, INTERNET]].concat();
    let outside = node.connect_outside(&addresses).unwrap();
    let wildcard = format!("*.{DOMAIN}");
    let certificate = cluster.certificate(&[&wildcard]).unwrap();
    Ok(Shared {
        cluster,
        certificate,
        outside,
        enforcer,
    })
}
