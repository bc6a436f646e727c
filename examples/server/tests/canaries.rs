//! The log of the server has no secrets: every place where one can come in gets its own word, and none of these
//! words comes out at any log level.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

#[path = "common/program.rs"]
mod program;

use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;

use crate::program::program;

const LIMIT: Duration = Duration::from_mins(1);
/// The lowest level for this server and all its libraries.
const LEVELS: &str = "trace";
/// Parameters of an address into which people and programs put secrets.
const PARAMETERS: [&str; 8] = [
    "token",
    "access_token",
    "id_token",
    "password",
    "api_key",
    "code",
    "secret",
    "X-Amz-Signature",
];

/// The words, by place.
#[derive(Default)]
struct Canaries(Vec<(String, String)>);

impl Canaries {
    /// A word for a place.
    fn word(&mut self, place: &str) -> String {
        let word = format!("canary{:016x}", rand::random::<u64>());
        self.0.push((place.to_owned(), word.clone()));
        word
    }

    /// Adds a secret that the server generated.
    fn made(&mut self, place: &str, secret: &str) {
        assert!(secret.len() >= 8, "{place}: {secret} could be anywhere");
        self.0.push((place.to_owned(), secret.to_owned()));
    }

    fn found_in(&self, log: &str) -> Vec<String> {
        let found = self.0.iter().filter(|(_, word)| log.contains(word.as_str()));
        found
            .map(|(place, word)| {
                let line = log.lines().find(|line| line.contains(word.as_str()));
                format!("{place}: {}", line.unwrap_or_default())
            })
            .collect()
    }
}

struct Server {
    base: String,
    client: Client,
    log: Arc<Mutex<String>>,
    _process: Child,
    _folder: TempDir,
}

/// Appends output to the log, until it ends.
fn collect(printed: impl AsyncRead + Unpin + Send + 'static, log: &Arc<Mutex<String>>) {
    let log = Arc::clone(log);
    tokio::spawn(async move {
        let mut lines = BufReader::new(printed).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            let mut log = log.lock().unwrap();
            log.push_str(&line);
            log.push('\n');
        }
    });
}

impl Server {
    async fn start(format: &str, canaries: &mut Canaries) -> Self {
        // Another server of this test may have installed it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = TempDir::new().unwrap();
        let mut process = Command::new(program("server"))
            .current_dir(folder.path())
            .args(["--dev", "--listen", "127.0.0.1:0"])
            .env("HOME", folder.path())
            .env("NO_COLOR", "1")
            .env("RUST_LOG", LEVELS)
            .env("NEUROPOD_LOG", format)
            .env("NEUROPOD_SECRETS__JWT", canaries.word("secrets.jwt").repeat(2))
            .env("NEUROPOD_SECRETS__NAMING", canaries.word("secrets.naming"))
            // Tests send more requests than people do.
            .env("NEUROPOD_LIMITS__REQUESTS_PER_SECOND", "100000")
            .env("NEUROPOD_LIMITS__BURST", "100000")
            .env("NEUROPOD_LIMITS__WRONG_TOKENS_PER_MINUTE", "100000")
            // The keys can't be fetched: a token is parsed, but can't be checked.
            .env("NEUROPOD_AUTH__GOOGLE_CLIENT_ID", "client")
            .env("NEUROPOD_AUTH__GOOGLE_KEYS_URL", "http://127.0.0.1:1/keys")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the server; `cargo build --example server` where only this test was built");
        let log = Arc::new(Mutex::new(String::new()));
        collect(process.stdout.take().unwrap(), &log);
        collect(process.stderr.take().unwrap(), &log);
        let mut server = Self {
            base: String::new(),
            client: Client::new(),
            log,
            _process: process,
            _folder: folder,
        };
        let address = server.until("an address", |log| {
            let address = log.split("http://127.0.0.1:").skip(1).find_map(|rest| {
                let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
                // The address of Google's keys is in the log, too.
                port.parse::<u16>().ok().filter(|port| *port > 1)
            });
            address.map(|port| format!("http://127.0.0.1:{port}"))
        });
        server.base = address.await;
        server
    }

