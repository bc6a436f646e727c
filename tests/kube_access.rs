//! The rights of `examples/deploy`: they are enough for the whole backend, and a missing one is reported.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod kube;

use std::collections::BTreeMap;
use std::time::Duration;

use ::kube::Api;
use ::kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use futures::StreamExt;
use k8s_openapi::api::core::v1::{LimitRange, Namespace, Node, Pod, ResourceQuota, Service};
use neuropod_core::cluster::workload::Quota;
use neuropod_core::cluster::{ClusterEvent, LogOptions, Objects, VolumePolicy, Workload};
use neuropod_core::conformance::cluster::Milestone;
use neuropod_core::{ClusterBackend, Error, ErrorKind};
use neuropod_k8s::config::GatewayRoutes;
use neuropod_k8s::{Exposure, KubeCluster};
use neuropod_test_cluster::wait_until;
use serde_json::json;
use tokio::time::timeout;

use self::kube::{LIMIT, Recorder, Site, cluster, rbac, rbac_for_namespaces, role_without, workload};

#[tokio::test]
async fn a_missing_right_is_named() {
    let Some(cluster) = cluster("kube_access/a_missing_right_is_named") else {
        return;
    };
    let missing = [
        ("create", "pods"),
        ("create", "services"),
        ("create", "secrets"),
        ("create", "ingresses"),
        ("create", "networkpolicies"),
        ("create", "persistentvolumeclaims"),
        ("get", "namespaces"),
        ("list", "services"),
        ("list", "events"),
        ("delete", "pods"),
        ("delete", "persistentvolumeclaims"),
    ];
    let each = futures::stream::iter(missing).map(async |(verb, resource)| {
        let site = Site::with(cluster, &[role_without(verb, resource)], |_| {}).await;
        let error = whole_life(&site, &workload("lab", 1)).await.unwrap_err();
        assert_eq!(
            *error.kind(),
            ErrorKind::PermissionDenied,
            "{verb} {resource}: {error}"
        );
        let says = format!("may not {verb} {resource}");
        assert!(error.message().contains(&says), "{says}: {error}");
    });
    each.buffer_unordered(3).collect::<()>().await;
}

#[tokio::test]
async fn the_rights_are_enough() {
    let Some(cluster) = cluster("kube_access/the_rights_are_enough") else {
        return;
    };
    let site = Site::with(cluster, &[rbac()], |config| config.storage.grow = true).await;
    whole_life(&site, &workload("lab", 2)).await.unwrap();
    // API servers send a bookmark on each watch about once a minute. Every one has to be open.
    let mut changes = site.backend.watch();
    let alive = async { while changes.next().await != Some(ClusterEvent::Alive) {} };
    timeout(Duration::from_mins(3), alive)
        .await
        .expect("every watch is heard of");
}

/// Everything that the driver does with a backend, except the watch.
async fn whole_life(site: &Site, workload: &Workload) -> Result<(), Error> {
    let (backend, reference) = (&site.backend, &workload.reference);
    backend.apply(workload).await?;
    backend.observe(reference).await?;
    backend.inventory().await?;
    backend.gpus().await?;
    backend.usage().await?;
    match backend.logs(reference, LogOptions::default()).await {
        Err(error) if *error.kind() == ErrorKind::InvalidState => {}
        Err(error) => return Err(error),
        Ok(_) => panic!("a container that does not exist has a log"),
    }
    backend.remove(reference, VolumePolicy::Delete).await?;
    Ok(())
}

