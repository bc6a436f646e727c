//! The platform on a real node: containers run, Jupyter responds, tokens open it.
//!
//! The tests share one node and take turns on it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "tests"
)]

#[path = "../common/mod.rs"]
mod common;
mod killed;
mod node;

use std::collections::BTreeMap;
use std::time::Instant;

use common::{eventually, until, until_status};
use futures::StreamExt;
use neuropod::cluster::{LogOptions, ReasonCode, Step, VolumePolicy};
use neuropod::pod::{Jupyter, Port};
use neuropod::store::TemplateStore;
use neuropod::{AccessToken, CreatePod, Pod, PodOptions, PodStore, Status, Template, Update};
use neuropod_test_cluster::{Image, measured};
use node::{Site, get, put};
use serde_json::json;

/// A configuration of Jupyter that serves a page at the second port.
const SECOND_PORT: &str = r#"
import http.server, threading

class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"kept")

server = http.server.ThreadingHTTPServer(("", 7860), Page)
threading.Thread(target=server.serve_forever, daemon=True).start()
"#;

fn jupyter_template(inject_token: bool) -> Template {
    let jupyter = if inject_token {
        Jupyter::Generated
    } else {
        Jupyter::Read
    };
    let options = PodOptions::default()
        .with_image(Image::Jupyter.reference().parse().unwrap())
        .with_disks(1, 1)
        .with_ports([Port::http(8888).with_name("Jupyter Lab")])
        .with_jupyter(jupyter);
    Template::new("jupyter", "Jupyter Lab", options, jiff::Timestamp::UNIX_EPOCH)
}

fn jupyter(name: &str) -> CreatePod {
    CreatePod::from_template(name, "jupyter")
        .ports([8888, 7860])
        .disks(1, 1)
        .variable("JUPYTER_CONFIG_DIR", "/workspace/config")
}

/// The token reported by the platform, once it reports the pod as ready to open.
async fn token(site: &Site, pod: &Pod) -> AccessToken {
    let pod = until(&site.platform, &site.ana, &pod.id, |pod| {
        pod.status == Status::Running && pod.login.token().is_some()
    })
    .await;
    pod.login.token().unwrap().clone()
}

/// The status of Jupyter's API through the Service of the port, with this query.
async fn jupyter_status(site: &Site, pod: &Pod, query: &str) -> u16 {
    let url = format!(
        "http://{}:8888/api/status{query}",
        site.service_address(pod, 8888).await
    );
    let mut status = 0;
    // The rules of a new Service reach the node a moment after it.
    eventually("an answer of Jupyter", async || match get(&url).await {
        Ok((answer, _)) => {
            status = answer;
            true
        }
        Err(_) => false,
    })
    .await;
    status
}

#[tokio::test]
async fn a_jupyter_pod_runs_stops_restarts_and_is_deleted() {
    let Some(site) = Site::new("a_jupyter_pod_runs_stops_restarts_and_is_deleted").await else {
        return;
    };
    site.load(Image::Jupyter);
    site.store
        .insert_template(&jupyter_template(false))
        .await
        .unwrap();

    let known = site.when_token_is_known();
    let begun = Instant::now();
    let pod = site
        .platform
        .create(&site.ana, &jupyter("Training"))
        .await
        .unwrap();
    let pod = until_status(&site.platform, &site.ana, &pod.id, Status::Running).await;
    measured(format_args!("running {:?} after the call", begun.elapsed()));
    assert_eq!(pod.options.ports()[0].name.as_deref(), Some("Jupyter Lab"));
    let first = token(&site, &pod).await;
    assert_eq!(
        jupyter_status(&site, &pod, &format!("?token={}", first.expose())).await,
        200
    );
    assert_eq!(jupyter_status(&site, &pod, "").await, 403);
    site.measure_token(&pod, known.await.unwrap()).await;

    let links = site.platform.connections(&site.ana, &pod.id).await.unwrap();
    assert!(links[0].link().ends_with(&format!("?token={}", first.expose())));
    let hosts = site.ingress_hosts(&pod).await;
    let expected: Vec<_> = links.iter().map(|connection| connection.host.clone()).collect();
    assert_eq!(hosts, expected);

    logs_follow_live(&site, &pod, &first).await;

    let base = format!(
        "http://{}:8888/api/contents",
        site.service_address(&pod, 8888).await
    );
    let query = format!("?token={}", first.expose());
    put(&format!("{base}/config{query}"), json!({ "type": "directory" })).await;
    put(
        &format!("{base}/config/jupyter_server_config.py{query}"),
        json!({ "type": "file", "format": "text", "content": SECOND_PORT }),
    )
    .await;

    site.platform.stop(&site.ana, &pod.id).await.unwrap();
    let stopped = until(&site.platform, &site.ana, &pod.id, |pod| {
        pod.step == Step::Stopped
    })
    .await;
    assert_eq!(stopped.status, Status::Stopped);
    assert!(stopped.charged > neuropod::Money::ZERO);
    let left = |kind: &str, count: usize| (kind.to_owned(), count);
    assert_eq!(
        site.objects().await,
        BTreeMap::from([left("PersistentVolumeClaim", 1)])
    );

    site.platform.start(&site.ana, &pod.id).await.unwrap();
    let pod = until_status(&site.platform, &site.ana, &pod.id, Status::Running).await;
    let second = token(&site, &pod).await;
    assert_ne!(second, first, "a fresh token");
    assert_eq!(site.ingress_hosts(&pod).await, hosts, "the same host names");
    assert_eq!(
        jupyter_status(&site, &pod, &format!("?token={}", second.expose())).await,
        200
    );
    assert_eq!(jupyter_status(&site, &pod, &query).await, 403, "the old token");
    let page = format!("http://{}:7860/", site.service_address(&pod, 7860).await);
    eventually("the second port, as the file written before says", async || {
        get(&page)
            .await
            .is_ok_and(|(status, body)| (status, body.as_str()) == (200, "kept"))
    })
    .await;

    site.platform
        .delete(&site.ana, &pod.id, VolumePolicy::Delete)
        .await
        .unwrap();
    eventually("nothing is left", async || {
        site.store.get(&pod.id).await.unwrap().is_none() && site.objects().await.is_empty()
    })
    .await;
}

