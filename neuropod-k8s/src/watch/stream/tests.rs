//! The watches together, on an API server that sends a bookmark every minute.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::StreamExt;
use kube::Client;
use neuropod_core::cluster::ClusterEvent;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

use super::watch;
use crate::config::KubeConfig;
use crate::fake::server::{self, Lines, Log, Received, Reply, line};

const MINUTE: Duration = Duration::from_mins(1);

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

/// An API server with this pod. `lines` are sent by the first watch on a kind. Nobody may watch the kind that is `secret`.
fn api_server(pod: Value, lines: &[(&str, Lines)], secret: Option<&'static str>) -> (Client, Log) {
    let lines = lines
        .iter()
        .map(|(kind, lines)| ((*kind).to_owned(), lines.clone()));
    let mut lines: BTreeMap<_, _> = lines.collect();
    server::client(move |request| {
        let kind = kind(request);
        if !request.is_watch() {
            let items = if kind == "pods" {
                vec![pod.clone()]
            } else {
                Vec::new()
            };
            return Reply::Json(
                200,
                json!({ "metadata": { "resourceVersion": "1" }, "items": items }),
            );
        }
        if Some(kind) == secret {
            return Reply::refused(403, "Forbidden", "no");
        }
        let lines = lines.remove(kind).unwrap_or_default();
        if kind == "events" {
            Reply::Silent
        } else {
            Reply::Watch(lines)
        }
    })
}

fn kind(request: &Received) -> &str {
    request.path.rsplit('/').next().unwrap()
}

/// The numbers of lists and watches that were requested, by kind.
fn counts(log: &Log) -> BTreeMap<String, (usize, usize)> {
    let mut counts = BTreeMap::<_, (usize, usize)>::new();
    for request in log.all() {
        let count = counts.entry(kind(&request).to_owned()).or_default();
        if request.is_watch() {
            count.1 += 1;
        } else {
            count.0 += 1;
        }
    }
    counts
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
    let requests = counts(&requests);
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
            let lists = counts(&requests).get("events").map_or(0, |events| events.0);
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
