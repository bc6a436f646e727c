//! `KubeCluster` on a real API server, as the `ServiceAccount` of `examples/deploy/rbac.yaml`: the objects that
//! it creates, changes, removes and refuses.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod kube;

use std::collections::BTreeMap;
use std::time::Instant;

use ::kube::api::{ListParams, Patch, PatchParams};
use futures::StreamExt;
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod, Secret, Service};
use k8s_openapi::api::networking::v1::{Ingress, NetworkPolicy};
use neuropod_core::cluster::{ClusterEvent, Objects, ObservedVolume, VolumePolicy, Workload};
use neuropod_core::{ClusterBackend, ErrorKind};
use neuropod_k8s::config::IngressRoutes;
use neuropod_k8s::{KubeCluster, Services};
use neuropod_test_cluster::{SELECTOR, measured};
use serde_json::{Value, json};

use self::kube::{Site, cluster, workload};

/// All objects of the platform in the namespace, as kind, name and metadata.
async fn everything(site: &Site) -> Vec<(&'static str, String, Value)> {
    async fn of_kind<K>(site: &Site, kind: &'static str) -> Vec<(&'static str, String, Value)>
    where
        K: ::kube::Resource<Scope = ::kube::core::NamespaceResourceScope, DynamicType = ()>
            + serde::Serialize
            + serde::de::DeserializeOwned
            + Clone
            + std::fmt::Debug,
    {
        let ours = ListParams::default().labels(SELECTOR);
        let found = site.api::<K>().list(&ours).await.unwrap();
        let found = found.items.into_iter().map(|object| {
            let meta = serde_json::to_value(object.meta()).unwrap();
            (kind, meta["name"].as_str().unwrap().to_owned(), meta)
        });
        found.collect()
    }
    let mut all = of_kind::<Pod>(site, "Pod").await;
    all.extend(of_kind::<PersistentVolumeClaim>(site, "PersistentVolumeClaim").await);
    all.extend(of_kind::<Service>(site, "Service").await);
    all.extend(of_kind::<Ingress>(site, "Ingress").await);
    all.extend(of_kind::<Secret>(site, "Secret").await);
    all.extend(of_kind::<NetworkPolicy>(site, "NetworkPolicy").await);
    all
}

/// The version of every object: it changes with every write.
async fn versions(site: &Site) -> BTreeMap<String, String> {
    let version = |kind: &str, meta: &Value| match kind {
        // The cluster's controllers write to claims at any time, so only our own writes to them count.
        "PersistentVolumeClaim" => {
            let managers = meta["managedFields"].as_array().unwrap().iter();
            managers
                .filter(|entry| entry["manager"] == "neuropod")
                .map(Value::to_string)
                .collect()
        }
        _ => meta["resourceVersion"].to_string(),
    };
    let all = everything(site).await.into_iter();
    all.map(|(kind, name, meta)| (format!("{kind} {name}"), version(kind, &meta)))
        .collect()
}

async fn refused(backend: &KubeCluster, workload: &Workload) -> neuropod_core::Error {
    match backend.apply(workload).await {
        Ok(seen) => panic!("apply was not refused: {seen:#?}"),
        Err(error) => error,
    }
}

#[tokio::test]
async fn all_objects_of_a_new_pod_are_created_in_one_wave() {
    let Some(cluster) = cluster("kube_api/all_objects_of_a_new_pod_are_created_in_one_wave") else {
        return;
    };
    let site = Site::new(cluster).await;
    // The first one checks the classes, and opens connections.
    site.backend.apply(&workload("first", 8)).await.unwrap();
    for ports in [1, 8] {
        let mut times = Vec::new();
        for _ in 0..9 {
            let workload = workload("lab", ports);
            let begun = Instant::now();
            let seen = site.backend.apply(&workload).await.unwrap();
            times.push(begun.elapsed());
            assert_eq!(seen.objects, Objects::Complete);
            site.backend
                .remove(&workload.reference, VolumePolicy::Delete)
                .await
                .unwrap();
        }
        times.sort_unstable();
        let (median, most) = (times[4], times[8]);
        measured(format_args!(
            "a new pod with {ports} ports is accepted whole after {median:.1?} (median of 9), at most {most:.1?}"
        ));
    }
}

