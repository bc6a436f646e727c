//! Stopping and restarting a pod that takes time to end, as on a real node.

use std::sync::{Arc, Mutex};

use http::Method;
use neuropod_core::cluster::{Objects, Observation, Workload};
use neuropod_core::{ClusterBackend, ErrorKind};

use crate::cluster::KubeCluster;
use crate::config::KubeConfig;
use crate::fake::server::Log;
use crate::fake::world::World;
use crate::manifests::tests::plain;

struct Stage {
    cluster: KubeCluster,
    world: Arc<Mutex<World>>,
    log: Log,
    workload: Workload,
}

impl Stage {
    /// A pod that runs in a cluster, with all of its objects.
    async fn running() -> Self {
        let (client, log, world) = World::set_up().client();
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
        let keep = neuropod_core::cluster::VolumePolicy::Keep;
        self.cluster.remove(&self.workload.reference, keep).await
    }

    /// Whether the last [`apply`](Self::apply) read the existing objects before it created any.
    fn read_first(&self) -> bool {
        let first = self.log.lines();
        first.first().is_some_and(|line| line.starts_with("GET"))
    }
}

#[tokio::test(start_paused = true)]
async fn a_stopped_pod_restarts_in_one_wave() {
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
    assert!(!stage.read_first());
}

#[tokio::test(start_paused = true)]
async fn a_terminating_pod_is_waited_for_and_then_recreated() {
    let stage = Stage::running().await;
    let whole = stage.world.lock().unwrap().paths();
    stage.remove().await.unwrap();
    for _ in 0..2 {
        let error = stage.apply().await.unwrap_err();
        assert_eq!((error.kind(), error.is_retryable()), (&ErrorKind::Conflict, true));
    }
    assert!(stage.read_first(), "this start has been tried before");
    stage.world.lock().unwrap().end_pods();
    assert_eq!(stage.apply().await.unwrap().objects, Objects::Complete);
    assert_eq!(stage.world.lock().unwrap().paths(), whole);
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_could_not_be_removed_completely_is_read_first() {
    let stage = Stage::running().await;
    let refused = (Method::DELETE, "/services/");
    stage.world.lock().unwrap().refused.push(refused);
    let error = stage.remove().await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::PermissionDenied);
    stage.world.lock().unwrap().end_pods();
    assert_eq!(stage.apply().await.unwrap().objects, Objects::Complete);
    assert!(stage.read_first());
}

#[tokio::test(start_paused = true)]
async fn a_removal_ends_when_the_pod_has() {
    let stage = Stage::running().await;
    stage.remove().await.unwrap();
    assert!(!stage.remove().await.unwrap().is_cleared());
    stage.world.lock().unwrap().end_pods();
    assert!(stage.remove().await.unwrap().is_cleared());
}
