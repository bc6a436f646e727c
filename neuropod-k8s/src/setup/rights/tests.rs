use std::time::Duration;

use http::Method;
use neuropod_core::{ErrorKind, Result};
use serde_json::{Value, json};

use super::check;
use crate::api::request::Requests;
use crate::cluster::KubeCluster;
use crate::config::{Exposure, KubeConfig};
use crate::fake::server::{self, Log, Received, Reply};

const REVIEWS: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

/// The verb and the resource of a review.
fn right(received: &Received) -> String {
    let attributes = &received.body["spec"]["resourceAttributes"];
    let text = |field: &str| attributes[field].as_str().unwrap_or_default().to_owned();
    let below = attributes["subresource"].as_str();
    let below = below.map(|name| format!("/{name}")).unwrap_or_default();
    format!("{} {}{below}", text("verb"), text("resource"))
}

/// The reply of an API server that grants all rights but these.
fn review(received: &Received, denied: &[&str]) -> Reply {
    let allowed = !denied.contains(&right(received).as_str());
    let mut reply = received.body.clone();
    reply["metadata"] = json!({});
    reply["status"] = json!({ "allowed": allowed, "reason": "RBAC: it is as it is" });
    Reply::Json(201, reply)
}

/// The configuration of a platform with its pods in the namespace `users`.
fn users() -> KubeConfig {
    KubeConfig {
        namespace: "users".into(),
        ..KubeConfig::default()
    }
}

fn per_user() -> KubeConfig {
    KubeConfig {
        namespace_per_user: true,
        ..users()
    }
}

/// The result of the check if the API server replies like this, and the requests.
async fn check_with(
    config: &KubeConfig,
    reply: impl FnMut(&Received) -> Reply + Send + 'static,
) -> (Result<()>, Log) {
    let (client, log) = server::client(reply);
    let requests = Requests::new(client, 24, Duration::from_secs(30));
    (check(&requests, config).await, log)
}

#[tokio::test(start_paused = true)]
async fn every_right_is_checked_where_it_is_used() {
    // Kinds without a namespace.
    let of_cluster = ["ingressclasses", "storageclasses", "nodes"];
    for (config, scope) in [(users(), Value::from("users")), (per_user(), Value::Null)] {
        let (result, log) = check_with(&config, |request| review(request, &[])).await;
        result.unwrap();
        let mut rights = Vec::new();
        for request in log.all() {
            assert_eq!((&request.method, request.path.as_str()), (&Method::POST, REVIEWS));
            assert_eq!(request.body["kind"], "SelfSubjectAccessReview");
            assert_eq!(request.body["apiVersion"], "authorization.k8s.io/v1");
            let attributes = &request.body["spec"]["resourceAttributes"];
            let is_of_cluster = of_cluster.contains(&attributes["resource"].as_str().unwrap());
            let namespace = if is_of_cluster { &Value::Null } else { &scope };
            let right = right(&request);
            // Pods of the whole cluster use GPUs.
            if !["list pods", "watch pods"].contains(&right.as_str())
                || attributes["namespace"] != Value::Null
            {
                assert_eq!(
                    &attributes["namespace"], namespace,
                    "{right}: none is all of them"
                );
            }
            rights.push((attributes["group"].as_str().unwrap().to_owned(), right));
        }
        for (group, right) in [
            ("", "list events"),
            ("", "list pods"),
            ("", "watch events"),
            ("", "watch pods"),
            ("", "get pods/log"),
            ("", "delete pods"),
            ("networking.k8s.io", "patch networkpolicies"),
            ("metrics.k8s.io", "list pods"),
        ] {
            assert!(
                rights.contains(&(group.into(), right.into())),
                "{right}: {rights:?}"
            );
        }
    }
}

/// The rights that are checked with this configuration.
async fn needed(config: &KubeConfig) -> Vec<String> {
    let (result, log) = check_with(config, |request| review(request, &[])).await;
    result.unwrap();
    log.all().iter().map(right).collect()
}

