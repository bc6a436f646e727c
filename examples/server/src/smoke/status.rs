use std::time::Duration;

use axum::body::Body;
use futures::future::join_all;
use http::{Method, Request, header};
use neuropod::sim::faults::Fault;
use serde_json::json;
use tokio::time::Instant;

use super::{Api, config};
use crate::config::{Config, Limits};

#[tokio::test(start_paused = true)]
async fn the_server_says_how_it_is_and_what_it_offers() {
    let api = Api::start(config()).await;
    assert_eq!(
        api.get("/api/status/public", "").await.expect(200)["status"],
        "ok"
    );
    let offered = api.get("/api/config", "").await.expect(200);
    assert_eq!(offered["data"]["devLogin"], true);
    assert_eq!(offered["data"]["googleClientId"], json!(null));
    assert_eq!(api.get("/healthz", "").await.status, 200);
    assert_eq!(api.get("/readyz", "").await.text, "store: ok\ncluster: ok\n");
    let ana = api.sign_in("ana@example.com").await;
    api.get("/api/status", &ana).await.expect(200);
    let missing = api.get("/api/nothing", "").await;
    assert_eq!(missing.expect(404)["code"], "not_found");
    let missing = api.post("/api/nothing", "", &json!({})).await;
    assert_eq!(missing.expect(404)["code"], "not_found");
    let wrong = api.call(Method::PATCH, "/api/pods", &ana, None).await;
    assert_eq!(wrong.expect(405)["code"], "method_not_allowed");
}

#[tokio::test(start_paused = true)]
async fn the_document_names_every_route_and_the_page_shows_it() {
    let api = Api::start(config()).await;
    let document = api.get("/api/openapi.json", "").await.expect(200);
    assert_eq!(document["openapi"], "3.1.0");
    for path in [
        "/api/pods",
        "/api/pods/{podId}/logs",
        "/api/auth/google",
        "/api/templates/{id}",
        "/api/pricing/reset",
    ] {
        assert!(document["paths"][path].is_object(), "{path}");
    }
    let page = api.get("/api/docs", "").await;
    assert!(page.text.contains("/api/docs.js"));
}

#[tokio::test(start_paused = true)]
async fn the_dashboard_comes_with_a_strict_policy_and_is_not_sent_twice() {
    let api = Api::start(config()).await;
    let page = api.get("/", "").await;
    assert_eq!(page.status, 200);
    assert_eq!(page.headers[header::CONTENT_TYPE], "text/html; charset=utf-8");
    let policy = page.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(
        policy.contains("script-src 'self';") && !policy.contains("unsafe"),
        "{policy}"
    );
    assert!(policy.contains("require-trusted-types-for 'script'"), "{policy}");
    let again = Request::get("/")
        .header(header::IF_NONE_MATCH, &page.headers[header::ETAG])
        .body(Body::empty());
    assert_eq!(api.send(again.unwrap()).await.status, 304);
    for path in [
        "/../Cargo.toml",
        "/%2e%2e/Cargo.toml",
        "/tests/text.test.js",
        "/nothing.js",
    ] {
        assert_eq!(api.get(path, "").await.status, 404, "{path}");
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
async fn a_store_that_is_late_does_not_keep_anybody_waiting() {
    let (api, token) = Api::in_trouble(Fault::Late).await;
    let begun = Instant::now();
    let answer = api.get("/api/auth/me", &token).await;
    assert_eq!(answer.headers[header::RETRY_AFTER], "1");
    assert_eq!(answer.expect(503)["code"], "timeout");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn readiness_tells_what_does_not_answer_and_asks_once_for_all() {
    let (api, _) = Api::in_trouble(Fault::ErrorBefore).await;
    let answers = join_all((0..20).map(|_| api.get("/readyz", ""))).await;
    for answer in answers {
        assert_eq!(answer.status, 503);
        assert_eq!(answer.text, "store: unreachable\ncluster: ok\n");
    }
}
