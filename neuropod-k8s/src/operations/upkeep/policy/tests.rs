//! The network policy of a namespace, on a cluster that stores its objects.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::Method;
use kube::Client;
use neuropod_core::cluster::{VolumePolicy, Workload};
use neuropod_core::{ClusterBackend, ErrorKind};
use serde_json::{Value, json};

use crate::cluster::KubeCluster;
use crate::config::KubeConfig;
use crate::fake::server::Log;
use crate::fake::world::World;
use crate::manifests::tests::plain;

const POLICIES: &str = "/apis/networking.k8s.io/v1/namespaces/users/networkpolicies";

struct Stage {
    client: Client,
    cluster: KubeCluster,
    world: Arc<Mutex<World>>,
    log: Log,
}

impl Stage {
    fn new() -> Self {
        let (client, log, world) = World::set_up().client();
        Self {
            cluster: KubeCluster::with_client(client.clone(), config()),
            client,
            world,
            log,
        }
    }

    /// Another server on the same cluster.
    fn another(&self) -> KubeCluster {
        KubeCluster::with_client(self.client.clone(), config())
    }

    fn world(&self) -> std::sync::MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    fn refuse(&self, method: Method, path: &'static str) {
        self.world().refused.push((method, path));
    }

    /// The requests about the policy of the namespace.
    fn about_policy(&self) -> Vec<String> {
        let lines = self.log.lines().into_iter();
        lines
            .filter(|line| line.contains("neuropod-pods-") || is_a_list(line))
            .collect()
    }

    fn has_pod(&self) -> bool {
        self.world().paths().iter().any(|path| path.contains("/pods/"))
    }
}

fn is_a_list(line: &str) -> bool {
    line == format!("GET {POLICIES}")
}

fn config() -> KubeConfig {
    KubeConfig {
        namespace: "users".into(),
        ..KubeConfig::default()
    }
}

/// The path of the policy of the namespace.
fn path() -> String {
    let policy = super::network_policy::of_namespace(&config(), "users");
    format!("{POLICIES}/{}", policy.name)
}

fn second() -> Workload {
    let mut workload = plain();
    workload.reference.pod_id = "0000000000000002".parse().unwrap();
    workload.reference.name = "second-abcdefghij".into();
    workload.isolation.policy = "second-abcdefghij".into();
    for endpoint in &mut workload.endpoints {
        endpoint.service.insert(0, 's');
        endpoint.route.insert(0, 's');
    }
    workload
}

#[tokio::test(start_paused = true)]
async fn the_policy_exists_before_the_first_pod_and_after_the_last() {
    let stage = Stage::new();
    stage.cluster.apply(&plain()).await.unwrap();
    let made = |line: &str| {
        stage.log.all().iter().position(|received| {
            let name = received.body["metadata"]["name"].as_str().unwrap_or_default();
            received.method == Method::POST && format!("{}/{name}", received.path).contains(line)
        })
    };
    assert!(made("/neuropod-pods-").unwrap() < made("/pods/my-lab").unwrap());

    stage.log.clear();
    stage.cluster.apply(&second()).await.unwrap();
    assert_eq!(stage.about_policy(), [""; 0], "a second pod is one wave");

    for workload in [plain(), second()] {
        stage
            .cluster
            .remove(&workload.reference, VolumePolicy::Keep)
            .await
            .unwrap();
    }
    stage.world().end_pods();
    assert!(!stage.has_pod());
    assert!(stage.world().objects.contains_key(&path()));
}

#[tokio::test(start_paused = true)]
async fn a_pod_without_its_policy_is_not_created() {
    for method in [Method::GET, Method::POST] {
        let stage = Stage::new();
        let path = if method == Method::GET {
            "/networkpolicies/neuropod-pods"
        } else {
            "/networkpolicies/"
        };
        stage.refuse(method, path);
        let error = stage.cluster.apply(&plain()).await.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::PermissionDenied);
        assert!(!stage.has_pod());
        assert!(stage.cluster.check_setup().await.is_err());
        // Once the policy can be created, the pod is.
        stage.world().refused.clear();
        stage.cluster.apply(&plain()).await.unwrap();
        assert!(stage.has_pod());
    }
}

