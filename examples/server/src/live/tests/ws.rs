use std::time::Duration;

use futures::{SinkExt, StreamExt};
use neuropod::sim::faults::Fault;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::test_api::{Api, config};

struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    async fn open(api: &Api, query: &str) -> Self {
        let address = api.serve().await;
        let (stream, _) = connect_async(format!("ws://{address}/ws{query}")).await.unwrap();
        Self(stream)
    }

    async fn say(&mut self, message: &Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    /// The next text; `None`: the connection ends with this close code.
    async fn hear(&mut self) -> Result<Value, Option<u16>> {
        loop {
            let next = timeout(Duration::from_secs(20), self.0.next())
                .await
                .expect("something comes");
            match next {
                Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(frame))) => return Err(frame.map(|frame| frame.code.into())),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(None),
            }
        }
    }

    /// The next text of this type.
    async fn until(&mut self, kind: &str) -> Value {
        loop {
            let heard = self.hear().await.unwrap();
            if heard["type"] == kind {
                return heard;
            }
        }
    }
}

#[tokio::test]
async fn users_receive_updates_of_their_own_pods_only() {
    let api = Api::start(config()).await;
    let (ana, berta) = (
        api.sign_in("ana@example.com").await,
        api.sign_in("berta@example.com").await,
    );
    let pod = api.create(&ana, "training").await;
    let mut mine = Socket::open(&api, "").await;
    mine.say(&json!({ "type": "subscribe", "podId": pod })).await;
    assert_eq!(mine.hear().await.unwrap()["code"], "unauthorized");
    mine.say(&json!({ "type": "auth", "token": "nonsense" })).await;
    assert_eq!(mine.hear().await.unwrap()["code"], "unauthorized");
    mine.say(&json!({ "type": "auth", "token": ana, "language": "en" }))
        .await;
    mine.until("authenticated").await;
    mine.say(&json!({ "type": "subscribe", "podId": pod, "userId": "somebody else" }))
        .await;
    let update = mine.until("podUpdate").await;
    assert_eq!(
        (&update["podId"], &update["pod"]["podName"]),
        (&json!(pod), &json!("training"))
    );
    for field in [
        "status",
        "stats",
        "httpServices",
        "step",
        "totalCost",
        "timestamp",
    ] {
        assert!(!update[field].is_null(), "{field}: {update}");
    }
    mine.say(&json!({ "type": "ping" })).await;
    mine.until("pong").await;

    let me = api.get("/api/auth/me", &ana).await.expect(200)["user"]["id"].clone();
    let mut others = Socket::open(&api, &format!("?token={berta}")).await;
    others
        .say(&json!({ "type": "subscribe", "podId": pod, "userId": me }))
        .await;
    let refused = others.hear().await.unwrap();
    others
        .say(&json!({ "type": "subscribe", "podId": "0000000000000000" }))
        .await;
    let missing = others.hear().await.unwrap();
    assert_eq!(
        (&refused["code"], &refused["message"]),
        (&missing["code"], &missing["message"])
    );
}

#[tokio::test]
async fn invalid_messages_are_answered_or_end_the_connection() {
    let api = Api::start(config()).await;
    let token = api.sign_in("ana@example.com").await;
    let query = format!("?token={token}");
    let mut socket = Socket::open(&api, &query).await;
    for text in [
        "",
        "{",
        "[]",
        "{\"type\":\"explode\"}",
        "{\"type\":\"subscribe\"}",
    ] {
        socket.0.send(Message::text(text)).await.unwrap();
        assert_eq!(socket.hear().await.unwrap()["code"], "malformed", "{text}");
    }
    socket.0.send(Message::binary(vec![0; 10])).await.unwrap();
    assert_eq!(socket.hear().await, Err(Some(1003)));
    let mut socket = Socket::open(&api, &query).await;
    socket.0.send(Message::text("x".repeat(100_000))).await.unwrap();
    assert!(socket.hear().await.is_err());
    let address = api.serve().await;
    assert!(
        connect_async(format!("ws://{address}/ws?token=nonsense"))
            .await
            .is_err()
    );
}

#[tokio::test]
async fn a_server_that_stops_says_so() {
    let api = Api::start(config()).await;
    let token = api.sign_in("ana@example.com").await;
    let mut socket = Socket::open(&api, &format!("?token={token}")).await;
    socket.say(&json!({ "type": "ping" })).await;
    socket.until("pong").await;
    api.app.stopping.cancel();
    assert_eq!(socket.hear().await, Err(Some(1001)));
}

#[tokio::test]
async fn while_the_store_does_not_respond_nobody_is_signed_out() {
    let (api, token) = Api::in_trouble(Fault::ErrorBefore, Duration::from_hours(1)).await;
    let mut socket = Socket::open(&api, "").await;
    // Like the dashboard: all at once, without waiting for answers.
    for message in [
        json!({ "type": "auth", "token": token }),
        json!({ "type": "subscribeAll" }),
    ] {
        socket.say(&message).await;
    }
    assert_eq!(socket.hear().await.unwrap()["code"], "unavailable");
    assert_eq!(socket.hear().await, Err(Some(1013)));
}
