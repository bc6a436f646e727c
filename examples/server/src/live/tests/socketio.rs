use std::time::Duration;

use axum::body::Body;
use http::Request;
use neuropod::sim::faults::Fault;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};

use crate::config::{Config, Limits};
use crate::test_api::{Api, config};

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

    /// The next packets. Pings are answered, because otherwise the server disconnects.
    async fn hear(&self) -> String {
        loop {
            let answer = self.api.get(&self.path(), "").await;
            assert_eq!(answer.status, 200, "{}", answer.text);
            let packets = answer.text.split('\x1e').filter(|packet| *packet != "2");
            let heard = packets.collect::<Vec<_>>().join("\x1e");
            if heard.len() < answer.text.len() {
                let pong = Request::post(self.path()).body(Body::from("3")).unwrap();
                assert_eq!(self.api.send(pong).await.status, 200);
            }
            if !heard.is_empty() {
                return heard;
            }
        }
    }

    /// All events with this name until then.
    async fn events(&self, name: &str, end: Instant) -> Vec<Value> {
        let mut all = Vec::new();
        while let Ok(packets) = timeout_at(end, self.hear()).await {
            let events = packets
                .split('\x1e')
                .filter_map(|packet| packet.strip_prefix("42"))
                .map(|event| serde_json::from_str::<Value>(event).unwrap());
            all.extend(
                events
                    .filter(|event| event[0] == name)
                    .map(|mut event| event[1].take()),
            );
        }
        all
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_waits_while_the_store_does_not_respond_and_then_connects() {
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

#[tokio::test(start_paused = true)]
async fn an_account_with_several_pods_is_warned_once_for_each_threshold_and_nobody_else_is() {
    // An hour of both. Requests are counted in real time, in which all of this is a moment.
    let limits = Limits {
        requests_per_second: 10_000,
        burst: 10_000,
        ..Limits::default()
    };
    let api = Api::start(Config {
        limits,
        opening_credit: 6.0,
        ..config()
    })
    .await;
    let (ana, admin) = (
        api.sign_in("ana@example.com").await,
        api.sign_in("admin@example.com").await,
    );
    let (client, administrator) = (Client::open(&api).await, Client::open(&api).await);
    client.sign_in(&ana).await;
    administrator.sign_in(&admin).await;
    for name in ["one", "two"] {
        let pod = api.create(&ana, name).await;
        api.until(&ana, &pod, "running").await;
    }
    let end = Instant::now() + Duration::from_mins(90);
    let (alerts, overheard) = tokio::join!(
        client.events("lowBalanceAlert", end),
        administrator.events("lowBalanceAlert", end)
    );
    assert_eq!(overheard, Vec::<Value>::new());
    let minutes: Vec<_> = alerts.iter().map(|alert| &alert["minutesLeft"]).collect();
    assert_eq!(minutes, [59, 14, 4], "{alerts:?}");
    for alert in &alerts {
        assert_eq!(
            (&alert["currentBalance"], &alert["balanceKnown"]),
            (&json!(0.0), &json!(true))
        );
        assert!(
            alert["message"]
                .as_str()
                .unwrap()
                .starts_with("Tu saldo se está agotando"),
            "{alert}"
        );
    }
}