#[tokio::test]
async fn two_platforms_in_one_namespace_leave_each_other_alone() {
    let Some(cluster) = cluster("kube_api/two_platforms_in_one_namespace_leave_each_other_alone") else {
        return;
    };
    let site = Site::new(cluster).await;
    let other = site.another(|config| config.instance = "other".into());
    let workload = workload("lab", 2);
    site.backend.apply(&workload).await.unwrap();
    let before = everything(&site).await;
    let inventory = other.inventory().await.unwrap();
    assert!(
        inventory.workloads.is_empty() && inventory.volumes.is_empty(),
        "{inventory:?}"
    );
    let seen = other.observe(&workload.reference).await.unwrap();
    assert!(
        seen.is_cleared() && seen.volume == ObservedVolume::Absent,
        "{seen:?}"
    );
    other
        .remove(&workload.reference, VolumePolicy::Delete)
        .await
        .unwrap();
    assert_eq!(refused(&other, &workload).await.kind(), &ErrorKind::NameTaken);
    assert_eq!(everything(&site).await.len(), before.len());
    let events = other.watch();
    let mut events = events.filter(|event| std::future::ready(*event != ClusterEvent::Altered));
    assert_eq!(events.next().await, Some(ClusterEvent::Synced));
}

#[tokio::test]
async fn every_object_exists_with_its_labels() {
    let Some(cluster) = cluster("kube_api/every_object_exists_with_its_labels") else {
        return;
    };
    let site = Site::new(cluster).await;
    let workload = workload("lab", 2);
    let seen = site.backend.apply(&workload).await.unwrap();
    assert_eq!(seen.objects, Objects::Complete);
    assert_eq!(seen.volume, ObservedVolume::Pending);
    let all = everything(&site).await;
    let kinds: Vec<_> = all.iter().map(|(kind, ..)| *kind).collect();
    let expected = [
        "Pod",
        "PersistentVolumeClaim",
        "Service",
        "Service",
        "Ingress",
        "Ingress",
        "Secret",
        "NetworkPolicy",
    ];
    assert_eq!(kinds, expected);
    for (kind, name, meta) in &all {
        let label = |key: &str| meta["labels"][key].as_str();
        let reference = &workload.reference;
        assert_eq!(
            label("neuropod.io/user-hash"),
            Some(reference.user_hash.as_str()),
            "{name}"
        );
        if *kind != "PersistentVolumeClaim" {
            assert_eq!(
                label("neuropod.io/pod-id"),
                Some(reference.pod_id.as_str()),
                "{name}"
            );
            assert_eq!(label("neuropod.io/run"), Some("1"), "{name}");
            assert_eq!(
                label("app.kubernetes.io/name"),
                Some(reference.name.as_str()),
                "{name}"
            );
        }
        let has_port = matches!(*kind, "Service" | "Ingress");
        assert_eq!(label("neuropod.io/port").is_some(), has_port, "{name}");
        let managers = meta["managedFields"].as_array().unwrap().iter();
        assert!(
            managers.clone().any(|entry| entry["manager"] == "neuropod"),
            "{name}"
        );
    }
    let secret = site
        .api::<Secret>()
        .get(&workload.secret.as_ref().unwrap().name)
        .await
        .unwrap();
    let token = &secret.data.unwrap()["JUPYTER_TOKEN"].0;
    let wanted = &workload.secret.unwrap().variables.0["JUPYTER_TOKEN"];
    assert_eq!(token, wanted.as_bytes());
}

#[tokio::test]
async fn a_second_apply_and_a_second_removal_write_nothing() {
    let Some(cluster) = cluster("kube_api/a_second_apply_and_a_second_removal_write_nothing") else {
        return;
    };
    let site = Site::new(cluster).await;
    let workload = workload("lab", 3);
    site.backend.apply(&workload).await.unwrap();
    let before = versions(&site).await;
    for backend in [site.backend.as_ref(), &site.another(|_| {})] {
        let seen = backend.apply(&workload).await.unwrap();
        assert_eq!(seen.objects, Objects::Complete);
        assert_eq!(versions(&site).await, before);
    }

    let kept = site
        .backend
        .remove(&workload.reference, VolumePolicy::Keep)
        .await
        .unwrap();
    assert!(kept.is_cleared(), "a pod without a node goes at once: {kept:?}");
    let before = versions(&site).await;
    assert_eq!(before.len(), 1, "the claim alone is left: {before:?}");
    let again = site
        .backend
        .remove(&workload.reference, VolumePolicy::Keep)
        .await
        .unwrap();
    assert_eq!(again, kept);
    assert_eq!(versions(&site).await, before);
}

