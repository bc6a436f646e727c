use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::{Stream, StreamExt, stream};
use http::{Request, Response};
use http_body_util::StreamBody;
use kube::Client;
use kube::client::Body;
use neuropod_core::cluster::{ClusterEvent, ReasonCode};
use serde_json::{Value, from_value, json};

use super::source::{Selection, Source, Update};
use super::tracker::{About, Item, Tracker};
use crate::api::kinds::Kind;
use crate::api::partial::{Partial, PartialPod};

fn pod(uid: &str, version: u32, status: &Value) -> Value {
    json!({
        "metadata": { "name": "lab", "uid": uid, "resourceVersion": version.to_string(),
            "labels": { "app.kubernetes.io/managed-by": "neuropod", "neuropod.io/pod-id": "3f9a0c1d2e4b5a68" } },
        "status": status,
    })
}

fn partial(uid: &str, status: &Value) -> PartialPod {
    from_value(pod(uid, 1, status)).unwrap()
}

fn pending() -> Value {
    json!({ "phase": "Pending", "conditions": [{ "type": "PodScheduled", "status": "True" }] })
}

fn failed_mount(pod: &str) -> crate::api::partial::PartialEvent {
    let event = json!({ "metadata": { "uid": "e1" }, "involvedObject": { "uid": pod }, "reason": "FailedMount",
        "message": "no volume", "count": 2, "lastTimestamp": "2026-01-02T03:04:05Z" });
    from_value(event).unwrap()
}

/// The kinds of events, with the uid and the code of the reason.
fn reported(events: &[ClusterEvent]) -> Vec<String> {
    let reported = events.iter().map(|event| match event {
        ClusterEvent::Changed { pod, .. } => match &pod.reason {
            Some(reason) => format!("changed {} {:?}", pod.uid, reason.code),
            None => format!("changed {}", pod.uid),
        },
        ClusterEvent::Gone { uid, .. } => format!("gone {uid}"),
        ClusterEvent::Synced => "synced".to_owned(),
        other => format!("{other:?}"),
    });
    reported.collect()
}

#[test]
fn synced_comes_once_both_watches_have_begun() {
    let mut tracker = Tracker::default();
    let first = tracker.handle(Item::Pods(Update::Listed(vec![partial("a", &pending())])));
    assert_eq!(reported(&first), ["changed a"]);
    let second = tracker.handle(Item::Events(About::Pods, Update::Listed(Vec::new())));
    assert_eq!(reported(&second), ["synced"]);
    let later = tracker.handle(Item::Pods(Update::Listed(vec![partial("a", &pending())])));
    assert_eq!(reported(&later), ["synced"], "nothing changed");
}

#[test]
fn a_missing_right_to_read_warnings_delays_nothing() {
    let mut tracker = Tracker::default();
    tracker.handle(Item::Pods(Update::Listed(vec![partial("a", &pending())])));
    let forbidden = neuropod_core::Error::new(neuropod_core::ErrorKind::PermissionDenied, "no");
    assert_eq!(
        reported(&tracker.handle(Item::Events(About::Pods, Update::Broken(forbidden)))),
        ["synced"]
    );
}

#[test]
fn a_new_list_reports_pods_that_are_gone_and_new() {
    let mut tracker = Tracker::default();
    tracker.handle(Item::Events(About::Pods, Update::Listed(Vec::new())));
    let both = vec![partial("a", &pending()), partial("b", &pending())];
    tracker.handle(Item::Pods(Update::Listed(both)));
    let now = vec![partial("b", &pending()), partial("c", &pending())];
    let events = tracker.handle(Item::Pods(Update::Listed(now)));
    assert_eq!(reported(&events), ["gone a", "changed c", "synced"]);
}

