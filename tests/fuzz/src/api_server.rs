//! API servers that reply with the input, behind a [`KubeCluster`] as used by an application.

use std::{
    convert::Infallible,
    future::{Future, pending},
    sync::atomic::{AtomicBool, Ordering},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use kube::{Client, client::Body};
use neuropod::k8s::{KubeCluster, KubeConfig};

/// Runs `work` in paused time: a pause ends at once when there is nothing else to do.
pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime without I/O needs nothing")
        .block_on(work)
}

/// A cluster whose API server replies `body` to every request.
pub(crate) fn answering(body: Bytes) -> KubeCluster {
    let service = tower::service_fn(move |_: Request<Body>| {
        let response = Response::new(Full::new(body.clone()));
        async move { Ok::<_, Infallible>(response) }
    });
    KubeCluster::with_client(Client::new(service, "default"), KubeConfig::default())
}

/// A cluster without pods, where the first watch of pods gets `lines` and then ends. Every other watch is silent.
pub(crate) fn watched(lines: Bytes) -> KubeCluster {
    let first = AtomicBool::new(true);
    let service = tower::service_fn(move |request: Request<Body>| {
        let is_watch = request
            .uri()
            .query()
            .is_some_and(|query| query.contains("watch=true"));
        let is_of_pods = request.uri().path().ends_with("/pods");
        let body = if !is_watch {
            Some(Bytes::from_static(
                br#"{"metadata":{"resourceVersion":"1"},"items":[]}"#,
            ))
        } else if is_of_pods && first.swap(false, Ordering::Relaxed) {
            Some(lines.clone())
        } else {
            None
        };
        async move {
            match body {
                Some(body) => Ok::<_, Infallible>(Response::new(Full::new(body))),
                None => pending().await,
            }
        }
    });
    KubeCluster::with_client(Client::new(service, "default"), KubeConfig::default())
}