#[tokio::test]
async fn differing_objects_are_changed_and_unwanted_ones_removed() {
    let Some(cluster) = cluster("kube_api/differing_objects_are_changed_and_unwanted_ones_removed") else {
        return;
    };
    let site = Site::new(cluster).await;
    let workload = workload("lab", 1);
    let annotated = site.another(|config| {
        config.exposure = IngressRoutes::default()
            .with_class(kube::CLASS)
            .with_annotation("example.com/option", "on")
            .into();
    });
    annotated.apply(&workload).await.unwrap();
    let ingresses = site.api::<Ingress>();
    let name = &workload.endpoints[0].route;
    // A foreign annotation is left alone.
    let foreign = json!({ "metadata": { "annotations": { "example.com/foreign": "stays" } } });
    let patch = Patch::Merge(&foreign);
    ingresses
        .patch(name, &PatchParams::default(), &patch)
        .await
        .unwrap();

    site.backend.apply(&workload).await.unwrap();
    let annotations = ingresses.get(name).await.unwrap().metadata.annotations.unwrap();
    assert!(!annotations.contains_key("example.com/option"), "{annotations:?}");
    assert_eq!(annotations["example.com/foreign"], "stays");
    let before = versions(&site).await;
    site.backend.apply(&workload).await.unwrap();
    assert_eq!(versions(&site).await, before);
}

/// Kubernetes refuses to give a Service an address, or to take it away. Before headless Services each had one.
#[tokio::test]
async fn a_service_keeps_its_kind_until_the_next_run() {
    let Some(cluster) = cluster("kube_api/a_service_keeps_its_kind_until_the_next_run") else {
        return;
    };
    let site = Site::new(cluster).await;
    let headless = site.another(|_| {});
    let addressed = site.another(|config| config.services = Services::ClusterIp);
    for (index, backends) in [[&addressed, &headless], [&headless, &addressed]]
        .into_iter()
        .enumerate()
    {
        let mut workload = workload(&format!("lab-{index}"), 1);
        let (services, name) = (site.api::<Service>(), workload.endpoints[0].service.clone());
        let shown = async || {
            let found = services.get(&name).await.unwrap();
            let is_headless = found.spec.unwrap().cluster_ip.as_deref() == Some("None");
            let annotations = found.metadata.annotations.unwrap();
            let is_annotated = annotations.keys().any(|key| key.contains("nativelb"));
            (is_headless, is_annotated)
        };
        let [before, after] = backends;
        before.apply(&workload).await.unwrap();
        let (was_headless, was_annotated) = shown().await;
        assert_eq!(was_headless, !was_annotated);
        // An earlier version had another digest, and so its objects are updated.
        let digest = json!({ "metadata": { "annotations": { "neuropod.io/digest": "earlier" } } });
        let (params, patch) = (PatchParams::default(), Patch::Merge(digest));
        services.patch(&name, &params, &patch).await.unwrap();
        let seen = after.apply(&workload).await.unwrap();
        assert_eq!(seen.objects, Objects::Complete);
        let (is_headless, is_annotated) = shown().await;
        assert_eq!(is_headless, was_headless);
        assert!(!(is_headless && is_annotated), "Traefik refuses it");
        let versions_before = versions(&site).await;
        after.apply(&workload).await.unwrap();
        assert_eq!(
            versions(&site).await,
            versions_before,
            "nothing is left to change"
        );

        after
            .remove(&workload.reference, VolumePolicy::Keep)
            .await
            .unwrap();
        workload.run += 1;
        after.apply(&workload).await.unwrap();
        assert_eq!(shown().await.0, !was_headless);
    }
}

