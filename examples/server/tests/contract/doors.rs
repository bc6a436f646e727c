//! Requests that no frontend sends: too many attempts, foreign host names, unread bodies.

use std::time::{Duration, Instant};

use futures::{SinkExt, StreamExt};
use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;

use crate::common::{Answer, PATIENCE, TestServer};

/// The replies to somebody who tries tokens over one connection, and its close code.
async fn guesses(server: &TestServer) -> (usize, Option<u16>) {
    let (mut socket, _) = connect_async(server.socket("/ws")).await.expect("it is opened");
    let mut answers = 0;
    let closed = async {
        loop {
            // The replies show whether it is still accepted.
            let _ = socket
                .send(Message::text(json!({ "type": "auth", "token": "x" }).to_string()))
                .await;
            match socket.next().await {
                Some(Ok(Message::Text(_))) => answers += 1,
                Some(Ok(Message::Close(frame))) => return frame.map(|frame| frame.code.into()),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return None,
            }
        }
    };
    let code = timeout(PATIENCE, closed).await.expect("it is closed");
    (answers, code)
}

#[tokio::test(flavor = "multi_thread")]
async fn few_tokens_are_tried_over_a_connection_and_from_an_address() {
    let server = TestServer::start_with(|config| config.limits.wrong_tokens_per_minute = 12).await;
    let good = server.sign_in("ana@example.com").await;
    assert_eq!(guesses(&server).await, (5, Some(4401)));
    assert_eq!(guesses(&server).await, (5, Some(4401)));
    // The limit of twelve a minute is used up in the third connection; from then on the address is refused.
    assert_eq!(guesses(&server).await, (3, Some(1013)));
    assert_eq!(guesses(&server).await, (1, Some(1013)));
    for path in ["/api/auth/me", "/api/pods"] {
        let refused = server.get(path, "wrong").await;
        assert!(!refused.headers["retry-after"].is_empty());
        assert_eq!(refused.expect(429)["code"], "rate_limited", "{path}");
    }
    // Nobody else at this address is locked out, with or without a valid token.
    server.get("/api/auth/me", &good).await.expect(200);
    server.get("/api/auth/me", "").await.expect(401);
    server.get("/api/config", "").await.expect(200);
    let (mut socket, _) = connect_async(server.socket("/ws")).await.expect("it is opened");
    let sign_in = json!({ "type": "auth", "token": good }).to_string();
    socket.send(Message::text(sign_in)).await.expect("it is taken");
    let heard = timeout(PATIENCE, socket.next())
        .await
        .expect("an answer")
        .expect("a message");
    assert!(heard.expect("a text").to_string().contains("authenticated"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_io_connection_does_not_try_many_tokens_either() {
    let server = TestServer::start_with(|config| config.limits.wrong_tokens_per_minute = 3).await;
    let url = server.socket("/socket.io/?EIO=4&transport=websocket");
    let (mut socket, _) = connect_async(url).await.expect("it is opened");
    let begun = Instant::now();
    let (mut wrong, mut too_many) = (0, 0);
    while begun.elapsed() < Duration::from_secs(3) {
        let _ = socket.send(Message::text("40{\"token\":\"x\"}")).await;
        let Ok(heard) = timeout(Duration::from_secs(1), socket.next()).await else {
            continue;
        };
        let Some(Ok(heard)) = heard else { break };
        let heard = heard.to_string();
        if heard.contains("Demasiados intentos") {
            too_many += 1;
        } else if heard.starts_with("44") {
            wrong += 1;
        }
    }
    assert!((1..=3).contains(&wrong), "{wrong} were tried");
    assert!(
        too_many <= 10,
        "{too_many} times it was said that there were too many"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn in_development_a_page_of_another_site_gets_nothing() {
    let server = TestServer::start().await;
    let port = server.origin.rsplit(':').next().expect("a port").to_owned();
    let ask = async |method: Method, path: &str, host: &str| {
        let request = server.request(method, path, "").header("host", host);
        Answer::of(request.json(&json!({ "email": "admin@example.com" }))).await
    };
    for path in [
        "/api/auth/mock-login",
        "/",
        "/api/config",
        "/ws",
        "/api/openapi.json",
    ] {
        for host in [
            "evil.example".to_owned(),
            format!("rebound.evil.example:{port}"),
            "10.0.0.5".to_owned(),
        ] {
            for method in [Method::GET, Method::POST] {
                let refused = ask(method.clone(), path, &host).await;
                assert_eq!(
                    refused.status, 421,
                    "{method} {path} for {host}: {}",
                    refused.text
                );
                let said = refused.json();
                assert_eq!(said["code"], "not_this_host");
                assert!(
                    said["message"]
                        .as_str()
                        .is_some_and(|text| text.contains("localhost")),
                    "{said}"
                );
            }
        }
    }
    for host in [
        format!("localhost:{port}"),
        format!("[::1]:{port}"),
        format!("here.localhost:{port}"),
    ] {
        let answer = ask(Method::POST, "/api/auth/mock-login", &host).await;
        assert_eq!(answer.status, 200, "{host}: {}", answer.text);
    }
    let open = TestServer::start_with(|config| {
        config.dev = false;
        config.auth.google_client_id = Some("x".into());
    });
    let open = open.await;
    let request = open
        .request(Method::GET, "/api/config", "")
        .header("host", "gpu.example.com");
    assert_eq!(
        Answer::of(request).await.status,
        200,
        "elsewhere names are the proxy's affair"
    );
}

/// Sends this over a new connection, and reads until it is closed.
async fn say(server: &TestServer, said: &[u8]) -> String {
    let address = server.origin.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let (mut reading, mut writing) = stream.split();
    let mut heard = Vec::new();
    let both = async { tokio::join!(writing.write_all(said), reading.read_to_end(&mut heard)) };
    let (_, read) = timeout(PATIENCE, both).await.expect("it ends");
    read.expect("the answer comes whole");
    String::from_utf8_lossy(&heard).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_refused_before_it_was_read_is_answered_and_closes_its_connection() {
    let server = TestServer::start_with(|config| config.limits.body_kib = 64).await;
    let token = server.sign_in("ana@example.com").await;
    let (signed_in, nobody) = (format!("authorization: Bearer {token}\r\n"), String::new());
    let wrong = "authorization: Bearer wrong\r\n".to_owned();
    let kinds = [
        ("POST", "/api/pods", &nobody, 401),
        ("POST", "/api/pods", &wrong, 401),
        ("PUT", "/api/pricing", &signed_in, 403),
        ("POST", "/api/nothing", &signed_in, 404),
        ("PATCH", "/api/pods", &signed_in, 405),
        ("DELETE", "/healthz", &nobody, 405),
    ];
    let kinds = kinds.into_iter().flat_map(|(method, path, head, status)| {
        [(60_000, status), (70_000, 413), (3_000_000, 413)]
            .map(|(length, status)| (method, path, head, length, status))
    });
    let creates = [(70_000, 413), (3_000_000, 413)]
        .map(|(length, status)| ("POST", "/api/pods", &signed_in, length, status));
    for (method, path, head, length, status) in kinds.chain(creates) {
        // All of it, some, and nothing yet.
        for sent in [length, length / 3, 0] {
            let said = format!(
                "{method} {path} HTTP/1.1\r\nhost: localhost\r\n{head}content-type: application/json\r\n\
                 content-length: {length}\r\n\r\n{}",
                " ".repeat(sent)
            );
            let heard = say(&server, said.as_bytes()).await.to_lowercase();
            let what = format!("{method} {path} {status}, {sent} of {length}: {heard}");
            assert!(heard.starts_with(&format!("http/1.1 {status} ")), "{what}");
            assert!(heard.contains("\r\nconnection: close\r\n"), "{what}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rate_limited_clients_always_get_a_reply() {
    let server = TestServer::start_with(|config| {
        config.limits.requests_per_second = 1;
        config.limits.burst = 1;
    })
    .await;
    let body = "x".repeat(100_000);
    let said = format!(
        "POST /api/pods HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    for _ in 0..20 {
        let heard = say(&server, said.as_bytes()).await.to_lowercase();
        assert!(
            heard.starts_with("http/1.1 401 ") || heard.starts_with("http/1.1 429 "),
            "{heard}"
        );
        assert!(heard.contains("\r\nconnection: close\r\n"), "{heard}");
    }
}