#[tokio::test]
async fn gpus_are_counted_if_allowed() {
    let Some(cluster) = cluster("kube_access/gpus_are_counted_if_allowed") else {
        return;
    };
    let site = Site::new(cluster).await;
    let nodes: Api<Node> = Api::all(site.admin.clone());
    let name = format!("gpu-{}", site.namespace);
    let model = json!({ "nvidia.com/gpu.product": site.namespace });
    kube::make(
        nodes.clone(),
        json!({ "metadata": { "name": name, "labels": model } }),
    )
    .await;
    let set = async |count: &str| {
        let counts = json!({ "nvidia.com/gpu": count });
        let gpus = json!({ "status": { "capacity": counts, "allocatable": counts } });
        let patch = Patch::Merge(&gpus);
        nodes
            .patch_status(&name, &PatchParams::default(), &patch)
            .await
            .unwrap();
    };
    let stock = async |site: &Site, backend: &KubeCluster| {
        let nodes = backend.gpus().await.unwrap().unwrap();
        let mut gpus = nodes.iter();
        let ours = gpus.find(|gpus| gpus.model.as_deref() == Some(&site.namespace));
        ours.map(|gpus| (gpus.total, gpus.free()))
    };
    set("4").await;
    let recorder = Recorder::default();
    let backend = recorder.connect(&site.connection, site.backend.config().clone());
    assert_eq!(stock(&site, &backend).await, Some((4, 4)));
    let becomes = async |expected: Option<(u32, u32)>| {
        wait_until("the change", LIMIT, async || {
            let found = stock(&site, &backend).await;
            if found == expected {
                Ok(())
            } else {
                Err(format!("{found:?}"))
            }
        })
        .await
        .unwrap();
    };
    set("8").await;
    becomes(Some((8, 8))).await;
    // A pod of somebody else takes three, and ends.
    let pods: Api<Pod> = site.api();
    let pod = json!({
        "metadata": { "name": "taker" },
        "spec": { "nodeName": name, "tolerations": [{ "operator": "Exists" }], "containers": [{ "name": "main", "image": "none",
            "resources": { "limits": { "nvidia.com/gpu": "3" } } }] },
    });
    kube::make(pods.clone(), pod).await;
    becomes(Some((8, 5))).await;
    let ended = json!({ "status": { "phase": "Succeeded" } });
    let patch = Patch::Merge(&ended);
    pods.patch_status("taker", &PatchParams::default(), &patch)
        .await
        .unwrap();
    becomes(Some((8, 8))).await;
    nodes.delete(&name, &DeleteParams::default()).await.unwrap();
    becomes(None).await;
    assert!(recorder.has_watched_everywhere("nodes") && recorder.has_watched_everywhere("pods"));

    let few: Vec<_> = rbac()
        .into_iter()
        .filter(|document| !document["metadata"]["name"].as_str().unwrap().ends_with("gpus"))
        .collect();
    let without = Site::with(cluster, &[few], |_| {}).await;
    assert_eq!(without.backend.gpus().await.unwrap(), None);
}

