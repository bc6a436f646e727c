use futures::future::join_all;
use neuropod_core::ClusterBackend;
use neuropod_core::cluster::{NodeGpus, ReasonCode, Step, VolumePolicy, Workload};
use neuropod_core::sim::{GpuPool, Settings, SimCluster};

use crate::fixture::{Events, start, workload};

const MODEL_LABEL: &str = "nvidia.com/gpu.product";

fn cluster(gpus: &[(Option<&str>, u32)]) -> SimCluster {
    let pool = |(model, total): &(Option<&str>, u32)| GpuPool {
        resource: "nvidia.com/gpu".to_owned(),
        model: model.map(str::to_owned),
        total: *total,
    };
    SimCluster::new(Settings {
        gpus: gpus.iter().map(pool).collect(),
        ..Settings::default()
    })
}

fn of_model(number: u64, model: &str) -> Workload {
    let mut workload = workload(number);
    workload
        .container
        .node_selector
        .insert(MODEL_LABEL.to_owned(), model.to_owned());
    workload
}

#[tokio::test(start_paused = true)]
async fn the_oldest_waiting_pod_gets_a_freed_gpu() {
    let cluster = cluster(&[(None, 1)]);
    start(&cluster, &workload(1)).await;
    let mut events = Events::of(&cluster);
    let mut waiting = Vec::new();
    for number in [3, 2] {
        let uid = cluster.apply(&workload(number)).await.unwrap().pod.unwrap().uid;
        let (_, pod) = events.until(|pod| pod.uid == uid && pod.reason.is_some()).await;
        let reason = pod.reason.unwrap();
        assert_eq!((reason.code, pod.step), (ReasonCode::NoGpuFree, Step::Scheduling));
        assert!(
            reason
                .detail
                .starts_with("0/1 nodes are available: 1 Insufficient nvidia.com/gpu."),
            "{reason:?}"
        );
        waiting.push(uid);
    }
    cluster
        .remove(&workload(1).reference, VolumePolicy::Keep)
        .await
        .unwrap();
    let (_, ready) = events.until(|pod| pod.ready && waiting.contains(&pod.uid)).await;
    assert_eq!(ready.uid, waiting[0], "the older one");
    let younger = cluster.pod(&workload(2).reference.pod_id).unwrap();
    assert_eq!(
        younger.reason.unwrap().code,
        ReasonCode::NoGpuFree,
        "the younger one waits on"
    );
}

#[tokio::test(start_paused = true)]
async fn a_pod_gets_a_gpu_of_its_model() {
    let cluster = cluster(&[(Some("NVIDIA-A100"), 1), (Some("NVIDIA-L4"), 2)]);
    start(&cluster, &of_model(1, "NVIDIA-L4")).await;
    let free: Vec<_> = cluster
        .gpus()
        .await
        .unwrap()
        .unwrap()
        .iter()
        .map(NodeGpus::free)
        .collect();
    assert_eq!(free, [1, 1]);

    let mut events = Events::of(&cluster);
    cluster.apply(&of_model(2, "NVIDIA-H100")).await.unwrap();
    let (_, pod) = events.until(|pod| pod.reason.is_some()).await;
    assert_eq!(
        pod.reason.unwrap().code,
        ReasonCode::Unschedulable,
        "there is no such node"
    );
}

#[tokio::test(start_paused = true)]
async fn a_pod_without_gpu_needs_none() {
    let cluster = cluster(&[]);
    let mut workload = workload(1);
    workload.container.resources.accelerator = None;
    assert!(start(&cluster, &workload).await.ready);
}

#[tokio::test(start_paused = true)]
async fn a_pod_waiting_for_a_gpu_is_removed_at_once_and_takes_none() {
    let cluster = cluster(&[(None, 0)]);
    let mut events = Events::of(&cluster);
    cluster.apply(&workload(1)).await.unwrap();
    events.until(|pod| pod.reason.is_some()).await;
    let seen = cluster
        .remove(&workload(1).reference, VolumePolicy::Delete)
        .await
        .unwrap();
    assert_eq!(seen, neuropod_core::cluster::Observation::nothing());
    assert_eq!(cluster.gpus().await.unwrap().unwrap()[0].free(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_pods_start_at_once() {
    let cluster = cluster(&[(None, 1000)]);
    let mut events = Events::of(&cluster);
    let workloads: Vec<_> = (0..1000).map(workload).collect();
    let applied = join_all(workloads.iter().map(|workload| cluster.apply(workload))).await;
    assert!(applied.iter().all(Result::is_ok));
    let mut ready = 0;
    while ready < 1000 {
        let (at, _) = events.until(|pod| pod.ready).await;
        assert_eq!(at, 2005, "none waits for another");
        ready += 1;
    }
    assert_eq!(cluster.gpus().await.unwrap().unwrap()[0].free(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_node_to_avoid_is_used_if_no_other_is_free() {
    let cluster = cluster(&[(None, 1), (None, 1)]);
    let avoiding = |number| {
        let mut workload = workload(number);
        workload.container.avoid_nodes = vec!["node-1".into()];
        workload
    };
    let first = start(&cluster, &avoiding(1)).await;
    assert_eq!(first.node.as_deref(), Some("node-2"));
    let second = start(&cluster, &avoiding(2)).await;
    assert_eq!(second.node.as_deref(), Some("node-1"));
}

#[tokio::test(start_paused = true)]
async fn pods_of_a_one_node_volume_go_to_its_node_or_wait() {
    let pool = |total| GpuPool {
        resource: "nvidia.com/gpu".to_owned(),
        model: None,
        total,
    };
    let cluster = SimCluster::new(Settings {
        gpus: vec![pool(1), pool(2)],
        one_node_volumes: true,
        ..Settings::default()
    });
    let workload = |number| {
        let mut workload = workload(number);
        "workspace".clone_into(&mut workload.reference.volume);
        workload
    };
    cluster.take_gpus(0, 1);
    start(&cluster, &workload(1)).await;
    cluster.take_gpus(0, 0);
    let pod_number = |number| cluster.pod(&workload(number).reference.pod_id).unwrap();
    assert_eq!(pod_number(1).node.as_deref(), Some("node-2"));
    // It would fit on both, and so would a pod without a GPU.
    start(&cluster, &workload(2)).await;
    assert_eq!(pod_number(2).node.as_deref(), Some("node-2"));
    let mut without = workload(4);
    without.container.resources.accelerator = None;
    start(&cluster, &without).await;
    assert_eq!(pod_number(4).node.as_deref(), Some("node-2"));
    assert_eq!(cluster.gpus().await.unwrap().unwrap()[1].free(), 0);
    // node-1 has a free GPU, but not the volume.
    let mut events = Events::of(&cluster);
    cluster.apply(&workload(3)).await.unwrap();
    let (_, pod) = events.until(|pod| pod.reason.is_some()).await;
    let reason = pod.reason.unwrap();
    assert!(reason.is_volume_on_full_node(), "{reason:?}");
    for number in [1, 2, 4] {
        let reference = workload(number).reference;
        cluster.remove(&reference, VolumePolicy::Keep).await.unwrap();
    }
    events.until(|pod| pod.ready && pod.reason.is_none()).await;
}
