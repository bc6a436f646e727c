use std::time::Duration;

use futures::future::join_all;
use http::Method;
use neuropod::sim::faults::Fault;
use serde_json::json;

use crate::test_api::{Api, config};

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
async fn readiness_names_what_does_not_respond_and_asks_once_for_all() {
    let (api, _) = Api::in_trouble(Fault::ErrorBefore, Duration::from_hours(1)).await;
    let answers = join_all((0..20).map(|_| api.get("/readyz", ""))).await;
    for answer in answers {
        assert_eq!(answer.status, 503);
        assert_eq!(answer.text, "store: unreachable\ncluster: ok\n");
    }
}
