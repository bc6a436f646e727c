//! The copies of Secrets, on a cluster that stores its objects.

use std::sync::{Arc, Mutex, MutexGuard};

use http::Method;
use kube::Client;
use neuropod_core::cluster::{VolumePolicy, Workload};
use neuropod_core::{ClusterBackend, ErrorKind};
use serde_json::{Value, json};

use crate::cluster::KubeCluster;
use crate::config::{IngressRoutes, KubeConfig};
use crate::fake::server::Log;
use crate::fake::world::World;
use crate::manifests::tests::plain;

const PULL: &str = "/api/v1/namespaces/users/secrets/registry";
const TLS: &str = "/api/v1/namespaces/users/secrets/wildcard";
const COPIES: [&str; 2] = [
    "/api/v1/namespaces/user-1/secrets/registry",
    "/api/v1/namespaces/user-1/secrets/wildcard",
];

struct Stage {
    client: Client,
    cluster: KubeCluster,
    world: Arc<Mutex<World>>,
    log: Log,
}

impl Stage {
    fn new(namespace_per_user: bool) -> Self {
        let (client, log, world) = World::set_up().client();
        for (path, kind) in [
            (PULL, "kubernetes.io/dockerconfigjson"),
            (TLS, "kubernetes.io/tls"),
        ] {
            let name = path.rsplit('/').next().unwrap();
            let secret = json!({
                "metadata": { "name": name, "namespace": "users", "labels": { "team": "x" },
                    "annotations": { "kubectl": "all of the values" } },
                "type": kind,
                "data": { "a": "Zmlyc3Q=" },
            });
            world.lock().unwrap().objects.insert(path.to_owned(), secret);
        }
        let config = KubeConfig {
            namespace: "users".into(),
            namespace_per_user,
            image_pull_secrets: vec!["registry".into()],
            exposure: IngressRoutes::default().with_tls_secret("wildcard").into(),
            ..KubeConfig::default()
        };
        Self {
            cluster: KubeCluster::with_client(client.clone(), config),
            client,
            world,
            log,
        }
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    fn object(&self, path: &str) -> Option<Value> {
        self.world().objects.get(path).cloned()
    }

    fn has_pod(&self) -> bool {
        self.world().paths().iter().any(|path| path.contains("/pods/"))
    }

    /// Writes since the log was cleared.
    fn writes(&self) -> usize {
        let received = self.log.all().into_iter();
        received.filter(|received| received.method != Method::GET).count()
    }
}

fn of_user(pod_id: &str) -> Workload {
    let mut workload = plain();
    workload.reference.pod_id = pod_id.parse().unwrap();
    workload.reference.namespace = Some("user-1".into());
    workload
}

fn lab() -> Workload {
    of_user("0000000000000001")
}

#[tokio::test(start_paused = true)]
async fn a_namespace_of_a_user_has_copies_with_the_labels_of_the_platform_and_nothing_else_of_the_original() {
    let stage = Stage::new(true);
    stage.cluster.check_setup().await.unwrap();
    stage.cluster.apply(&lab()).await.unwrap();
    for (copy, original) in COPIES.into_iter().zip([PULL, TLS]) {
        let (copy, original) = (stage.object(copy).unwrap(), stage.object(original).unwrap());
        assert_eq!(copy["data"], original["data"]);
        assert_eq!(copy["type"], original["type"]);
        let labels = &copy["metadata"]["labels"];
        assert_eq!(labels["app.kubernetes.io/managed-by"], "neuropod");
        assert!(labels["team"].is_null() && labels["neuropod.io/pod-id"].is_null());
        assert!(copy["metadata"]["annotations"]["kubectl"].is_null());
    }
    stage.log.clear();
    stage.cluster.inventory().await.unwrap();
    assert_eq!(stage.writes(), 0, "what is right is not written again");
}

#[tokio::test(start_paused = true)]
async fn a_copy_follows_its_original_and_is_recreated_with_the_next_inventory() {
    let stage = Stage::new(true);
    stage.cluster.apply(&lab()).await.unwrap();
    let set = |path: &str, field: &str, value: Value| {
        stage.world().objects.get_mut(path).unwrap()[field] = value;
    };
    let changes: [&dyn Fn(); 5] = [
        &|| set(PULL, "data", json!({ "a": "c2Vjb25k", "b": "dGhpcmQ=" })),
        &|| set(PULL, "data", json!({ "b": "dGhpcmQ=" })),
        &|| set(PULL, "type", json!("kubernetes.io/dockercfg")),
        &|| set(COPIES[0], "data", json!({ "a": "b3RoZXI=" })),
        &|| drop(stage.world().objects.remove(COPIES[0])),
    ];
    for change in changes {
        change();
        stage.cluster.inventory().await.unwrap();
        let (copy, original) = (stage.object(COPIES[0]).unwrap(), stage.object(PULL).unwrap());
        assert_eq!(
            (&copy["data"], &copy["type"]),
            (&original["data"], &original["type"])
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_missing_original_is_reported_and_its_copies_stay() {
    let stage = Stage::new(true);
    stage.cluster.apply(&lab()).await.unwrap();
    for (original, name) in [(PULL, "name: registry"), (TLS, "name: wildcard")] {
        let secret = stage.world().objects.remove(original).unwrap();
        stage.cluster.inventory().await.unwrap();
        assert!(COPIES.iter().all(|copy| stage.object(copy).is_some()));
        for result in [
            stage.cluster.check_setup().await,
            stage.cluster.apply(&of_user("0000000000000002")).await.map(drop),
        ] {
            let error = result.unwrap_err();
            assert_eq!(error.kind(), &ErrorKind::NotConfigured);
            assert!(error.to_string().contains(name), "{error}");
        }
        stage.world().objects.insert(original.to_owned(), secret);
    }
    stage.cluster.check_setup().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_foreign_secret_with_the_name_is_left_alone_and_no_pod_is_created() {
    let of_a_pod = json!({ "app.kubernetes.io/managed-by": "neuropod",
        "app.kubernetes.io/instance": "default", "neuropod.io/pod-id": "0000000000000009" });
    let of_another = json!({ "app.kubernetes.io/managed-by": "neuropod",
        "app.kubernetes.io/instance": "other" });
    for labels in [json!({}), of_a_pod, of_another] {
        let stage = Stage::new(true);
        let foreign = json!({ "metadata": { "name": "registry", "uid": "7", "labels": labels },
            "type": "Opaque", "data": { "mine": "bWluZQ==" } });
        stage
            .world()
            .objects
            .insert(COPIES[0].to_owned(), foreign.clone());
        let error = stage.cluster.apply(&lab()).await.unwrap_err();
        assert_eq!(error.kind(), &ErrorKind::NameTaken, "{error}");
        assert_eq!(stage.object(COPIES[0]).unwrap(), foreign);
        assert!(!stage.has_pod());
    }
}

#[tokio::test(start_paused = true)]
async fn where_all_pods_share_a_namespace_nothing_is_copied_and_a_missing_secret_keeps_no_pod() {
    let stage = Stage::new(false);
    stage.world().objects.remove(PULL);
    stage.cluster.check_setup().await.unwrap();
    stage.cluster.apply(&plain()).await.unwrap();
    assert!(stage.has_pod());
    assert!(stage.object(PULL).is_none());
}

/// The copies that remain after an inventory, once the configuration no longer names any.
async fn inventory_without_names(stage: &Stage) -> [bool; 2] {
    let config = KubeConfig {
        namespace: "users".into(),
        namespace_per_user: true,
        ..KubeConfig::default()
    };
    let cluster = KubeCluster::with_client(stage.client.clone(), config);
    cluster.inventory().await.unwrap();
    COPIES.map(|copy| stage.object(copy).is_some())
}

#[tokio::test(start_paused = true)]
async fn a_copy_that_the_configuration_no_longer_names_goes_once_no_pod_uses_it() {
    let stage = Stage::new(true);
    stage.cluster.apply(&lab()).await.unwrap();
    assert_eq!(
        inventory_without_names(&stage).await,
        [true; 2],
        "the pod uses them"
    );
    let policy = VolumePolicy::Keep;
    stage.cluster.remove(&lab().reference, policy).await.unwrap();
    // Its container has not ended, but its route is gone.
    assert_eq!(inventory_without_names(&stage).await, [true, false]);
    stage.world().end_pods();
    assert_eq!(
        inventory_without_names(&stage).await,
        [false; 2],
        "no pod is left"
    );
    assert!(stage.object(PULL).is_some() && stage.object(TLS).is_some());
}

#[tokio::test(start_paused = true)]
async fn only_copies_made_by_the_platform_are_deleted() {
    let stage = Stage::new(true);
    let ours = json!({ "app.kubernetes.io/managed-by": "neuropod", "app.kubernetes.io/instance": "default" });
    let with = |field: &str, value: Value| {
        let mut labels = ours.clone();
        labels[field] = value;
        labels
    };
    let noted = json!({ "neuropod.io/digest": "d" });
    let others = [
        (
            "user-1",
            with("app.kubernetes.io/managed-by", "helm".into()),
            noted.clone(),
        ),
        (
            "user-1",
            with("app.kubernetes.io/instance", "other".into()),
            noted.clone(),
        ),
        (
            "user-1",
            with("neuropod.io/pod-id", "0000000000000009".into()),
            noted.clone(),
        ),
        ("user-1", json!({}), noted.clone()),
        // A Secret with our labels, added by hand.
        ("user-1", ours.clone(), json!({})),
        // In the namespace of the originals.
        ("users", ours.clone(), noted.clone()),
    ];
    let insert = |name: &str, namespace: &str, labels: &Value, annotations: &Value| {
        let path = format!("/api/v1/namespaces/{namespace}/secrets/{name}");
        let secret = json!({ "metadata": { "name": name, "namespace": namespace, "uid": name, "labels": labels,
            "annotations": annotations }, "type": "Opaque", "data": {} });
        stage.world().objects.insert(path.clone(), secret);
        path
    };
    let kept: Vec<_> = others
        .iter()
        .enumerate()
        .map(|(index, (namespace, labels, annotations))| {
            insert(&format!("other-{index}"), namespace, labels, annotations)
        })
        .collect();
    // The user had a pod, and has none now.
    let leftover = insert("before", "user-1", &ours, &noted);

    stage.world().refused.push((Method::DELETE, "/secrets/before/"));
    stage.cluster.inventory().await.unwrap();
    assert!(stage.object(&leftover).is_some(), "nobody may delete it");
    stage.world().refused.clear();
    stage.cluster.inventory().await.unwrap();
    assert!(stage.object(&leftover).is_none());
    for path in kept {
        assert!(stage.object(&path).is_some(), "{path}");
    }
}
