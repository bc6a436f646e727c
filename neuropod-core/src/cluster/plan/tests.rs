use jiff::Timestamp;

use super::*;
use crate::cluster::catalogue::{GpuType, InstanceSize};
use crate::cluster::workload::{Accelerator, Toleration};
use crate::pod::environment::Environment;
use crate::pod::options::Jupyter;

fn naming() -> Naming {
    Naming::new("pods.example.com", "a secret of at least 16 bytes").unwrap()
}

fn sample() -> Pod {
    Pod::sample(Timestamp::UNIX_EPOCH)
}

fn planned(change: impl FnOnce(&mut Pod)) -> Workload {
    let mut pod = sample();
    change(&mut pod);
    plan(&pod, &Catalogue::default(), &naming(), &Layout::default()).unwrap()
}

#[test]
fn names_ports_and_the_token_are_those_of_the_pod() {
    let workload = planned(|_| {});
    let reference = &workload.reference;
    assert_eq!(reference.name, "training-k3j5qzx2ab");
    assert_eq!(reference.volume, "workspace-k3j5qzx2ab");
    assert_eq!((reference.namespace.as_deref(), workload.run), (None, 1));
    let endpoints: Vec<_> = workload.endpoints.iter().collect();
    assert_eq!(endpoints.len(), 2);
    assert_eq!(endpoints[0].port, 8888);
    assert_eq!(endpoints[0].service, "training-k3j5qzx2ab-8888-service");
    assert_eq!(endpoints[0].route, "training-k3j5qzx2ab-8888-ingress");
    assert_eq!(endpoints[0].host, "training-k3j5qzx2ab-8888.pods.example.com");
    assert_eq!(workload.container.ready_port, Some(8888));
    let secret = workload.secret.unwrap();
    assert_eq!(secret.name, "training-k3j5qzx2ab-token");
    assert_eq!(secret.variables.0["JUPYTER_TOKEN"], "0123456789abcdef");
    assert!(
        !workload.container.environment.contains_key("JUPYTER_TOKEN"),
        "it comes from the Secret alone"
    );
    assert_eq!(workload.volume.size_gb, 30);
    assert_eq!(workload.volume.mount_path, "/workspace");
}

#[test]
fn without_jupyter_there_is_no_token_and_no_port_to_wait_for() {
    let workload = planned(|pod| {
        pod.options.jupyter = Some(Jupyter::Off);
        pod.login.injected = None;
    });
    assert_eq!(workload.secret, None);
    assert_eq!(workload.container.ready_port, None);
}

/// Only the owner knows which of their values are secret, so none of them is readable in the pod.
#[test]
fn all_values_of_the_owner_and_the_token_are_secret() {
    let workload = planned(|pod| {
        let own = [
            ("HF_TOKEN", "hf_canary"),
            ("EPOCHS", "3"),
            ("JUPYTER_TOKEN", "of an old record"),
        ];
        let own = own.map(|(name, value)| (name.to_owned(), value.to_owned()));
        pod.options.environment = Environment(own.into());
    });
    let secret = workload.secret.as_ref().unwrap();
    let values: Vec<_> = secret.variables.0.iter().collect();
    assert_eq!(
        values
            .into_iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect::<Vec<_>>(),
        [
            ("EPOCHS", "3"),
            ("HF_TOKEN", "hf_canary"),
            ("JUPYTER_TOKEN", "0123456789abcdef")
        ]
    );
    for name in secret.variables.0.keys() {
        assert!(!workload.container.environment.contains_key(name), "{name}");
    }
    assert!(!format!("{workload:?}").contains("canary"), "{workload:?}");
    assert!(!serde_json::to_string(&workload).unwrap().contains("canary"));
}

