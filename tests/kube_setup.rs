//! The reports of `KubeCluster` when the cluster is not set up, or refuses a request.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod kube;

use ::kube::Api;
use ::kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use k8s_openapi::api::core::v1::{Namespace, Pod, ResourceQuota, Secret, Service};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use neuropod_core::cluster::{Objects, VolumePolicy, Workload};
use neuropod_core::{ClusterBackend, ErrorKind};
use neuropod_k8s::{Enforcement, Exposure, KubeCluster};
use neuropod_test_cluster::wait_until;
use serde_json::{from_value, json};

use self::kube::{LIMIT, Site, cluster, logged, rbac, rbac_for_namespaces, workload};

async fn refused(backend: &KubeCluster, workload: &Workload) -> neuropod_core::Error {
    match backend.apply(workload).await {
        Ok(seen) => panic!("apply was not refused: {seen:#?}"),
        Err(error) => error,
    }
}

#[tokio::test]
async fn a_full_quota_refuses_new_pods_but_not_existing_ones() {
    let Some(cluster) = cluster("kube_setup/a_full_quota_refuses_new_pods_but_not_existing_ones") else {
        return;
    };
    let site = Site::new(cluster).await;
    let quota = json!({ "metadata": { "name": "quota" }, "spec": { "hard": { "pods": "1" } } });
    let quotas = site.api::<ResourceQuota>();
    quotas
        .create(&PostParams::default(), &from_value(quota).unwrap())
        .await
        .unwrap();
    let (first, second) = (workload("first", 1), workload("second", 1));
    wait_until("the quota", LIMIT, async || {
        site.backend
            .apply(&first)
            .await
            .map_err(|error| error.to_string())
    })
    .await
    .unwrap();
    let error = refused(&site.backend, &second).await;
    assert_eq!(*error.kind(), ErrorKind::QuotaExceeded, "{error}");
    assert!(error.message().contains("exceeded quota: quota"), "{error}");
    // Another process does not know that it exists: it tries to create it, and the quota is checked before the
    // name.
    for backend in [site.backend.as_ref(), &site.another(|_| {})] {
        let seen = backend.apply(&first).await.unwrap();
        assert_eq!(seen.objects, Objects::Complete);
    }
}

#[tokio::test]
async fn a_missing_set_up_is_reported() {
    let Some(cluster) = cluster("kube_setup/a_missing_set_up_is_reported") else {
        return;
    };
    let site = Site::new(cluster).await;
    let workload = workload("lab", 1);
    let none = || Some("none".to_owned());
    let cases = [
        (
            "StorageClass does not exist",
            site.another(|config| config.storage.class = none()),
        ),
        (
            "no default StorageClass",
            site.another(|config| config.storage.class = None),
        ),
        (
            "IngressClass does not exist",
            site.another(|config| config.exposure = Exposure::ingress("none")),
        ),
        (
            "no default IngressClass",
            site.another(|config| config.exposure = Exposure::default()),
        ),
        (
            "no Gateway API",
            site.another(|config| config.exposure = Exposure::gateway("public")),
        ),
    ];
    for (message, backend) in cases {
        for error in [
            refused(&backend, &workload).await,
            backend.check_setup().await.unwrap_err(),
        ] {
            assert_eq!(*error.kind(), ErrorKind::NotConfigured, "{error}");
            assert!(error.message().contains(message), "{error}");
        }
    }
    let mut elsewhere = workload;
    elsewhere.reference.namespace = Some("elsewhere".into());
    let error = refused(&site.backend, &elsewhere).await;
    assert_eq!(*error.kind(), ErrorKind::NotConfigured, "{error}");
    assert!(error.message().contains("namespace_per_user"), "{error}");
    let pods = site.api::<Pod>().list(&ListParams::default()).await.unwrap();
    assert_eq!(pods.items.len(), 0, "nothing is made");
}

#[tokio::test]
async fn a_terminating_namespace_is_reported() {
    let Some(cluster) = cluster("kube_setup/a_terminating_namespace_is_reported") else {
        return;
    };
    let site = Site::new(cluster).await;
    let config = kube::config(&site.namespace);
    let backend = KubeCluster::from_kubeconfig(cluster.kubeconfig_path(), None, config)
        .await
        .unwrap();
    let workload = workload("lab", 1);
    backend.apply(&workload).await.unwrap();
    // A finalizer keeps the namespace in between.
    let held = json!({ "metadata": { "finalizers": ["example.com/hold"] } });
    let services = site.api::<Service>();
    let service = &workload.endpoints[0].service;
    services
        .patch(service, &PatchParams::default(), &Patch::Merge(&held))
        .await
        .unwrap();
    let namespaces: Api<Namespace> = Api::all(site.admin.clone());
    namespaces
        .delete(&site.namespace, &DeleteParams::default())
        .await
        .unwrap();
    let another = kube::workload("another", 1);
    for error in [
        refused(&backend, &another).await,
        backend.check_setup().await.unwrap_err(),
    ] {
        assert_eq!(*error.kind(), ErrorKind::NotConfigured, "{error}");
        assert!(error.message().contains("is being deleted"), "{error}");
        assert!(error.is_retryable(), "it passes once the namespace is made again");
    }
    let freed = json!({ "metadata": { "finalizers": [] } });
    services
        .patch(service, &PatchParams::default(), &Patch::Merge(&freed))
        .await
        .unwrap();
    let gone = kube::config("nowhere");
    let backend = KubeCluster::from_kubeconfig(cluster.kubeconfig_path(), None, gone)
        .await
        .unwrap();
    let error = refused(&backend, &another).await;
    assert_eq!(*error.kind(), ErrorKind::NotConfigured, "{error}");
    assert!(error.message().contains("does not exist"), "{error}");
}

