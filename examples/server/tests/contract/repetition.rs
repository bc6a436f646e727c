//! The same request, twice.

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::common::{Answer, TestServer, pod};

async fn create(server: &TestServer, token: &str, key: &str, body: &Value) -> Answer {
    let request = server
        .request(Method::POST, "/api/pods", token)
        .header("idempotency-key", key);
    Answer::of(request.json(body)).await
}

async fn held(server: &TestServer, token: &str) -> f64 {
    server.get("/api/account/balance", token).await.expect(200)["data"]["held"]
        .as_f64()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_makes_one_pod_and_one_charge() {
    let server = TestServer::start().await;
    let (ana, berta) = (
        server.sign_in("ana@example.com").await,
        server.sign_in("berta@example.com").await,
    );
    let body = pod("training");
    let answers = join_all((0..10).map(|_| create(&server, &ana, "key-1", &body))).await;
    let mut ids: Vec<_> = answers
        .into_iter()
        .map(|answer| answer.expect(201)["data"]["podId"].as_str().unwrap().to_owned())
        .collect();
    ids.dedup();
    assert_eq!(ids.len(), 1, "{ids:?}");
    let once = held(&server, &ana).await;
    assert!(once > 0.0 && once <= 1.0, "an hour is held once: {once}");
    let later = create(&server, &ana, "key-1", &body).await.expect(201);
    assert_eq!(later["data"]["podId"], ids[0]);
    assert_eq!(
        server.get("/api/pods", &ana).await.expect(200)["data"]
            .as_array()
            .unwrap()
            .len(),
        1
    );

    create(&server, &ana, "key-1", &pod("something else"))
        .await
        .expect(409);
    let hers = create(&server, &berta, "key-1", &body).await.expect(201);
    assert_ne!(hers["data"]["podId"], ids[0], "a key is of one user");
    create(&server, &ana, "key-2", &pod("second")).await.expect(201);
    assert_eq!(
        server.get("/api/pods", &ana).await.expect(200)["data"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_may_be_in_the_body_and_has_a_maximum_length() {
    let server = TestServer::start().await;
    let ana = server.sign_in("ana@example.com").await;
    let mut body = pod("training");
    body["idempotencyKey"] = "key-1".into();
    let first = server.post("/api/pods", &ana, &body).await.expect(201);
    let second = server.post("/api/pods", &ana, &body).await.expect(201);
    assert_eq!(first["data"]["podId"], second["data"]["podId"]);
    for key in ["x".repeat(256), String::new()] {
        create(&server, &ana, &key, &pod("other")).await.expect(400);
    }
    body["idempotencyKey"] = json!({ "$gt": "" });
    server.post("/api/pods", &ana, &body).await.expect(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_concurrent_changes_are_one() {
    let server = TestServer::start().await;
    let ana = server.sign_in("ana@example.com").await;
    let id = server.create(&ana, "training").await;
    server.until(&ana, &id, "running").await;
    let path = format!("/api/pods/{id}/stop");
    let stops = join_all((0..5).map(|_| server.post(&path, &ana, &Value::Null))).await;
    let mut statuses: Vec<_> = stops.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400, 400, 400, 400]);
}