/// People who may read pods but not Secrets can read the digest too, and could try short values.
#[test]
fn the_digest_depends_on_names_and_runs_but_not_on_the_owners_values() {
    let hash = |name: &str, value: &str, run: u64| {
        let workload = planned(|pod| {
            pod.options.environment = Environment([(name.into(), value.into())].into());
            pod.run = run;
        });
        workload.spec_hash()
    };
    let first = hash("PIN", "1234", 1);
    assert_eq!(hash("PIN", "9876", 1), first);
    assert_ne!(
        hash("PIN", "9876", 2),
        first,
        "another value comes with another run"
    );
    assert_ne!(hash("PIN_2", "1234", 1), first);
}

/// Hooks of the runtime run on the node with the variables of the container.
#[test]
fn no_image_and_no_owner_names_a_library_for_the_hooks_of_the_runtime() {
    for gpu in ["cpu", "rtx-4090"] {
        let workload = planned(|pod| {
            pod.options.gpu = Some(gpu.into());
            pod.options.environment = Environment([("LD_PRELOAD".into(), "./pwn.so".into())].into());
        });
        for name in ["LD_PRELOAD", "LD_AUDIT"] {
            assert_eq!(workload.container.environment[name], "", "{gpu} {name}");
        }
        let secret = workload.secret.unwrap();
        assert!(!secret.variables.0.contains_key("LD_PRELOAD"), "{gpu}");
    }
}

#[test]
fn a_pod_without_a_gpu_sees_none() {
    let own = |pod: &mut Pod| {
        pod.options.environment = Environment([("EPOCHS".into(), "3".into())].into());
    };
    let with = planned(own);
    for (name, _) in NO_DEVICES {
        assert!(!with.container.environment.contains_key(name), "{name}");
    }
    let accelerator = with.container.resources.accelerator.unwrap();
    assert_eq!(
        (accelerator.resource.as_str(), accelerator.count),
        ("nvidia.com/gpu", 1)
    );
    let without = planned(|pod| {
        own(pod);
        pod.options.gpu = Some("cpu".into());
    });
    for (name, nothing) in [
        ("AMD_VISIBLE_DEVICES", "none"),
        ("ASCEND_VISIBLE_DEVICES", "void"),
        ("HABANA_VISIBLE_DEVICES", "void"),
        ("NVIDIA_VISIBLE_DEVICES", "void"),
    ] {
        assert_eq!(without.container.environment[name], nothing, "{name}");
    }
    assert_eq!(without.secret.unwrap().variables.0["EPOCHS"], "3");
    assert_eq!(without.container.resources.accelerator, None);
}

/// Requests with such a variable are refused; in a stored record it has no effect.
#[test]
fn a_variable_of_the_user_opens_no_gpu() {
    let workload = planned(|pod| {
        pod.options.gpu = Some("cpu".into());
        pod.options.environment = Environment([("NVIDIA_VISIBLE_DEVICES".into(), "all".into())].into());
    });
    assert_eq!(workload.container.environment["NVIDIA_VISIBLE_DEVICES"], "void");
    let secret = workload.secret.unwrap();
    assert!(!secret.variables.0.contains_key("NVIDIA_VISIBLE_DEVICES"));
}

#[test]
fn disks_are_as_requested_and_processor_and_memory_those_of_the_gpu_type() {
    for (gpu, cpu_millis, memory_mib) in [("cpu", 2000, 4096), ("rtx-4090", 8000, 49_152)] {
        let workload = planned(|pod| {
            pod.options.gpu = Some(gpu.into());
            pod.options.disk_gb = Some(77);
            pod.options.volume_gb = Some(123);
        });
        let resources = workload.container.resources;
        // The first platform made the container's disk its memory limit.
        assert_eq!(
            (resources.disk_gb, resources.cpu_millis, resources.memory_mib),
            (77, cpu_millis, memory_mib),
            "{gpu}"
        );
        assert_eq!(workload.volume.size_gb, 123, "{gpu}");
    }
}

