//! Workloads of the tests.

use std::collections::BTreeMap;

use neuropod_core::PodId;
use neuropod_core::cluster::workload::{
    ContainerSpec, EndpointSpec, Isolation, Resources, SecretSpec, VolumeSpec,
};
use neuropod_core::cluster::{Workload, WorkloadRef};
use neuropod_core::pod::Environment;

/// Unique names of a pod.
pub(crate) fn reference(name: &str) -> WorkloadRef {
    let pod_id = PodId::random();
    let user_hash = pod_id.as_str()[..10].to_owned();
    WorkloadRef {
        name: format!("{name}-{user_hash}"),
        volume: format!("workspace-{user_hash}"),
        namespace: None,
        objects: None,
        user_hash,
        pod_id,
    }
}

/// A workload with this many ports and a token.
pub(crate) fn workload(name: &str, ports: u16) -> Workload {
    let reference = reference(name);
    let base = &reference.name;
    let endpoints = (0..ports).map(|index| EndpointSpec {
        port: 8888 + index,
        service: format!("{base}-{}-service", 8888 + index),
        route: format!("{base}-{}-ingress", 8888 + index),
        host: format!("{base}-{}.pods.example.com", 8888 + index),
    });
    Workload {
        run: 1,
        container: ContainerSpec {
            environment: BTreeMap::from([("LANG".into(), "C.UTF-8".into())]),
            ready_port: Some(8888),
            ..ContainerSpec::new(
                "neuropod/test:1",
                Resources {
                    cpu_millis: 100,
                    memory_mib: 128,
                    disk_gb: 1,
                    accelerator: None,
                },
            )
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
            variables: Environment(BTreeMap::from([(
                "JUPYTER_TOKEN".into(),
                "b1726e8fd9c54a7e8b3f0e6a7c9d1e2f3a4b5c6d7e8f9a0b".into(),
            )])),
        }),
        grace_seconds: 5,
        reference,
    }
}
