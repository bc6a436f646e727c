//! Which requests are retried, how often and when, and their final result.

mod objects;
mod pages;

use std::time::Duration;

use futures::future::join_all;
use kube::api::ListParams;
use neuropod_core::{Error, ErrorKind, Result};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{LONGEST_WAIT, Requests};
use crate::api::kinds::Kind;
use crate::api::manifest::Manifest;
use crate::api::partial::{Meta, PartialObject, PartialPod};
use crate::fake::server::{self, Log, Reply, SLOW};

const DEADLINE: Duration = Duration::from_secs(30);

/// One request and all of its retries.
const ATTEMPTS: usize = 5;

fn requests(replies: impl IntoIterator<Item = Reply>) -> (Requests, Log) {
    let (client, log) = server::scripted(replies);
    (Requests::new(client, 24, DEADLINE), log)
}

/// A request that always gets this reply: its result, and the time of each attempt.
async fn always(reply: Reply) -> (Result<Vec<PartialPod>>, Vec<Instant>) {
    let (client, log) = server::client(move |_| reply.clone());
    let requests = Requests::new(client, 24, DEADLINE);
    let result = requests
        .list(Kind::Pod, Some("users"), &ListParams::default())
        .await;
    let times = log.all().iter().map(|received| received.at).collect();
    (result, times)
}