#[tokio::test(start_paused = true)]
async fn a_foreign_policy_with_the_name_is_left_alone_and_no_pod_is_created() {
    let stage = Stage::new();
    let foreign = json!({ "metadata": { "name": "x", "uid": "7" }, "spec": { "podSelector": {} } });
    stage.world().objects.insert(path(), foreign.clone());
    let error = stage.cluster.apply(&plain()).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::NameTaken, "{error}");
    assert_eq!(stage.world().objects[&path()], foreign);
    assert!(!stage.has_pod());
}

#[tokio::test(start_paused = true)]
async fn two_servers_that_start_at_the_same_time_agree() {
    let stage = Stage::new();
    let another = stage.another();
    let (one, two) = (plain(), second());
    let (one, two) = tokio::join!(stage.cluster.apply(&one), another.apply(&two));
    one.unwrap();
    two.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_is_gone_or_was_edited_is_made_again_with_the_next_inventory_and_at_the_start() {
    let stage = Stage::new();
    stage.cluster.apply(&plain()).await.unwrap();
    let right = stage.world().objects[&path()]["spec"].clone();
    let edited = |policy: &mut Value| policy["spec"]["egress"] = json!([{}]);
    let entered = |policy: &mut Value| policy["spec"]["ingress"] = json!([{}]);
    let relabelled = |policy: &mut Value| policy["metadata"]["annotations"] = json!({});
    let changes: [&dyn Fn(&Stage); 4] = [
        &|stage| drop(stage.world().objects.remove(&path())),
        &|stage| edited(stage.world().objects.get_mut(&path()).unwrap()),
        &|stage| entered(stage.world().objects.get_mut(&path()).unwrap()),
        &|stage| relabelled(stage.world().objects.get_mut(&path()).unwrap()),
    ];
    for change in changes {
        for at_start in [false, true] {
            change(&stage);
            if at_start {
                stage.another().check_setup().await.unwrap();
            } else {
                stage.cluster.inventory().await.unwrap();
            }
            let policy = stage.world().objects[&path()].clone();
            assert_eq!(policy["spec"], right);
            assert!(policy["metadata"]["annotations"]["neuropod.io/digest"].is_string());
        }
    }
    stage.log.clear();
    stage.cluster.inventory().await.unwrap();
    stage.another().check_setup().await.unwrap();
    let writes = stage.log.all().into_iter().filter(|received| {
        received.method != Method::GET && !received.path.ends_with("/selfsubjectaccessreviews")
    });
    assert_eq!(writes.count(), 0, "what is right is not written again");
}

#[tokio::test(start_paused = true)]
async fn pods_are_reported_although_their_policy_can_not_be_repaired() {
    let stage = Stage::new();
    stage.cluster.apply(&plain()).await.unwrap();
    stage.world().objects.remove(&path());
    stage.refuse(Method::POST, "/networkpolicies/");
    assert_eq!(stage.cluster.inventory().await.unwrap().workloads.len(), 1);
    // The next pod is not created without the policy.
    let error = stage.cluster.apply(&second()).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::PermissionDenied);
}

#[tokio::test(start_paused = true)]
async fn an_existing_policy_is_checked_again_after_five_minutes() {
    let stage = Stage::new();
    stage.cluster.apply(&plain()).await.unwrap();
    stage.world().objects.remove(&path());
    stage.log.clear();
    let asks_for_classes = || {
        let lines = stage.log.lines();
        lines.iter().any(|line| line.contains("/ingressclasses"))
    };
    let almost = Duration::from_secs(295);
    tokio::time::advance(almost).await;
    stage.cluster.apply(&second()).await.unwrap();
    assert!(!stage.world().objects.contains_key(&path()) && !asks_for_classes());
    tokio::time::advance(Duration::from_secs(10)).await;
    stage.cluster.apply(&plain()).await.unwrap();
    assert!(stage.world().objects.contains_key(&path()), "the policy");
    assert!(asks_for_classes(), "and what a cluster is set up with");
}
