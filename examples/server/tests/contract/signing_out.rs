//! Connections that are open when a session ends.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::common::{ADMIN, TestServer};
use crate::socketio::{Client, TRANSPORTS, modules};
use crate::websocket::Socket;

/// Much sooner than the server checks sessions by itself.
const AT_ONCE: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_ends_with_its_session_and_others_continue() {
    let server = TestServer::start().await;
    let (left, stays) = (
        server.sign_in("ana@example.com").await,
        server.sign_in("ana@example.com").await,
    );
    let mut sockets = Vec::new();
    for token in [&left, &stays] {
        let mut socket = Socket::of(&server, token).await;
        socket.say(&json!({ "type": "subscribeAll" })).await;
        assert_eq!(socket.heard_so_far().await, Vec::<Value>::new());
        sockets.push(socket);
    }
    sign_out(&server, &left).await;
    let id = server.create(&stays, "training").await;
    let [of_left, of_stays] = &mut sockets[..] else {
        unreachable!("two were opened");
    };
    let next = timeout(AT_ONCE, of_left.hear()).await.expect("it ends at once");
    assert_eq!(next, Err(Some(4401)), "and nothing is sent before");
    of_stays
        .until(|heard| heard["type"] == "podCreated" && heard["podId"] == id.as_str())
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn socket_io_ends_with_its_session_and_others_continue() {
    let Some(modules) = modules("contract/socketio-signing-out") else {
        return;
    };
    let server = TestServer::start().await;
    for transport in TRANSPORTS {
        let (left, stays) = (
            server.sign_in("ana@example.com").await,
            server.sign_in("ana@example.com").await,
        );
        let mut of_left = Client::start(&modules, &server, transport, &left);
        let mut of_stays = Client::start(&modules, &server, transport, &stays);
        of_left.next("connected").await;
        of_stays.next("connected").await;
        sign_out(&server, &left).await;
        let id = server.create(&stays, transport).await;
        of_left.say("requestLogs", json!({ "podId": id })).await;
        let next = timeout(AT_ONCE, of_left.hear()).await.expect("it ends at once");
        let ends = (
            "disconnect".to_owned(),
            json!({ "reason": "io server disconnect" }),
        );
        assert_eq!(next, ends, "and nothing is sent before");
        of_stays
            .until("podCreated", |data| data["podId"] == id.as_str())
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_followed_log_ends_with_the_session() {
    let server = TestServer::start().await;
    let token = server.sign_in("ana@example.com").await;
    let id = server.create(&token, "training").await;
    server.until(&token, &id, "running").await;
    let path = format!("/api/pods/{id}/logs?follow=true");
    let mut log = server.request(Method::GET, &path, &token).send().await.unwrap();
    assert!(log.chunk().await.unwrap().is_some(), "what is there already");
    sign_out(&server, &token).await;
    let ends = async { while log.chunk().await.unwrap().is_some() {} };
    timeout(AT_ONCE, ends).await.expect("it ends at once");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_connection_of_a_deleted_user_ends() {
    let server = TestServer::start().await;
    let (admin, ana) = (
        server.sign_in(ADMIN).await,
        server.sign_in("ana@example.com").await,
    );
    let id = server.user_id(&ana).await;
    let mut socket = Socket::of(&server, &ana).await;
    assert_eq!(socket.heard_so_far().await, Vec::<Value>::new());
    server
        .call(Method::DELETE, &format!("/api/auth/users/{id}"), &admin, None)
        .await
        .expect(200);
    let next = timeout(AT_ONCE, socket.hear()).await.expect("it ends at once");
    assert_eq!(next, Err(Some(4401)));
}

async fn sign_out(server: &TestServer, token: &str) {
    server
        .post("/api/auth/logout", token, &Value::Null)
        .await
        .expect(200);
}
