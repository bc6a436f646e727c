//! Chromium without a window, told by WebDriver what to do.

use std::panic::{AssertUnwindSafe, resume_unwind};
use std::process::Stdio;

use fantoccini::elements::Element;
use fantoccini::error::CmdError;
use fantoccini::{Client, ClientBuilder, Locator};
use futures::FutureExt;
use serde_json::{from_value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::LIMIT;
use crate::cluster::Route;

const DRIVER: &str = "chromedriver";

/// What starts browsers. It ends when this is dropped.
pub(crate) struct Browser {
    address: String,
    _process: Child,
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
    pub(crate) async fn run(routes: &[Route], work: impl AsyncFnOnce(&Client)) {
        let driver = Self::start().await;
        let page = driver.open(routes).await;
        // Whatever comes, the browser is closed: it does not end with its driver.
        let worked = AssertUnwindSafe(work(&page)).catch_unwind().await;
        page.close().await.unwrap();
        if let Err(panic) = worked {
            resume_unwind(panic);
        }
    }

    async fn start() -> Self {
        let mut process = Command::new(DRIVER)
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let port = async {
            loop {
                let line = lines.next_line().await.unwrap().expect("chromedriver has ended");
                if let Some((_, port)) = line.split_once("started successfully on port ") {
                    return port.trim_end_matches('.').to_owned();
                }
            }
        };
        let port = tokio::time::timeout(LIMIT, port).await.expect("a port");
        // A closed pipe would end it.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self {
            address: format!("http://127.0.0.1:{port}"),
            _process: process,
        }
    }

    async fn open(&self, routes: &[Route]) -> Client {
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
        let capabilities = json!({ "goog:chromeOptions": { "args": arguments } });
        ClientBuilder::new(hyper_util_connector())
            .capabilities(from_value(capabilities).unwrap())
            .connect(&self.address)
            .await
            .unwrap()
    }
}

/// Waits for an element.
pub(crate) async fn by_css(page: &Client, selector: &str) -> Result<Element, CmdError> {
    page.wait().at_most(LIMIT).for_element(Locator::Css(selector)).await
}
