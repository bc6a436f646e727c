//! What is created: the pod of one person with its volume, a Service and an Ingress for each port, a Secret and a
//! network policy.

use std::collections::BTreeMap;

use neuropod_core::PodId;
use neuropod_core::cluster::workload::{
    ContainerSpec, EndpointSpec, Isolation, Resources, SecretSpec, VolumeSpec,
};
use neuropod_core::cluster::{Workload, WorkloadRef};
use neuropod_core::pod::Environment;
use neuropod_k8s::{Exposure, KubeConfig, Storage};

use crate::sample::{CLASS, NAMESPACE};

/// The token of the pod.
pub(super) const TOKEN: &str = "b1726e8fd9c54a7e8b3f0e6a7c9d1e2f3a4b5c6d7e8f9a0b";

/// The configuration of the backend.
pub(super) fn config() -> KubeConfig {
    KubeConfig::default()
        .with_namespace(NAMESPACE)
        .with_exposure(Exposure::ingress(CLASS))
        .with_storage(Storage::default().with_class(CLASS))
}

/// A pod that nobody has had yet.
pub(super) fn workload(ports: u16) -> Workload {
    let pod_id = PodId::random();
    let user_hash: String = pod_id.as_str().chars().take(10).collect();
    let base = format!("lab-{user_hash}");
    let endpoints = (0..ports).map(|index| EndpointSpec {
        port: 8888 + index,
        service: format!("{base}-{}-service", 8888 + index),
        route: format!("{base}-{}-ingress", 8888 + index),
        host: format!("{base}-{}.pods.example.com", 8888 + index),
    });
    let resources = Resources {
        cpu_millis: 2000,
        memory_mib: 8192,
        disk_gb: 20,
        accelerator: None,
    };
    Workload {
        run: 1,
        container: ContainerSpec {
            environment: BTreeMap::from([("LANG".into(), "C.UTF-8".into())]),
            ready_port: Some(8888),
            ..ContainerSpec::new("quay.io/jupyter/base-notebook:latest", resources)
        },
        volume: VolumeSpec {
            size_gb: 20,
            mount_path: "/workspace".into(),
        },
        endpoints: endpoints.collect(),
        isolation: Isolation {
            policy: base.clone(),
            same_owner: false,
            quota: None,
        },
        secret: Some(SecretSpec {
            name: format!("{base}-token"),
            variables: Environment(BTreeMap::from([("JUPYTER_TOKEN".into(), TOKEN.into())])),
        }),
        grace_seconds: 30,
        reference: WorkloadRef {
            name: base,
            volume: format!("workspace-{user_hash}"),
            namespace: None,
            objects: None,
            user_hash,
            pod_id,
        },
    }
}
