//! The plain WebSocket, and attempts to abuse it.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::common::{PATIENCE, TestServer};
use crate::shape::{is_pod, is_update};

pub(crate) struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    /// A connection, or the status with which it is refused.
    pub(crate) async fn connect(server: &TestServer, query: &str) -> Result<Self, u16> {
        match connect_async(server.socket(&format!("/ws{query}"))).await {
            Ok((stream, _)) => Ok(Self(stream)),
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    pub(crate) async fn of(server: &TestServer, token: &str) -> Self {
        Self::connect(server, &format!("?language=en&token={token}"))
            .await
            .unwrap()
    }

    pub(crate) async fn say(&mut self, message: &Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    /// The next text; `Err`: the connection ends with this close code.
    pub(crate) async fn hear(&mut self) -> Result<Value, Option<u16>> {
        loop {
            match timeout(PATIENCE, self.0.next()).await.expect("something comes") {
                Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(frame))) => return Err(frame.map(|frame| frame.code.into())),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(None),
            }
        }
    }

    /// The next text that `fits`.
    pub(crate) async fn until(&mut self, fits: impl Fn(&Value) -> bool) -> Value {
        let wait = async {
            loop {
                let heard = self.hear().await.expect("the connection stays");
                if fits(&heard) {
                    return heard;
                }
            }
        };
        timeout(PATIENCE, wait).await.expect("it comes")
    }

    /// Every text before the answer to a ping that is sent now, including all that was sent before.
    pub(crate) async fn heard_so_far(&mut self) -> Vec<Value> {
        self.say(&json!({ "type": "ping" })).await;
        let mut heard = Vec::new();
        loop {
            match self.hear().await.expect("the connection stays") {
                pong if pong["type"] == "pong" => return heard,
                other => heard.push(other),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn updates_are_as_the_frontend_reads_them() {
    let server = TestServer::start().await;
    let token = server.sign_in("ana@example.com").await;
    let id = server.create(&token, "training").await;
    let mut socket = Socket::of(&server, &token).await;
    socket
        .say(&json!({ "type": "subscribe", "podId": id, "userId": "somebody else" }))
        .await;
    let update = socket
        .until(|heard| heard["type"] == "podUpdate" && heard["status"] == "running")
        .await;
    is_update(&update);
    assert_eq!(update["podId"], id);
    is_pod(&update["pod"]);

    socket.say(&json!({ "type": "unsubscribe", "podId": id })).await;
    socket.heard_so_far().await;
    server
        .post(&format!("/api/pods/{id}/stop"), &token, &Value::Null)
        .await
        .expect(200);
    server.until(&token, &id, "stopped").await;
    assert_eq!(socket.heard_so_far().await, Vec::<Value>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_events_are_sent_before_signing_in() {
    let server = TestServer::start().await;
    let token = server.sign_in("ana@example.com").await;
    let id = server.create(&token, "training").await;
    let owner = server.user_id(&token).await;
    let mut socket = Socket::connect(&server, "").await.unwrap();
    for message in [
        json!({ "type": "subscribe", "podId": id, "userId": owner }),
        json!({ "type": "subscribeAll" }),
        json!({ "type": "ping" }),
    ] {
        socket.say(&message).await;
        let heard = socket.hear().await.unwrap();
        assert_eq!(
            (&heard["type"], &heard["code"]),
            (&json!("error"), &json!("unauthorized"))
        );
    }
    server.until(&token, &id, "running").await;
    socket.say(&json!({ "type": "auth", "token": token })).await;
    assert_eq!(
        socket.hear().await.unwrap()["type"],
        "authenticated",
        "nothing came before"
    );
    assert_eq!(
        socket.heard_so_far().await,
        Vec::<Value>::new(),
        "what was asked for before does not count"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_subscriptions_are_answered_and_harm_nobody() {
    let server = TestServer::start_with(|config| {
        config.limits.requests_per_second = 1;
        config.limits.burst = 100;
    })
    .await;
    let token = server.sign_in("ana@example.com").await;
    let id = server.create(&token, "training").await;
    let mut socket = Socket::of(&server, &token).await;
    // Each answer is read before the next question, as by a page. Unknown pods are read from the store, which
    // counts like a request.
    let mut limited = 0;
    for number in 0..1000_u64 {
        let message = json!({ "type": "subscribe", "podId": format!("{number:016x}") });
        socket.say(&message).await;
        let answer = socket.hear().await.unwrap();
        assert_eq!(answer["type"], "error");
        limited += u32::from(answer["code"] == "rate_limited");
    }
    assert!(limited > 500, "{limited} did not get to the store");
    // A known pod of one's own costs nothing, and is never refused.
    for _ in 0..9000 {
        socket.say(&json!({ "type": "subscribe", "podId": id })).await;
        let heard = socket.hear().await.unwrap();
        assert_ne!(heard["type"], "error", "{heard}");
    }
    socket.say(&json!({ "type": "subscribe", "podId": id })).await;
    socket
        .until(|heard| heard["type"] == "podUpdate" && heard["status"] == "running")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn binary_and_oversized_messages_end_the_connection() {
    let server = TestServer::start().await;
    let token = server.sign_in("ana@example.com").await;
    let mut socket = Socket::of(&server, &token).await;
    socket.0.send(Message::binary(vec![0; 100])).await.unwrap();
    assert_eq!(socket.hear().await, Err(Some(1003)));
    for size in [65 * 1024, 1024 * 1024] {
        let mut socket = Socket::of(&server, &token).await;
        // The server may have closed the connection before all of it is sent.
        let _ = socket.0.send(Message::text("x".repeat(size))).await;
        assert!(socket.hear().await.is_err(), "{size}");
    }
    let mut socket = Socket::of(&server, &token).await;
    for text in [
        "",
        "{",
        "[]",
        "null",
        "{\"type\":\"subscribe\",\"podId\":7}",
        "{\"type\":\"__proto__\"}",
    ] {
        socket.0.send(Message::text(text)).await.unwrap();
        assert_eq!(socket.hear().await.unwrap()["code"], "malformed", "{text}");
    }
    let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
    socket.0.send(Message::text(deep)).await.unwrap();
    assert_eq!(socket.hear().await.unwrap()["code"], "malformed");
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_and_unread_connections_delay_nobody() {
    let server = TestServer::start().await;
    let token = server.sign_in("ana@example.com").await;
    let address = server.origin.strip_prefix("http://").unwrap().to_owned();
    let mut half_open = Vec::new();
    for begun in [
        "",
        "GET /ws HTTP/1.1\r\n",
        "GET /ws HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\n",
    ] {
        for _ in 0..50 {
            let mut stream = TcpStream::connect(&address).await.unwrap();
            stream.write_all(begun.as_bytes()).await.unwrap();
            half_open.push(stream);
        }
    }
    let mut deaf = Vec::new();
    for _ in 0..50 {
        let mut socket = Socket::of(&server, &token).await;
        socket.say(&json!({ "type": "subscribeAll" })).await;
        deaf.push(socket);
    }
    let id = server.create(&token, "training").await;
    let mut socket = Socket::of(&server, &token).await;
    socket.say(&json!({ "type": "subscribe", "podId": id })).await;
    let running = socket.until(|heard| heard["status"] == "running");
    timeout(Duration::from_secs(20), running)
        .await
        .expect("sent in time");
    server.stop().await.expect("it stops all the same");
}
