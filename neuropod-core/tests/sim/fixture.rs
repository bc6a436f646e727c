//! Workloads, and reading a watch with the time of each event.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::BoxStream;
use neuropod_core::clock::Clock;
use neuropod_core::cluster::workload::{
    Accelerator, ContainerSpec, EndpointSpec, Isolation, Resources, SecretSpec, VolumeSpec,
};
use neuropod_core::cluster::{ClusterEvent, ObservedPod, Workload, WorkloadRef};
use neuropod_core::pod::Environment;
use neuropod_core::sim::{Settings, SimCluster};
use neuropod_core::{ClusterBackend, PodId};
use tokio::time::timeout;

/// Longer than anything takes in these tests: an hour of the cluster.
const LIMIT: Duration = Duration::from_hours(1);

/// A cluster without latency, so that times are round.
pub(crate) fn cluster() -> SimCluster {
    SimCluster::new(Settings {
        latency: Duration::ZERO,
        // Its events would come between those of the pods.
        heartbeat: None,
        ..Settings::default()
    })
}

/// The pod with this number, of its own user, with two ports, an injected token and one GPU.
pub(crate) fn workload(number: u64) -> Workload {
    let name = format!("pod-{number}");
    let endpoint = |port: u16| EndpointSpec {
        port,
        service: format!("{name}-{port}-service"),
        route: format!("{name}-{port}-ingress"),
        host: format!("{name}-{port}.pods.example.com"),
    };
    Workload {
        reference: WorkloadRef {
            pod_id: PodId::from_bits(number),
            user_hash: format!("user{number}"),
            namespace: None,
            volume: format!("workspace-{number}"),
            name: name.clone(),
            objects: None,
        },
        run: 1,
        container: ContainerSpec {
            ready_port: Some(8888),
            ..ContainerSpec::new(
                "jupyter/base-notebook:lab-4",
                Resources {
                    cpu_millis: 4000,
                    memory_mib: 1000,
                    disk_gb: 20,
                    accelerator: Some(Accelerator {
                        resource: "nvidia.com/gpu".to_owned(),
                        count: 1,
                    }),
                },
            )
        },
        volume: VolumeSpec {
            size_gb: 50,
            mount_path: "/workspace".to_owned(),
        },
        endpoints: vec![endpoint(8888), endpoint(7860)],
        isolation: Isolation {
            policy: name.clone(),
            same_owner: false,
            quota: None,
        },
        secret: Some(SecretSpec {
            name: format!("{name}-token"),
            variables: Environment(BTreeMap::from([(
                "JUPYTER_TOKEN".into(),
                "chosen by the platform".into(),
            )])),
        }),
        grace_seconds: 30,
    }
}

/// A watch that records the time of each event.
pub(crate) struct Events {
    cluster: SimCluster,
    stream: BoxStream<'static, ClusterEvent>,
}

impl Events {
    pub(crate) fn of(cluster: &SimCluster) -> Self {
        Self {
            cluster: cluster.clone(),
            stream: cluster.watch(),
        }
    }

    /// The next event, and the milliseconds since the cluster was created.
    pub(crate) async fn next(&mut self) -> (i128, ClusterEvent) {
        let event = timeout(LIMIT, self.stream.next())
            .await
            .expect("an event")
            .expect("an open watch");
        (millis(&self.cluster), event)
    }

    /// Reads until `holds` is true for a pod; returns the pod and the time.
    pub(crate) async fn until(&mut self, holds: impl Fn(&ObservedPod) -> bool) -> (i128, ObservedPod) {
        loop {
            if let (at, ClusterEvent::Changed { pod, .. }) = self.next().await
                && holds(&pod)
            {
                return (at, pod);
            }
        }
    }

    /// Reads until a pod object is gone; returns the time.
    pub(crate) async fn until_gone(&mut self) -> i128 {
        loop {
            if let (at, ClusterEvent::Gone { .. }) = self.next().await {
                return at;
            }
        }
    }
}

/// The milliseconds since the cluster was created.
pub(crate) fn millis(cluster: &SimCluster) -> i128 {
    cluster
        .clock()
        .now()
        .duration_since(Settings::default().epoch)
        .as_millis()
}

/// Applies a workload and waits until its pod is ready.
pub(crate) async fn start(cluster: &SimCluster, workload: &Workload) -> ObservedPod {
    let mut events = Events::of(cluster);
    cluster.apply(workload).await.unwrap();
    let pod_id = &workload.reference.pod_id;
    loop {
        if let Some(pod) = cluster.pod(pod_id).filter(|pod| pod.ready) {
            return pod;
        }
        events.next().await;
    }
}
