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
    for path in ["/api/docs", "/api/docs.js", "/api/docs.css", "/api/openapi.json"] {
        let cache = &api.get(path, "").await.headers[header::CACHE_CONTROL];
        assert_eq!(cache, "public, max-age=300", "{path}");
    }
    let of_user = &api.get("/api/pods", "").await.headers[header::CACHE_CONTROL];
    assert_eq!(of_user, "no-store");
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
        "/main.js",
        "/README.md",
        "/assets/",
        "/assets/../Cargo.toml",
        "/assets/page-0123456789abcdef.txt",
    ] {
        assert_eq!(api.get(path, "").await.status, 404, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_belongs_to_the_page_is_compressed_and_asked_for_once() {
    let api = Api::start(config()).await;
    let page = api.get("/", "").await;
    assert_eq!(page.headers[header::CACHE_CONTROL], "no-cache");
    // What the page would have to ask for before it shows anything.
    assert!(page.text.contains("&quot;devLogin&quot;:true"), "{}", page.text);
    let ask = async |path: &str, accepted: &str| {
        let request = Request::get(path).header(header::ACCEPT_ENCODING, accepted);
        api.send(request.body(Body::empty()).unwrap()).await
    };
    let assets: Vec<_> = page
        .text
        .split('"')
        .filter(|part| part.starts_with("/assets/"))
        .collect();
    assert_eq!(assets.len(), 3, "{assets:?}");
    for path in &assets {
        for (accepted, encoding) in [("gzip, br", Some("br")), ("gzip", Some("gzip")), ("br;q=0", None)] {
            let answer = ask(path, accepted).await;
            assert_eq!(answer.status, 200, "{path}");
            let coded = answer.headers.get(header::CONTENT_ENCODING);
            assert_eq!(coded.map(|value| value.to_str().unwrap()), encoding, "{path}");
            assert_eq!(
                answer.headers[header::CACHE_CONTROL],
                "public, max-age=31536000, immutable"
            );
            assert_eq!(answer.headers[header::VARY], "accept-encoding", "{path}");
        }
    }
    // What another replica has in this place, which may be older: it works, and nobody keeps it.
    let other = ask("/assets/page-0123456789abcdef.js", "").await;
    assert_eq!(other.headers[header::CACHE_CONTROL], "no-store");
    let script = ask(assets[2], "").await;
    assert_eq!(other.text, script.text);
    let (_, map) = script
        .text
        .trim_end()
        .rsplit_once("//# sourceMappingURL=")
        .unwrap();
    let map = api.get(&format!("/assets/{map}"), "").await.expect(200);
    let sources = map["sources"].as_array().unwrap();
    assert!(sources.contains(&json!("views/pods.js")), "{sources:?}");
}

#[tokio::test(start_paused = true)]
async fn long_answers_are_compressed_for_who_takes_that() {
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
async fn a_store_that_is_late_does_not_keep_anybody_waiting() {
    let (api, token) = Api::in_trouble(Fault::Late, Duration::from_hours(1)).await;
    let begun = Instant::now();
    let answer = api.get("/api/auth/me", &token).await;
    assert_eq!(answer.headers[header::RETRY_AFTER], "1");
    assert_eq!(answer.expect(503)["code"], "timeout");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn readiness_tells_what_does_not_answer_and_asks_once_for_all() {
    let (api, _) = Api::in_trouble(Fault::ErrorBefore, Duration::from_hours(1)).await;
    let answers = join_all((0..20).map(|_| api.get("/readyz", ""))).await;
    for answer in answers {
        assert_eq!(answer.status, 503);
        assert_eq!(answer.text, "store: unreachable\ncluster: ok\n");
    }
}
