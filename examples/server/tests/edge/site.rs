//! The node with its surroundings, and a server on it.

use std::net::{Ipv4Addr, SocketAddr};

use http::Method;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::{Pod as KubePod, ServiceAccount};
use kube::api::ListParams;
use kube::{Api, Client, Resource};
use neuropod_test_cluster::{
    Certificate, Edge, Enforcer, Image, Node, Outside, TestCluster, apply, check_browser, skip, wait_until,
};
use serde_json::{Value, json};
use tokio::sync::{Mutex, MutexGuard, OnceCell};

use crate::LIMIT;
use crate::process::{Server, Setup};

/// The domain of the pods.
pub(crate) const DOMAIN: &str = "pods.example.com";
/// The Secret with the certificate of all hosts of pods.
const CERTIFICATE: &str = "wildcard";
/// Addresses that a program in a cluster must not reach and that nobody has outside of it, and the address of a
/// server in the internet.
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
    /// Started by the first test that needs it.
    edge: OnceCell<Edge>,
    metrics_server: OnceCell<()>,
    certificate: Certificate,
    outside: Outside,
    enforcer: Enforcer,
}

static SHARED: OnceCell<Result<Shared, String>> = OnceCell::const_new();
/// Serialises the tests, because the pods of two tests may not fit on the node.
static TURN: Mutex<()> = Mutex::const_new(());

pub(crate) struct Site {
    shared: &'static Shared,
    pub(crate) client: Client,
    _turn: MutexGuard<'static, ()>,
}

/// A namespace for pods, and a server that creates them there.
pub(crate) struct Platform {
    pub(crate) server: Server,
    pub(crate) namespace: String,
}

impl Site {
    /// The node, once it is this test's turn; `None` and a recorded skip if there is none.
    pub(crate) async fn get(test: &str, browser: bool) -> Option<Self> {
        // The HTTP client needs one. Another test may have installed it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let turn = TURN.lock().await;
        let missing = match check_browser() {
            Err(error) if browser && error.is_unavailable() => Some(error.to_string()),
            _ => None,
        };
        let shared = SHARED.get_or_init(async || start()).await;
        let shared = match (shared, missing) {
            (Ok(shared), None) => shared,
            (Err(reason), _) => {
                skip(&format!("edge/{test}"), reason);
                return None;
            }
            (_, Some(reason)) => {
                skip(&format!("edge/{test}"), &reason);
                return None;
            }
        };
        // Only kept alive.
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

    /// Starts the ingress controller, unless it runs already.
    pub(crate) async fn start_edge(&self) {
        let start = async || {
            let certificate = &self.shared.certificate;
            self.shared.cluster.start_edge(certificate).await.unwrap()
        };
        self.shared.edge.get_or_init(start).await;
    }

    /// Starts metrics-server, unless it runs already.
    pub(crate) async fn start_metrics_server(&self) {
        let start = async || self.shared.cluster.start_metrics_server().await.unwrap();
        self.shared.metrics_server.get_or_init(start).await;
    }

    fn edge(&self) -> Edge {
        *self.shared.edge.get().expect("a test that needs it starts it")
    }

    pub(crate) fn cluster(&self) -> &'static TestCluster {
        &self.shared.cluster
    }

    /// Arguments that lead the hosts of pods to the ingress controller, and make Chromium trust its
    /// certificate.
    pub(crate) fn browser_arguments(&self) -> [String; 2] {
        let edge = self.edge().address();
        [
            format!(
                "--host-resolver-rules=MAP *.{DOMAIN}:443 {edge}:443, EXCLUDE 127.0.0.1, MAP * ~NOTFOUND"
            ),
            format!(
                "--ignore-certificate-errors-spki-list={}",
                self.shared.certificate.key_digest
            ),
        ]
    }

    /// A client that reaches these hosts at the ingress controller, trusts its certificate, and follows no
    /// redirects.
    pub(crate) fn visitor(&self, hosts: &[&str]) -> reqwest::Client {
        let edge = SocketAddr::from((self.edge().address(), 443));
        let authority = self.shared.certificate.authority.as_bytes();
        let authority = reqwest::Certificate::from_pem(authority).unwrap();
        let mut client = reqwest::Client::builder()
            .no_proxy()
            .timeout(LIMIT)
            .redirect(reqwest::redirect::Policy::none())
            .tls_certs_only([authority]);
        for host in hosts {
            client = client.resolve(host, edge);
        }
        client.build().unwrap()
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

    /// A new namespace for pods.
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
        // The server requires it even if no controller follows it yet.
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

    /// The cluster's object of a pod, once it is ready.
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
    /// Creates a pod for the token's owner, and returns its id.
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
        edge: OnceCell::new(),
        metrics_server: OnceCell::new(),
        certificate,
        outside,
        enforcer,
    })
}
