//! A cluster of one node, set up for the server.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::{Service, ServiceAccount};
use k8s_openapi::api::networking::v1::Ingress;
use kube::api::{DynamicObject, ListParams, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Api, Client, Resource};
use neuropod_test_cluster::{Node, SELECTOR, TestCluster, count_objects, service_address, skip, wait_until};
use serde_json::{Value, json};

use crate::{LIMIT, manifests};

/// The namespace of the platform in the files of `examples/deploy`.
pub(crate) const PLATFORM: &str = "neuropod";
/// The namespace of the pods.
pub(crate) const PODS: &str = "neuropod-pods";

/// The cluster of all tests of this program. It ends with the process.
static CLUSTER: OnceLock<Result<TestCluster, String>> = OnceLock::new();

pub(crate) struct Site {
    cluster: &'static TestCluster,
    client: Client,
}

/// The place to which an ingress controller would send the requests for a host.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) host: String,
    /// Address and port of the Service.
    pub(crate) address: String,
}

impl Site {
    /// The cluster with the rights of the server; `None` and a recorded skip if there is no node.
    pub(crate) async fn get(test: &str) -> Option<Self> {
        // The HTTP client needs one. Another test may have installed it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let started = CLUSTER.get_or_init(|| match TestCluster::node() {
            Ok(cluster) => Ok(cluster),
            Err(error) if error.is_unavailable() => Err(error.to_string()),
            Err(error) => panic!("{error}"),
        });
        let cluster = match started {
            Ok(cluster) if cluster.own_node().is_some() => cluster,
            Ok(_) => {
                skip(test, "the images are not in a cluster of someone else's");
                return None;
            }
            Err(reason) => {
                skip(test, reason);
                return None;
            }
        };
        let client = cluster.client().await.unwrap();
        let site = Self { cluster, client };
        let class = json!({
            "apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": { "name": "nginx" },
            "spec": { "controller": "example.com/none" },
        });
        site.apply("set-up", &class, false).await;
        for file in [manifests::NAMESPACES, manifests::RBAC] {
            for object in &manifests::documents(file) {
                site.apply("set-up", object, false).await;
            }
        }
        cluster.install_gateway_api().await.unwrap();
        site.ready().await;
        Some(site)
    }

    async fn ready(&self) {
        let accounts: Api<ServiceAccount> = self.api();
        wait_until("the namespace's ServiceAccount", LIMIT, async || {
            let found = accounts.get("default").await;
            found.map(drop).map_err(|error| error.to_string())
        })
        .await
        .unwrap();
    }

    pub(crate) fn node(&self) -> &Node {
        self.cluster.own_node().unwrap()
    }

    /// A kubeconfig with the rights of `rbac.yaml`.
    pub(crate) fn kubeconfig(&self) -> String {
        self.cluster
            .service_account_kubeconfig(PLATFORM, "neuropod")
            .unwrap()
    }

    /// Applies a document of a file, like `kubectl apply --server-side`; unknown fields are errors.
    pub(crate) async fn apply(&self, file: &str, document: &Value, dry_run: bool) {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let (version, kind) = (text(&document["apiVersion"]), text(&document["kind"]));
        let name = text(&document["metadata"]["name"]);
        let (group, version) = version.split_once('/').unwrap_or(("", &version));
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, &kind));
        let api: Api<DynamicObject> = match document["metadata"]["namespace"].as_str() {
            Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, &resource),
            None => Api::all_with(self.client.clone(), &resource),
        };
        let mut parameters = PatchParams::apply("test").force().validation_strict();
        parameters.dry_run = dry_run;
        let applied = api.patch(&name, &parameters, &Patch::Apply(document)).await;
        if let Err(error) = applied {
            panic!("{file}: {kind} {name}: {error}");
        }
    }

    /// The number of objects of the platform, by kind, including volumes.
    pub(crate) async fn objects(&self) -> BTreeMap<String, usize> {
        count_objects(&self.client, PODS).await.unwrap()
    }

    /// The routes in the platform's Ingresses, from hosts to Services.
    pub(crate) async fn routes(&self) -> Vec<Route> {
        let ours = ListParams::default().labels(SELECTOR);
        let services: Api<Service> = self.api();
        let mut routes = Vec::new();
        for ingress in self.api::<Ingress>().list(&ours).await.unwrap().items {
            for rule in ingress.spec.unwrap().rules.unwrap() {
                let path = rule.http.unwrap().paths.remove(0);
                let backend = path.backend.service.unwrap();
                let service = services.get(&backend.name).await.unwrap().spec.unwrap();
                let address = service_address(&self.client, PODS, &backend.name).await.unwrap();
                let port = backend.port.unwrap();
                let ports = service.ports.unwrap();
                let port = ports
                    .iter()
                    .find(|each| {
                        Some(each.port) == port.number || (port.name.is_some() && each.name == port.name)
                    })
                    .expect("the Service has the port of the Ingress");
                routes.push(Route {
                    host: rule.host.unwrap(),
                    address: format!("{address}:{}", port.port),
                });
            }
        }
        routes
    }

    fn api<K>(&self) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.client.clone(), PODS)
    }
}