#[test]
fn the_default_gpus_choose_their_nodes_and_pods_without_gpu_take_any() {
    let container = planned(|_| {}).container;
    assert_eq!(
        container.node_selector["nvidia.com/gpu.product"],
        "NVIDIA-GeForce-RTX-4090"
    );
    assert_eq!(container.tolerations[0].key, "nvidia.com/gpu");
    let container = planned(|pod| pod.options.gpu = Some("cpu".into())).container;
    assert!(container.node_selector.is_empty() && container.tolerations.is_empty());
}

#[test]
fn the_catalogue_decides_placement_and_resources() {
    let accelerator = Accelerator {
        resource: "example.com/gpu".into(),
        count: 2,
    };
    let toleration = Toleration {
        key: "pool".into(),
        value: Some("gpu".into()),
        effect: None,
    };
    let gpu = GpuType {
        accelerator: Some(accelerator.clone()),
        node_selector: [("model".into(), "big".into())].into(),
        tolerations: vec![toleration.clone()],
        runtime_class: Some("nvidia".into()),
        size: InstanceSize {
            cpu_millis: 1500,
            memory_mib: 3000,
        },
        ..Catalogue::default().get("rtx-4090").unwrap().clone()
    };
    let catalogue = Catalogue::new([("big".to_owned(), gpu)]);
    let mut pod = sample();
    pod.options.gpu = Some("big".into());
    let layout = Layout {
        grace_seconds: 7,
        same_owner_traffic: true,
        ..Layout::default()
    };
    let workload = plan(&pod, &catalogue, &naming(), &layout).unwrap();
    let container = workload.container;
    let resources = Resources {
        cpu_millis: 1500,
        memory_mib: 3000,
        disk_gb: 20,
        accelerator: Some(accelerator),
    };
    assert_eq!(container.resources, resources);
    assert_eq!(container.node_selector["model"], "big");
    assert_eq!(container.tolerations, [toleration]);
    assert_eq!(container.runtime_class.as_deref(), Some("nvidia"));
    assert_eq!((workload.grace_seconds, workload.isolation.same_owner), (7, true));
    // Its GPU type is missing in another catalogue.
    let error = plan(&pod, &Catalogue::default(), &naming(), &layout).unwrap_err();
    assert_eq!(
        (error.kind(), error.context("gpu")),
        (&ErrorKind::NotConfigured, Some("big"))
    );
}

#[test]
fn only_namespaces_of_users_have_a_quota() {
    let quota = Quota {
        pods: 4,
        cpu_millis: 16_000,
        memory_mib: 65_536,
        volume_gb: 200,
        gpus: BTreeMap::from([("nvidia.com/gpu".into(), 2)]),
    };
    let layout = Layout {
        volume: VolumeScope::Pod,
        namespace: NamespaceScope::User,
        quota: Some(quota.clone()),
        ..Layout::default()
    };
    let mut pod = sample();
    let planned = |pod: &Pod| plan(pod, &Catalogue::default(), &naming(), &layout).unwrap();
    assert_eq!(planned(&pod).isolation.quota, None);
    let (volume, namespace) = layout.places(&naming(), &pod.slug, &pod.owner_hash);
    assert_eq!(volume, "workspace-training-k3j5qzx2ab");
    assert_eq!(namespace.as_deref(), Some("neuropod-k3j5qzx2ab"));
    pod.namespace = namespace;
    assert_eq!(planned(&pod).isolation.quota, Some(quota));
}

#[test]
fn failed_nodes_are_avoided_without_changing_existing_objects() {
    let plain = planned(|_| {});
    let avoiding = planned(|pod| pod.failed_nodes = vec!["node-2".into()]);
    assert_eq!(plain.container.avoid_nodes, [""; 0]);
    assert_eq!(avoiding.container.avoid_nodes, ["node-2"]);
    assert_eq!(
        plain.spec_hash(),
        avoiding.spec_hash(),
        "a pod that runs is not made anew for it"
    );
}
