//! Stopping a pod and starting it again, where a pod takes its time to end as it does on a real node.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use http::Method;
use neuropod_core::{ClusterBackend, ErrorKind, Objects, Observation, Workload};
use serde_json::{Value, json};

use crate::cluster::KubeCluster;
use crate::config::KubeConfig;
use crate::fake::{self, Answer, Asked, Log};
use crate::manifests::tests::plain;

const PODS: &str = "/pods";
const COLLECTIONS: [&str; 9] = [
    PODS,
    "/services",
    "/secrets",
    "/networkpolicies",
    "/ingresses",
    "/httproutes",
    "/persistentvolumeclaims",
    "/ingressclasses",
    "/storageclasses",
];

/// The objects of a cluster, by their path.
#[derive(Debug, Default)]
struct World {
    objects: BTreeMap<String, Value>,
    made: u32,
    /// Services may not be deleted.
    keeps_services: bool,
}

impl World {
    fn answer(&mut self, asked: &Asked) -> Answer {
        let path = asked.path.as_str();
        let name = path.rsplit('/').next().unwrap_or_default();
        match asked.method {
            Method::POST => self.create(path, asked.body.clone()),
            Method::DELETE if self.keeps_services && path.contains("/services/") => {
                let text = r#"User "x" cannot delete resource "services" in API group """#;
                Answer::refused(403, "Forbidden", text)
            }
            Method::DELETE => self.delete(path),
            _ if COLLECTIONS.iter().any(|collection| path.ends_with(collection)) => self.list(path),
            _ => match self.objects.get(path) {
                Some(object) => Answer::Json(200, object.clone()),
                None => Answer::absent("objects", name),
            },
        }
    }

    fn create(&mut self, collection: &str, mut object: Value) -> Answer {
        let path = format!("{collection}/{}", object["metadata"]["name"].as_str().unwrap());
        if self.objects.contains_key(&path) {
            return Answer::refused(409, "AlreadyExists", "already exists");
        }
        self.made += 1;
        object["metadata"]["uid"] = self.made.to_string().into();
        object["metadata"]["namespace"] = "users".into();
        self.objects.insert(path, object.clone());
        Answer::Json(201, object)
    }

    fn list(&self, collection: &str) -> Answer {
        let inside = |path: &str| {
            let name = path.strip_prefix(collection);
            name.is_some_and(|name| name.starts_with('/'))
        };
        let items = self.objects.iter().filter(|(path, _)| inside(path));
        let items: Vec<_> = items.map(|(_, object)| object.clone()).collect();
        Answer::Json(200, json!({ "metadata": {}, "items": items }))
    }

    /// Pods get their time, all else goes at once.
    fn delete(&mut self, path: &str) -> Answer {
        match self.objects.get_mut(path) {
            Some(pod) if path.contains("/pods/") => {
                pod["metadata"]["deletionTimestamp"] = "2026-01-02T03:04:05Z".into();
                Answer::Json(200, pod.clone())
            }
            Some(_) => {
                self.objects.remove(path);
                Answer::Json(200, json!({ "kind": "Status", "status": "Success" }))
            }
            None => Answer::absent("objects", path),
        }
    }

    /// The kubelet has ended what was to end.
    fn end_pods(&mut self) {
        self.objects
            .retain(|_, object| object["metadata"]["deletionTimestamp"].is_null());
    }

    /// What there is, as kinds and names.
    fn paths(&self) -> Vec<String> {
        self.objects.keys().cloned().collect()
    }
}

struct Stage {
    cluster: KubeCluster,
    world: Arc<Mutex<World>>,
    log: Log,
    workload: Workload,
}

