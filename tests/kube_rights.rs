//! The rights of `examples/deploy`, tried one by one as the platform's own `ServiceAccount`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod kube;

use std::time::Instant;

use ::kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use ::kube::{Api, Client};
use futures::StreamExt;
use k8s_openapi::api::authorization::v1::SelfSubjectAccessReview;
use k8s_openapi::api::core::v1::{Namespace, Secret, Service};
use neuropod_core::{ClusterBackend, ErrorKind};
use neuropod_k8s::config::GatewayRoutes;
use neuropod_k8s::{Exposure, KubeConfig};
use neuropod_test_cluster::{TestCluster, measured, wait_until};
use serde_json::{Value, from_value, json};

use self::kube::{
    LIMIT, Recorder, Right, Site, cluster, rbac, rbac_for_namespaces, rights, whole_life, without, workload,
};

async fn may(client: &Client, namespace: Option<&str>, right: &Right) -> bool {
    let Right { verb, group, .. } = right;
    let (resource, subresource) = match right.resource.split_once('/') {
        Some((resource, subresource)) => (resource, Some(subresource)),
        None => (right.resource.as_str(), None),
    };
    let review = json!({ "spec": { "resourceAttributes": { "verb": verb, "group": group, "resource": resource,
        "subresource": subresource, "namespace": namespace } } });
    let review: SelfSubjectAccessReview = from_value(review).unwrap();
    let reviews: Api<SelfSubjectAccessReview> = Api::all(client.clone());
    let answer = reviews.create(&PostParams::default(), &review).await.unwrap();
    answer.status.unwrap().allowed
}

#[tokio::test]
async fn every_right_of_the_files_is_granted_exactly_where_it_is_used() {
    let Some(cluster) = cluster("kube_rights/every_right_of_the_files_is_granted_exactly_where_it_is_used")
    else {
        return;
    };
    let site = Site::new(cluster).await;
    let client = Client::try_from(site.connection.clone()).unwrap();
    let all = rights(&rbac());
    assert!(all.len() > 30, "{all:?}");
    for right in &all {
        let scope = right.in_namespace.then_some(site.namespace.as_str());
        assert!(may(&client, scope, right).await, "{right}");
        let of_cluster = Right {
            in_namespace: false,
            ..right.clone()
        };
        if right.in_namespace && !all.contains(&of_cluster) {
            assert!(
                !may(&client, Some("kube-system"), right).await,
                "{right} elsewhere"
            );
        }
    }
    let right = |verb: &str, group: &str, resource: &str| Right {
        verb: verb.into(),
        group: group.into(),
        resource: resource.into(),
        in_namespace: true,
    };
    for forbidden in [
        right("patch", "", "pods"),
        right("update", "", "pods"),
        right("create", "", "pods/exec"),
        right("get", "", "configmaps"),
        right("create", "", "serviceaccounts/token"),
        right("create", "rbac.authorization.k8s.io", "rolebindings"),
        right("deletecollection", "", "secrets"),
        right("get", "", "nodes/proxy"),
    ] {
        let scope = Some(site.namespace.as_str());
        assert!(!may(&client, scope, &forbidden).await, "{forbidden}");
    }
}

/// Configurations that need different rights.
const CONFIGURATIONS: [fn(&mut KubeConfig); 5] = [
    |config| config.storage.grow = true,
    |config| config.leases = true,
    |config| config.exposure = Exposure::default(),
    |config| config.storage.class = None,
    |config| {
        config.exposure = GatewayRoutes::new("public").with_namespace("gateways").into();
    },
];

