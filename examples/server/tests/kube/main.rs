//! The server on a real Kubernetes and a MongoDB, set up by the files of `examples/deploy`: pods requested by
//! HTTP run, open in a real browser, and are removed without a trace.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod browser;
#[path = "../common/chromium.rs"]
mod chromium;
mod cluster;
mod manifests;
#[path = "../common/server.rs"]
mod process;
#[path = "../common/program.rs"]
mod program;
mod server;

use std::collections::BTreeMap;
use std::time::Duration;

use cluster::Site;
use http::Method;
use neuropod_test_cluster::{Image, check_browser, wait_until};
use serde_json::{Value, json};
use server::Server;

/// Long enough for a machine that compiles something else meanwhile.
const LIMIT: Duration = Duration::from_mins(2);

#[tokio::test(flavor = "multi_thread")]
async fn the_manifests_are_accepted() {
    let Some(site) = Site::get("kube/the_manifests_are_accepted").await else {
        return;
    };
    for (file, text) in manifests::FILES {
        for document in manifests::documents(text) {
            site.apply(file, &document, true).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_opens_in_a_browser_by_the_link_of_the_api() {
    const TEST: &str = "kube/a_pod_opens_in_a_browser_by_the_link_of_the_api";
    let Some(site) = Site::get(TEST).await else {
        return;
    };
    match check_browser() {
        Err(error) if error.is_unavailable() => return neuropod_test_cluster::skip(TEST, &error.to_string()),
        other => other.unwrap(),
    }
    site.node().load(Image::Jupyter).unwrap();
    let (server, _store) = server::start(&site).await;
    let request = json!({
        "name": "Training",
        "deploymentType": "docker",
        "dockerImage": Image::Jupyter.reference(),
        "gpu": "cpu",
        "containerDiskSize": 1,
        "volumeDiskSize": 1,
        "ports": "8888",
        "enableJupyter": true,
    });
    let created = server.call(Method::POST, "/api/pods", Some(&request)).await;
    let pod = Pod {
        path: format!("/api/pods/{}", created["data"]["podId"].as_str().unwrap()),
        server: &server,
        site: &site,
    };

    let first = pod.running().await;
    pod.opens(&first).await;
    pod.logs_follow().await;

    pod.change("stop").await;
    pod.until("stopped", |pod| pod["step"] == "stopped").await;
    let left = BTreeMap::from([("PersistentVolumeClaim".to_owned(), 1)]);
    assert_eq!(site.objects().await, left, "only the volume is left");
    assert_eq!(pod.link().await, None);

    pod.change("start").await;
    let second = pod.running().await;
    assert_ne!(second, first, "a fresh token");
    pod.opens(&second).await;

    let path = format!("{}?volume=delete", pod.path);
    server.call(Method::DELETE, &path, None).await;
    wait_until("nothing is left", LIMIT, async || {
        let pods = server.call(Method::GET, "/api/pods", None).await;
        let objects = site.objects().await;
        if pods["data"] == json!([]) && objects.is_empty() {
            Ok(())
        } else {
            Err(format!("{pods} {objects:?}"))
        }
    })
    .await
    .unwrap();
    server.stop().await;
}

/// A pod from its owner's view.
struct Pod<'a> {
    path: String,
    server: &'a Server,
    site: &'a Site,
}

impl Pod<'_> {
    async fn until(&self, what: &str, is: impl Fn(&Value) -> bool) {
        wait_until(what, LIMIT, async || {
            let found = self.server.call(Method::GET, &self.path, None).await;
            if is(&found["pod"]) {
                Ok(())
            } else {
                Err(found.to_string())
            }
        })
        .await
        .unwrap();
    }

    async fn change(&self, what: &str) {
        let path = format!("{}/{what}", self.path);
        self.server.call(Method::POST, &path, None).await;
    }

    /// The link to Jupyter, if the API reports it as ready.
    async fn link(&self) -> Option<String> {
        let path = format!("{}/connections", self.path);
        let connections = self.server.call(Method::GET, &path, None).await;
        let service = &connections["data"]["httpServices"][0];
        (service["status"] == "ready").then(|| service["url"].as_str().unwrap().to_owned())
    }

    /// Waits until it runs, and returns the link to Jupyter with its token.
    async fn running(&self) -> String {
        self.until("running", |pod| pod["status"] == "running").await;
        wait_until("a link with a token", LIMIT, async || match self.link().await {
            Some(link) if link.contains("?token=") => Ok(link),
            other => Err(format!("{other:?}")),
        })
        .await
        .unwrap()
    }

    /// Opens the link in a browser, which resolves its host according to the Ingress.
    async fn opens(&self, link: &str) {
        let routes = self.site.routes().await;
        browser::run(&routes, async |page| {
            let (bare, _) = link.split_once("?token=").unwrap();
            page.open(bare).await;
            browser::shows(page, "input[name=password]").await;

            page.open(link).await;
            browser::shows(page, "#main.jp-LabShell").await;
            let address = page.address().await;
            assert!(
                address.starts_with(&format!("{}/lab", bare.trim_end_matches('/'))),
                "{address}"
            );
        })
        .await;
    }

    /// Everybody who follows the log receives Jupyter's new lines.
    async fn logs_follow(&self) {
        let path = format!("{}/logs?follow=true&tail=1", self.path);
        let mut log = self.server.request(Method::GET, &path, None).await;
        // Jupyter logs a request for a missing object.
        let missing = "/api/contents/is-not-there";
        let link = self.link().await.unwrap();
        let (_, token) = link.split_once("?token=").unwrap();
        let base = self.site.routes().await[0].address.clone();
        // Not in the address, because Jupyter logs that.
        let request = reqwest::Client::new().get(format!("http://{base}{missing}"));
        let request = request.header("authorization", format!("token {token}"));
        assert_eq!(request.send().await.unwrap().status(), 404);
        let mut seen = String::new();
        let reading = async {
            while !seen.contains(missing) {
                let chunk = log.chunk().await.unwrap().expect("the log goes on");
                seen += &String::from_utf8_lossy(&chunk);
            }
        };
        let found = tokio::time::timeout(LIMIT, reading).await;
        assert!(found.is_ok(), "{seen}");
        assert!(!seen.contains(token), "no token in the log: {seen}");
    }
}