async fn logs_follow_live(site: &Site, pod: &Pod, token: &AccessToken) {
    let options = LogOptions::default().with_follow().with_tail(1);
    let mut log = site.platform.logs(&site.ana, &pod.id, options).await.unwrap();
    let mut seen = String::new();
    // Jupyter logs a refused request.
    let path = format!("/api/contents/{}", pod.id);
    let url = format!(
        "http://{}:8888{path}?token={}",
        site.service_address(pod, 8888).await,
        token.expose()
    );
    get(&url).await.unwrap();
    let line = async {
        while !seen.contains(&path) {
            seen += &String::from_utf8_lossy(&log.next().await.unwrap().unwrap());
        }
    };
    tokio::time::timeout(common::LIMIT, line)
        .await
        .expect("the log follows");
}

#[tokio::test]
async fn an_injected_token_opens_the_server() {
    let Some(site) = Site::new("an_injected_token_opens_the_server").await else {
        return;
    };
    site.load(Image::Jupyter);
    site.store.insert_template(&jupyter_template(true)).await.unwrap();
    let pod = site
        .platform
        .create(&site.ana, &jupyter("Injected"))
        .await
        .unwrap();
    let injected = token(&site, &pod).await;
    assert_eq!(
        jupyter_status(&site, &pod, &format!("?token={}", injected.expose())).await,
        200
    );
    assert_eq!(jupyter_status(&site, &pod, "").await, 403);

    site.platform.restart(&site.ana, &pod.id).await.unwrap();
    let pod = until(&site.platform, &site.ana, &pod.id, |now| {
        now.run == 2 && now.status == Status::Running && now.reason.is_none()
    })
    .await;
    let again = token(&site, &pod).await;
    assert_ne!(again, injected);
    assert_eq!(
        jupyter_status(&site, &pod, &format!("?token={}", again.expose())).await,
        200
    );
    site.delete(&pod).await;
}

/// How long after the kubelet's event the reason may appear: events have whole seconds.
const SECONDS: i64 = 5;

#[tokio::test]
async fn a_missing_image_is_reported() {
    let Some(site) = Site::new("a_missing_image_is_reported").await else {
        return;
    };
    site.load(Image::Http);
    let image = format!("{}/neuropod-test/missing:1", site.empty_registry().await);
    let request = CreatePod::from_image("Missing", &image).disks(1, 1);
    let mut updates = site.platform.subscribe(&site.ana);
    let pod = site.platform.create(&site.ana, &request).await.unwrap();
    let reason = tokio::time::timeout(common::LIMIT, async {
        loop {
            if let Update::Changed(pod) = updates.next().await.unwrap().unwrap()
                && pod.status == Status::Error
            {
                break pod.reason.unwrap();
            }
        }
    })
    .await
    .expect("a reason");
    let reported_at = jiff::Timestamp::now();
    assert_eq!(reason.code, ReasonCode::ImageNotFound, "{reason:?}");
    assert!(reason.detail.contains(&image), "{reason:?}");
    let event = site.first_warning(&pod, "not found").await;
    measured(format_args!(
        "the reason is known {:#} after the kubelet's event (whole seconds)",
        reported_at - event
    ));
    assert!(
        reported_at.duration_since(event).as_secs() <= SECONDS,
        "{event} {reported_at}"
    );
    let charged = site.platform.get(&site.ana, &pod.id).await.unwrap().charged;
    assert_eq!(charged, neuropod::Money::ZERO);
    site.delete(&pod).await;
}