/// The report of each configuration on a site without `right`, which is granted by `documents`.
async fn is_missed(cluster: &TestCluster, documents: &[Value], right: &Right, per_user: bool) {
    // Admission is tested elsewhere.
    let roles = documents.iter().filter(|document| {
        let kind = document["kind"].as_str().unwrap();
        !kind.starts_with("Validating")
    });
    let roles: Vec<_> = roles.cloned().collect();
    let site = Site::with(cluster, &[without(&roles, right)], |config| {
        config.namespace_per_user = per_user;
    })
    .await;
    let mut is_reported = false;
    for change in CONFIGURATIONS {
        let backend = site.another(change);
        let missing = backend.missing_rights().await.unwrap();
        for one in &missing {
            let found = (one.verb, one.group, one.resource.as_str());
            let taken = (right.verb.as_str(), right.group.as_str(), right.resource.as_str());
            assert_eq!(found, taken, "{one}");
        }
        let Some(first) = missing.first() else {
            continue;
        };
        let says = format!("may not {} {}", right.verb, right.resource);
        assert!(first.to_string().contains(&says), "{says}: {first}");
        if missing.iter().all(|right| right.without.is_some()) {
            is_reported = true;
            continue;
        }
        let error = backend.check_setup().await.unwrap_err();
        if error.message().contains("has no default") {
            continue;
        }
        assert_eq!(*error.kind(), ErrorKind::PermissionDenied, "{right}: {error}");
        assert!(error.message().contains(&says), "{says}: {error}");
        is_reported = true;
    }
    assert!(
        is_reported,
        "nobody misses the right to {right}: nothing needs it"
    );
}

#[tokio::test]
async fn every_removed_right_of_the_files_is_reported_by_name() {
    let Some(cluster) = cluster("kube_rights/every_removed_right_of_the_files_is_reported_by_name") else {
        return;
    };
    cluster.install_gateway_api().await.unwrap();
    let begun = Instant::now();
    let per_user: Vec<_> = [rbac(), rbac_for_namespaces()].concat();
    let of_namespace = rights(&rbac()).into_iter().map(|right| (rbac(), right, false));
    let of_users = rights(&rbac_for_namespaces()).into_iter();
    let of_users = of_users.map(|right| (per_user.clone(), right, true));
    let all: Vec<_> = of_namespace.chain(of_users).collect();
    let count = all.len();
    let each = futures::stream::iter(all)
        .map(async |(documents, right, per_user)| is_missed(cluster, &documents, &right, per_user).await);
    each.buffer_unordered(8).collect::<()>().await;
    measured(format!(
        "{count} rights taken away one by one in {:?}",
        begun.elapsed()
    ));
}

#[tokio::test]
async fn every_right_of_the_files_is_used_and_all_of_them_are_enough() {
    let Some(cluster) = cluster("kube_rights/every_right_of_the_files_is_used_and_all_of_them_are_enough")
    else {
        return;
    };
    cluster.install_gateway_api().await.unwrap();
    let per_user = vec![rbac(), rbac_for_namespaces()];
    for documents in [vec![rbac()], per_user] {
        let is_per_user = documents.len() > 1;
        let recorder = Recorder::default();
        let site = Site::with(cluster, &documents, |config| {
            config.namespace_per_user = is_per_user;
        })
        .await;
        for change in CONFIGURATIONS {
            let missing = site.another(change).missing_rights().await.unwrap();
            assert_eq!(missing, []);
            whole_life(&site, &recorder, change).await;
        }
        let all = rights(&documents.concat());
        let checked = rights(documents.last().unwrap());
        let unused = checked
            .iter()
            .filter(|right| !recorder.has_used(right, &site.namespace, &all));
        let unused: Vec<_> = unused.map(ToString::to_string).collect();
        assert_eq!(unused, [""; 0], "nothing needs these rights");
    }
}

/// The API server's reply to the platform; `Ok` if it accepts.
type Verdict = Result<(), String>;

fn verdict<T>(answer: ::kube::Result<T>) -> Verdict {
    answer.map(drop).map_err(|error| error.to_string())
}

/// A Secret and a namespace of the administrator, and the platform's own client.
struct Fence {
    admin: Client,
    platform: Client,
}

impl Fence {
    async fn make_secret(&self, namespace: &str) -> Verdict {
        let secret: Secret = from_value(json!({ "metadata": { "generateName": "fence-" } })).unwrap();
        let api: Api<Secret> = Api::namespaced(self.platform.clone(), namespace);
        verdict(api.create(&PostParams::default(), &secret).await)
    }

    async fn make_namespace(&self, name: &str, labels: Value) -> Verdict {
        let namespace = from_value(json!({ "metadata": { "name": name, "labels": labels } })).unwrap();
        let api: Api<Namespace> = Api::all(self.platform.clone());
        verdict(api.create(&PostParams::default(), &namespace).await)
    }

