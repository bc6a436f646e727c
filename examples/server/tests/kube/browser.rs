//! Chromium without a window, told by `WebDriver` (W3C) what to do.

use std::panic::{AssertUnwindSafe, resume_unwind};
use std::process::Stdio;

use futures::FutureExt;
use http::Method;
use neuropod_test_cluster::wait_until;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::LIMIT;
use crate::cluster::Route;

const DRIVER: &str = "chromedriver";

/// A browser with one page. Its driver ends when this is dropped.
pub(crate) struct Browser {
    session: String,
    _driver: Child,
}

impl Browser {
    pub(crate) fn is_there() -> bool {
        let asked = std::process::Command::new(DRIVER)
            .arg("--version")
            .stdout(Stdio::null())
            .status();
        asked.is_ok_and(|status| status.success())
    }

    /// Does `work` with a fresh browser that knows these routes and nothing else of the network.
    pub(crate) async fn run(routes: &[Route], work: impl AsyncFnOnce(&Self)) {
        let browser = Self::open(routes).await;
        // Whatever comes, the browser is closed: it does not end with its driver.
        let worked = AssertUnwindSafe(work(&browser)).catch_unwind().await;
        command(Method::DELETE, &browser.session, None).await;
        if let Err(panic) = worked {
            resume_unwind(panic);
        }
    }

    async fn open(routes: &[Route]) -> Self {
        let (driver, port) = start().await;
        let rules = routes
            .iter()
            .map(|route| format!("MAP {}:80 {}", route.host, route.address));
        let rules: Vec<_> = rules.chain(["MAP * ~NOTFOUND".to_owned()]).collect();
        let arguments = [
            "--headless=new",
            // It refuses to run as root otherwise; the pages are our own.
            "--no-sandbox",
            "--disable-dev-shm-usage",
            &format!("--host-resolver-rules={}", rules.join(", ")),
        ];
        let wanted =
            json!({ "capabilities": { "alwaysMatch": { "goog:chromeOptions": { "args": arguments } } } });
        let sessions = format!("http://127.0.0.1:{port}/session");
        let session = command(Method::POST, &sessions, Some(wanted)).await;
        Self {
            session: format!("{sessions}/{}", session["sessionId"].as_str().unwrap()),
            _driver: driver,
        }
    }

    /// Goes to an address and waits until its page has been loaded.
    pub(crate) async fn goto(&self, address: &str) {
        self.post("url", json!({ "url": address })).await;
    }

    /// Where it is.
    pub(crate) async fn address(&self) -> String {
        let address = command(Method::GET, &format!("{}/url", self.session), None).await;
        address.as_str().unwrap().to_owned()
    }

    /// Waits until the page has an element of this selector, and people see it.
    pub(crate) async fn shows(&self, selector: &str) {
        let script = "const found = document.querySelector(arguments[0]);
            return [found?.checkVisibility() ?? false, location.pathname, document.body?.innerText ?? ''];";
        wait_until(selector, LIMIT, async || {
            let seen = self
                .post("execute/sync", json!({ "script": script, "args": [selector] }))
                .await;
            if seen[0] == true {
                Ok(())
            } else {
                Err(seen.to_string())
            }
        })
        .await
        .unwrap();
    }

    async fn post(&self, what: &str, body: Value) -> Value {
        command(Method::POST, &format!("{}/{what}", self.session), Some(body)).await
    }
}

/// Starts the driver, and answers its port.
async fn start() -> (Child, u16) {
    let mut driver = Command::new(DRIVER)
        .arg("--port=0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
    let port = async {
        loop {
            let line = lines.next_line().await.unwrap().expect("the driver has ended");
            if let Some((_, port)) = line.split_once("started successfully on port ") {
                return port.trim_end_matches('.').parse().unwrap();
            }
        }
    };
    let port = tokio::time::timeout(LIMIT, port).await.expect("a port");
    // A closed pipe would end it.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    (driver, port)
}

async fn command(method: Method, address: &str, body: Option<Value>) -> Value {
    let mut request = reqwest::Client::new().request(method, address).timeout(LIMIT);
    if let Some(body) = body {
        request = request.json(&body);
    }
    let answer = request.send().await.unwrap();
    let status = answer.status();
    let mut answer: Value = answer.json().await.unwrap();
    assert!(status.is_success(), "{address}: {answer}");
    answer["value"].take()
}
