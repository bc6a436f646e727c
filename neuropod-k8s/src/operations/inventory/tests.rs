//! The inventory of a cluster with more pods than a page has.

use std::time::Duration;

use neuropod_core::cluster::{Objects, ObservedVolume};
use neuropod_core::{ClusterBackend, ErrorKind, PodId};
use serde_json::{Value, json};

use crate::cluster::KubeCluster;
use crate::config::KubeConfig;
use crate::fake::server::{Log, Received, Reply, SLOW, client};

const PAGE: usize = 10;
const PODS: usize = 25;
const PAGES: usize = 3;

fn labels(n: usize) -> Value {
    json!({
        "app.kubernetes.io/managed-by": "neuropod", "app.kubernetes.io/instance": "default",
        "app.kubernetes.io/name": format!("pod-{n}"), "neuropod.io/run": "1", "neuropod.io/user-hash": "k3j5qzx2ab",
        "neuropod.io/pod-id": PodId::from_bits(n as u64).to_string(),
    })
}

fn metadata(n: usize, name: &str) -> Value {
    json!({ "name": name, "namespace": "users", "uid": format!("uid-of-{name}"), "labels": labels(n),
        "annotations": { "neuropod.io/volume": format!("volume-{n}"), "neuropod.io/objects": "1" } })
}

fn warning(kind: &str, name: &str, reason: &str) -> Value {
    json!({
        "metadata": { "uid": format!("{reason}-{name}"), "creationTimestamp": "2026-11-01T10:00:00Z" },
        "involvedObject": { "kind": kind, "namespace": "users", "name": name, "uid": format!("uid-of-{name}") },
        "type": "Warning", "reason": reason, "message": format!("about {name}"), "count": 1,
    })
}

/// The `n`th object of the list that a request asks for.
fn object(request: &Received, n: usize) -> Option<Value> {
    let (pod, volume) = (format!("pod-{n}"), format!("volume-{n}"));
    let about = |kind: &str| request.query.contains(&format!("involvedObject.kind%3D{kind}"));
    match request.path.rsplit('/').next()? {
        "pods" => Some(json!({ "metadata": metadata(n, &pod), "status": { "phase": "Pending" } })),
        "services" => Some(json!({ "metadata": metadata(n, &pod) })),
        "persistentvolumeclaims" => Some(json!({ "metadata": metadata(n, &volume),
            "status": { "phase": "Bound", "capacity": { "storage": format!("{}G", n + 1) } } })),
        "events" if about("Pod%2Ctype") => Some(warning("Pod", &pod, "FailedScheduling")),
        "events" if about("PersistentVolumeClaim") => {
            Some(warning("PersistentVolumeClaim", &volume, "ProvisioningFailed"))
        }
        _ => None,
    }
}

/// The page that a request asks for; `continue` is the number of its first object.
fn page(request: &Received) -> Value {
    let next = request
        .query
        .split('&')
        .find_map(|part| part.strip_prefix("continue="));
    let first: usize = next.map_or(0, |next| next.parse().unwrap());
    let last = PODS.min(first + PAGE);
    let items: Vec<_> = (first..last).filter_map(|n| object(request, n)).collect();
    let next = if last < PODS && !items.is_empty() {
        last.to_string()
    } else {
        String::new()
    };
    json!({ "metadata": { "resourceVersion": "5", "continue": next }, "items": items })
}

fn cluster(deadline: Duration, reply: impl FnMut(&Received) -> Reply + Send + 'static) -> (KubeCluster, Log) {
    let (client, log) = client(reply);
    let config = KubeConfig {
        namespace: "users".into(),
        deadline,
        ..KubeConfig::default()
    };
    (KubeCluster::with_client(client, config), log)
}

#[tokio::test(start_paused = true)]
async fn every_pod_has_its_claim_and_its_warnings_and_each_page_is_asked_for_once() {
    // All pages of a list together take longer than an operation may.
    let deadline = SLOW.mul_f64(1.5);
    let (cluster, log) = cluster(deadline, |request| Reply::Slow(page(request)));
    let inventory = cluster.inventory().await.unwrap();
    assert_eq!((inventory.workloads.len(), inventory.volumes.len()), (PODS, PODS));
    for owned in &inventory.workloads {
        let n: usize = owned
            .reference
            .name
            .strip_prefix("pod-")
            .unwrap()
            .parse()
            .unwrap();
        let seen = &owned.observation;
        assert_eq!(owned.reference.volume, format!("volume-{n}"));
        assert_eq!(seen.objects, Objects::Complete);
        let size_gb = u32::try_from(n).unwrap() + 1;
        assert_eq!(seen.volume, ObservedVolume::Bound { size_gb });
        let reason = seen.pod.as_ref().unwrap().reason.as_ref().unwrap();
        assert!(reason.detail.ends_with(&format!("-{n}")), "{reason:?}");
    }
    let asked = |path: &str| {
        let all = log.all().into_iter();
        all.filter(|request| request.path.ends_with(path)).count()
    };
    assert_eq!(asked("/pods"), PAGES, "only its own pods");
    assert_eq!(asked("/persistentvolumeclaims"), PAGES);
    // About pods, claims, and autoscalers, which report nothing.
    assert_eq!(asked("/events"), 2 * PAGES + 1);
    assert_eq!(asked("/nodes"), 0, "GPUs are asked for apart");
}

#[tokio::test(start_paused = true)]
async fn a_page_that_does_not_come_is_a_time_out() {
    let (cluster, _) = cluster(Duration::from_secs(30), |request| {
        if request.query.contains("continue=20") {
            Reply::Never
        } else {
            Reply::Json(200, page(request))
        }
    });
    let error = cluster.inventory().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Timeout);
}
