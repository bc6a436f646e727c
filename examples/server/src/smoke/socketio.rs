use std::time::Duration;

use axum::body::Body;
use http::Request;
use neuropod::sim::faults::Fault;
use serde_json::{Value, json};

use super::Api;

/// A client by hand: Engine.IO 4 by long polling.
struct Client<'a> {
    api: &'a Api,
    session: String,
}

impl<'a> Client<'a> {
    async fn open(api: &'a Api) -> Self {
        let answer = api.get("/socket.io/?EIO=4&transport=polling", "").await;
        let opened: Value = serde_json::from_str(answer.text.trim_start_matches('0')).unwrap();
        Self {
            api,
            session: opened["sid"].as_str().unwrap().to_owned(),
        }
    }

    fn path(&self) -> String {
        format!("/socket.io/?EIO=4&transport=polling&sid={}", self.session)
    }

    async fn sign_in(&self, token: &str) {
        let packet = format!("40{}", json!({ "token": token }));
        let request = Request::post(self.path()).body(Body::from(packet)).unwrap();
        assert_eq!(self.api.send(request).await.status, 200);
    }

    /// The next packet that is no ping.
    async fn hear(&self) -> String {
        loop {
            let packet = self.api.get(&self.path(), "").await.text;
            if packet != "2" {
                return packet;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_comes_while_the_store_does_not_answer_waits_and_is_let_in() {
    let (api, token) = Api::in_trouble(Fault::ErrorBefore, Duration::from_secs(10)).await;
    let client = Client::open(&api).await;
    client.sign_in(&token).await;
    let heard = client.hear().await;
    assert!(heard.starts_with("40{"), "{heard}");
    let stranger = Client::open(&api).await;
    stranger.sign_in("nonsense").await;
    let heard = stranger.hear().await;
    assert!(heard.starts_with("44{"), "{heard}");
}