fn pauses(times: &[Instant]) -> Vec<Duration> {
    times.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

fn object(name: &str, uid: &str) -> Value {
    json!({ "kind": "Service", "metadata": { "name": name, "namespace": "users", "uid": uid, "resourceVersion": "7" } })
}

fn manifest() -> Manifest {
    Manifest {
        kind: Kind::Service,
        name: "lab-1".into(),
        digest: "d".into(),
        body: json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": "lab-1" } }),
        update: None,
    }
}

fn meta() -> Meta {
    serde_json::from_value(object("lab-1", "u1")["metadata"].clone()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_transient_failure_is_retried_with_growing_pauses_and_then_returned() {
    let cases = [
        (Reply::refused(429, "", "slow down"), ErrorKind::RateLimited),
        (
            Reply::refused(500, "InternalError", "etcd has no leader"),
            ErrorKind::Unavailable,
        ),
        (Reply::Text(502, "Bad Gateway"), ErrorKind::Unavailable),
        (
            Reply::refused(503, "ServiceUnavailable", "shutting down"),
            ErrorKind::Unavailable,
        ),
        (
            Reply::refused(403, "Forbidden", "error looking up service account users/default"),
            ErrorKind::Unavailable,
        ),
        (Reply::Unreachable, ErrorKind::Unavailable),
        (Reply::Broken, ErrorKind::Unavailable),
    ];
    for (reply, kind) in cases {
        let (result, times) = always(reply.clone()).await;
        let error = result.unwrap_err();
        assert_eq!((error.kind(), error.is_retryable()), (&kind, true), "{reply:?}");
        assert_eq!(times.len(), ATTEMPTS, "{reply:?}");
        let mut least = Duration::from_millis(100);
        for pause in pauses(&times) {
            // Jitter adds up to the same again; timers are accurate to a millisecond.
            let most = least * 2 + Duration::from_millis(2);
            assert!(pause >= least && pause <= most, "{reply:?}: {pause:?}");
            least *= 2;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_lasting_failure_is_not_retried() {
    let forbidden = r#"pods is forbidden: User "x" cannot list resource "pods" in API group """#;
    let denied = "admission webhook \"policy.example\" denied the request: no";
    let addresses = "failed to allocate a serviceIP: range is full";
    let cases = [
        (400, "BadRequest", "no", ErrorKind::Rejected),
        (401, "Unauthorized", "Unauthorized", ErrorKind::PermissionDenied),
        (403, "Forbidden", forbidden, ErrorKind::PermissionDenied),
        (404, "NotFound", "page not found", ErrorKind::NotConfigured),
        (405, "MethodNotAllowed", "no", ErrorKind::Unsupported),
        (409, "Conflict", "modified", ErrorKind::Conflict),
        (410, "Expired", "too old", ErrorKind::Unexpected),
        (422, "Invalid", "no", ErrorKind::Rejected),
        // The request has waited long already. The driver decides how to use the remaining time.
        (408, "Timeout", "slow", ErrorKind::Timeout),
        (504, "Timeout", "slow", ErrorKind::Timeout),
        // A webhook does not change its decision within seconds, and addresses don't become free.
        (500, "InternalError", denied, ErrorKind::Rejected),
        (500, "InternalError", addresses, ErrorKind::QuotaExceeded),
    ];
    for (code, reason, message, kind) in cases {
        let (result, times) = always(Reply::refused(code, reason, message)).await;
        assert_eq!(result.unwrap_err().kind(), &kind, "{code} {message}");
        assert_eq!(times.len(), 1, "{code} {message}");
    }
    let (result, times) = always(Reply::Text(200, "<html>")).await;
    assert_eq!(result.unwrap_err().kind(), &ErrorKind::Unexpected);
    assert_eq!(times.len(), 1, "an reply that makes no sense");
}

#[tokio::test(start_paused = true)]
async fn a_requested_wait_is_respected() {
    for code in [429, 503] {
        let (result, times) = always(Reply::wait(code, 5)).await;
        assert_eq!(times.len(), ATTEMPTS, "{code}");
        for pause in pauses(&times) {
            assert!(pause >= LONGEST_WAIT, "{code}: {pause:?}");
            assert!(
                pause < LONGEST_WAIT + Duration::from_millis(2),
                "{code}: {pause:?}"
            );
        }
        let received = result.unwrap_err().retry_after();
        assert_eq!(received, Some(LONGEST_WAIT), "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_requested_wait_below_the_pause_does_not_shorten_it() {
    let second = Duration::from_secs(1);
    let mut longest = Duration::ZERO;
    // The last pause is random, between 0.8 and 1.6 seconds. With so many, some are certain to exceed one second.
    for _ in 0..30 {
        let (_, times) = always(Reply::wait(429, 1)).await;
        let pauses = pauses(&times);
        assert!(pauses.iter().all(|pause| *pause >= second), "{pauses:?}");
        longest = longest.max(pauses[3]);
    }
    assert!(longest > second + Duration::from_millis(2), "{longest:?}");
}

#[tokio::test(start_paused = true)]
async fn a_long_wait_is_left_to_the_caller() {
    let (result, times) = always(Reply::wait(429, 6)).await;
    let error = result.unwrap_err();
    assert_eq!(times.len(), 1);
    assert_eq!(error.kind(), &ErrorKind::RateLimited);
    assert_eq!(error.retry_after(), Some(Duration::from_secs(6)));
}

#[tokio::test(start_paused = true)]
async fn a_success_after_failures_is_a_success() {
    let (requests, log) = requests([
        Reply::refused(503, "ServiceUnavailable", "starting"),
        Reply::Unreachable,
        Reply::wait(429, 2),
        Reply::Broken,
        Reply::Json(200, object("lab-1", "u1")),
    ]);
    let found = requests.get::<PartialObject>(Kind::Service, Some("users"), "lab-1");
    assert_eq!(found.await.unwrap().unwrap().metadata.uid, "u1");
    assert_eq!(log.lines(), ["GET /api/v1/namespaces/users/services/lab-1"; 5]);
}

#[tokio::test(start_paused = true)]
async fn a_retried_write_sends_the_same_body() {
    let (requests, log) = requests([
        Reply::refused(500, "InternalError", "no leader"),
        Reply::Json(201, object("lab-1", "u1")),
    ]);
    let made: PartialObject = requests.create(&manifest(), Some("users")).await.unwrap();
    assert_eq!(made.metadata.uid, "u1");
    let received = log.all();
    assert_eq!(received[0].body, manifest().body);
    assert_eq!(received[0].body, received[1].body);
    assert_eq!(received[0].query, received[1].query);
}

#[tokio::test(start_paused = true)]
async fn an_operation_is_given_up_at_its_deadline() {
    for reply in [Reply::Never, Reply::wait(503, 5)] {
        let (client, _) = server::client(move |_| reply.clone());
        let deadline = Duration::from_secs(12);
        let requests = Requests::new(client, 24, deadline);
        let started = Instant::now();
        let work = requests.get::<PartialObject>(Kind::Service, Some("users"), "lab-1");
        let error = requests.in_time(work).await.unwrap_err();
        assert_eq!((error.kind(), error.is_retryable()), (&ErrorKind::Timeout, true));
        assert!(error.message().contains("12s"), "{error}");
        let took = started.elapsed();
        assert!(took >= deadline, "{took:?}");
        assert!(took < deadline + Duration::from_millis(2), "{took:?}");
    }
    let (requests, _) = requests([]);
    let done = requests.in_time(async { Ok(7) }).await;
    assert_eq!(done.unwrap(), 7);
    let failed = requests.in_time::<()>(async { Err(Error::new(ErrorKind::Conflict, "no")) });
    assert_eq!(failed.await.unwrap_err().kind(), &ErrorKind::Conflict);
}

/// When each of five creations and five readings was sent, in multiples of a reply's duration.
async fn starts(writes: usize) -> (Vec<u128>, Vec<u128>) {
    let (client, log) = server::client(|_| Reply::Slow(object("lab-1", "u1")));
    let requests = Requests::new(client, writes, DEADLINE);
    let started = Instant::now();
    let manifest = manifest();
    let create = || async {
        requests
            .create::<PartialObject>(&manifest, Some("users"))
            .await
            .map(drop)
    };
    let read = || async {
        let read = requests.get::<PartialObject>(Kind::Service, Some("users"), "lab-1");
        read.await.map(drop)
    };
    let creations = join_all((0..5).map(|_| create()));
    let readings = join_all((0..5).map(|_| read()));
    let all = async { tokio::join!(creations, readings) };
    let (created, seen) = tokio::time::timeout(DEADLINE, all).await.unwrap();
    assert!(created.iter().all(Result::is_ok) && seen.iter().all(Result::is_ok));
    let arrivals_of = |method: http::Method| {
        let log = log.all().into_iter().filter(|received| received.method == method);
        log.map(|received| (received.at - started).as_millis() / SLOW.as_millis())
            .collect()
    };
    (arrivals_of(http::Method::POST), arrivals_of(http::Method::GET))
}

#[tokio::test(start_paused = true)]
async fn writes_wait_for_each_other_and_reads_do_not() {
    assert_eq!(starts(2).await, (vec![0, 0, 1, 1, 2], vec![0; 5]));
    // A limit of zero would block for ever.
    assert_eq!(starts(0).await, (vec![0, 1, 2, 3, 4], vec![0; 5]));
}