/// The network policy of all pods of the namespace, if there is exactly one.
async fn policy_of_namespace(site: &Site) -> Option<NetworkPolicy> {
    let of_no_pod = ListParams::default().labels("app.kubernetes.io/managed-by=neuropod,!neuropod.io/pod-id");
    let mut found = site.api::<NetworkPolicy>().list(&of_no_pod).await.unwrap().items;
    let policy = found.pop();
    assert!(found.is_empty(), "{found:#?}");
    policy
}

#[tokio::test]
async fn the_policy_of_the_pods_is_created_once_repaired_and_otherwise_left_alone() {
    let Some(cluster) =
        cluster("kube_setup/the_policy_of_the_pods_is_created_once_repaired_and_otherwise_left_alone")
    else {
        return;
    };
    let site = Site::new(cluster).await;
    assert!(policy_of_namespace(&site).await.is_none());
    site.backend.apply(&workload("lab", 1)).await.unwrap();
    let made = policy_of_namespace(&site).await.unwrap();
    let name = made.metadata.name.clone().unwrap();

    // The API server returns the policy as it was sent, so no server writes it again, at its start or later.
    site.backend.inventory().await.unwrap();
    for _ in 0..2 {
        site.another(|_| {}).check_setup().await.unwrap();
    }
    let same = policy_of_namespace(&site).await.unwrap();
    assert_eq!(same.metadata.resource_version, made.metadata.resource_version);

    let policies = site.api::<NetworkPolicy>();
    let opened = json!({ "spec": { "egress": [{}], "ingress": [{}] } });
    let patch = Patch::Merge(&opened);
    policies
        .patch(&name, &PatchParams::default(), &patch)
        .await
        .unwrap();
    site.another(|_| {}).check_setup().await.unwrap();
    assert_eq!(policy_of_namespace(&site).await.unwrap().spec, made.spec);

    policies.delete(&name, &DeleteParams::default()).await.unwrap();
    site.backend.inventory().await.unwrap();
    assert_eq!(policy_of_namespace(&site).await.unwrap().spec, made.spec);

    // Another configuration changes it.
    let other = site.another(|config| config.network.allowed_ranges = vec!["10.9.8.0/24".into()]);
    other.check_setup().await.unwrap();
    let text = serde_json::to_string(&policy_of_namespace(&site).await.unwrap()).unwrap();
    assert!(text.contains("10.9.8.0/24"), "{text}");
}

#[tokio::test]
async fn pull_secrets_are_copied_into_namespaces_of_users_and_follow_changes() {
    let Some(cluster) =
        cluster("kube_setup/pull_secrets_are_copied_into_namespaces_of_users_and_follow_changes")
    else {
        return;
    };
    let rights = [rbac(), rbac_for_namespaces()];
    let site = Site::with(cluster, &rights, |config| {
        // For all namespaces: each test has its own, so that they don't remove each other's copies.
        config.instance = "copies-follow".into();
        config.namespace_per_user = true;
        config.image_pull_secrets = vec!["registry".into()];
    })
    .await;
    let mut lab = workload("lab", 1);
    let namespace = format!("neuropod-{}", lab.reference.user_hash);
    lab.reference.namespace = Some(namespace.clone());
    let error = refused(&site.backend, &lab).await;
    assert_eq!(*error.kind(), ErrorKind::NotConfigured, "{error}");

    let originals = site.api::<Secret>();
    let copies: Api<Secret> = Api::namespaced(site.admin.clone(), &namespace);
    let values = [
        json!({ "user": "Zmlyc3Q=", "old": "Zmlyc3Q=" }),
        json!({ "user": "c2Vjb25k" }),
    ];
    let kinds = ["Opaque", "Opaque", "example.com/other"];
    let mut is_made = false;
    for (kind, data) in kinds.into_iter().zip([&values[0], &values[1], &values[1]]) {
        // The type of a Secret can't be changed, so another one with the name replaces it.
        let _ = originals.delete("registry", &DeleteParams::default()).await;
        let original = json!({ "metadata": { "name": "registry" }, "type": kind, "data": data });
        let original = originals
            .create(&PostParams::default(), &from_value(original).unwrap())
            .await
            .unwrap();
        if !is_made {
            site.backend.apply(&lab).await.unwrap();
            is_made = true;
        }
        site.backend.inventory().await.unwrap();
        let copy = copies.get("registry").await.unwrap();
        assert_eq!((&copy.data, &copy.type_), (&original.data, &original.type_));
        // Correct copies are not written again.
        site.backend.inventory().await.unwrap();
        let same = copies.get("registry").await.unwrap();
        assert_eq!(same.metadata.resource_version, copy.metadata.resource_version);
    }
}