#[tokio::test]
async fn objects_of_others_are_not_changed() {
    let Some(cluster) = cluster("kube_api/objects_of_others_are_not_changed") else {
        return;
    };
    let site = Site::new(cluster).await;
    let backend = json!({ "service": { "name": "other", "port": { "number": 80 } } });
    let not_changed = async |kind: &str| {
        let workload = workload("lab", 1);
        let (reference, endpoint) = (&workload.reference, &workload.endpoints[0]);
        let secret = &workload.secret.as_ref().unwrap().name;
        match kind {
            "Service" => {
                other::<Service>(&site, &endpoint.service, json!({ "ports": [{ "port": 80 }] })).await;
            }
            "Ingress" => other::<Ingress>(&site, &endpoint.route, json!({ "defaultBackend": backend })).await,
            "Secret" => other::<Secret>(&site, secret, Value::Null).await,
            "NetworkPolicy" => {
                other::<NetworkPolicy>(&site, &workload.isolation.policy, json!({ "podSelector": {} })).await;
            }
            _ => {
                let claim = json!({ "accessModes": ["ReadWriteOnce"],
                    "resources": { "requests": { "storage": "1G" } } });
                other::<PersistentVolumeClaim>(&site, &reference.volume, claim).await;
            }
        }
        let before = foreign(&site).await;
        let taken = refused(&site.backend, &workload).await;
        assert_eq!(*taken.kind(), ErrorKind::NameTaken, "{kind}: {taken}");
        assert!(!taken.is_retryable());
        let seen = site
            .backend
            .remove(reference, VolumePolicy::Delete)
            .await
            .unwrap();
        assert!(seen.is_cleared(), "{kind}: {seen:?}");
        assert_eq!(foreign(&site).await, before, "{kind}");
    };
    for kind in [
        "Service",
        "Ingress",
        "Secret",
        "NetworkPolicy",
        "PersistentVolumeClaim",
    ] {
        not_changed(kind).await;
    }
}

/// Creates an object with the labels of another user of the same platform, and of another pod.
async fn other<K>(site: &Site, name: &str, spec: Value)
where
    K: ::kube::Resource<Scope = ::kube::core::NamespaceResourceScope, DynamicType = ()>
        + serde::Serialize
        + serde::de::DeserializeOwned
        + Clone
        + std::fmt::Debug,
{
    let labels = json!({
        "app.kubernetes.io/managed-by": "neuropod",
        "neuropod.io/pod-id": "0000000000000000",
        "neuropod.io/user-hash": "other",
    });
    let object = json!({ "metadata": { "name": name, "labels": labels }, "spec": spec });
    kube::make(site.api::<K>(), object).await;
}

/// The objects made by [`other`], with their versions.
async fn foreign(site: &Site) -> Vec<(String, String)> {
    let all = everything(site).await.into_iter();
    all.filter(|(.., meta)| meta["labels"]["neuropod.io/user-hash"] == "other")
        .map(|(_, name, meta)| (name, meta["resourceVersion"].to_string()))
        .collect()
}

#[tokio::test]
async fn a_volume_grows_on_request() {
    let Some(cluster) = cluster("kube_api/a_volume_grows_on_request") else {
        return;
    };
    let site = Site::new(cluster).await;
    let mut workload = workload("lab", 1);
    let claims = site.api::<PersistentVolumeClaim>();
    let name = workload.reference.volume.clone();
    site.make_volume(&site.namespace, &name).await;
    site.backend.apply(&workload).await.unwrap();
    site.wait_for_volume(&site.namespace, &name).await;
    workload.volume.size_gb = 30;
    let asked_for = async || {
        let claim = claims.get(&name).await.unwrap();
        claim.spec.unwrap().resources.unwrap().requests.unwrap()["storage"]
            .0
            .clone()
    };
    site.backend.apply(&workload).await.unwrap();
    assert_eq!(asked_for().await, "20G", "nobody asked for volumes to grow");
    let growing = site.another(|config| config.storage.grow = true);
    let seen = growing.apply(&workload).await.unwrap();
    assert_eq!(asked_for().await, "30G");
    assert_eq!(
        seen.volume,
        ObservedVolume::Bound { size_gb: 20 },
        "as long as it has not grown"
    );
    workload.volume.size_gb = 10;
    growing.apply(&workload).await.unwrap();
    assert_eq!(asked_for().await, "30G", "it never shrinks");
}
