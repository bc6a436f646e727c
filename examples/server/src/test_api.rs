//! The API in this process, for tests: on the simulated cluster and a store in memory.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use neuropod::ClusterBackend;
use neuropod::clock::TokioClock;
use neuropod::sim::faults::{Fault, Faults};
use neuropod::sim::{Settings, SimCluster};
use neuropod::store::MemoryStore;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::app::{App, Shared};
use crate::backends::Store;
use crate::config::Config;
use crate::listen;
use crate::router::router;
use crate::secrets::{Place, Secrets};
use crate::waiting::Waiting;

/// The API on its own platform.
pub(crate) struct Api {
    pub(crate) app: Shared,
    pub(crate) store: Store,
    router: Router,
}

/// An answer to a request.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// The same, after asserting its status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self.json()
    }
}

/// New secrets: tokens of one server hold on another only where both have the same.
pub(crate) fn secrets() -> Secrets {
    Secrets::open(&config().secrets, &Place::Nowhere).unwrap()
}

fn metrics() -> PrometheusHandle {
    PrometheusBuilder::new().build_recorder().handle()
}

pub(crate) fn config() -> Config {
    Config {
        dev: true,
        store: "memory".into(),
        ..Config::default()
    }
}

impl Api {
    pub(crate) async fn start(config: Config) -> Self {
        crate::tls::use_ring();
        let store = Store::open(&config).await.unwrap();
        // A configuration is kilobytes, and a future has several copies of it.
        let app = Box::pin(App::start_on(config, &secrets(), &store, metrics())).await;
        Self::of(app.unwrap(), store)
    }

    /// A server on this cluster.
    pub(crate) async fn on(cluster: &SimCluster) -> Self {
        let store = Store::open(&config()).await.unwrap();
        Self::with(config(), &secrets(), store, Arc::new(cluster.clone()))
    }

    /// A server on this store and this cluster.
    pub(crate) fn with(
        config: Config,
        secrets: &Secrets,
        store: Store,
        cluster: Arc<dyn ClusterBackend>,
    ) -> Self {
        crate::tls::use_ring();
        let clock = Arc::new(TokioClock::starting_at(jiff::Timestamp::now()));
        let app = App::on(config, secrets, &store, cluster.into(), clock, metrics()).unwrap();
        Self::of(app, store)
    }

    /// A server whose store has a fault at every call for this long, and the token of a user who signed in
    /// before.
    pub(crate) async fn in_trouble(fault: Fault, time: Duration) -> (Self, String) {
        let store = Arc::new(MemoryStore::new());
        let secrets = secrets();
        let app_on = |pods: Arc<dyn neuropod::store::Store>| {
            let store = Store {
                pods,
                ..Store::all(Arc::clone(&store))
            };
            Self::with(config(), &secrets, store, Arc::new(simulated()))
        };
        let token = app_on(Arc::clone(&store) as Arc<dyn neuropod::store::Store>)
            .sign_in("ana@example.com")
            .await;
        let faults = Faults::lasting(1, fault, time);
        (
            app_on(faults.store(Arc::clone(&store) as Arc<dyn neuropod::store::Store>)),
            token,
        )
    }

    /// A running server.
    fn of(app: Shared, store: Store) -> Self {
        let platform = app.platform.clone();
        tokio::spawn(async move { platform.run(std::future::pending()).await });
        tokio::spawn(Arc::clone(&app).background());
        Self {
            router: router(&app),
            app,
            store,
        }
    }

    /// Serves at a port of this machine, and returns its address.
    pub(crate) async fn serve(&self) -> std::net::SocketAddr {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = self.router.clone();
        let waiting = Waiting::new(None);
        tokio::spawn(listen::serve(
            listener,
            router,
            waiting,
            self.app.stopping.clone(),
        ));
        address
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            // Compressed data is not text.
            text: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }

    pub(crate) async fn call(&self, method: Method, path: &str, token: &str, body: Option<&Value>) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if !token.is_empty() {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        self.send(request.body(body).unwrap()).await
    }

    /// The answer before its body is read.
    pub(crate) async fn open(&self, path: &str, token: &str) -> Response {
        let request = Request::get(path).header(header::AUTHORIZATION, format!("Bearer {token}"));
        let request = request.body(Body::empty()).unwrap();
        self.router.clone().oneshot(request).await.unwrap()
    }

    pub(crate) async fn get(&self, path: &str, token: &str) -> Answer {
        self.call(Method::GET, path, token, None).await
    }

    pub(crate) async fn post(&self, path: &str, token: &str, body: &Value) -> Answer {
        self.call(Method::POST, path, token, Some(body)).await
    }

    /// Signs in, and returns the token.
    pub(crate) async fn sign_in(&self, email: &str) -> String {
        let answer = self
            .post("/api/auth/mock-login", "", &json!({ "email": email }))
            .await;
        answer.expect(200)["token"].as_str().unwrap().to_owned()
    }

    /// Creates a pod, and returns its id.
    pub(crate) async fn create(&self, token: &str, name: &str) -> String {
        let answer = self.post("/api/pods", token, &request(name)).await;
        answer.expect(201)["data"]["podId"].as_str().unwrap().to_owned()
    }

    /// Waits until a pod has this status, at most a minute of the cluster's time.
    pub(crate) async fn until(&self, token: &str, pod: &str, status: &str) -> Value {
        let wait = async {
            loop {
                let found = self.get(&format!("/api/pods/{pod}"), token).await.expect(200);
                if found["pod"]["status"] == status {
                    return found;
                }
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_mins(1), wait).await;
        waited.unwrap_or_else(|_| panic!("{pod} never was {status}"))
    }
}

/// A quick cluster with the time of day of the server beside it.
pub(crate) fn simulated() -> SimCluster {
    SimCluster::new(Settings {
        epoch: jiff::Timestamp::now(),
        ..Settings::default()
    })
}

/// A valid request for a pod.
pub(crate) fn request(name: &str) -> Value {
    json!({
        "name": name,
        "deploymentType": "docker",
        "dockerImage": "quay.io/jupyter/pytorch-notebook",
        "gpu": "rtx-4090",
        "containerDiskSize": 20,
        "volumeDiskSize": 30,
        "ports": "8888, 7860",
        "enableJupyter": true,
    })
}
