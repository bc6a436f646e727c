//! The conformance suite of cluster backends, against `KubeCluster` on a real API server.
//!
//! Nothing runs pods there: the stage writes the statuses of a scheduler and a kubelet. The watch is cut inside
//! the client of the backend, because everything else has to continue, and the API server is restarted before
//! the watch is mended, so that it forgets the versions known to the watch (410 Gone).
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod kube;

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use ::kube::Client;
use ::kube::client::{Body, ClientBuilder, DynBody};
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use http_body_util::{BodyExt, StreamBody};
use neuropod_core::ClusterBackend;
use neuropod_core::cluster::{ReplicaId, Replicas, WorkloadRef};
use neuropod_core::conformance::cluster::{Milestone, Stage, quota, run};
use neuropod_core::sim::{Mishap, ObjectKind};
use neuropod_k8s::KubeCluster;
use neuropod_test_cluster::TestCluster;
use tokio::sync::watch;
use tower::{BoxError, Layer, Service};

use self::kube::{Kubelet, LIMIT, Site, rbac, rbac_for_namespaces};

struct KubeStage {
    cluster: &'static TestCluster,
    backend: Arc<KubeCluster>,
    admin: Client,
    /// Whether each user has a namespace.
    namespace_per_user: bool,
    /// Whether watches are let through.
    gate: watch::Sender<bool>,
}

impl KubeStage {
    /// The kubelet of the workload's namespace.
    fn kubelet(&self, reference: &WorkloadRef) -> Kubelet {
        let namespace = reference.namespace.as_ref();
        let namespace = namespace.unwrap_or(&self.backend.config().namespace);
        Kubelet::new(self.admin.clone(), namespace)
    }
}

#[async_trait::async_trait]
impl Stage for KubeStage {
    fn backend(&self) -> Arc<dyn ClusterBackend> {
        self.backend.clone()
    }

    async fn reach(&self, reference: &WorkloadRef, milestone: Milestone) {
        self.kubelet(reference).reach(&reference.name, milestone).await;
    }

    async fn inject(&self, reference: &WorkloadRef, mishap: Mishap) {
        self.kubelet(reference).inject(&reference.name, mishap).await;
    }

    async fn delete_by_hand(&self, reference: &WorkloadRef, kind: ObjectKind) {
        self.kubelet(reference)
            .delete_by_hand(&reference.name, kind)
            .await;
    }

    async fn take_name(&self, reference: &WorkloadRef) {
        self.kubelet(reference).take_name(&reference.name).await;
    }

    async fn break_watch(&self) {
        self.gate.send_replace(false);
    }

    async fn mend_watch(&self) {
        if let Some(control_plane) = self.cluster.own_control_plane() {
            control_plane.stop_api_server();
            control_plane.start_api_server().unwrap();
            control_plane.restart_controllers().unwrap();
        }
        self.gate.send_replace(true);
    }

    fn namespace(&self, user_hash: &str) -> Option<String> {
        self.namespace_per_user.then(|| format!("neuropod-{user_hash}"))
    }

    /// A volume waits for the controllers to go, and those are started again too.
    fn limit(&self) -> Duration {
        2 * LIMIT
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_api_server() {
    let Some(cluster) = kube::cluster("kube_conformance/a_real_api_server") else {
        return;
    };
    let site = Site::new(cluster).await;
    run(&stage(cluster, &site)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_namespace_per_user() {
    let Some(cluster) = kube::cluster("kube_conformance/a_namespace_per_user") else {
        return;
    };
    let rights = [rbac(), rbac_for_namespaces()];
    let site = Site::with(cluster, &rights, |config| config.namespace_per_user = true).await;
    quota(&stage(cluster, &site)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas() {
    let Some(cluster) = kube::cluster("kube_conformance/replicas") else {
        return;
    };
    let site = Site::new(cluster).await;
    neuropod_core::conformance::replicas::run(site.backend.clone(), Arc::new(site.another(|_| {}))).await;
    // Another platform on the same cluster and namespace is none of its replicas.
    let other = site.another(|config| config.instance = "other".into());
    let mine = ReplicaId::random();
    site.backend.renew(&mine).await.unwrap();
    let listed = other.renew(&ReplicaId::random()).await.unwrap();
    assert!(
        listed.iter().all(|presence| presence.replica != mine),
        "{listed:?}"
    );
}

fn stage(cluster: &'static TestCluster, site: &Site) -> KubeStage {
    let (gate, open) = watch::channel(true);
    let mut connection = site.connection.clone();
    connection.default_retry = false;
    let client = ClientBuilder::try_from(connection).unwrap();
    let client = client.with_layer(&Gate(open)).build();
    let config = site.backend.config().clone();
    KubeStage {
        cluster,
        admin: site.admin.clone(),
        namespace_per_user: config.namespace_per_user,
        backend: Arc::new(KubeCluster::with_client(client, config)),
        gate,
    }
}

/// Lets watches through only while it is open.
struct Gate(watch::Receiver<bool>);

impl<S> Layer<S> for Gate {
    type Service = Gated<S>;

    fn layer(&self, inner: S) -> Gated<S> {
        Gated {
            inner,
            open: self.0.clone(),
        }
    }
}

struct Gated<S> {
    inner: S,
    open: watch::Receiver<bool>,
}

impl<S> Service<http::Request<Body>> for Gated<S>
where
    S: Service<http::Request<Body>, Response = http::Response<Box<DynBody>>, Error = BoxError>,
    S::Future: Send + 'static,
{
    type Response = http::Response<Box<DynBody>>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let is_watch = request
            .uri()
            .query()
            .is_some_and(|query| query.contains("watch=true"));
        let answer = self.inner.call(request);
        if !is_watch {
            return answer.boxed();
        }
        let mut open = self.open.clone();
        async move {
            if !*open.borrow() {
                return Err("the watch is cut".into());
            }
            let (parts, body) = answer.await?.into_parts();
            let closed = async move { drop(open.wait_for(|open| !open).await) };
            let frames = body
                .into_data_stream()
                .map(|bytes| bytes.map(http_body::Frame::data));
            let body = StreamBody::new(Box::pin(frames.take_until(Box::pin(closed))));
            Ok(http::Response::from_parts(parts, Box::new(body) as Box<DynBody>))
        }
        .boxed()
    }
}
