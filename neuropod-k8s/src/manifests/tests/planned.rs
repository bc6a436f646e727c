//! From a stored pod to Kubernetes objects, through its plan.

use std::collections::BTreeMap;

use jiff::Timestamp;
use neuropod_core::cluster::plan::{Layout, NamespaceScope, VolumeScope, plan};
use neuropod_core::cluster::workload::Quota;
use neuropod_core::cluster::{Catalogue, Workload};
use neuropod_core::pod::{Jupyter, Login};
use neuropod_core::{AccessToken, ErrorKind, Naming, Pod};

use super::shown;
use crate::api::kinds::Kind;
use crate::config::KubeConfig;
use crate::manifests::to_yaml;
use crate::manifests::workload::Manifests;

fn naming() -> Naming {
    Naming::new("pods.example.com", "a key of sixteen bytes or more").unwrap()
}

pub(super) fn workload(pod: &Pod, layout: &Layout) -> Workload {
    plan(pod, &Catalogue::default(), &naming(), layout).unwrap()
}

/// A pod with a GPU, a Jupyter server whose token was generated, and a second port.
fn with_jupyter() -> Pod {
    let mut pod = Pod::sample(Timestamp::UNIX_EPOCH);
    pod.options = pod.options.with_variable("HF_HOME", "/workspace/models");
    pod.run = 3;
    pod
}

/// A plain image with one port.
fn without_jupyter(gpu: &str) -> Pod {
    let mut pod = Pod::sample(Timestamp::UNIX_EPOCH);
    pod.options = pod
        .options
        .with_image("python:3.12".parse().unwrap())
        .with_gpu(gpu)
        .with_ports([8080])
        .with_jupyter(Jupyter::Off);
    pod.login = Login::default();
    pod
}

pub(super) fn without_gpu() -> Pod {
    let mut pod = without_jupyter("cpu");
    pod.options = pod.options.with_variable("PRICE", "$(HOME) costs $5 or $$");
    pod
}

#[test]
fn a_gpu_with_jupyter_two_ports_and_a_generated_token() {
    let workload = workload(&with_jupyter(), &Layout::default());
    insta::assert_snapshot!(shown(&workload, &KubeConfig::default()));
}

#[test]
fn a_gpu_without_jupyter() {
    let workload = workload(&without_jupyter("rtx-4090"), &Layout::default());
    insta::assert_snapshot!(shown(&workload, &KubeConfig::default()));
}

#[test]
fn a_namespace_and_a_volume_of_the_user() {
    let layout = Layout {
        volume: VolumeScope::User,
        namespace: NamespaceScope::User,
        same_owner_traffic: true,
        quota: Some(Quota {
            pods: 4,
            cpu_millis: 32_000,
            memory_mib: 200_000,
            volume_gb: 500,
            gpus: BTreeMap::from([("nvidia.com/gpu".into(), 2)]),
        }),
        grace_seconds: 10,
    };
    let pod = without_gpu();
    let (volume, namespace) = layout.places(&naming(), &pod.slug, &pod.owner_hash);
    let pod = Pod {
        volume,
        namespace,
        ..pod
    };
    let config = KubeConfig {
        namespace_per_user: true,
        ..KubeConfig::default()
    };
    insta::assert_snapshot!(shown(&workload(&pod, &layout), &config));
}

/// The default namespace of the cluster must not have limits for a single user.
#[test]
fn without_a_namespace_of_the_user_there_is_no_quota() {
    let layout = Layout {
        quota: Some(Quota {
            pods: 4,
            cpu_millis: 32_000,
            memory_mib: 200_000,
            volume_gb: 500,
            gpus: BTreeMap::from([("nvidia.com/gpu".into(), 2)]),
        }),
        ..Layout::default()
    };
    let pod = without_gpu();
    let config = KubeConfig::default();
    assert_eq!(
        to_yaml(&workload(&pod, &layout), &config),
        to_yaml(&workload(&pod, &Layout::default()), &config)
    );
}

#[test]
fn a_chosen_token_replaces_the_generated_one_and_is_only_in_the_secret() {
    const CHOSEN: &str = "correct horse battery staple";
    let generated = with_jupyter();
    let token = || Some(AccessToken::new(CHOSEN));
    let chosen = Pod {
        options: generated
            .options
            .clone()
            .with_jupyter(Jupyter::Chosen(AccessToken::new(CHOSEN))),
        login: Login {
            injected: token(),
            ..Login::default()
        },
        ..generated.clone()
    };
    let config = KubeConfig::default();
    let generated = workload(&generated, &Layout::default());
    let chosen = workload(&chosen, &Layout::default());
    assert_eq!(shown(&chosen, &config), shown(&generated, &config));

    let encoded = data_encoding::BASE64.encode(CHOSEN.as_bytes());
    let with_token: Vec<_> = Manifests::new(&chosen, &config)
        .all()
        .filter(|manifest| {
            let text = manifest.body.to_string();
            text.contains(CHOSEN) || text.contains(&encoded)
        })
        .collect();
    let names: Vec<_> = with_token
        .iter()
        .map(|manifest| (manifest.kind, manifest.name.as_str()))
        .collect();
    assert_eq!(names, [(Kind::Secret, "training-k3j5qzx2ab-token")]);
    assert!(!to_yaml(&chosen, &config).contains(CHOSEN));
}

#[test]
fn a_gpu_type_no_longer_in_the_catalogue_is_an_error_that_names_it() {
    let catalogue = Catalogue::new([]);
    let error = plan(&with_jupyter(), &catalogue, &naming(), &Layout::default()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::NotConfigured), "{error}");
    let reported = error.to_string();
    assert!(
        reported.contains("rtx-4090") && reported.contains("put it back"),
        "{reported}"
    );
}
