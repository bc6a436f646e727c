//! Chromium and its driver, controlled by `WebDriver` (W3C): one method for each command in use.
//!
//! Existing clients would change the dependencies of the other tests: `thirtyfour` makes `serde_json` keep the
//! order of keys everywhere, and `fantoccini` adds another twenty packages.
#![allow(dead_code, reason = "not every suite uses all of it")]

use std::panic::{AssertUnwindSafe, resume_unwind};
use std::path::Path;
use std::process::Stdio;

use futures::FutureExt;
use reqwest::Client;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::LIMIT;

/// The key of a reference to an element, defined by the standard.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A window of a separate browser. Browser and driver end with it.
pub(crate) struct Browser {
    session: String,
    client: Client,
    _driver: Child,
}

impl Browser {
    /// Starts a browser with its data in `folder`, and with `more` arguments.
    pub(crate) async fn start(folder: &Path, more: &[&str]) -> Self {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("chromedriver; `cargo xtask test` installs it");
        let port = port_of(&mut driver).await;
        let profile = format!("--user-data-dir={}", folder.join("browser").display());
        // Without a sandbox, because root can't use one. The pages are our own.
        let mut arguments = vec![
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--hide-scrollbars",
            "--accept-lang=en",
            &profile,
        ];
        arguments.extend(more);
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": { "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL" },
        }}});
        let driver_address = format!("http://127.0.0.1:{port}/session");
        let mut browser = Self {
            session: driver_address,
            client: client(),
            _driver: driver,
        };
        let opened = browser.post("", &wanted).await;
        browser.session = format!("{}/{}", browser.session, opened["sessionId"].as_str().unwrap());
        browser
    }

    /// Runs `work` with a new browser with `more` arguments, and ends it.
    pub(crate) async fn run_with(more: &[&str], work: impl AsyncFnOnce(&Self)) {
        let folder = tempfile::tempdir().unwrap();
        let browser = Self::start(folder.path(), more).await;
        // The browser is closed in any case, because it does not end with its driver.
        let worked = AssertUnwindSafe(work(&browser)).catch_unwind().await;
        browser.close().await;
        if let Err(panic) = worked {
            resume_unwind(panic);
        }
    }

    /// Opens an address.
    pub(crate) async fn open(&self, url: &str) {
        self.post("/url", &json!({ "url": url })).await;
    }

    /// Reloads the page.
    pub(crate) async fn reload(&self) {
        self.post("/refresh", &json!({})).await;
    }

    /// Switches to the window that was opened last, for example by a link.
    pub(crate) async fn newest_window(&self) {
        let handles = self.answer(self.client.get(format!("{}/window/handles", self.session)));
        let handles = handles.await;
        let newest = handles.as_array().and_then(|all| all.last()).expect("a window");
        self.post("/window", &json!({ "handle": newest })).await;
    }

    /// The present address.
    pub(crate) async fn address(&self) -> String {
        let answer = self.answer(self.client.get(format!("{}/url", self.session)));
        answer.await.as_str().unwrap().to_owned()
    }

    /// Runs a function body in the page, and waits for its promise.
    pub(crate) async fn run(&self, body: &str, arguments: Value) -> Value {
        self.post("/execute/sync", &json!({ "script": body, "args": arguments }))
            .await
    }

    /// Clicks the middle of an element, which must be on top there.
    pub(crate) async fn click(&self, element: &Value) {
        assert!(self.clicks(element).await, "the page has replaced it: {element}");
    }

    /// Clicks, unless the page has replaced the element since it was found.
    pub(crate) async fn clicks(&self, element: &Value) -> bool {
        let path = format!("{}/element/{}/click", self.session, id(element));
        let answer = self.client.post(path).json(&json!({})).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        let value = &answer["value"];
        let is_stale = value["error"] == "stale element reference";
        assert!(value["error"].is_null() || is_stale, "{value}");
        !is_stale
    }

    /// Clears a field, and types into it.
    pub(crate) async fn fill(&self, element: &Value, text: &str) {
        self.post(&format!("/element/{}/clear", id(element)), &json!({}))
            .await;
        if !text.is_empty() {
            self.post(
                &format!("/element/{}/value", id(element)),
                &json!({ "text": text }),
            )
            .await;
        }
    }

    /// Presses and releases keys, one after the other, at the focused element.
    pub(crate) async fn press(&self, keys: &[&str]) {
        let events: Vec<_> = keys
            .iter()
            .flat_map(|key| ["keyDown", "keyUp"].map(|kind| json!({ "type": kind, "value": key })))
            .collect();
        let actions = json!([{ "type": "key", "id": "keyboard", "actions": events }]);
        self.post("/actions", &json!({ "actions": actions })).await;
    }

    /// A screenshot of the window, as PNG in base64.
    pub(crate) async fn picture(&self) -> String {
        let answer = self.answer(self.client.get(format!("{}/screenshot", self.session)));
        answer.await.as_str().unwrap().to_owned()
    }

    /// The console messages since the last call.
    pub(crate) async fn console(&self) -> Vec<Value> {
        let entries = self.post("/se/log", &json!({ "type": "browser" })).await;
        entries.as_array().unwrap().clone()
    }

    /// Sends a command of Chromium's own protocol, and returns its result.
    pub(crate) async fn chromium(&self, command: &str, parameters: Value) -> Value {
        self.post(
            "/goog/cdp/execute",
            &json!({ "cmd": command, "params": parameters }),
        )
        .await
    }

    /// Ends the browser.
    pub(crate) async fn close(self) {
        self.answer(self.client.delete(&self.session)).await;
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        self.answer(self.client.post(format!("{}{path}", self.session)).json(body))
            .await
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> Value {
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        let value = &answer["value"];
        assert!(
            value["error"].is_null(),
            "{}: {}",
            value["error"],
            value["message"]
        );
        value.clone()
    }
}

fn id(element: &Value) -> &str {
    element[ELEMENT].as_str().expect("an element")
}

/// The port chosen by the driver, which prints it.
async fn port_of(driver: &mut Child) -> u16 {
    let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
    let found = timeout(LIMIT, async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if let Some((_, port)) = line.split_once("started successfully on port ") {
                return port.trim_end_matches('.').parse().ok();
            }
        }
        None
    });
    let port = found.await.ok().flatten().expect("the port of chromedriver");
    // It continues printing, and must not wait for a reader.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    port
}

/// A client for servers of this machine.
pub(crate) fn client() -> reqwest::Client {
    // Nothing here is encrypted, but the client needs a TLS provider. Another test may have installed it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .timeout(LIMIT)
        .no_proxy()
        .build()
        .unwrap()
}
