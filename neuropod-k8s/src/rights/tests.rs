use std::time::Duration;

use http::Method;
use neuropod_core::{ErrorKind, Result};
use serde_json::{Value, json};

use super::look;
use crate::cluster::KubeCluster;
use crate::config::KubeConfig;
use crate::fake::{self, Answer, Asked, Log};
use crate::request::Requests;

const REVIEWS: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

/// What a review asks: verb and resource.
fn right(asked: &Asked) -> String {
    let attributes = &asked.body["spec"]["resourceAttributes"];
    let text = |field: &str| attributes[field].as_str().unwrap().to_owned();
    format!("{} {}", text("verb"), text("resource"))
}

/// The answer of an API server that grants all rights but these.
fn review(asked: &Asked, denied: &[&str]) -> Answer {
    let allowed = !denied.contains(&right(asked).as_str());
    let mut answer = asked.body.clone();
    answer["metadata"] = json!({});
    answer["status"] = json!({ "allowed": allowed, "reason": "RBAC: it is as it is" });
    Answer::Json(201, answer)
}

/// What is said where each question is answered so.
async fn asked(
    scope: Option<&str>,
    answer: impl FnMut(&Asked) -> Answer + Send + 'static,
) -> (Result<()>, Log) {
    let (client, log) = fake::client(answer);
    let requests = Requests::new(client, 24, Duration::from_secs(30));
    (look(&requests, scope).await, log)
}

#[tokio::test(start_paused = true)]
async fn every_right_of_the_watch_is_asked_for_where_it_is_used() {
    for scope in [Some("users"), None] {
        let (result, log) = asked(scope, |request| review(request, &[])).await;
        result.unwrap();
        let mut rights = Vec::new();
        for request in log.all() {
            assert_eq!((&request.method, request.path.as_str()), (&Method::POST, REVIEWS));
            assert_eq!(request.body["kind"], "SelfSubjectAccessReview");
            assert_eq!(request.body["apiVersion"], "authorization.k8s.io/v1");
            let attributes = &request.body["spec"]["resourceAttributes"];
            let namespace = scope.map_or(Value::Null, Value::from);
            assert_eq!(attributes["namespace"], namespace, "none is all of them");
            rights.push(right(&request));
        }
        rights.sort();
        assert_eq!(rights, ["list events", "list pods", "watch events", "watch pods"]);
    }
}

#[tokio::test(start_paused = true)]
async fn all_missing_rights_are_named_with_what_to_do() {
    let denied = |request: &Asked| review(request, &["watch pods", "list events"]);
    let (result, _) = asked(Some("users"), denied).await;
    let error = result.unwrap_err();
    assert_eq!(
        (error.kind(), error.is_retryable()),
        (&ErrorKind::PermissionDenied, false)
    );
    let text = error.to_string();
    assert!(text.contains("may not watch pods, list events,"), "{text}");
    assert!(text.contains("examples/deploy/rbac.yaml"), "{text}");
    assert!(text.contains("namespace: users"), "{text}");

    let (result, _) = asked(None, denied).await;
    let text = result.unwrap_err().to_string();
    assert!(
        text.contains("examples/deploy/rbac-namespace-per-user.yaml"),
        "{text}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_question_that_is_refused_says_nothing() {
    let text =
        r#"User "x" cannot create resource "selfsubjectaccessreviews" in API group "authorization.k8s.io""#;
    for answer in [
        Answer::refused(403, "Forbidden", text),
        Answer::Text(404, "404 page not found"),
        Answer::refused(405, "MethodNotAllowed", "no"),
    ] {
        let (result, _) = asked(Some("users"), move |_| answer.clone()).await;
        result.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_question_that_is_not_answered_is_an_error() {
    for (answer, kind) in [
        (Answer::Unreachable, ErrorKind::Unavailable),
        (
            Answer::refused(503, "ServiceUnavailable", "starting"),
            ErrorKind::Unavailable,
        ),
        (Answer::wait(429, 9), ErrorKind::RateLimited),
    ] {
        let (result, _) = asked(Some("users"), move |_| answer.clone()).await;
        let error = result.unwrap_err();
        assert_eq!((error.kind(), error.is_retryable()), (&kind, true), "{error}");
    }
}

/// What [`KubeCluster::check_setup`] says of a cluster with the namespace `users` and these rights missing.
async fn checked(namespace: &str, denied: &'static [&str]) -> Result<()> {
    let (client, _) = fake::client(|request| match request.path.as_str() {
        REVIEWS => review(request, denied),
        // The network policy of the pods is not there yet.
        policies if policies.ends_with("/networkpolicies") => Answer::Json(201, request.body.clone()),
        "/api/v1/namespaces/users" => Answer::Json(200, json!({ "metadata": { "name": "users" } })),
        classes if classes.ends_with("classes") => {
            let annotations = json!({ "storageclass.kubernetes.io/is-default-class": "true",
                "ingressclass.kubernetes.io/is-default-class": "true" });
            let class = json!({ "metadata": { "name": "a", "annotations": annotations } });
            Answer::Json(200, json!({ "metadata": {}, "items": [class] }))
        }
        _ => Answer::absent("namespaces", "elsewhere"),
    });
    let config = KubeConfig {
        namespace: namespace.into(),
        ..KubeConfig::default()
    };
    KubeCluster::with_client(client, config).check_setup().await
}

#[tokio::test(start_paused = true)]
async fn the_check_of_the_setup_tells_of_rights_and_first_of_what_is_not_there() {
    checked("users", &[]).await.unwrap();
    let error = checked("users", &["watch pods"]).await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::PermissionDenied);
    assert!(error.message().contains("may not watch pods"), "{error}");
    // Nobody has rights in a namespace that is not there.
    let error = checked("elsewhere", &["list pods", "watch pods"])
        .await
        .unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::NotConfigured);
    assert!(
        error.message().contains("the namespace does not exist"),
        "{error}"
    );
}
