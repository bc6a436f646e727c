//! Everything that a server does in the cluster.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::StreamExt;
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{DynamicObject, ListParams, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Api, ResourceExt};
use neuropod_core::cluster::workload::Quota;
use neuropod_core::cluster::{ClusterEvent, LogOptions, ReplicaId, Replicas, VolumePolicy};
use neuropod_core::conformance::cluster::Milestone;
use neuropod_core::{ClusterBackend, ErrorKind};
use neuropod_k8s::{Exposure, KubeConfig};
use neuropod_test_cluster::{SELECTOR, wait_until};
use serde_json::json;
use tokio::time::timeout;

use super::{Kubelet, LIMIT, Recorder, Site, workload};

/// Removes the digest from every object of the platform in the namespace, like people who edit objects.
async fn edit_all(site: &Site, namespace: &str) {
    let admin = &site.admin;
    let spoilt = Patch::Merge(json!({ "metadata": { "annotations": { "neuropod.io/digest": "edited" } } }));
    let params = PatchParams::default();
    let ours = ListParams::default().labels(SELECTOR);
    let all: Api<Namespace> = Api::all(admin.clone());
    for found in all.list(&ours).await.unwrap() {
        if found.name_any() == namespace {
            all.patch(namespace, &params, &spoilt).await.unwrap();
        }
    }
    for (group, kind) in [
        ("", "Service"),
        ("", "Secret"),
        ("", "ResourceQuota"),
        ("", "LimitRange"),
        ("networking.k8s.io", "NetworkPolicy"),
        ("networking.k8s.io", "Ingress"),
        ("gateway.networking.k8s.io", "HTTPRoute"),
    ] {
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, "v1", kind));
        let api: Api<DynamicObject> = Api::namespaced_with(admin.clone(), namespace, &resource);
        for found in api.list(&ours).await.unwrap() {
            api.patch(&found.name_any(), &params, &spoilt).await.unwrap();
        }
    }
}

/// Everything that a server does with a pod, and with existing or edited objects.
pub(crate) async fn whole_life(site: &Site, recorder: &Recorder, change: fn(&mut KubeConfig)) {
    let mut config = site.backend.config().clone();
    change(&mut config);
    let connect = || recorder.connect(&site.connection, config.clone());
    let backend = connect();
    let wants_default = config.storage.class.is_none() || config.exposure == Exposure::default();
    if wants_default {
        // None of the tests' classes is the default.
        let error = backend.check_setup().await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::NotConfigured, "{error}");
        return;
    }
    let mut workload = workload("lab", 1);
    let mut namespace = site.namespace.clone();
    if config.namespace_per_user {
        namespace = format!("neuropod-{}", workload.reference.user_hash);
        workload.reference.namespace = Some(namespace.clone());
        workload.isolation.quota = Some(Quota {
            pods: 1,
            cpu_millis: 4000,
            memory_mib: 8192,
            volume_gb: 100,
            gpus: BTreeMap::new(),
        });
    }
    let reference = &workload.reference.clone();
    backend.check_setup().await.unwrap();
    site.make_volume(&namespace, &reference.volume).await;
    backend.apply(&workload).await.unwrap();
    site.wait_for_volume(&namespace, &reference.volume).await;
    edit_all(site, &namespace).await;
    workload.volume.size_gb = 30;
    // Another process does not know the existing objects.
    connect().apply(&workload).await.unwrap();
    backend.observe(reference).await.unwrap();
    backend.inventory().await.unwrap();
    backend.gpus().await.unwrap();
    wait_until("the watches on GPUs", LIMIT, async || {
        let watched = ["nodes", "pods"].map(|kind| recorder.has_watched_everywhere(kind));
        if watched == [true, true] {
            Ok(())
        } else {
            Err(format!("{watched:?}"))
        }
    })
    .await
    .unwrap();
    backend.usage().await.unwrap();
    if config.leases {
        let replica = ReplicaId::random();
        backend.renew(&replica).await.unwrap();
        backend.give_up(&replica).await.unwrap();
    }
    let kubelet = Kubelet::new(site.admin.clone(), &namespace);
    kubelet
        .reach(&reference.name, Milestone::Running { ready: true })
        .await;
    match backend.logs(reference, LogOptions::default()).await {
        // Nothing runs on the node.
        Err(error) => assert_ne!(*error.kind(), ErrorKind::PermissionDenied, "{error}"),
        Ok(_) => panic!("a node without a kubelet has a log"),
    }
    let mut changes = backend.watch();
    while changes.next().await != Some(ClusterEvent::Synced) {}
    // The other watches open meanwhile, unless copied Secrets forbid it.
    let route = match config.exposure {
        Exposure::Ingress(_) => "ingresses",
        _ => "httproutes",
    };
    let watched = [
        "services",
        route,
        "secrets",
        "networkpolicies",
        "persistentvolumeclaims",
    ];
    let opens = async {
        while !watched.iter().all(|kind| recorder.has_watched(kind)) {
            changes.next().await;
        }
    };
    drop(timeout(Duration::from_secs(10), opens).await);
    backend.remove(reference, VolumePolicy::Delete).await.unwrap();
    // The existing objects are listed, and their changes watched.
    wait_until("the end of the pod", LIMIT, async || match changes.next().await {
        Some(ClusterEvent::Changed { pod_id, pod }) if pod_id == reference.pod_id && pod.terminating => {
            Ok(())
        }
        other => Err(format!("{other:?}")),
    })
    .await
    .unwrap();
}