#[test]
fn a_warning_changes_a_pod_until_it_is_over() {
    let mut tracker = Tracker::default();
    tracker.handle(Item::Events(About::Pods, Update::Listed(Vec::new())));
    // A warning may come before its pod.
    assert_eq!(
        reported(&tracker.handle(Item::Events(About::Pods, Update::Applied(failed_mount("a"))))),
        [""; 0]
    );
    let listed = tracker.handle(Item::Pods(Update::Listed(vec![partial("a", &pending())])));
    assert_eq!(
        reported(&listed),
        [&format!("changed a {:?}", ReasonCode::VolumeFailed), "synced"]
    );
    let again = tracker.handle(Item::Events(About::Pods, Update::Applied(failed_mount("a"))));
    assert_eq!(reported(&again), [""; 0], "it says nothing new");
    let over = tracker.handle(Item::Events(About::Pods, Update::Deleted(failed_mount("a"))));
    assert_eq!(reported(&over), ["changed a"]);
    let other = tracker.handle(Item::Events(
        About::Pods,
        Update::Applied(failed_mount("of somebody else")),
    ));
    assert_eq!(reported(&other), [""; 0]);
}

#[test]
fn events_of_a_claim_and_of_an_autoscaler_change_the_pods_that_wait() {
    let unbound = json!({ "phase": "Pending", "conditions": [{ "type": "PodScheduled", "status": "False",
        "message": "pod has unbound immediate PersistentVolumeClaims" }] });
    let mut mounts = partial("a", &unbound);
    mounts.metadata.namespace = "pods".into();
    mounts.metadata.annotations.volume = Some("workspace".into());
    let claim: crate::api::partial::PartialEvent = from_value(json!({ "metadata": { "uid": "c1" }, "type": "Warning",
        "involvedObject": { "kind": "PersistentVolumeClaim", "namespace": "pods", "name": "workspace", "uid": "c" },
        "reason": "ProvisioningFailed", "message": "quota", "lastTimestamp": "2026-01-02T03:04:05Z" }))
    .unwrap();
    let scaler: crate::api::partial::PartialEvent = from_value(json!({ "metadata": { "uid": "s1" }, "type": "Normal",
        "involvedObject": { "kind": "Pod", "uid": "a" }, "reason": "NotTriggerScaleUp", "message": "at its limit" }))
    .unwrap();
    let mut tracker = Tracker::default();
    tracker.handle(Item::Events(About::Pods, Update::Listed(Vec::new())));
    tracker.handle(Item::Pods(Update::Listed(vec![mounts, partial("b", &unbound)])));
    let mut events = |about, update| reported(&tracker.handle(Item::Events(about, update)));
    assert_eq!(
        events(About::Claims, Update::Applied(claim.clone())),
        ["changed a VolumeFailed"]
    );
    assert_eq!(
        events(About::Nodes, Update::Applied(scaler)),
        [""; 0],
        "the claim is more useful"
    );
    // A list of one watch keeps the warnings of the others.
    assert_eq!(events(About::Pods, Update::Listed(Vec::new())), [""; 0]);
    assert_eq!(
        events(About::Claims, Update::Deleted(claim)),
        ["changed a VolumePending"]
    );
    assert_eq!(
        events(About::Nodes, Update::Listed(Vec::new())),
        ["changed a VolumePending"]
    );
}

#[test]
fn a_replayed_event_is_no_change() {
    let mut tracker = Tracker::default();
    let first = tracker.handle(Item::Pods(Update::Applied(partial("a", &pending()))));
    assert_eq!(reported(&first), ["changed a"]);
    assert_eq!(
        reported(&tracker.handle(Item::Pods(Update::Applied(partial("a", &pending()))))),
        [""; 0]
    );
    assert_eq!(
        reported(&tracker.handle(Item::Pods(Update::Deleted(partial("a", &pending()))))),
        ["gone a"]
    );
    assert_eq!(
        reported(&tracker.handle(Item::Pods(Update::Deleted(partial("a", &pending()))))),
        [""; 0]
    );
}

/// The next reply of the API server.
enum Reply {
    List(Value),
    /// The lines of a watch, then its end.
    Watch(Vec<Value>),
    /// The lines of a watch, then silence.
    Open(Vec<Value>),
    Refused(u16),
}

