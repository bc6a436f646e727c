//! Workloads and a configuration, written by hand.

use std::collections::BTreeMap;

use neuropod_core::cluster::workload::{
    Accelerator, ContainerSpec, EndpointSpec, Isolation, Resources, SecretSpec, Toleration, VolumeSpec,
};
use neuropod_core::cluster::{Workload, WorkloadRef};
use neuropod_core::pod::Environment;

use crate::config::{IngressRoutes, KubeConfig, NetworkRules, Storage};

pub(super) const VALUE: &str = "hf_canary $(HOME) $$";
pub(super) const TOKEN: &str = "b1726e8fd9c54a7e8b3f0e6a7c9d1e2f3a4b5c6d7e8f9a0b";

fn endpoint(port: u16) -> EndpointSpec {
    EndpointSpec {
        port,
        service: format!("my-lab-abcdefghij-{port}-service"),
        route: format!("my-lab-abcdefghij-{port}-ingress"),
        host: format!("my-lab-abcdefghij-{port}.pods.example.com"),
    }
}

/// A pod without GPU and with one port.
pub(crate) fn plain() -> Workload {
    Workload {
        reference: WorkloadRef {
            pod_id: "3f9a0c1d2e4b5a68".parse().unwrap(),
            user_hash: "abcdefghij".into(),
            namespace: None,
            name: "my-lab-abcdefghij".into(),
            volume: "workspace-abcdefghij".into(),
            objects: None,
        },
        run: 3,
        container: ContainerSpec {
            environment: BTreeMap::from([("PRICE".into(), "$(HOME) costs $5 or $$".into())]),
            ..ContainerSpec::new(
                "docker.io/library/python:3.12",
                Resources {
                    cpu_millis: 2000,
                    memory_mib: 4096,
                    disk_gb: 10,
                    accelerator: None,
                },
            )
        },
        volume: VolumeSpec {
            size_gb: 20,
            mount_path: "/workspace".into(),
        },
        endpoints: vec![endpoint(8080)],
        isolation: Isolation {
            policy: "my-lab-abcdefghij".into(),
            same_owner: false,
            quota: None,
        },
        secret: None,
        grace_seconds: 30,
    }
}

/// A pod with a GPU, a Jupyter server with a token, and a second port.
pub(super) fn jupyter() -> Workload {
    let mut workload = plain();
    let container = &mut workload.container;
    container.image = "quay.io/jupyter/pytorch-notebook:latest".into();
    container.environment = BTreeMap::from([("JUPYTER_TOKEN".into(), "of the user".into())]);
    container.ready_port = Some(8888);
    container.resources.accelerator = Some(Accelerator {
        resource: "nvidia.com/gpu".into(),
        count: 1,
    });
    container.node_selector = BTreeMap::from([("nvidia.com/gpu.product".into(), "RTX-4090".into())]);
    container.tolerations = vec![
        Toleration {
            key: "nvidia.com/gpu".into(),
            value: None,
            effect: Some("NoSchedule".into()),
        },
        Toleration {
            key: "pool".into(),
            value: Some("gpu".into()),
            effect: None,
        },
    ];
    container.runtime_class = Some("nvidia".into());
    workload.endpoints = vec![endpoint(8888), endpoint(7860)];
    workload.isolation.same_owner = true;
    workload.secret = Some(SecretSpec {
        name: "my-lab-abcdefghij-token".into(),
        variables: Environment(BTreeMap::from([
            ("HF_TOKEN".into(), VALUE.into()),
            ("JUPYTER_TOKEN".into(), TOKEN.into()),
        ])),
    });
    workload
}

pub(super) fn nginx() -> KubeConfig {
    let ingress = IngressRoutes::default()
        .with_class("nginx")
        .with_tls_secret("wildcard")
        .with_annotation("nginx.ingress.kubernetes.io/proxy-body-size", "0");
    let network = NetworkRules::default()
        .with_ingress_namespace([("kubernetes.io/metadata.name", "ingress-nginx")])
        .with_ingress_ranges(["203.0.113.7/32"])
        .with_blocked_ranges(["198.51.100.9/32", "2001:db8::9/128"]);
    KubeConfig::default()
        .with_namespace("gpu-pods")
        .with_exposure(ingress)
        .with_storage(Storage::default().with_class("fast"))
        .with_network(network)
        .with_image_pull_secrets(["registry"])
}