    /// Waits until something is in the log.
    async fn until<T>(&self, what: &str, find: impl Fn(&str) -> Option<T>) -> T {
        let wait = async {
            loop {
                if let Some(found) = find(&self.log.lock().unwrap()) {
                    return found;
                }
                sleep(Duration::from_millis(20)).await;
            }
        };
        let waited = timeout(LIMIT, wait).await;
        waited.unwrap_or_else(|_| panic!("{what} never came: {}", self.log.lock().unwrap()))
    }

    async fn ask(&self, method: Method, path: &str, headers: &[(&str, &str)], body: String) -> (u16, String) {
        let request = self.client.request(method, format!("{}{path}", self.base));
        let request = headers
            .iter()
            .fold(request, |request, (name, value)| request.header(*name, *value));
        let request = request.header("content-type", "application/json").body(body);
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// Requests JSON as a signed-in user.
    async fn json(&self, method: Method, path: &str, token: &str, body: &Value) -> Value {
        let bearer = format!("Bearer {token}");
        let (status, text) = self
            .ask(method, path, &[("authorization", &bearer)], body.to_string())
            .await;
        assert!(status < 300, "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap()
    }
}

fn pod(name: &str, environment: &Value) -> Value {
    json!({
        "name": name,
        "deploymentType": "docker",
        "dockerImage": "quay.io/jupyter/base-notebook",
        "gpu": "cpu",
        "containerDiskSize": 10,
        "volumeDiskSize": 10,
        "ports": "8888",
        "enableJupyter": true,
        "environment": environment,
    })
}

/// Addresses and headers of accepted and refused requests.
async fn addresses_and_headers(server: &Server, session: &str, canaries: &mut Canaries) {
    let bearer = format!("Bearer {session}");
    let paths = [
        "/",
        "/api/pods",
        "/api/status",
        "/api/pods/0123456789abcdef/logs",
        "/api/nothing",
        "/ws",
        "/socket.io/",
        "/healthz",
        "/metrics",
    ];
    for path in paths {
        for parameter in PARAMETERS {
            let word = canaries.word(&format!("{path}?{parameter}="));
            let address = format!("{path}?{parameter}={word}");
            server.ask(Method::GET, &address, &[], String::new()).await;
        }
        let word = canaries.word(&format!("{path}?token= of somebody who is signed in"));
        let address = format!("{path}?a=b&token={word}");
        let headers = [("authorization", bearer.as_str())];
        server.ask(Method::GET, &address, &headers, String::new()).await;
        for (header, before) in [
            ("authorization", "Bearer "),
            ("authorization", "Basic "),
            ("authorization", ""),
            ("proxy-authorization", "Bearer "),
            ("cookie", "session="),
            ("x-api-key", ""),
            ("x-auth-token", ""),
            ("x-forwarded-access-token", ""),
            ("referer", "https://app.example.com/?token="),
            ("sec-websocket-protocol", "bearer, "),
        ] {
            let value = format!(
                "{before}{}",
                canaries.word(&format!("{header} {before} at {path}"))
            );
            server
                .ask(Method::GET, path, &[(header, &value)], String::new())
                .await;
        }
    }
}

/// Valid, invalid and missing bodies.
async fn bodies(server: &Server, session: &str, canaries: &mut Canaries) {
    let bearer = format!("Bearer {session}");
    let signed_in = [("authorization", bearer.as_str())];
    let send = async |path: &str, body: String, headers: &[(&str, &str)]| {
        for method in [Method::POST, Method::PUT, Method::PATCH] {
            server.ask(method, path, headers, body.clone()).await;
        }
    };
    for path in [
        "/api/auth/google",
        "/api/auth/mock-login",
        "/api/auth/logout",
        "/api/pods",
        "/api/templates",
        "/api/nothing",
    ] {
        // The session is needed afterwards.
        let ends = path == "/api/auth/logout";
        for headers in [&[][..], &signed_in[..]]
            .into_iter()
            .take(if ends { 1 } else { 2 })
        {
            let mut word = |place: &str| canaries.word(&format!("{path}, {place}"));
            let token = word("token");
            send(
                path,
                json!({ "token": format!("{token}.{token}.{token}"), "password": word("password") })
                    .to_string(),
                headers,
            )
            .await;
            send(
                path,
                format!("{{\"environment\": {{\"HF_TOKEN\": \"{}\"", word("cut off")),
                headers,
            )
            .await;
            let text = json!({ "name": "a", "environment": word("a text") });
            send(path, text.to_string(), headers).await;
            let list = json!({ "name": "a", "environment": { "A": [word("a list")] } });
            send(path, list.to_string(), headers).await;
            let wrong = pod(
                "",
                &json!({ "1": word("a wrong name"), "LD_PRELOAD": word("a reserved name") }),
            );
            send(path, wrong.to_string(), headers).await;
            let nul = pod("a", &json!({ "A": format!("{}\0", word("NUL")) }));
            send(path, nul.to_string(), headers).await;
            send(path, word("no JSON"), headers).await;
        }
    }
}

/// Open connections, with valid and invalid tokens in their addresses and messages.
async fn open_connections(server: &Server, session: &str, canaries: &mut Canaries) {
    let socket = server.base.replacen("http", "ws", 1);
    let bad = canaries.word("/ws?token= as a WebSocket");
    assert!(connect_async(format!("{socket}/ws?token={bad}")).await.is_err());
    let (mut open, _) = connect_async(format!("{socket}/ws?token={session}"))
        .await
        .unwrap();
    for kind in ["auth", "authenticate", "subscribe", "ping", "nothing"] {
        let token = canaries.word(&format!("a message {kind}"));
        let message = json!({ "type": kind, "token": token, "podId": token });
        open.send(Message::text(message.to_string())).await.unwrap();
    }
    let text = canaries.word("a message that is no JSON");
    open.send(Message::text(text)).await.unwrap();
    // Once there is a reply, the message was read, even if the connection breaks.
    let _ = timeout(LIMIT, open.next()).await.expect("an answer or an end");

    let path = "/socket.io/?EIO=4&transport=polling";
    for token in [canaries.word("Socket.IO"), session.to_owned()] {
        let (status, opened) = server.ask(Method::GET, path, &[], String::new()).await;
        assert_eq!(status, 200, "{opened}");
        let opened: Value = serde_json::from_str(&opened[1..]).unwrap();
        let path = format!("{path}&sid={}", opened["sid"].as_str().unwrap());
        let login = format!("40{}", json!({ "token": token }));
        server.ask(Method::POST, &path, &[], login).await;
        server.ask(Method::GET, &path, &[], String::new()).await;
    }
}

/// The life of pods with secrets of their owner and of the platform.
async fn pods(server: &Server, session: &str, canaries: &mut Canaries) {
    let own = json!({
        "HF_TOKEN": canaries.word("a variable of a pod"),
        "JUPYTER_TOKEN": canaries.word("a chosen token"),
    });
    for (name, environment) in [("chosen", own), ("generated", json!({}))] {
        let created = server
            .json(Method::POST, "/api/pods", session, &pod(name, &environment))
            .await;
        let id = created["data"]["podId"].as_str().unwrap();
        let place = format!("/api/pods/{id}/connections");
        let link = async {
            loop {
                let found = server.json(Method::GET, &place, session, &Value::Null).await;
                let url = found["data"]["httpServices"][0]["url"]
                    .as_str()
                    .unwrap_or_default();
                if url.contains("?token=") {
                    return url.to_owned();
                }
                sleep(Duration::from_millis(50)).await;
            }
        };
        let link = timeout(LIMIT, link).await.expect("the pod runs");
        let (address, token) = link.split_once("?token=").unwrap();
        canaries.made(&format!("the token of the pod {name}"), token);
        let host = address.strip_prefix("http://").unwrap().trim_end_matches('/');
        let host = host.split('/').next().unwrap();
        let wrong = canaries.word(&format!("a wrong token at the host of the pod {name}"));
        for token in [token, &wrong] {
            let path = format!("/lab?token={token}");
            server
                .ask(Method::GET, &path, &[("host", host)], String::new())
                .await;
        }
        for change in ["restart", "stop"] {
            let path = format!("/api/pods/{id}/{change}");
            server.json(Method::POST, &path, session, &Value::Null).await;
        }
        server
            .json(Method::DELETE, &format!("/api/pods/{id}"), session, &Value::Null)
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_gets_into_the_log() {
    for format in ["text", "json"] {
        let mut canaries = Canaries::default();
        let server = Server::start(format, &mut canaries).await;
        let whom = json!({ "email": "ana@example.com" }).to_string();
        let (status, answer) = server.ask(Method::POST, "/api/auth/mock-login", &[], whom).await;
        assert_eq!(status, 200, "{answer}");
        let answer: Value = serde_json::from_str(&answer).unwrap();
        let session = answer["token"].as_str().unwrap();
        canaries.made("the token of a session", session);

        addresses_and_headers(&server, session, &mut canaries).await;
        bodies(&server, session, &mut canaries).await;
        open_connections(&server, session, &mut canaries).await;
        pods(&server, session, &mut canaries).await;

        // The log is complete: the path of the last request is in it, but not its parameters.
        server
            .ask(Method::GET, "/api/the-last-one?token=none", &[], String::new())
            .await;
        server
            .until("the last request", |log| {
                log.contains("/api/the-last-one").then_some(())
            })
            .await;
        let log = server.log.lock().unwrap().clone();
        assert!(log.contains("/api/pods") && log.contains("DEBUG"), "{log}");
        let found = canaries.found_in(&log);
        assert!(found.is_empty(), "{format}: {found:#?}");
        assert!(canaries.0.len() > 200, "{}", canaries.0.len());
    }
}

/// The reason why the server can't start is logged at every level, without the password in the address.
#[tokio::test]
async fn no_database_password_gets_into_the_log_of_a_failed_start() {
    let folder = TempDir::new().unwrap();
    let mut canaries = Canaries::default();
    for place in [
        "mongodb://ana:SECRET@127.0.0.1:1/neuropod?serverSelectionTimeoutMS=200",
        "mongodb://127.0.0.1:1/neuropod?serverSelectionTimeoutMS=200&password=SECRET",
        "mongodb://ana:SECRET@127.0.0.1:port/neuropod",
        "mongodb+srv://ana:SECRET@nowhere.invalid/neuropod?serverSelectionTimeoutMS=200",
        "postgres://ana:SECRET@127.0.0.1:1/neuropod",
        "SECRET",
    ] {
        let ended = Command::new(program("server"))
            .current_dir(folder.path())
            .args(["--dev", "--listen", "127.0.0.1:0"])
            .env("RUST_LOG", LEVELS)
            .env("NEUROPOD_STORE", place.replace("SECRET", &canaries.word(place)))
            .env("NEUROPOD_SECRETS__JWT", canaries.word("secrets.jwt").repeat(2))
            .env("NEUROPOD_SECRETS__NAMING", canaries.word("secrets.naming"))
            .kill_on_drop(true)
            .output();
        let ended = timeout(LIMIT, ended).await.expect("it ends in time").unwrap();
        assert!(!ended.status.success(), "{place}");
        let said = [ended.stdout, ended.stderr].map(|said| String::from_utf8(said).unwrap());
        assert!(said[1].starts_with("error: "), "{place}: {said:?}");
        assert_eq!(canaries.found_in(&said.concat()), Vec::<String>::new());
    }
}
