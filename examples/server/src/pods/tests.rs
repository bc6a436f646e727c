use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::middleware::from_fn_with_state;
use http::{Request, header};
use http_body_util::BodyExt;
use neuropod::ClusterBackend;
use neuropod::clock::SystemClock;
use neuropod::naming::Naming;
use neuropod::store::MemoryStore;
use tower::ServiceExt;

use super::links::links;
use super::route::{host_of, is_of_a_pod, route};
use crate::app::App;
use crate::backends::Store;
use crate::config::{ClusterKind, Config};
use crate::router::router;
use crate::secrets::{Place, Secrets};
use crate::test_api::config;

/// The answer of a server with this cluster for `/api/config` at the host of some pod.
async fn asked(cluster: ClusterKind) -> (u16, String) {
    crate::tls::use_ring();
    let store = Store::all(Arc::new(MemoryStore::new()));
    let secrets = Secrets::open(&config().secrets, &Place::Nowhere).unwrap();
    let metrics = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let config = Config { cluster, ..config() };
    let simulated: Arc<dyn ClusterBackend> = Arc::new(crate::test_api::simulated());
    let app = App::on(
        config,
        &secrets,
        &store,
        simulated.into(),
        Arc::new(SystemClock),
        metrics.handle(),
    )
    .unwrap();
    let router: Router = router(&app).layer(from_fn_with_state(app, route));
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
async fn hosts_of_pods_are_served_in_a_simulation_and_never_on_a_real_cluster() {
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

#[test]
fn a_host_is_read_from_target_or_header() {
    let asked = |uri: &str, host: Option<&str>| {
        let mut request = http::Request::builder().uri(uri);
        if let Some(host) = host {
            request = request.header(header::HOST, host);
        }
        host_of(&request.body(Body::empty()).unwrap())
    };
    for (uri, host, found) in [
        (
            "/",
            Some("A-b-1.Pods.Localhost:3000"),
            Some("a-b-1.pods.localhost"),
        ),
        ("/", Some("a.pods.localhost."), Some("a.pods.localhost")),
        ("/", Some("[::1]:3000"), Some("[::1]")),
        ("/", Some("a b"), None),
        ("/", Some(""), None),
        ("/", None, None),
        ("http://one.test:80/", Some("two.test"), Some("one.test")),
    ] {
        assert_eq!(asked(uri, host).as_deref(), found, "{uri} {host:?}");
    }
}

#[test]
fn only_hosts_below_the_domain_belong_to_pods() {
    for (domain, host, is_pod) in [
        ("pods.localhost", "training-k3j5qzx2ab-8888.pods.localhost", true),
        ("pods.localhost", "anything.pods.localhost", true),
        ("pods.localhost", "a.b.pods.localhost", true),
        ("pods.localhost", "pods.localhost", false),
        ("pods.localhost", "app.pods.localhost", false),
        ("pods.localhost", "api.pods.localhost", false),
        ("pods.localhost", "localhost", false),
        ("pods.localhost", "evilpods.localhost", false),
        ("pods.localhost", "127.0.0.1", false),
        ("pods.localhost", "a.pods.localhost.evil.test", false),
        ("localhost", "localhost", false),
        ("localhost", "a.localhost", true),
    ] {
        let naming = Naming::new(domain, "a secret of at least 16 bytes").unwrap();
        assert_eq!(is_of_a_pod(&naming, host), is_pod, "{domain} {host}");
    }
}

#[test]
fn links_get_the_port_of_this_server_in_a_local_simulation_only() {
    let link = |cluster, domain: &str| {
        let config = Config {
            cluster,
            domain: domain.into(),
            listen: ([127, 0, 0, 1], 3456).into(),
            ..Config::default()
        };
        let naming = Naming::new(domain, "a secret of at least 16 bytes").unwrap();
        let naming = links(naming, &config);
        naming.url(&naming.slug("a").unwrap(), &naming.user_hash("u"), 8888)
    };
    let local = link(ClusterKind::Sim, "pods.localhost");
    assert!(
        local.starts_with("http://a-") && local.ends_with(".pods.localhost:3456"),
        "{local}"
    );
    for (cluster, domain) in [
        (ClusterKind::Sim, "pods.example.com"),
        (ClusterKind::Sim, "notlocalhost"),
        (ClusterKind::Kube, "pods.localhost"),
    ] {
        let other = link(cluster, domain);
        assert!(
            other.starts_with("https://a-") && other.ends_with(domain),
            "{other}"
        );
    }
}