#[tokio::test(start_paused = true)]
async fn only_rights_that_the_configuration_uses_are_checked() {
    let plain = needed(&users()).await;
    let mut grows = users();
    grows.storage.grow = true;
    let mut leases = users();
    leases.leases = true;
    let mut classes = users();
    classes.storage.class = Some("fast".into());
    classes.exposure = Exposure::ingress("nginx");
    let mut gateway = users();
    gateway.exposure = Exposure::gateway("public");
    for (config, more) in [
        (grows, &["patch persistentvolumeclaims"][..]),
        (
            leases,
            &["list leases", "create leases", "patch leases", "delete leases"],
        ),
        (classes, &["get storageclasses", "get ingressclasses"]),
        (gateway, &["create httproutes", "patch httproutes"]),
        (
            per_user(),
            &["create namespaces", "patch resourcequotas", "get limitranges"],
        ),
    ] {
        let rights = needed(&config).await;
        for right in more {
            assert!(!plain.iter().any(|other| other == right), "{right}");
            assert!(rights.iter().any(|other| other == right), "{right}: {rights:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_missing_optional_right_is_reported_and_stops_nothing() {
    let denied = ["list nodes", "watch nodes", "delete httproutes", "get httproutes"];
    let (result, _) = check_with(&users(), move |request| review(request, &denied)).await;
    result.unwrap();
    let (client, _) = server::client(move |request| review(request, &denied));
    let cluster = KubeCluster::with_client(client, users());
    let missing = cluster.missing_rights().await.unwrap();
    let texts: Vec<_> = missing.iter().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        [
            "the platform may not get httproutes (gateway.networking.k8s.io) in the namespace users: routes of an earlier \
             configuration can't be removed",
            "the platform may not delete httproutes (gateway.networking.k8s.io) in the namespace users: routes of an \
             earlier configuration can't be removed",
            "the platform may not list nodes: which GPUs there are, and how many are free, is not known",
            "the platform may not watch nodes: all nodes and pods of the cluster are listed whenever GPUs are counted",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn all_missing_rights_are_named_with_a_remedy() {
    let denied = |request: &Received| review(request, &["watch pods", "list events"]);
    let (result, _) = check_with(&users(), denied).await;
    let error = result.unwrap_err();
    assert_eq!(
        (error.kind(), error.is_retryable()),
        (&ErrorKind::PermissionDenied, false)
    );
    let text = error.to_string();
    assert!(text.contains("may not watch pods, list events,"), "{text}");
    assert!(text.contains("examples/deploy/rbac.yaml"), "{text}");
    assert!(text.contains("namespace: users"), "{text}");

    let (result, _) = check_with(&per_user(), denied).await;
    let text = result.unwrap_err().to_string();
    assert!(
        text.contains("examples/deploy/rbac-namespace-per-user.yaml"),
        "{text}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_refused_question_counts_as_no_missing_right() {
    let text =
        r#"User "x" cannot create resource "selfsubjectaccessreviews" in API group "authorization.k8s.io""#;
    for reply in [
        Reply::refused(403, "Forbidden", text),
        Reply::Text(404, "404 page not found"),
        Reply::refused(405, "MethodNotAllowed", "no"),
    ] {
        let (result, _) = check_with(&users(), move |_| reply.clone()).await;
        result.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_question_without_a_response_is_an_error() {
    for (reply, kind) in [
        (Reply::Unreachable, ErrorKind::Unavailable),
        (
            Reply::refused(503, "ServiceUnavailable", "starting"),
            ErrorKind::Unavailable,
        ),
        (Reply::wait(429, 9), ErrorKind::RateLimited),
    ] {
        let (result, _) = check_with(&users(), move |_| reply.clone()).await;
        let error = result.unwrap_err();
        assert_eq!((error.kind(), error.is_retryable()), (&kind, true), "{error}");
    }
}

/// The result of [`KubeCluster::check_setup`] on a cluster with the namespace `users` and these rights missing.
async fn checked(namespace: &str, denied: &'static [&str]) -> Result<()> {
    let (client, _) = server::client(|request| match request.path.as_str() {
        REVIEWS => review(request, denied),
        // The network policy of the pods does not exist yet.
        policies if policies.ends_with("/networkpolicies") => Reply::Json(201, request.body.clone()),
        "/api/v1/namespaces/users" => Reply::Json(200, json!({ "metadata": { "name": "users" } })),
        classes if classes.ends_with("classes") => {
            let annotations = json!({ "storageclass.kubernetes.io/is-default-class": "true",
                "ingressclass.kubernetes.io/is-default-class": "true" });
            let class = json!({ "metadata": { "name": "a", "annotations": annotations } });
            Reply::Json(200, json!({ "metadata": {}, "items": [class] }))
        }
        _ => Reply::absent("namespaces", "elsewhere"),
    });
    let config = KubeConfig {
        namespace: namespace.into(),
        ..KubeConfig::default()
    };
    KubeCluster::with_client(client, config).check_setup().await
}

#[tokio::test(start_paused = true)]
async fn the_check_of_the_setup_reports_missing_objects_first_and_then_rights() {
    checked("users", &[]).await.unwrap();
    let error = checked("users", &["watch pods"]).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::PermissionDenied);
    assert!(error.message().contains("may not watch pods"), "{error}");
    // There are no rights in a missing namespace.
    let error = checked("elsewhere", &["list pods", "watch pods"])
        .await
        .unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::NotConfigured);
    assert!(
        error.message().contains("the namespace does not exist"),
        "{error}"
    );
}