#[tokio::test]
async fn obsolete_copies_of_secrets_are_deleted_with_the_last_pod_that_uses_them() {
    let Some(cluster) =
        cluster("kube_setup/obsolete_copies_of_secrets_are_deleted_with_the_last_pod_that_uses_them")
    else {
        return;
    };
    let rights = [rbac(), rbac_for_namespaces()];
    let site = Site::with(cluster, &rights, |config| {
        config.instance = "copies-go".into();
        config.namespace_per_user = true;
        config.image_pull_secrets = vec!["registry".into(), "mirror".into()];
        if let Exposure::Ingress(routes) = &mut config.exposure {
            routes.tls_secret = Some("wildcard".into());
        }
    })
    .await;
    let originals = site.api::<Secret>();
    for name in ["registry", "mirror", "wildcard"] {
        let secret = json!({ "metadata": { "name": name }, "data": { "a": "Yg==" } });
        let secret = from_value(secret).unwrap();
        originals.create(&PostParams::default(), &secret).await.unwrap();
    }
    let mut lab = workload("lab", 1);
    let namespace = format!("neuropod-{}", lab.reference.user_hash);
    lab.reference.namespace = Some(namespace.clone());
    site.backend.apply(&lab).await.unwrap();
    let secrets: Api<Secret> = Api::namespaced(site.admin.clone(), &namespace);
    let theirs = json!({ "metadata": { "name": "theirs" } });
    let theirs = from_value(theirs).unwrap();
    secrets.create(&PostParams::default(), &theirs).await.unwrap();
    let names = async || -> Vec<String> {
        let of_no_pod = ListParams::default().labels("!neuropod.io/pod-id");
        let found = secrets.list(&of_no_pod).await.unwrap().items.into_iter();
        let mut names: Vec<_> = found.map(|secret| secret.metadata.name.unwrap()).collect();
        names.sort();
        names
    };
    assert_eq!(names().await, ["mirror", "registry", "theirs", "wildcard"]);

    let fewer = site.another(|config| {
        config.image_pull_secrets = vec!["mirror".into()];
        config.exposure = Exposure::ingress(kube::CLASS);
    });
    fewer.inventory().await.unwrap();
    assert_eq!(
        names().await,
        ["mirror", "registry", "theirs", "wildcard"],
        "the pod uses them"
    );
    // Nothing runs, so the pod is gone at once.
    fewer.remove(&lab.reference, VolumePolicy::Keep).await.unwrap();
    fewer.inventory().await.unwrap();
    assert_eq!(names().await, ["mirror", "theirs"]);
    let none = site.another(|config| {
        config.image_pull_secrets = Vec::new();
        config.exposure = Exposure::ingress(kube::CLASS);
    });
    none.inventory().await.unwrap();
    assert_eq!(names().await, ["theirs"]);
    assert_eq!(
        originals.list(&ListParams::default()).await.unwrap().items.len(),
        3
    );
}

#[tokio::test]
async fn a_cluster_without_known_enforcement_is_reported() {
    let Some(cluster) = cluster("kube_setup/a_cluster_without_known_enforcement_is_reported") else {
        return;
    };
    let site = Site::new(cluster).await;
    // An API server alone enforces nothing. As the real ServiceAccount, which may list API groups.
    assert_eq!(site.backend.enforcement().await.unwrap(), Enforcement::Unknown);
    let (checked, log) = logged(site.backend.check_setup()).await;
    checked.unwrap();
    let says = |text: &str| {
        log.lines()
            .any(|line| line.contains("WARN") && line.contains(text))
    };
    assert!(
        says("nothing is known in this cluster that enforces network policies"),
        "{log}"
    );
    assert!(says("has no Pod Security level"), "{log}");
}

#[tokio::test]
async fn pods_at_the_site_of_the_control_plane_are_refused() {
    let Some(cluster) = cluster("kube_setup/pods_at_the_site_of_the_control_plane_are_refused") else {
        return;
    };
    let site = Site::new(cluster).await;
    let with = |pods: &str, meant| {
        site.another(|config| {
            config.domains.pods = pods.into();
            config.domains.control_plane = vec!["app.example.com".into()];
            config.domains.allow_same_site = meant;
        })
    };
    let error = with("pods.example.com", false).check_setup().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::NotConfigured, "{error}");
    with("pods.example.com", true).check_setup().await.unwrap();
    with("example.net", false).check_setup().await.unwrap();
}