impl Stage {
    /// A pod that runs in a cluster with all that it takes.
    async fn running() -> Self {
        let mut world = World::default();
        for (path, class) in [
            ("/api/v1/namespaces/users", ""),
            ("/apis/networking.k8s.io/v1/ingressclasses/a", "ingressclass"),
            ("/apis/storage.k8s.io/v1/storageclasses/a", "storageclass"),
        ] {
            let default = format!("{class}.kubernetes.io/is-default-class");
            let object = json!({ "metadata": { "name": "a", "annotations": { default: "true" } } });
            world.objects.insert(path.to_owned(), object);
        }
        let world = Arc::new(Mutex::new(world));
        let asked = world.clone();
        let (client, log) = fake::client(move |request| asked.lock().unwrap().answer(request));
        let config = KubeConfig {
            namespace: "users".into(),
            ..KubeConfig::default()
        };
        let stage = Self {
            cluster: KubeCluster::with_client(client, config),
            world,
            log,
            workload: plain(),
        };
        assert_eq!(stage.apply().await.unwrap().objects, Objects::Complete);
        stage
    }

    async fn apply(&self) -> neuropod_core::Result<Observation> {
        self.log.clear();
        self.cluster.apply(&self.workload).await
    }

    async fn remove(&self) -> neuropod_core::Result<Observation> {
        let keep = neuropod_core::VolumePolicy::Keep;
        self.cluster.remove(&self.workload.reference, keep).await
    }

    /// Whether the last [`apply`](Self::apply) looked at what there is before it made anything.
    fn looked_first(&self) -> bool {
        let first = self.log.lines();
        first.first().is_some_and(|line| line.starts_with("GET"))
    }
}

#[tokio::test(start_paused = true)]
async fn a_stopped_pod_is_started_again_in_one_wave() {
    let stage = Stage::running().await;
    let whole = stage.world.lock().unwrap().paths();
    let left = stage.remove().await.unwrap();
    assert!(left.pod.as_ref().unwrap().terminating && !left.is_cleared());
    stage.world.lock().unwrap().end_pods();
    assert!(stage.world.lock().unwrap().paths().len() < whole.len() - 2);

    let made = stage.apply().await.unwrap();
    assert_eq!(made.objects, Objects::Complete);
    assert!(!made.pod.unwrap().terminating);
    assert_eq!(
        stage.world.lock().unwrap().paths(),
        whole,
        "every object is there again"
    );
    let lines = stage.log.lines();
    let read: Vec<_> = lines.iter().filter(|line| line.starts_with("GET")).collect();
    let claim = "GET /api/v1/namespaces/users/persistentvolumeclaims/workspace-abcdefghij";
    assert_eq!(read, [claim], "only the volume was there still");
    assert!(!stage.looked_first());
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_has_not_ended_yet_is_waited_for_and_made_whole() {
    let stage = Stage::running().await;
    let whole = stage.world.lock().unwrap().paths();
    stage.remove().await.unwrap();
    for _ in 0..2 {
        let error = stage.apply().await.unwrap_err();
        assert_eq!((error.kind(), error.is_retryable()), (&ErrorKind::Conflict, true));
    }
    assert!(stage.looked_first(), "this start has been tried before");
    stage.world.lock().unwrap().end_pods();
    assert_eq!(stage.apply().await.unwrap().objects, Objects::Complete);
    assert_eq!(stage.world.lock().unwrap().paths(), whole);
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_could_not_be_removed_whole_is_looked_at_first() {
    let stage = Stage::running().await;
    stage.world.lock().unwrap().keeps_services = true;
    let error = stage.remove().await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::PermissionDenied);
    stage.world.lock().unwrap().end_pods();
    assert_eq!(stage.apply().await.unwrap().objects, Objects::Complete);
    assert!(stage.looked_first());
}

#[tokio::test(start_paused = true)]
async fn a_removal_ends_when_the_pod_has() {
    let stage = Stage::running().await;
    stage.remove().await.unwrap();
    assert!(!stage.remove().await.unwrap().is_cleared());
    stage.world.lock().unwrap().end_pods();
    assert!(stage.remove().await.unwrap().is_cleared());
}
