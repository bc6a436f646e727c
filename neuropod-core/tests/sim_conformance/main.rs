//! The suite of cluster backends, on the simulated cluster and on backends that lie.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod gaps;
mod lies;
mod stage;

use std::sync::Arc;
use std::time::Duration;

use neuropod_core::conformance::{cluster, replicas};
use neuropod_core::sim::{Settings, SimCluster};

use self::stage::SimStage;

#[tokio::test(start_paused = true)]
async fn conforms() {
    let stage = SimStage::new(Settings::still());
    cluster::run(&stage).await;
    assert_eq!(
        (stage.cluster.objects(), stage.cluster.volumes()),
        (vec![], vec![]),
        "every check cleaned up"
    );
}

#[tokio::test(start_paused = true)]
async fn conforms_with_a_namespace_per_user() {
    let mut stage = SimStage::new(Settings::still());
    stage.namespace_per_user = true;
    cluster::run(&stage).await;
    cluster::quota(&stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn conforms_in_real_time() {
    let stage = SimStage::new(Settings {
        watch_delay: Duration::from_millis(2),
        ..Settings::still()
    });
    cluster::run(&stage).await;
    cluster::logs(&stage).await;
}

#[tokio::test(start_paused = true)]
async fn conforms_when_the_watch_is_slow() {
    let stage = SimStage::new(Settings {
        watch_delay: Duration::from_secs(2),
        ..Settings::still()
    });
    cluster::run(&stage).await;
}

#[tokio::test(start_paused = true)]
async fn conforms_when_calls_are_slow() {
    let stage = SimStage::new(Settings {
        latency: Duration::from_millis(700),
        ..Settings::still()
    });
    cluster::run(&stage).await;
}

#[tokio::test(start_paused = true)]
async fn logs_conform() {
    cluster::logs(&SimStage::new(Settings::still())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_conform() {
    let cluster = SimCluster::new(Settings::still());
    replicas::run(Arc::new(cluster.clone()), Arc::new(cluster.clone())).await;
    assert_eq!(cluster.replicas(), []);
}