/// A source whose requests get these replies, and the queries that it sent.
fn source(
    replies: Vec<Reply>,
) -> (
    impl Stream<Item = Update<PartialPod>> + Unpin,
    Arc<Mutex<Vec<String>>>,
) {
    source_of(Kind::Pod, replies)
}

fn source_of(
    kind: Kind,
    replies: Vec<Reply>,
) -> (
    impl Stream<Item = Update<PartialPod>> + Unpin,
    Arc<Mutex<Vec<String>>>,
) {
    let replies = Arc::new(Mutex::new(VecDeque::from(replies)));
    let received = Arc::new(Mutex::new(Vec::new()));
    let queries = received.clone();
    let service = tower::service_fn(move |request: Request<Body>| {
        queries
            .lock()
            .unwrap()
            .push(request.uri().query().unwrap_or_default().to_owned());
        let reply = replies
            .lock()
            .unwrap()
            .pop_front()
            .expect("no more requests than replies");
        async move { Ok::<_, tower::BoxError>(respond(reply)) }
    });
    let selection = Selection {
        kind,
        path: kind.path(None),
        labels: Some("a=b".into()),
        fields: None,
        changes_only: false,
    };
    let source = Source::new(Client::new(service, "default"), selection, Duration::from_secs(5));
    (Box::pin(source.stream()), received)
}

type Lines = stream::BoxStream<'static, Result<http_body::Frame<bytes::Bytes>, std::io::Error>>;

fn respond(reply: Reply) -> Response<StreamBody<Lines>> {
    let frames = |lines: Vec<Value>| {
        let frames = lines
            .into_iter()
            .map(|line| Ok(http_body::Frame::data(format!("{line}\n").into())));
        stream::iter(frames.collect::<Vec<_>>())
    };
    let (code, body) = match reply {
        Reply::List(list) => (200, frames(vec![list]).boxed()),
        Reply::Watch(lines) => (200, frames(lines).boxed()),
        Reply::Open(lines) => (200, frames(lines).chain(stream::pending()).boxed()),
        Reply::Refused(code) => {
            let status =
                json!({ "kind": "Status", "status": "Failure", "code": code, "message": "no", "reason": "" });
            (code, frames(vec![status]).boxed())
        }
    };
    Response::builder()
        .status(code)
        .body(StreamBody::new(body))
        .unwrap()
}

fn list(version: u32, pods: &[Value]) -> Reply {
    Reply::List(json!({ "metadata": { "resourceVersion": version.to_string() }, "items": pods }))
}

fn event(kind: &str, object: &Value) -> Value {
    json!({ "type": kind, "object": object })
}

fn bookmark(version: u32) -> Value {
    let meta = json!({ "resourceVersion": version.to_string(), "creationTimestamp": null });
    event(
        "BOOKMARK",
        &json!({ "kind": "Pod", "apiVersion": "v1", "metadata": meta }),
    )
}

/// The next updates, in words.
async fn updates(source: &mut (impl Stream<Item = Update<PartialPod>> + Unpin), count: usize) -> Vec<String> {
    let words = source.take(count).map(|update| match update {
        Update::Listed(pods) => format!("listed {}", pods.len()),
        Update::Applied(pod) => format!("applied {}", pod.meta().uid),
        Update::Deleted(pod) => format!("deleted {}", pod.meta().uid),
        Update::CaughtUp => "caught up".to_owned(),
        Update::Alive => "alive".to_owned(),
        Update::Broken(error) => format!("broken: {}", error.message()),
    });
    words.collect().await
}

