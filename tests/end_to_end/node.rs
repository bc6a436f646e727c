//! A platform on the shared node, and access to its objects there.
#![allow(dead_code, reason = "each test uses some of it")]

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use futures::StreamExt;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Event, Namespace, Pod as KubePod, Service, ServiceAccount};
use k8s_openapi::api::networking::v1::{Ingress, IngressClass};
use kube::api::{ListParams, LogParams, PostParams};
use kube::{Api, Client, Resource, ResourceExt};
use neuropod::cluster::{Catalogue, VolumePolicy};
use neuropod::k8s::{Exposure, ImagePullPolicy, KubeCluster, KubeConfig};
use neuropod::money::{AccountKind, BillingExt};
use neuropod::pod::image::ImageRules;
use neuropod::store::MemoryStore;
use neuropod::{Actor, Billing, Money, Naming, Platform, Pod, PodStore, Update};
use neuropod_test_cluster::{Image, TestCluster, count_objects, measured, service_address, skip};
use serde_json::{Value, from_value, json};
use tokio::sync::{Mutex, MutexGuard};
use tokio::task::JoinHandle;

use crate::common::{Driver, eventually};

/// The cluster of all tests of this program. It ends with the process.
static CLUSTER: OnceLock<Result<TestCluster, String>> = OnceLock::new();
/// Serialises the tests, because the pods of two tests may not fit on the node.
static TURN: Mutex<()> = Mutex::const_new(());

/// The address of [`Site::empty_registry`].
const EMPTY_REGISTRY: &str = "127.0.0.1:8080";

pub(crate) struct Site {
    pub(crate) platform: Platform,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) ana: Actor,
    cluster: &'static TestCluster,
    client: Client,
    namespace: String,
    _driver: Driver,
    _turn: MutexGuard<'static, ()>,
}

impl Site {
    /// A platform in its own namespace; `None` and a recorded skip if there is no node.
    pub(crate) async fn new(test: &'static str) -> Option<Self> {
        let (cluster, turn) = shared_node(test).await?;
        let client = cluster.client().await.unwrap();
        let namespace = prepare(&client).await;
        let kube = KubeCluster::from_kubeconfig(cluster.kubeconfig_path(), None, config(&namespace))
            .await
            .unwrap();
        let store = Arc::new(MemoryStore::new());
        let platform = Platform::builder()
            .naming(Naming::new("pods.example.com", "a secret of at least 16 bytes").unwrap())
            .catalogue(catalogue())
            .images(images())
            .cluster(Arc::new(kube))
            .store(store.clone())
            .billing(store.clone())
            .build()
            .unwrap();
        let ana = Actor::client("ana");
        store.open(&ana.id, AccountKind::Prepaid).await.unwrap();
        store
            .deposit("welcome", &ana.id, Money::from_cents(10_000))
            .await
            .unwrap();
        let driver = Driver::start(&platform);
        Some(Self {
            platform,
            store,
            ana,
            cluster,
            client,
            namespace,
            _driver: driver,
            _turn: turn,
        })
    }

    pub(crate) fn load(&self, image: Image) {
        self.cluster.own_node().unwrap().load(image).unwrap();
    }

    /// Makes the node offer this resource.
    pub(crate) fn advertise(&self, resource: &str, count: u32) {
        self.cluster
            .own_node()
            .unwrap()
            .advertise(resource, count)
            .unwrap();
    }

    fn api<K>(&self) -> Api<K>
    where
        K: Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// The number of objects of the platform, by kind, including volumes.
    pub(crate) async fn objects(&self) -> BTreeMap<String, usize> {
        count_objects(&self.client, &self.namespace).await.unwrap()
    }

    /// The address of the Service of a port, for clients in the cluster.
    pub(crate) async fn service_address(&self, pod: &Pod, port: u16) -> String {
        let name = self.platform.naming().service(&pod.slug, &pod.owner_hash, port);
        let service = self.api::<Service>().get(&name).await.unwrap().spec.unwrap();
        assert_eq!(service.ports.as_ref().unwrap()[0].port, i32::from(port));
        service_address(&self.client, &self.namespace, &name)
            .await
            .unwrap()
    }

    /// The hosts of the pod's Ingresses, in the order of its ports.
    pub(crate) async fn ingress_hosts(&self, pod: &Pod) -> Vec<String> {
        let mut hosts = Vec::new();
        for port in pod.options.ports() {
            let name = self
                .platform
                .naming()
                .ingress(&pod.slug, &pod.owner_hash, port.number);
            let ingress = self.api::<Ingress>().get(&name).await.unwrap().spec.unwrap();
            hosts.push(ingress.rules.unwrap()[0].host.clone().unwrap());
        }
        hosts
    }

    /// The moment at which a subscriber receives the first token.
    pub(crate) fn when_token_is_known(&self) -> JoinHandle<Timestamp> {
        let mut updates = self.platform.subscribe(&self.ana);
        tokio::spawn(async move {
            loop {
                if let Update::Changed(pod) = updates.next().await.unwrap().unwrap()
                    && pod.login.token().is_some()
                {
                    return Timestamp::now();
                }
            }
        })
    }

    /// Prints the time from the log line with the token until it was `known`.
    pub(crate) async fn measure_token(&self, pod: &Pod, known: Timestamp) {
        let name = self.platform.naming().pod(&pod.slug, &pod.owner_hash);
        let options = LogParams {
            timestamps: true,
            ..LogParams::default()
        };
        let log = self.api::<KubePod>().logs(&name, &options).await.unwrap();
        let line = log.lines().find(|line| line.contains("?token=")).unwrap();
        let written: Timestamp = line.split(' ').next().unwrap().parse().unwrap();
        measured(format_args!(
            "the token is known {:#} after its line was written",
            known - written
        ));
    }

