//! The watches together, on an API server that sends a bookmark every minute.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::{StreamExt, stream};
use http::{Request, Response};
use http_body_util::StreamBody;
use kube::Client;
use kube::client::Body;
use neuropod_core::cluster::ClusterEvent;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

use super::watch;
use crate::config::KubeConfig;

const MINUTE: Duration = Duration::from_mins(1);

/// The numbers of lists and watches that were requested, by kind.
type Requests = Arc<Mutex<BTreeMap<String, (usize, usize)>>>;

fn pod(version: u32, is_ready: bool) -> Value {
    let ready = if is_ready { "True" } else { "False" };
    json!({
        "metadata": { "name": "lab", "namespace": "users", "uid": "a", "resourceVersion": version.to_string(),
            "labels": { "app.kubernetes.io/managed-by": "neuropod", "neuropod.io/pod-id": "3f9a0c1d2e4b5a68" } },
        "status": { "phase": "Running", "conditions": [{ "type": "Ready", "status": ready }],
            "containerStatuses": [{ "name": "main", "ready": is_ready, "started": true, "restartCount": 0,
                "containerID": "containerd://1", "state": { "running": { "startedAt": "2026-11-01T10:00:00Z" } } }] },
    })
}

fn line(kind: &str, object: &Value) -> Value {
    json!({ "type": kind, "object": object })
}

/// What a watch sends, each after its time.
type Lines = Vec<(Duration, Value)>;

/// An API server with this pod. `lines` are sent by the first watch on a kind, and beside them a bookmark every minute. Nobody may
/// watch the kind that is `secret`.
fn api_server(pod: Value, lines: &[(&str, Lines)], secret: Option<&'static str>) -> (Client, Requests) {
    let requests = Requests::default();
    let counted = requests.clone();
    let lines: BTreeMap<_, _> = lines
        .iter()
        .map(|(kind, lines)| ((*kind).to_owned(), lines.clone()))
        .collect();
    let lines = Arc::new(Mutex::new(lines));
    let service = tower::service_fn(move |request: Request<Body>| {
        let kind = request.uri().path().rsplit('/').next().unwrap().to_owned();
        let query = request.uri().query().unwrap_or_default().to_owned();
        let is_watch = query.contains("watch=true");
        let is_refused = is_watch && Some(kind.as_str()) == secret;
        let mut counted = counted.lock().unwrap();
        let count = counted.entry(kind.clone()).or_default();
        let body = if is_watch {
            count.1 += 1;
            let seconds = query
                .split('&')
                .find_map(|part| part.strip_prefix("timeoutSeconds="));
            let end = Instant::now() + Duration::from_secs(seconds.unwrap().parse().unwrap());
            let first = lines.lock().unwrap().remove(&kind).unwrap_or_default();
            let first = stream::iter(first).then(|(after, line)| async move {
                sleep(after).await;
                line
            });
            // API servers send no bookmarks for events.
            let bookmarks = stream::unfold((), |()| async {
                sleep(MINUTE).await;
                let bookmark = json!({ "kind": "Any", "apiVersion": "v1",
                    "metadata": { "resourceVersion": "9", "creationTimestamp": null } });
                Some((line("BOOKMARK", &bookmark), ()))
            });
            let all = if kind == "events" {
                first.chain(stream::pending()).boxed()
            } else {
                stream::select(first, bookmarks).boxed()
            };
            all.take_until(Box::pin(tokio::time::sleep_until(end))).boxed()
        } else {
            count.0 += 1;
            let items = if kind == "pods" {
                vec![pod.clone()]
            } else {
                Vec::new()
            };
            let list = json!({ "metadata": { "resourceVersion": "1" }, "items": items });
            stream::iter([list]).boxed()
        };
        let frames = body.map(|line| {
            Ok::<_, std::io::Error>(http_body::Frame::<bytes::Bytes>::data(format!("{line}\n").into()))
        });
        let response = Response::builder().status(if is_refused { 403 } else { 200 });
        let response = response.body(StreamBody::new(frames)).unwrap();
        async move { Ok::<_, tower::BoxError>(response) }
    });
    (Client::new(service, "default"), requests)
}