#[tokio::test(start_paused = true)]
async fn a_watch_resumes_from_the_last_version() {
    let (mut source, received) = source(vec![
        list(5, &[pod("a", 4, &pending())]),
        Reply::Watch(vec![event("MODIFIED", &pod("a", 6, &pending())), bookmark(9)]),
        Reply::Open(vec![event("DELETED", &pod("a", 11, &pending())), bookmark(12)]),
    ]);
    let seen = updates(&mut source, 6).await;
    // The watch was cut off: the API server would have kept it open for minutes.
    assert_eq!(
        seen,
        [
            "listed 1",
            "applied a",
            "alive",
            "broken: the watch was cut off",
            "deleted a",
            "caught up"
        ]
    );
    let received = received.lock().unwrap().clone();
    assert!(
        received[1].contains("resourceVersion=5") && received[1].contains("timeoutSeconds=1200"),
        "{received:?}"
    );
    assert!(
        received[2].contains("resourceVersion=9") && received[2].contains("timeoutSeconds=5"),
        "{received:?}"
    );
    assert!(
        received.iter().all(|query| query.contains("labelSelector=a%3Db")),
        "{received:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_forgotten_version_means_a_new_list() {
    let gone = json!({ "kind": "Status", "status": "Failure", "code": 410, "message": "too old", "reason": "Expired" });
    let (mut source, received) = source(vec![
        list(5, &[]),
        Reply::Refused(410),
        list(20, &[pod("a", 19, &pending())]),
        Reply::Watch(vec![event("ERROR", &gone)]),
        list(30, &[]),
        Reply::Open(Vec::new()),
    ]);
    assert_eq!(
        updates(&mut source, 3).await,
        ["listed 0", "listed 1", "listed 0"]
    );
    assert_eq!(received.lock().unwrap().len(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_silent_connection_is_noticed() {
    let (mut source, _) = source(vec![
        list(5, &[]),
        Reply::Open(Vec::new()),
        Reply::Open(vec![bookmark(6)]),
    ]);
    let seen = updates(&mut source, 3).await;
    assert_eq!(
        seen,
        ["listed 0", "broken: the watch has fallen silent", "caught up"]
    );
}

/// API servers send no bookmarks for events. A quiet cluster is no outage, and the log must not report one.
#[tokio::test(start_paused = true)]
async fn a_quiet_watch_is_not_broken() {
    let (mut source, received) = source_of(
        Kind::Event,
        vec![
            list(5, &[]),
            Reply::Open(Vec::new()),
            Reply::Open(vec![event("ADDED", &pod("a", 6, &pending()))]),
            Reply::Open(Vec::new()),
            Reply::Refused(500),
        ],
    );
    let seen = updates(&mut source, 3).await;
    assert_eq!(seen[..2], ["listed 0", "applied a"]);
    assert!(seen[2].starts_with("broken"), "{seen:?}");
    let received = received.lock().unwrap();
    let from = |query: &String| query.contains("resourceVersion=6");
    assert_eq!(
        received.iter().filter(|query| from(query)).count(),
        2,
        "{received:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn failures_are_retried_with_pauses_and_end_in_a_list() {
    let mut replies = vec![list(5, &[])];
    replies.extend((0..6).map(|_| Reply::Refused(500)));
    replies.push(list(6, &[]));
    let (mut source, _) = source(replies);
    let started = tokio::time::Instant::now();
    let seen = updates(&mut source, 8).await;
    assert_eq!(seen.first().map(String::as_str), Some("listed 0"));
    assert_eq!(seen.last().map(String::as_str), Some("listed 0"));
    assert!(
        seen[1..7].iter().all(|update| update.starts_with("broken")),
        "{seen:?}"
    );
    assert!(
        started.elapsed() > Duration::from_secs(6),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_list_has_pages() {
    let first = Reply::List(
        json!({ "metadata": { "resourceVersion": "5", "continue": "more" },
        "items": [pod("a", 1, &pending())] }),
    );
    let (mut source, received) = source(vec![first, list(5, &[pod("b", 2, &pending())])]);
    assert_eq!(updates(&mut source, 1).await, ["listed 2"]);
    let received = received.lock().unwrap().clone();
    assert!(
        received[0].contains("limit=500") && received[1].contains("continue=more"),
        "{received:?}"
    );
}
