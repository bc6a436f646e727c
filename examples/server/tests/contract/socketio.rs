//! Socket.IO with its own client from npm, over both of its transports.

use std::path::Path;
use std::process::Stdio;

use neuropod_test_cluster::{npm_modules, skip};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use crate::common::{ADMIN, PATIENCE, TestServer};
use crate::shape::{CREATED, has, is_pod, is_update};

pub(crate) const TRANSPORTS: [&str; 2] = ["websocket", "polling"];

/// A client in a separate process that ends when this is dropped.
pub(crate) struct Client {
    _process: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    /// The acknowledgements: events and data.
    pub(crate) acks: Vec<(String, Value)>,
}

impl Client {
    pub(crate) fn start(modules: &Path, server: &TestServer, transport: &str, token: &str) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/socketio/client.cjs");
        let mut process = Command::new("node")
            .arg(script)
            .args([&server.origin, transport, token])
            .env("NODE_PATH", modules)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("node runs");
        let (input, output) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        Self {
            _process: process,
            input,
            output: BufReader::new(output).lines(),
            acks: Vec::new(),
        }
    }

    pub(crate) async fn say(&mut self, event: &str, data: Value) {
        self.write(&json!({ "event": event, "data": data })).await;
    }

    /// Loses the connection; the client reconnects by itself.
    pub(crate) async fn lose(&mut self) {
        self.write(&json!({ "command": "lose" })).await;
    }

    async fn write(&mut self, line: &Value) {
        self.input
            .write_all(format!("{line}\n").as_bytes())
            .await
            .unwrap();
    }

    /// The next event, or `None` for an acknowledgement, which is stored.
    async fn read(&mut self) -> Option<(String, Value)> {
        let line = timeout(PATIENCE, self.output.next_line())
            .await
            .expect("something comes");
        let mut message: Value = serde_json::from_str(&line.unwrap().expect("the client goes on")).unwrap();
        if let Some(event) = message["ack"].as_str().map(ToOwned::to_owned) {
            self.acks.push((event, message["args"].take()));
            return None;
        }
        Some((
            message["event"].as_str().unwrap().to_owned(),
            message["data"].take(),
        ))
    }

    pub(crate) async fn hear(&mut self) -> (String, Value) {
        loop {
            if let Some(heard) = self.read().await {
                return heard;
            }
        }
    }

    /// Waits until this many events were acknowledged in all.
    pub(crate) async fn acknowledged(&mut self, count: usize) {
        while self.acks.len() < count {
            self.read().await;
        }
    }

    /// The data of the next event with this name that `fits`.
    pub(crate) async fn until(&mut self, event: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let wait = async {
            loop {
                let (name, data) = self.hear().await;
                if name == event && fits(&data) {
                    return data;
                }
            }
        };
        let waited = timeout(PATIENCE, wait).await;
        waited.unwrap_or_else(|_| panic!("no such {event}"))
    }

    pub(crate) async fn next(&mut self, event: &str) -> Value {
        self.until(event, |_| true).await
    }

    /// Every event before the answer to a ping that is sent now.
    pub(crate) async fn heard_so_far(&mut self) -> Vec<(String, Value)> {
        self.say("ping", Value::Null).await;
        let mut heard = Vec::new();
        loop {
            match self.hear().await {
                (event, _) if event == "pong" => return heard,
                other => heard.push(other),
            }
        }
    }
}

