//! Invalid ids of pods.

use reqwest::Method;
use serde_json::Value;

use crate::common::TestServer;

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_id_is_answered_like_a_missing_one() {
    let server = TestServer::start().await;
    let ana = server.sign_in("ana@example.com").await;
    let id = server.create(&ana, "training").await;
    let long = "a".repeat(4000);
    let upper = id.to_uppercase();
    let longer = format!("{id}0");
    let mut ids = vec![
        "0123456789abcdef",
        "0123",
        "zzzzzzzzzzzzzzzz",
        &longer,
        &id[1..],
        &long,
        "..%2f..%2fetc",
        "%00",
        "%ff",
        "-1",
        "$ne",
        "__proto__",
        "%7B%22$gt%22:%22%22%7D",
        "%20",
        "a%0d%0aset-cookie:x",
    ];
    // An id of digits only has no upper-case form.
    if upper != id {
        ids.push(&upper);
    }
    for id in ids {
        for (method, path) in [
            (Method::GET, ""),
            (Method::GET, "/connections"),
            (Method::GET, "/logs"),
            (Method::POST, "/start"),
            (Method::POST, "/stop"),
            (Method::POST, "/restart"),
            (Method::DELETE, ""),
        ] {
            let answer = server
                .call(method.clone(), &format!("/api/pods/{id}{path}"), &ana, None)
                .await;
            assert!(
                [400, 404].contains(&answer.status),
                "{method} {id}{path}: {} {}",
                answer.status,
                answer.text
            );
            assert_eq!(answer.json()["success"], false);
            assert!(answer.headers.get("set-cookie").is_none());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_pod_is_unknown() {
    let server = TestServer::start().await;
    let ana = server.sign_in("ana@example.com").await;
    let id = server.create(&ana, "training").await;
    let path = format!("/api/pods/{id}");
    server.call(Method::DELETE, &path, &ana, None).await.expect(200);
    let wait = async {
        while server.get(&path, &ana).await.status != 404 {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(crate::common::PATIENCE, wait)
        .await
        .expect("it goes");
    for change in ["/start", "/stop", "/restart"] {
        server
            .post(&format!("{path}{change}"), &ana, &Value::Null)
            .await
            .expect(404);
    }
    server.get(&format!("{path}/logs"), &ana).await.expect(404);
    server.call(Method::DELETE, &path, &ana, None).await.expect(404);
}
