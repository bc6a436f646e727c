//! People who may not see a pod learn nothing about it.

use reqwest::Method;
use serde_json::{Value, json};

use crate::common::{ADMIN, TestServer};
use crate::websocket::Socket;

const NAME: &str = "Secret project";
const UNKNOWN: &str = "0123456789abcdef";

#[tokio::test(flavor = "multi_thread")]
async fn requests_for_somebody_elses_pod_reveal_nothing() {
    let server = TestServer::start().await;
    let (ana, berta) = (
        server.sign_in("ana@example.com").await,
        server.sign_in("berta@example.com").await,
    );
    let id = server.create(&ana, NAME).await;
    let mine = server.until(&ana, &id, "running").await;
    let token = mine["pod"]["httpServices"][0]["jupyterToken"]
        .as_str()
        .unwrap()
        .to_owned();
    let paths = ["", "/connections", "/logs", "/logs?follow=true"].map(|path| (Method::GET, path));
    let changes = ["/start", "/stop", "/restart"].map(|path| (Method::POST, path));
    let delete = [(Method::DELETE, ""), (Method::DELETE, "?volume=delete")];
    for (method, path) in paths.into_iter().chain(changes).chain(delete) {
        let foreign = format!("/api/pods/{id}{path}");
        let refused = server.call(method.clone(), &foreign, &berta, None).await;
        assert_eq!(refused.status, 403, "{method} {path}");
        for private in [NAME, "secret-project", &token, "ana@example.com", "pytorch"] {
            assert!(
                !refused.text.contains(private),
                "{method} {path}: {}",
                refused.text
            );
        }
        let unknown = format!("/api/pods/{UNKNOWN}{path}");
        assert_eq!(server.call(method, &unknown, &berta, None).await.status, 404);
    }
    assert_eq!(
        server.get("/api/pods", &berta).await.expect(200)["data"],
        json!([])
    );
    let still = server.get(&format!("/api/pods/{id}"), &ana).await.expect(200);
    assert_eq!(still["pod"]["status"], "running", "and nothing happened to it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_sends_updates_only_to_the_owner_and_subscribed_administrators() {
    let server = TestServer::start().await;
    let (ana, berta) = (
        server.sign_in("ana@example.com").await,
        server.sign_in("berta@example.com").await,
    );
    let admin = server.sign_in(ADMIN).await;
    let owner = server.user_id(&ana).await;
    let mut sockets = Vec::new();
    // Only administrators receive updates of all pods, and only on request.
    for (token, everybody) in [(&ana, false), (&berta, true), (&admin, true), (&admin, false)] {
        let mut socket = Socket::of(&server, token).await;
        socket
            .say(&json!({ "type": "subscribeAll", "everybody": everybody }))
            .await;
        socket.heard_so_far().await;
        sockets.push(socket);
    }
    let id = server.create(&ana, NAME).await;
    let [mine, others, administrators, idle] = &mut sockets[..] else {
        unreachable!("four were opened");
    };
    let mut answers = Vec::new();
    for pod in [&id, UNKNOWN] {
        others
            .say(&json!({ "type": "subscribe", "podId": pod, "userId": owner }))
            .await;
        let mut heard = others.heard_so_far().await;
        assert_eq!(heard.len(), 1, "{heard:?}");
        heard[0]["podId"].take();
        answers.append(&mut heard);
    }
    assert_eq!(answers[0], answers[1], "a pod of somebody else is like none");

    server.until(&ana, &id, "running").await;
    server
        .post(&format!("/api/pods/{id}/stop"), &ana, &Value::Null)
        .await
        .expect(200);
    server.until(&ana, &id, "stopped").await;
    server
        .call(Method::DELETE, &format!("/api/pods/{id}"), &ana, None)
        .await
        .expect(200);
    mine.until(|heard| heard["type"] == "podCreated" && heard["podId"] == id.as_str())
        .await;
    let announced = administrators.until(|heard| heard["podId"] == id.as_str()).await;
    assert_eq!(
        announced["type"], "podUpdate",
        "new pods are announced to their owner alone"
    );
    for socket in [mine, administrators] {
        socket.until(|heard| heard["status"] == "running").await;
        socket
            .until(|heard| heard["type"] == "podDeleted" && heard["podId"] == id.as_str())
            .await;
    }
    for socket in [others, idle] {
        assert_eq!(socket.heard_so_far().await, Vec::<Value>::new());
    }
}
