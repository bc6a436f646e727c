//! Operators and paths of document databases are ordinary texts here.

use reqwest::Method;
use serde_json::{Value, json};

use crate::common::{ADMIN, Answer, TestServer, pod};

#[tokio::test(flavor = "multi_thread")]
async fn operators_find_nobody_and_change_nothing() {
    let server = TestServer::start().await;
    let (admin, ana) = (
        server.sign_in(ADMIN).await,
        server.sign_in("ana@example.com").await,
    );
    let users = server.get("/api/auth/users", &admin).await.expect(200);
    for operator in [
        json!({ "$gt": "" }),
        json!({ "$ne": null }),
        json!({ "$where": "true" }),
        json!(["$or"]),
    ] {
        for (path, field) in [
            ("/api/auth/mock-login", "email"),
            ("/api/auth/users/suspend", "userId"),
            ("/api/auth/users/balance", "userId"),
        ] {
            let body = json!({ field: operator, "balance": 99 });
            let refused = server.post(path, &admin, &body).await;
            assert_eq!(refused.status, 400, "{path}: {operator}: {}", refused.text);
        }
        let mut body = pod("training");
        body["assignToUser"] = operator.clone();
        server.post("/api/pods", &admin, &body).await.expect(400);
        body = pod("training");
        body["deploymentType"] = "template".into();
        body["template"] = operator;
        server.post("/api/pods", &ana, &body).await.expect(400);
    }
    for query in [
        "userEmail[$ne]=x",
        "userEmail=%7B%22$gt%22%3A%22%22%7D",
        "userEmail=.*",
    ] {
        let answer = server.get(&format!("/api/pods/admin?{query}"), &admin).await;
        let found_nothing = answer.status == 404 || answer.json()["data"] == json!([]);
        assert!(found_nothing, "{query}: {}", answer.text);
    }
    for search in [".*", "$ne", "%00", "^a"] {
        let found = server
            .get(&format!("/api/auth/users?search={search}"), &admin)
            .await;
        assert_eq!(found.expect(200)["data"], json!([]), "{search}");
    }
    for id in ["$ne", "__proto__", "%7B%22$gt%22%3A%22%22%7D", "a.b", "."] {
        let path = format!("/api/auth/users/{id}");
        let refused = server.call(Method::DELETE, &path, &admin, None).await;
        assert!([404, 405].contains(&refused.status), "{id}: {}", refused.text);
        let unknown = server.get(&format!("/api/templates/{id}"), &admin).await;
        assert!([404, 405].contains(&unknown.status), "{id}: {}", unknown.text);
    }
    assert_eq!(
        server.get("/api/auth/users", &admin).await.expect(200)["data"],
        users["data"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_with_dollars_and_dots_are_kept_as_they_are() {
    let server = TestServer::start().await;
    let (admin, ana) = (
        server.sign_in(ADMIN).await,
        server.sign_in("ana@example.com").await,
    );
    for name in ["$where", "a.b.c", "__proto__", "constructor"] {
        let body = json!({ "name": name, "dockerImage": "example.org/x:1", "description": name });
        let created = server.post("/api/templates", &admin, &body).await.expect(201);
        let id = created["template"]["id"].as_str().unwrap();
        let read = server
            .get(&format!("/api/templates/{id}"), &admin)
            .await
            .expect(200);
        assert_eq!(
            (&read["name"], &read["description"]),
            (&json!(name), &json!(name))
        );
        let request = server
            .request(Method::POST, "/api/pods", &ana)
            .header("idempotency-key", name);
        let created = Answer::of(request.json(&pod(&format!("x {name}"))))
            .await
            .expect(201);
        let id = created["data"]["podId"].as_str().unwrap();
        let read = server.get(&format!("/api/pods/{id}"), &ana).await.expect(200);
        assert_eq!(read["pod"]["podName"], format!("x {name}"));
        server
            .call(Method::DELETE, &format!("/api/pods/{id}"), &ana, None)
            .await
            .expect(200);
    }
    for name in ["a.b", "$where", "a b", ""] {
        let mut body = pod("variables");
        body["environment"] = json!({ name: "1" });
        server.post("/api/pods", &ana, &body).await.expect(400);
    }
    let mut body = pod("training");
    body["__proto__"] = json!({ "role": "admin" });
    body["$set"] = json!({ "balance": 1000 });
    body["userId"] = Value::from("somebody else");
    let created = server.post("/api/pods", &ana, &body).await.expect(201);
    let id = created["data"]["podId"].as_str().unwrap();
    let read = server.get(&format!("/api/pods/{id}"), &ana).await.expect(200);
    assert_eq!(
        read["pod"]["userId"],
        server.user_id(&ana).await,
        "unknown fields are left alone"
    );
}
