//! The server as a separate process, with a configuration file.
#![allow(dead_code, reason = "not every suite uses all of it")]

use std::process::Stdio;

use http::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::LIMIT;
use crate::program::program;

/// The configuration of a server.
pub(crate) struct Setup<'a> {
    /// The text of its `server.toml`.
    pub(crate) configuration: &'a str,
    /// The text of its kubeconfig.
    pub(crate) kubeconfig: &'a str,
    /// The address of its store; a SQLite file unless given.
    pub(crate) store: Option<String>,
    /// The scheme of the links to pods.
    pub(crate) scheme: &'a str,
}

/// A running server with Ana signed in.
pub(crate) struct Server {
    pub(crate) base: String,
    token: String,
    process: Child,
    _folder: TempDir,
}

impl Server {
    pub(crate) async fn start(setup: Setup<'_>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let random = || format!("{:032x}{:032x}", rand::random::<u128>(), rand::random::<u128>());
        let store = setup
            .store
            .unwrap_or_else(|| format!("sqlite:{}", folder.path().join("records.db").display()));
        let mut process = Command::new(program("server"))
            .args(["--dev", "--listen", "127.0.0.1:0"])
            .arg("--config")
            .arg(file("server.toml", setup.configuration))
            .env("KUBECONFIG", file("kubeconfig", setup.kubeconfig))
            .env("NEUROPOD_STORE", store)
            .env("NEUROPOD_METRICS_LISTEN", "127.0.0.1:0")
            .env("NEUROPOD_SECRETS__JWT_FILE", file("jwt", &random()))
            .env("NEUROPOD_SECRETS__NAMING_FILE", file("naming", &random()))
            // The images of the tests are on the node, and not in a registry.
            .env("NEUROPOD_IMAGES__INTERNAL_REGISTRIES", "localhost")
            .env("NEUROPOD_KUBE__IMAGE_PULL_POLICY", "IfNotPresent")
            .env("NEUROPOD_SCHEME", setup.scheme)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the server; `cargo build --example server` where only this test was built");
        let mut log = BufReader::new(process.stdout.take().unwrap()).lines();
        let address = async {
            loop {
                let line = log.next_line().await.unwrap().expect("the server did not start");
                eprintln!("{line}");
                let line: Value = serde_json::from_str(&line).unwrap();
                if let Some(base) = line["message"]
                    .as_str()
                    .filter(|text| text.starts_with("http://"))
                {
                    return base.to_owned();
                }
            }
        };
        let base = tokio::time::timeout(LIMIT, address).await.expect("an address");
        tokio::spawn(async move {
            while let Ok(Some(line)) = log.next_line().await {
                eprintln!("{line}");
            }
        });
        let mut server = Self {
            base,
            token: String::new(),
            process,
            _folder: folder,
        };
        server.token = server.sign_in("ana@example.com").await;
        server
    }

    /// The token of somebody who signs in.
    pub(crate) async fn sign_in(&self, email: &str) -> String {
        let whom = json!({ "email": email });
        let signed_in = self.call(Method::POST, "/api/auth/mock-login", Some(&whom)).await;
        signed_in["token"].as_str().unwrap().to_owned()
    }

    /// Sends a request that must succeed as another user, and returns its JSON.
    pub(crate) async fn call_as(
        &self,
        token: &str,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Value {
        self.request_as(token, method, path, body)
            .await
            .json()
            .await
            .unwrap()
    }

    /// Sends a request that must succeed, and returns its JSON.
    pub(crate) async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Value {
        self.request(method, path, body).await.json().await.unwrap()
    }

    /// Sends a request that must succeed.
    pub(crate) async fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> reqwest::Response {
        self.request_as(&self.token, method, path, body).await
    }

    async fn request_as(
        &self,
        token: &str,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> reqwest::Response {
        let request = reqwest::Client::new().request(method, format!("{}{path}", self.base));
        let mut request = request.bearer_auth(token);
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status();
        if status.is_success() {
            return answer;
        }
        panic!("{path}: {status} {}", answer.text().await.unwrap());
    }

    /// Stops it like Kubernetes. It ends by itself, and without an error.
    pub(crate) async fn stop(mut self) {
        let id = self.process.id().unwrap().to_string();
        let signalled = Command::new("kill").arg(id).status().await.unwrap();
        assert!(signalled.success());
        let ended = tokio::time::timeout(LIMIT, self.process.wait()).await;
        let ended = ended.expect("the server stops").unwrap();
        assert!(ended.success(), "{ended}");
    }
}
