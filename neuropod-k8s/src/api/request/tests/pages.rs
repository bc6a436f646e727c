//! Lists, which come in pages.

use kube::api::ListParams;
use neuropod_core::ErrorKind;
use serde_json::{Value, json};

use super::{ATTEMPTS, object, requests};
use crate::api::kinds::Kind;
use crate::api::partial::PartialPod;
use crate::fake::server::Reply;

/// A page with these objects; `next` is where the one after it begins.
fn page(names: &[&str], next: &str) -> Reply {
    let items: Vec<Value> = names.iter().map(|name| object(name, name)).collect();
    Reply::Json(
        200,
        json!({ "metadata": { "resourceVersion": "5", "continue": next }, "items": items }),
    )
}

fn expired() -> Reply {
    Reply::refused(410, "Expired", "The provided continue parameter is too old")
}

/// The names of the listed objects, and the queries of the requests.
async fn listed(replies: Vec<Reply>) -> (neuropod_core::Result<Vec<String>>, Vec<String>) {
    let (requests, log) = requests(replies);
    let selectors = ListParams::default().labels("a=b").fields("c=d");
    let pods = requests.list::<PartialPod>(Kind::Pod, Some("users"), &selectors);
    let names = pods.await.map(|pods| {
        let names = pods.into_iter().map(|pod| pod.metadata.name);
        names.collect()
    });
    let lines = log.lines();
    assert!(
        lines
            .iter()
            .all(|line| line == "GET /api/v1/namespaces/users/pods"),
        "{lines:?}"
    );
    (
        names,
        log.all().into_iter().map(|received| received.query).collect(),
    )
}

#[tokio::test(start_paused = true)]
async fn each_page_continues_the_previous_one() {
    let (names, queries) = listed(vec![page(&["a", "b"], "one"), page(&[], "two"), page(&["c"], "")]).await;
    assert_eq!(names.unwrap(), ["a", "b", "c"]);
    for query in &queries {
        let has = |part: &str| query.contains(part);
        assert!(
            has("limit=500") && has("labelSelector=a%3Db") && has("fieldSelector=c%3Dd"),
            "{query}"
        );
    }
    assert!(!queries[0].contains("continue"), "{queries:?}");
    assert!(queries[1].contains("continue=one"), "{queries:?}");
    assert!(queries[2].contains("continue=two"), "{queries:?}");
}

#[tokio::test(start_paused = true)]
async fn an_expired_page_restarts_the_list() {
    let (names, queries) = listed(vec![
        page(&["a", "gone"], "one"),
        page(&["b"], "two"),
        expired(),
        page(&["a"], "three"),
        page(&["b", "c"], ""),
    ])
    .await;
    assert_eq!(
        names.unwrap(),
        ["a", "b", "c"],
        "nothing twice, and nothing from before"
    );
    assert!(!queries[3].contains("continue"), "{queries:?}");
    assert!(queries[4].contains("continue=three"), "{queries:?}");
}

#[tokio::test(start_paused = true)]
async fn an_expired_first_page_is_an_error() {
    let (names, queries) = listed(vec![expired()]).await;
    assert_eq!(names.unwrap_err().kind(), &ErrorKind::Unexpected);
    assert_eq!(queries.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_failed_page_is_retried_alone() {
    let (names, queries) = listed(vec![
        page(&["a"], "one"),
        Reply::refused(503, "ServiceUnavailable", "starting"),
        page(&["b"], ""),
    ])
    .await;
    assert_eq!(names.unwrap(), ["a", "b"]);
    assert_eq!(queries[1], queries[2]);
    assert!(queries[1].contains("continue=one"), "{queries:?}");
}

#[tokio::test(start_paused = true)]
async fn an_incomplete_list_is_an_error() {
    let mut replies = vec![page(&["a"], "one")];
    replies.extend((0..ATTEMPTS).map(|_| Reply::Unreachable));
    let (names, _) = listed(replies).await;
    assert_eq!(names.unwrap_err().kind(), &ErrorKind::Unavailable);
}

#[tokio::test(start_paused = true)]
async fn an_empty_list_may_be_null() {
    let nothing = Reply::Json(200, json!({ "metadata": {}, "items": null }));
    assert_eq!(listed(vec![nothing]).await.0.unwrap(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_missing_api_has_no_objects_of_a_pod_but_can_not_be_listed() {
    let unknown = || Reply::Text(404, "404 page not found");
    let (requests, log) = requests([unknown(), unknown()]);
    let routes = requests.list_metadata(Kind::HttpRoute, Some("users"), "a=b");
    assert!(routes.await.unwrap().is_empty());
    let all = ListParams::default();
    let routes = requests.list::<PartialPod>(Kind::HttpRoute, Some("users"), &all);
    let error = routes.await.unwrap_err();
    assert_eq!(error.kind(), &ErrorKind::NotConfigured);
    assert!(error.message().contains("no Gateway API"), "{error}");
    assert_eq!(log.all().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn only_metadata_is_requested_if_that_is_enough() {
    let (requests, log) = requests([page(&["a"], "one"), page(&["b"], "")]);
    let metadata = requests
        .list_metadata(Kind::Service, Some("users"), "a=b")
        .await
        .unwrap();
    let names: Vec<_> = metadata.iter().map(|meta| meta.name.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
    for received in log.all() {
        assert!(
            received.accept.contains("as=PartialObjectMetadataList"),
            "{}",
            received.accept
        );
        assert!(
            received.query.contains("labelSelector=a%3Db"),
            "{}",
            received.query
        );
    }
}

#[tokio::test(start_paused = true)]
async fn pages_that_expire_again_and_again_are_a_failure() {
    let expiring = (0..4).flat_map(|_| [page(&["a"], "one"), expired()]);
    let (names, queries) = listed(expiring.collect()).await;
    assert_eq!(names.unwrap_err().kind(), &ErrorKind::Unexpected);
    assert_eq!(queries.len(), 8, "three new lists after the first");
}