#[tokio::test]
async fn every_user_has_a_namespace_with_limits() {
    let Some(cluster) = cluster("kube_access/every_user_has_a_namespace_with_limits") else {
        return;
    };
    let rights = [rbac(), rbac_for_namespaces()];
    let site = Site::with(cluster, &rights, |config| config.namespace_per_user = true).await;
    let mut workload = workload("lab", 1);
    let namespace = format!("neuropod-{}", workload.reference.user_hash);
    workload.reference.namespace = Some(namespace.clone());
    let quota = |pods| Quota {
        pods,
        cpu_millis: 4000,
        memory_mib: 8192,
        volume_gb: 100,
        gpus: BTreeMap::from([("nvidia.com/gpu".into(), 2)]),
    };
    workload.isolation.quota = Some(quota(1));
    let seen = site.backend.apply(&workload).await.unwrap();
    assert_eq!(seen.objects, Objects::Complete);
    let all: Api<Namespace> = Api::all(site.admin.clone());
    let labels = all.get(&namespace).await.unwrap().metadata.labels.unwrap();
    assert_eq!(labels["pod-security.kubernetes.io/enforce"], "baseline");
    let quotas: Api<ResourceQuota> = Api::namespaced(site.admin.clone(), &namespace);
    let limits: Api<LimitRange> = Api::namespaced(site.admin.clone(), &namespace);
    assert_eq!(limits.list(&ListParams::default()).await.unwrap().items.len(), 1);

    // Another pod of the user exceeds the limit, but not a higher one.
    let mut other = kube::workload("other", 1);
    other.reference.user_hash = workload.reference.user_hash.clone();
    other.reference.namespace = Some(namespace.clone());
    other.isolation.quota = Some(quota(1));
    let error = site.backend.apply(&other).await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::QuotaExceeded, "{error}");
    other.isolation.quota = Some(quota(2));
    wait_until("the higher limit", LIMIT, async || {
        site.backend
            .apply(&other)
            .await
            .map_err(|error| error.to_string())
    })
    .await
    .unwrap();
    let hard = quotas.get("neuropod").await.unwrap().spec.unwrap().hard.unwrap();
    assert_eq!(hard["pods"].0, "2");

    let inventory = site.backend.inventory().await.unwrap();
    let mine = inventory
        .workloads
        .iter()
        .find(|owned| owned.reference.pod_id == workload.reference.pod_id);
    assert_eq!(mine.unwrap().reference, workload.reference);
    let mut changes = site.backend.watch();
    wait_until("the pod", LIMIT, async || match changes.next().await {
        Some(ClusterEvent::Changed { pod_id, .. }) if pod_id == workload.reference.pod_id => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn ports_are_reached_through_a_gateway() {
    let Some(cluster) = cluster("kube_access/ports_are_reached_through_a_gateway") else {
        return;
    };
    let site = Site::with(cluster, &[rbac()], |config| {
        config.exposure = GatewayRoutes::new("public").with_namespace("gateways").into();
    })
    .await;
    cluster.install_gateway_api().await.unwrap();
    let workload = workload("lab", 2);
    let seen = site.backend.apply(&workload).await.unwrap();
    assert_eq!(seen.objects, Objects::Complete);
    let services = site.api::<Service>();
    let service = services.get(&workload.endpoints[0].service).await.unwrap();
    let port = service.spec.unwrap().ports.unwrap().remove(0);
    assert_eq!(port.app_protocol.as_deref(), Some("kubernetes.io/ws"));
    assert_eq!(
        site.backend.observe(&workload.reference).await.unwrap().objects,
        Objects::Complete
    );

    // Earlier routes are removed too when a platform changes to Ingresses.
    let ingress = site.another(|config| config.exposure = Exposure::ingress(kube::CLASS));
    let left = ingress
        .remove(&workload.reference, VolumePolicy::Keep)
        .await
        .unwrap();
    assert!(left.is_cleared(), "{left:?}");
}

#[tokio::test]
async fn a_pod_passes_its_pod_security_level() {
    let Some(cluster) = cluster("kube_access/a_pod_passes_its_pod_security_level") else {
        return;
    };
    for security in [
        neuropod_k8s::Security::Baseline,
        neuropod_k8s::Security::Restricted,
    ] {
        let site = Site::with(cluster, &[rbac()], |config| config.security = security).await;
        let level = format!("{security:?}").to_lowercase();
        let label = json!({ "metadata": { "labels": { "pod-security.kubernetes.io/enforce": level } } });
        let namespaces: Api<Namespace> = Api::all(site.admin.clone());
        let patch = Patch::Merge(&label);
        namespaces
            .patch(&site.namespace, &PatchParams::default(), &patch)
            .await
            .unwrap();
        let workload = workload("lab", 1);
        site.backend.apply(&workload).await.unwrap();
        site.kubelet()
            .reach(&workload.reference.name, Milestone::Running { ready: true })
            .await;
        let pod = site.api::<Pod>().get(&workload.reference.name).await.unwrap();
        assert_eq!(pod.spec.unwrap().automount_service_account_token, Some(false));
    }
}
