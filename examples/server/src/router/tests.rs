use std::time::Duration;

use axum::body::Body;
use http::{Request, header};
use neuropod::sim::faults::Fault;
use tokio::time::Instant;

use crate::config::{Config, Limits};
use crate::test_api::{Api, config};

#[tokio::test(start_paused = true)]
async fn long_answers_are_compressed_if_accepted() {
    let api = Api::start(config()).await;
    let ask = async |path: &str, accepted: &str| {
        let request = Request::get(path).header(header::ACCEPT_ENCODING, accepted);
        api.send(request.body(Body::empty()).unwrap()).await
    };
    for (path, accepted, encoding) in [
        ("/api/openapi.json", "gzip, deflate, br", Some("gzip")),
        ("/api/docs.js", "gzip", Some("gzip")),
        ("/api/openapi.json", "br", None),
        ("/api/openapi.json", "gzip;q=0", None),
        ("/api/status/public", "gzip", None),
        ("/healthz", "gzip", None),
    ] {
        let answer = ask(path, accepted).await;
        let coded = answer.headers.get(header::CONTENT_ENCODING);
        assert_eq!(
            coded.map(|value| value.to_str().unwrap()),
            encoding,
            "{path} {accepted}"
        );
        let is_json = answer.headers[header::CONTENT_TYPE] == "application/json";
        let varies = answer
            .headers
            .get_all(header::VARY)
            .iter()
            .any(|value| value == "accept-encoding");
        assert!(varies || !is_json, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn pages_of_other_origins_may_not_call_and_nobody_may_call_too_often() {
    let limits = Limits {
        requests_per_second: 1,
        burst: 3,
        ..Limits::default()
    };
    let api = Api::start(Config { limits, ..config() }).await;
    let ask = async |origin: &str| {
        let request = Request::get("/api/config")
            .header(header::ORIGIN, origin)
            .body(Body::empty());
        api.send(request.unwrap()).await
    };
    let own = ask("http://localhost:5173").await;
    assert_eq!(
        own.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN],
        "http://localhost:5173"
    );
    assert!(
        !ask("https://evil.example")
            .await
            .headers
            .contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN)
    );
    ask("https://app.pods.localhost").await;
    let refused = ask("http://localhost:5173").await;
    assert_eq!(refused.headers[header::RETRY_AFTER], "1");
    assert_eq!(
        refused.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN],
        "http://localhost:5173"
    );
    assert_eq!(refused.expect(429)["code"], "rate_limited");
    assert_eq!(api.get("/healthz", "").await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_slow_store_does_not_block_requests() {
    let (api, token) = Api::in_trouble(Fault::Late, Duration::from_hours(1)).await;
    let begun = Instant::now();
    let answer = api.get("/api/auth/me", &token).await;
    assert_eq!(answer.headers[header::RETRY_AFTER], "1");
    assert_eq!(answer.expect(503)["code"], "timeout");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}