    /// The time of the kubelet's first warning about the pod with these words. On a busy machine the first attempt may
    /// fail for another reason, and the second comes ten seconds later.
    pub(crate) async fn first_warning(&self, pod: &Pod, words: &str) -> Timestamp {
        let name = self.platform.naming().pod(&pod.slug, &pod.owner_hash);
        let selector = format!("type=Warning,involvedObject.name={name}");
        let mut first = None;
        eventually("a warning", async || {
            let events = self
                .api::<Event>()
                .list(&ListParams::default().fields(&selector))
                .await
                .unwrap();
            first = events
                .items
                .iter()
                .filter(|event| {
                    event
                        .message
                        .as_ref()
                        .is_some_and(|message| message.contains(words))
                })
                .filter_map(|event| event.first_timestamp.as_ref())
                .map(|time| time.0)
                .min();
            first.is_some()
        })
        .await;
        // kube has its own version of jiff.
        Timestamp::from_second(first.unwrap().as_second()).unwrap()
    }

    /// A server on the node that replies 404 to every request, like a registry without images. Runtimes use
    /// plain HTTP on the loopback address.
    pub(crate) async fn empty_registry(&self) -> &'static str {
        let pod = from_value(json!({
            "metadata": { "name": "registry" },
            "spec": {
                "hostNetwork": true,
                "terminationGracePeriodSeconds": 0,
                "containers": [{
                    "name": "registry",
                    "image": Image::Http.reference(),
                    "imagePullPolicy": "Never",
                    "readinessProbe": { "tcpSocket": { "port": 8080 }, "periodSeconds": 1 },
                }],
            },
        }))
        .unwrap();
        let pods = self.api::<KubePod>();
        pods.create(&PostParams::default(), &pod).await.unwrap();
        eventually("the registry answers", async || {
            let status = pods.get("registry").await.unwrap().status.unwrap();
            let conditions = status.conditions.unwrap_or_default();
            conditions
                .iter()
                .any(|condition| condition.type_ == "Ready" && condition.status == "True")
        })
        .await;
        EMPTY_REGISTRY
    }

    pub(crate) async fn delete(&self, pod: &Pod) {
        let volume = VolumePolicy::Keep;
        self.platform.delete(&self.ana, &pod.id, volume).await.unwrap();
        eventually("the pod is gone", async || {
            self.store.get(&pod.id).await.unwrap().is_none()
        })
        .await;
    }
}

/// The node of all tests of this program, and this test's turn on it; `None` and a recorded skip if there is
/// none.
pub(crate) async fn shared_node(test: &str) -> Option<(&'static TestCluster, MutexGuard<'static, ()>)> {
    let turn = TURN.lock().await;
    let cluster = match CLUSTER.get_or_init(|| match TestCluster::node() {
        Ok(cluster) => Ok(cluster),
        Err(error) if error.is_unavailable() => Err(error.to_string()),
        Err(error) => panic!("{error}"),
    }) {
        Ok(cluster) => cluster,
        Err(reason) => {
            skip(&format!("end_to_end/{test}"), reason);
            return None;
        }
    };
    if cluster.own_node().is_none() {
        skip(
            &format!("end_to_end/{test}"),
            "the images are not in a cluster of someone else's",
        );
        return None;
    }
    Some((cluster, turn))
}

pub(crate) fn config(namespace: &str) -> KubeConfig {
    KubeConfig::default()
        .with_namespace(namespace)
        .with_exposure(Exposure::ingress("neuropod"))
        // The images of the tests are on the node, and not in a registry.
        .with_image_pull_policy(ImagePullPolicy::IfNotPresent)
}

/// The images of the tests, and the empty registry.
pub(crate) fn images() -> ImageRules {
    ImageRules::default()
        .internal(["localhost", EMPTY_REGISTRY])
        .unwrap()
}

/// Pods that fit on a small node.
pub(crate) fn catalogue() -> Catalogue {
    let size = |cpu: u32, memory: u32| json!({ "cpuMillis": cpu, "memoryMib": memory });
    from_value(json!({
        "cpu": { "name": "CPU", "size": size(500, 512) },
        "tiny": { "name": "Too small for Jupyter", "size": size(500, 24) },
        "gpu": { "name": "GPU", "size": size(200, 64), "accelerator": { "resource": "nvidia.com/gpu", "count": 1 } },
    }))
    .unwrap()
}

/// A new namespace for pods, and the Ingress class.
pub(crate) async fn prepare(client: &Client) -> String {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let namespace = from_value(json!({ "metadata": { "generateName": "end-to-end-" } })).unwrap();
    let namespace = namespaces
        .create(&PostParams::default(), &namespace)
        .await
        .unwrap()
        .name_any();
    let classes: Api<IngressClass> = Api::all(client.clone());
    if classes.get_opt("neuropod").await.unwrap().is_none() {
        let class = from_value(json!({
            "metadata": { "name": "neuropod" }, "spec": { "controller": "example.com/none" }
        }))
        .unwrap();
        classes.create(&PostParams::default(), &class).await.unwrap();
    }
    let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), &namespace);
    eventually("the namespace's ServiceAccount", async || {
        accounts.get_opt("default").await.unwrap().is_some()
    })
    .await;
    namespace
}

pub(crate) async fn get(url: &str) -> Result<(u16, String), String> {
    let answer = reqwest::get(url).await.map_err(|error| error.to_string())?;
    Ok((
        answer.status().as_u16(),
        answer.text().await.map_err(|error| error.to_string())?,
    ))
}

pub(crate) async fn put(url: &str, body: Value) {
    let answer = reqwest::Client::new().put(url).json(&body).send().await.unwrap();
    let status = answer.status();
    assert!(status.is_success(), "{status}: {}", answer.text().await.unwrap());
}