#[tokio::test]
async fn a_pod_waits_for_a_gpu_and_gets_it() {
    let Some(site) = Site::new("a_pod_waits_for_a_gpu_and_gets_it").await else {
        return;
    };
    site.advertise("nvidia.com/gpu", 1);
    let request = |name: &str| {
        CreatePod::from_image(name, Image::Http.reference())
            .gpu("gpu")
            .disks(1, 1)
            .jupyter(false)
            .ports([8080])
    };
    let first = site.platform.create(&site.ana, &request("First")).await.unwrap();
    until_status(&site.platform, &site.ana, &first.id, Status::Running).await;
    let second = site.platform.create(&site.ana, &request("Second")).await.unwrap();
    let waiting = until(&site.platform, &site.ana, &second.id, |pod| pod.reason.is_some()).await;
    let reason = waiting.reason.unwrap();
    assert_eq!(
        (waiting.status, reason.code),
        (Status::Creating, ReasonCode::NoGpuFree)
    );
    assert!(
        reason.detail.contains("Insufficient nvidia.com/gpu"),
        "{reason:?}"
    );
    site.platform.stop(&site.ana, &first.id).await.unwrap();
    until_status(&site.platform, &site.ana, &second.id, Status::Running).await;
    site.delete(&first).await;
    site.delete(&second).await;
}

#[tokio::test]
async fn a_crash_loop_is_reported_and_its_last_log_can_be_read() {
    let Some(site) = Site::new("a_crash_loop_is_reported_and_its_last_log_can_be_read").await else {
        return;
    };
    site.load(Image::Jupyter);
    site.store.insert_template(&jupyter_template(true)).await.unwrap();
    let pod = site
        .platform
        .create(&site.ana, &jupyter("Crashing"))
        .await
        .unwrap();
    let opener = token(&site, &pod).await;
    let query = format!("?token={}", opener.expose());
    assert_eq!(jupyter_status(&site, &pod, &query).await, 200);
    let base = format!(
        "http://{}:8888/api/contents",
        site.service_address(&pod, 8888).await
    );
    put(&format!("{base}/config{query}"), json!({ "type": "directory" })).await;
    let last_words = "import sys\nprint('these are my last words', flush=True)\nsys.exit(3)\n";
    put(
        &format!("{base}/config/jupyter_server_config.py{query}"),
        json!({ "type": "file", "format": "text", "content": last_words }),
    )
    .await;

    site.platform.restart(&site.ana, &pod.id).await.unwrap();
    let crashing = until(&site.platform, &site.ana, &pod.id, |pod| {
        pod.run == 2
            && pod
                .reason
                .as_ref()
                .is_some_and(|reason| reason.code == ReasonCode::CrashLoop)
    })
    .await;
    assert_eq!(crashing.status, Status::Error);
    let options = LogOptions::default().with_previous();
    let mut said = String::new();
    eventually("the log of the run before", async || {
        // The node may have removed it already; the next run leaves one again.
        let Ok(mut log) = site.platform.logs(&site.ana, &pod.id, options.clone()).await else {
            return false;
        };
        said.clear();
        while let Some(chunk) = log.next().await {
            said += &String::from_utf8_lossy(&chunk.unwrap());
        }
        true
    })
    .await;
    assert!(said.contains("these are my last words"), "{said}");
    site.delete(&pod).await;
}

#[tokio::test]
async fn running_out_of_memory_is_reported() {
    let Some(site) = Site::new("running_out_of_memory_is_reported").await else {
        return;
    };
    site.load(Image::Jupyter);
    let request = CreatePod::from_image("Big", Image::Jupyter.reference())
        .gpu("tiny")
        .disks(1, 1);
    let pod = site.platform.create(&site.ana, &request).await.unwrap();
    let killed = until(&site.platform, &site.ana, &pod.id, |pod| {
        pod.reason
            .as_ref()
            .is_some_and(|reason| reason.code == ReasonCode::OutOfMemory)
    })
    .await;
    assert_eq!(killed.status, Status::Error);
    site.delete(&pod).await;
}