    async fn label_namespace(&self, name: &str, labels: Value) -> Verdict {
        let api: Api<Namespace> = Api::all(self.platform.clone());
        let patch = Patch::Merge(json!({ "metadata": { "labels": labels } }));
        verdict(api.patch(name, &PatchParams::default(), &patch).await)
    }
}

fn ours(level: &str) -> Value {
    json!({ "app.kubernetes.io/managed-by": "neuropod", "pod-security.kubernetes.io/enforce": level })
}

#[tokio::test]
async fn with_a_namespace_for_each_user_the_platform_writes_to_its_own_alone() {
    let Some(cluster) =
        cluster("kube_rights/with_a_namespace_for_each_user_the_platform_writes_to_its_own_alone")
    else {
        return;
    };
    let rights = [rbac(), rbac_for_namespaces()];
    let site = Site::with(cluster, &rights, |config| config.namespace_per_user = true).await;
    let fence = Fence {
        admin: site.admin.clone(),
        platform: Client::try_from(site.connection.clone()).unwrap(),
    };
    // The API server needs a moment to load the policy.
    wait_until("the fence", LIMIT, async || {
        match fence.make_secret("default").await {
            Err(text) if text.contains("begin with neuropod-") => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await
    .unwrap();

    let refused = |verdict: Verdict, says: &str| {
        let text = verdict.unwrap_err();
        assert!(text.contains(says), "{says}: {text}");
    };
    for namespace in ["kube-system", "kube-public"] {
        refused(fence.make_secret(namespace).await, "begin with neuropod-");
    }
    // Existing objects can't be changed or deleted either.
    let theirs: Service =
        from_value(json!({ "metadata": { "name": site.namespace }, "spec": { "ports": [{ "port": 80 }] } }))
            .unwrap();
    let admins: Api<Service> = Api::namespaced(fence.admin.clone(), "default");
    admins.create(&PostParams::default(), &theirs).await.unwrap();
    let services: Api<Service> = Api::namespaced(fence.platform.clone(), "default");
    let patch = Patch::Merge(json!({ "spec": { "selector": { "app": "stolen" } } }));
    refused(
        verdict(
            services
                .patch(&site.namespace, &PatchParams::default(), &patch)
                .await,
        ),
        "begin with neuropod-",
    );
    refused(
        verdict(services.delete(&site.namespace, &DeleteParams::default()).await),
        "begin with neuropod-",
    );

    let suffix = site.namespace.trim_start_matches("neuropod-").to_owned();
    let name = |kind: &str| format!("neuropod-{kind}-{suffix}");
    refused(
        fence
            .make_namespace(&format!("stolen-{suffix}"), ours("baseline"))
            .await,
        "begin with neuropod-",
    );
    refused(
        fence.make_namespace(&name("bare"), json!({})).await,
        "Pod Security level",
    );
    refused(
        fence.make_namespace(&name("open"), ours("privileged")).await,
        "Pod Security level",
    );
    fence
        .make_namespace(&name("fine"), ours("baseline"))
        .await
        .unwrap();
    fence.make_secret(&name("fine")).await.unwrap();
    refused(
        fence.label_namespace(&name("fine"), ours("privileged")).await,
        "Pod Security level",
    );
    // A foreign namespace is not taken over, whatever its name.
    let theirs: Namespace = from_value(json!({ "metadata": { "name": name("theirs") } })).unwrap();
    let namespaces: Api<Namespace> = Api::all(fence.admin.clone());
    namespaces.create(&PostParams::default(), &theirs).await.unwrap();
    refused(
        fence.label_namespace(&name("theirs"), ours("baseline")).await,
        "not one of the platform",
    );
    refused(
        fence.label_namespace("kube-system", ours("baseline")).await,
        "begin with neuropod-",
    );

    // And everything that the platform does passes the policy.
    let mut workload = workload("lab", 1);
    workload.reference.namespace = Some(format!("neuropod-{}", workload.reference.user_hash));
    site.backend.apply(&workload).await.unwrap();
    site.backend
        .remove(&workload.reference, neuropod_core::cluster::VolumePolicy::Delete)
        .await
        .unwrap();
    site.backend.check_setup().await.unwrap();
}
