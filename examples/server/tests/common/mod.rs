//! Common parts of the suites: the real server, in this process, on its own port.
#![allow(clippy::expect_used, reason = "a test fails by it")]
#![allow(dead_code, reason = "each suite uses a part of it")]

use std::time::Duration;

use neuropod_server::config::Config;
use neuropod_server::server::Server;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// The administrator.
pub(crate) const ADMIN: &str = "admin@example.com";
/// The time limit for waiting.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A server that runs until this is dropped.
pub(crate) struct TestServer {
    /// Its address, without a slash at the end.
    pub(crate) origin: String,
    pub(crate) client: Client,
    folder: TempDir,
    stop: Option<oneshot::Sender<()>>,
    running: JoinHandle<anyhow::Result<()>>,
}

/// An answer to a request.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) async fn of(request: RequestBuilder) -> Self {
        let response = request.send().await.expect("the server answers");
        Self {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            text: response.text().await.expect("the answer is text"),
        }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// The same, after asserting its status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        self.json()
    }
}

impl TestServer {
    /// A server for development on the simulated cluster, with a SQLite file in its own folder.
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// The same, with a configuration changed by `change`.
    pub(crate) async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let folder = TempDir::new().expect("a folder");
        let mut config = Config {
            listen: ([127, 0, 0, 1], 0).into(),
            dev: true,
            store: format!("sqlite:{}", folder.path().join("neuropod.db").display()).into(),
            admin_email: ADMIN.into(),
            ..Config::default()
        };
        // Tests send more requests than people do.
        config.limits.requests_per_second = 10_000;
        config.limits.burst = 10_000;
        config.limits.wrong_tokens_per_minute = 10_000;
        config.limits.max_pods = 10_000;
        change(&mut config);
        let server = Server::start(config).await.expect("the server starts");
        let origin = format!("http://{}", server.address().expect("an address"));
        let (stop, stopped) = oneshot::channel::<()>();
        let running = tokio::spawn(server.run(async {
            // Dropping and sending mean the same.
            let _ = stopped.await;
        }));
        Self {
            origin,
            client: Client::new(),
            folder,
            stop: Some(stop),
            running,
        }
    }

    /// Stops the server like a signal, and returns its result.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        drop(self.stop.take());
        tokio::time::timeout(PATIENCE, &mut self.running)
            .await
            .expect("the server stops in time")
            .expect("the server does not panic")
    }

    /// The address of live updates: `path` begins with a slash.
    pub(crate) fn socket(&self, path: &str) -> String {
        format!("{}{path}", self.origin.replacen("http", "ws", 1))
    }

    /// A request, in English; without a token if it is empty.
    pub(crate) fn request(&self, method: Method, path: &str, token: &str) -> RequestBuilder {
        let request = self
            .client
            .request(method, format!("{}{path}", self.origin))
            .header("accept-language", "en");
        if token.is_empty() {
            request
        } else {
            request.bearer_auth(token)
        }
    }

    pub(crate) async fn call(&self, method: Method, path: &str, token: &str, body: Option<&Value>) -> Answer {
        let request = self.request(method, path, token);
        Answer::of(match body {
            Some(body) => request.json(body),
            None => request,
        })
        .await
    }

    pub(crate) async fn get(&self, path: &str, token: &str) -> Answer {
        self.call(Method::GET, path, token, None).await
    }

    pub(crate) async fn post(&self, path: &str, token: &str, body: &Value) -> Answer {
        self.call(Method::POST, path, token, Some(body)).await
    }

    /// Signs in, and returns the token.
    pub(crate) async fn sign_in(&self, email: &str) -> String {
        let answer = self
            .post("/api/auth/mock-login", "", &json!({ "email": email }))
            .await;
        answer.expect(200)["token"].as_str().expect("a token").to_owned()
    }

    /// The id of the token's owner.
    pub(crate) async fn user_id(&self, token: &str) -> String {
        let me = self.get("/api/auth/me", token).await.expect(200);
        me["user"]["id"].as_str().expect("an id").to_owned()
    }

    /// Creates a pod, and returns its id.
    pub(crate) async fn create(&self, token: &str, name: &str) -> String {
        let created = self.post("/api/pods", token, &pod(name)).await.expect(201);
        created["data"]["podId"].as_str().expect("an id").to_owned()
    }

    /// Waits until a pod has this status, and returns the pod with its details.
    pub(crate) async fn until(&self, token: &str, id: &str, status: &str) -> Value {
        let wait = async {
            loop {
                let found = self.get(&format!("/api/pods/{id}"), token).await.expect(200);
                if found["pod"]["status"] == status {
                    return found;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, wait).await;
        waited.unwrap_or_else(|_| panic!("{id} never was {status}"))
    }
}

/// A valid request for a pod.
pub(crate) fn pod(name: &str) -> Value {
    json!({
        "name": name,
        "deploymentType": "docker",
        "dockerImage": "quay.io/jupyter/pytorch-notebook",
        "gpu": "rtx-4050",
        "containerDiskSize": 20,
        "volumeDiskSize": 30,
        "ports": "8888, 7860",
        "enableJupyter": true,
    })
}
