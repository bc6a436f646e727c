use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use serde_json::json;

use super::figures::share;
use crate::config::{Config, Kube};
use crate::test_api::{Api, config};

#[tokio::test]
async fn gpus_are_reported_by_the_exporters_that_respond() {
    let metrics: Arc<Mutex<String>> = Arc::default();
    // On one of the addresses of `localhost`; nobody listens on the others.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!(
        "http://localhost:{}/metrics",
        listener.local_addr().unwrap().port()
    );
    let text = Arc::clone(&metrics);
    let exporter = Router::new().route("/metrics", get(async move || text.lock().unwrap().clone()));
    tokio::spawn(async move { axum::serve(listener, exporter).await });
    let kube = Kube {
        dcgm_urls: vec!["http://127.0.0.1:9/metrics".into(), url],
        ..Kube::default()
    };
    let api = Api::start(Config { kube, ..config() }).await;
    let ana = api.sign_in("ana@example.com").await;
    let pod = api.create(&ana, "training").await;
    let running = api.until(&ana, &pod, "running").await;
    let names = &running["pod"]["kubernetesResources"];
    *metrics.lock().unwrap() = format!(
        "DCGM_FI_DEV_GPU_UTIL{{gpu=\"0\",namespace={},pod={}}} 77\n",
        names["namespace"], names["podName"]
    );
    let known = async {
        loop {
            let found = api.get(&format!("/api/pods/{pod}"), &ana).await.expect(200);
            if found["pod"]["stats"]["gpuUsage"] == json!(77.0) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), known)
        .await
        .unwrap();
}

#[test]
fn unknown_usage_is_zero_and_none_exceeds_100_percent() {
    assert_eq!(share(None, Some(10)), None);
    assert_eq!(share(Some(1), None), None);
    assert_eq!(share(Some(1), Some(0)), None);
    assert_eq!(share(Some(1), Some(3)), Some(33.3));
    assert_eq!(share(Some(20), Some(10)), Some(100.0));
}