/// The modules of the client; `None` if the test is skipped.
pub(crate) fn modules(test: &str) -> Option<std::path::PathBuf> {
    match npm_modules() {
        Ok(modules) => Some(modules),
        Err(error) if error.is_unavailable() => {
            skip(test, &error.to_string());
            None
        }
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_frontends_client_receives_the_events_of_the_contract() {
    let Some(modules) = modules("contract/socketio") else {
        return;
    };
    let server = TestServer::start().await;
    let token = server.sign_in("ana@example.com").await;
    let user = server.user_id(&token).await;
    for transport in TRANSPORTS {
        let mut client = Client::start(&modules, &server, transport, &token);
        let connected = client.next("connected").await;
        has(&connected, &[("message", "text"), ("timestamp", "time")]);
        assert_eq!(
            (&connected["userId"], &connected["role"]),
            (&json!(user), &json!("client"))
        );

        let id = server.create(&token, transport).await;
        let created = client
            .until("podCreated", |data| data["podId"] == id.as_str())
            .await;
        has(&created, CREATED);
        is_pod(&created["pod"]);
        assert_eq!(
            (&created["podName"], &created["userEmail"], &created["createdBy"]),
            (&json!(transport), &json!("ana@example.com"), &json!(user))
        );
        client.say("subscribe", json!({ "podId": id })).await;
        assert_eq!(client.next("subscribed").await["podId"], id);
        let update = client.next("podUpdate").await;
        is_update(&update);
        client
            .until("podUpdate", |data| {
                data["podId"] == id.as_str() && data["status"] == "running"
            })
            .await;

        client.say("requestLogs", json!({ "podId": id })).await;
        let logs = client.next("podLogs").await;
        has(
            &logs,
            &[("podId", "text"), ("logs", "text"), ("timestamp", "time")],
        );
        client.say("unsubscribe", json!({ "podId": id })).await;
        assert_eq!(client.next("unsubscribed").await["podId"], id);
        for wrong in [Value::Null, json!({}), json!({ "podId": 7 }), json!("x")] {
            client.say("subscribe", wrong).await;
            has(
                &client.next("error").await,
                &[("type", "text"), ("message", "text")],
            );
        }
        server
            .call(Method::DELETE, &format!("/api/pods/{id}"), &token, None)
            .await
            .expect(200);
        assert_eq!(client.next("podDeleted").await["podId"], id);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn invisible_pods_send_no_events() {
    let Some(modules) = modules("contract/socketio-privacy") else {
        return;
    };
    let server = TestServer::start().await;
    let (ana, berta) = (
        server.sign_in("ana@example.com").await,
        server.sign_in("berta@example.com").await,
    );
    let admin = server.sign_in(ADMIN).await;
    for transport in TRANSPORTS {
        let mut others = Client::start(&modules, &server, transport, &berta);
        let mut administrator = Client::start(&modules, &server, transport, &admin);
        others.next("connected").await;
        assert_eq!(administrator.next("connected").await["role"], "admin");
        let id = server.create(&ana, transport).await;
        for event in ["subscribe", "requestLogs"] {
            others
                .say(
                    event,
                    json!({ "podId": id, "userId": server.user_id(&ana).await }),
                )
                .await;
            let refused = others.next("error").await;
            has(&refused, &[("type", "text"), ("message", "text")]);
            assert_eq!(refused["podId"], id);
            others.say(event, json!({ "podId": "0123456789abcdef" })).await;
            let unknown = others.next("error").await;
            let code_and_text = |answer: &Value| (answer["type"].clone(), answer["message"].clone());
            assert_eq!(
                code_and_text(&refused),
                code_and_text(&unknown),
                "{event}: a pod of somebody else is like none"
            );
        }
        server.until(&ana, &id, "running").await;
        server
            .call(Method::DELETE, &format!("/api/pods/{id}"), &ana, None)
            .await
            .expect(200);
        // An administrator's page treats announced pods as their own.
        assert_eq!(administrator.heard_so_far().await, []);
        assert_eq!(others.heard_so_far().await, []);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_connects_without_a_valid_token() {
    let Some(modules) = modules("contract/socketio-tokens") else {
        return;
    };
    let server = TestServer::start().await;
    let token = server.sign_in("ana@example.com").await;
    server
        .post("/api/auth/logout", &token, &Value::Null)
        .await
        .expect(200);
    for transport in TRANSPORTS {
        for wrong in ["", "a.b.c", &token] {
            let mut client = Client::start(&modules, &server, transport, wrong);
            let (event, data) = client.hear().await;
            assert_eq!(event, "connect_error", "{data}");
        }
    }
}
