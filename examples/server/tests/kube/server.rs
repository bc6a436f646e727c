//! The server as a process, with the configuration of `examples/deploy`.

use std::process::Stdio;

use http::Method;
use neuropod_test_cluster::MongoServer;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::LIMIT;
use crate::cluster::Site;
use crate::manifests;
use crate::program::program;

/// Pods that fit on a small node.
const CATALOGUE: &str = r#"
[catalogue.cpu]
name = "CPU"
size = { cpuMillis = 500, memoryMib = 512 }
"#;

/// A running server with somebody signed in.
pub(crate) struct Server {
    base: String,
    token: String,
    process: Child,
    _store: Option<MongoServer>,
    _folder: TempDir,
}

impl Server {
    pub(crate) async fn start(site: &Site) -> Self {
        let given = MongoServer::given();
        let store = given.is_none().then(|| MongoServer::start().unwrap());
        let uri = given.or(store.as_ref().map(MongoServer::uri)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let random = || format!("{:032x}{:032x}", rand::random::<u128>(), rand::random::<u128>());
        let configuration = manifests::configuration() + CATALOGUE;
        let mut process = Command::new(program("server"))
            .args(["--dev", "--listen", "127.0.0.1:0"])
            .arg("--config")
            .arg(file("server.toml", &configuration))
            .env("KUBECONFIG", file("kubeconfig", &site.kubeconfig()))
            .env("NEUROPOD_STORE", database(&uri))
            .env("NEUROPOD_METRICS_LISTEN", "127.0.0.1:0")
            .env("NEUROPOD_SECRETS__JWT_FILE", file("jwt", &random()))
            .env("NEUROPOD_SECRETS__NAMING_FILE", file("naming", &random()))
            // The images of the tests are on the node, and in no registry.
            .env("NEUROPOD_IMAGES__INTERNAL_REGISTRIES", "localhost")
            .env("NEUROPOD_KUBE__IMAGE_PULL_POLICY", "IfNotPresent")
            // There is no certificate for the hosts of the test.
            .env("NEUROPOD_SCHEME", "http")
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
            _store: store,
            _folder: folder,
        };
        let whom = json!({ "email": "ana@example.com" });
        let signed_in = server
            .call(Method::POST, "/api/auth/mock-login", Some(&whom))
            .await;
        signed_in["token"].as_str().unwrap().clone_into(&mut server.token);
        server
    }

    /// Asks for something that has to work, and answers its JSON.
    pub(crate) async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Value {
        self.request(method, path, body).await.json().await.unwrap()
    }

    /// Asks for something that has to work.
    pub(crate) async fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> reqwest::Response {
        let request = reqwest::Client::new().request(method, format!("{}{path}", self.base));
        let mut request = request.bearer_auth(&self.token);
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

    /// Stops it as Kubernetes does. It ends by itself, and without an error.
    pub(crate) async fn stop(mut self) {
        let id = self.process.id().unwrap().to_string();
        let told = Command::new("kill").arg(id).status().await.unwrap();
        assert!(told.success());
        let ended = tokio::time::timeout(LIMIT, self.process.wait()).await;
        let ended = ended.expect("the server stops").unwrap();
        assert!(ended.success(), "{ended}");
    }
}

/// A database of its own on the server of this address.
fn database(uri: &str) -> String {
    let name = format!("neuropod_test_{:016x}", rand::random::<u64>());
    let (server, options) = uri.split_once('?').unwrap_or((uri, ""));
    let separator = if options.is_empty() { "" } else { "?" };
    format!("{}/{name}{separator}{options}", server.trim_end_matches('/'))
}
