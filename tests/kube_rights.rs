//! The rights of `examples/deploy`, one by one, tried as the platform's own `ServiceAccount`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod kube;

use ::kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use ::kube::{Api, Client};
use k8s_openapi::api::authorization::v1::SelfSubjectAccessReview;
use k8s_openapi::api::core::v1::{Namespace, Secret, Service};
use neuropod_core::ClusterBackend;
use neuropod_test_cluster::wait_until;
use serde_json::{Value, from_value, json};

use self::kube::{Documents, LIMIT, Site, cluster, rbac, rbac_for_namespaces, workload};

/// Every right that the rules of these documents give: verb, group, resource, and whether it is one in a namespace.
fn rights(documents: &Documents) -> Vec<(String, String, String, bool)> {
    let mut all = Vec::new();
    let texts = |value: &Value| -> Vec<String> {
        let texts = value.as_array().unwrap().iter();
        texts.map(|text| text.as_str().unwrap().to_owned()).collect()
    };
    for role in documents.iter().filter(|document| document["rules"].is_array()) {
        for rule in role["rules"].as_array().unwrap() {
            for group in texts(&rule["apiGroups"]) {
                for resource in texts(&rule["resources"]) {
                    for verb in texts(&rule["verbs"]) {
                        all.push((verb, group.clone(), resource.clone(), role["kind"] == "Role"));
                    }
                }
            }
        }
    }
    all
}

async fn may(client: &Client, namespace: Option<&str>, right: &(String, String, String, bool)) -> bool {
    let (verb, group, resource, _) = right;
    let (resource, subresource) = match resource.split_once('/') {
        Some((resource, subresource)) => (resource, Some(subresource)),
        None => (resource.as_str(), None),
    };
    let review = json!({ "spec": { "resourceAttributes": { "verb": verb, "group": group, "resource": resource,
        "subresource": subresource, "namespace": namespace } } });
    let review: SelfSubjectAccessReview = from_value(review).unwrap();
    let reviews: Api<SelfSubjectAccessReview> = Api::all(client.clone());
    let answer = reviews.create(&PostParams::default(), &review).await.unwrap();
    answer.status.unwrap().allowed
}

#[tokio::test]
async fn every_right_of_the_files_is_given_where_it_is_used_and_nowhere_else() {
    let Some(cluster) =
        cluster("kube_rights/every_right_of_the_files_is_given_where_it_is_used_and_nowhere_else")
    else {
        return;
    };
    let site = Site::new(cluster).await;
    let client = Client::try_from(site.connection.clone()).unwrap();
    let all = rights(&rbac());
    assert!(all.len() > 30, "{all:?}");
    for right in &all {
        let (verb, group, resource, in_namespace) = right;
        let scope = in_namespace.then_some(site.namespace.as_str());
        assert!(may(&client, scope, right).await, "{verb} {group}/{resource}");
        if *in_namespace && !all.contains(&(verb.clone(), group.clone(), resource.clone(), false)) {
            assert!(
                !may(&client, Some("kube-system"), right).await,
                "{verb} {group}/{resource} elsewhere"
            );
        }
    }
    let right = |verb: &str, group: &str, resource: &str| (verb.into(), group.into(), resource.into(), true);
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
        assert!(!may(&client, scope, &forbidden).await, "{forbidden:?}");
    }
}

/// What the API server says to the platform; `Ok` where it takes it.
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
    // The API server takes a moment to know the policy.
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
    // What is there already can't be changed or deleted either.
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
    // One that somebody else has made is not taken over, whatever its name.
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

    // And all that the platform does goes through the fence.
    let mut workload = workload("lab", 1);
    workload.reference.namespace = Some(format!("neuropod-{}", workload.reference.user_hash));
    site.backend.apply(&workload).await.unwrap();
    site.backend
        .remove(&workload.reference, neuropod_core::VolumePolicy::Delete)
        .await
        .unwrap();
    site.backend.check_setup().await.unwrap();
}
