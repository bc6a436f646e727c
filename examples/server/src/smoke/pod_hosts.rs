use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::middleware::from_fn_with_state;
use http::{Request, header};
use http_body_util::BodyExt;
use neuropod::store::MemoryStore;
use tower::ServiceExt;

use super::config;
use crate::app::{App, router};
use crate::backends::Store;
use crate::config::{ClusterKind, Config};
use crate::pods;
use crate::secrets::{Place, Secrets};

/// What a server that was told so answers for `/api/config` at the host of some pod.
async fn asked(cluster: ClusterKind) -> (u16, String) {
    crate::server::use_ring();
    let store = Arc::new(MemoryStore::new());
    let store = Store {
        pods: store.clone(),
        billing: store.clone(),
        audit: store,
    };
    let secrets = Secrets::open(&config().secrets, &Place::Nowhere).unwrap();
    let metrics = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let config = Config { cluster, ..config() };
    let simulated = Arc::new(super::simulated());
    let app = App::on(config, &secrets, store, simulated, metrics.handle()).unwrap();
    let router: Router = router(&app).layer(from_fn_with_state(app, pods::route));
    let request = Request::get("/api/config").header(header::HOST, "training-k3j5qzx2ab-8888.pods.localhost");
    let response = router
        .oneshot(request.body(Body::empty()).unwrap())
        .await
        .unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn hosts_of_pods_are_answered_for_in_a_simulation_and_never_on_a_real_cluster() {
    let (status, page) = asked(ClusterKind::Sim).await;
    assert_eq!(status, 404);
    assert!(
        page.starts_with("<!doctype html>") && !page.contains("devLogin"),
        "{page}"
    );
    let (status, text) = asked(ClusterKind::Kube).await;
    assert_eq!(status, 200);
    assert!(text.contains("devLogin"), "{text}");
}