/// What is reported within this time, in words.
async fn reported(client: Client, time: Duration) -> Vec<(u64, String)> {
    let config = KubeConfig::default();
    let events = watch(client, &config, Some("users"));
    let start = Instant::now();
    let mut said = Vec::new();
    let mut events = Box::pin(events);
    while let Ok(event) = timeout(time.saturating_sub(start.elapsed()), events.next()).await {
        let word = match event.unwrap() {
            ClusterEvent::Changed { pod, .. } if pod.ready => "ready",
            ClusterEvent::Changed { .. } => "not ready",
            ClusterEvent::Gone { .. } => "gone",
            ClusterEvent::Synced => "synced",
            ClusterEvent::Altered => "altered",
            _ => "alive",
        };
        said.push((start.elapsed().as_secs(), word.to_owned()));
    }
    said
}

fn count(said: &[(u64, String)], word: &str) -> usize {
    said.iter().filter(|(_, said)| said == word).count()
}

#[tokio::test(start_paused = true)]
async fn at_rest_a_request_comes_every_two_minutes() {
    let (client, requests) = api_server(pod(1, true), &[], None);
    let said = reported(client, MINUTE * 60).await;
    assert!((55..=60).contains(&count(&said, "alive")), "{said:?}");
    assert_eq!(
        count(&said, "altered"),
        5,
        "the first look at each kind: {said:?}"
    );
    let requests = requests.lock().unwrap().clone();
    assert_eq!(requests.len(), 7, "{requests:?}");
    for (kind, (lists, watches)) in &requests {
        // One on events is opened again when it is silent.
        let expected = if kind == "events" { 12..=13 } else { 3..=4 };
        assert!(
            *lists == 1 && expected.contains(watches),
            "{kind}: {lists} and {watches}"
        );
    }
    let watches: usize = requests.values().map(|(_, watches)| watches).sum();
    assert!(watches <= 36, "{requests:?}");
}

#[tokio::test(start_paused = true)]
async fn events_about_nodes_and_claims_are_watched_while_a_pod_is_not_ready() {
    let change = |minutes: u32, is_ready| (MINUTE * minutes, line("MODIFIED", &pod(2, is_ready)));
    let lines = vec![change(2, false), change(2, true), change(11, false)];
    let (client, requests) = api_server(pod(1, true), &[("pods", lines)], None);
    let (before, during, after, again) = (1, 3, 12, 16);
    let mut read = Vec::new();
    let look = async {
        let mut passed = 0;
        for minutes in [before, during, after, again] {
            sleep(MINUTE * (minutes - passed)).await;
            passed = minutes;
            let lists = requests
                .lock()
                .unwrap()
                .get("events")
                .map_or(0, |events| events.0);
            read.push(lists);
        }
    };
    let (said, ()) = tokio::join!(reported(client, MINUTE * 17), look);
    assert_eq!(read, [1, 3, 3, 5], "{said:?}");
}

#[tokio::test(start_paused = true)]
async fn changes_of_objects_are_reported_and_need_every_watch() {
    let service =
        json!({ "metadata": { "name": "lab", "namespace": "users", "uid": "s", "resourceVersion": "3" } });
    let lines = vec![(MINUTE * 10, line("DELETED", &service))];
    let (client, _) = api_server(pod(1, true), &[("services", lines)], None);
    let said = reported(client, MINUTE * 12).await;
    assert!(said.contains(&(600, "altered".to_owned())), "{said:?}");

    let (client, _) = api_server(pod(1, true), &[], Some("secrets"));
    let said = reported(client, MINUTE * 30).await;
    assert_eq!(count(&said, "alive"), 0, "{said:?}");
}
