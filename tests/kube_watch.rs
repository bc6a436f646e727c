//! The watch and the deadlines of `KubeCluster` while the API server is stopped, forgets versions and falls
//! silent. Each test has its own control plane to stop.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod kube;

use std::time::Duration;

use futures::StreamExt;
use futures::stream::BoxStream;
use neuropod_core::cluster::{ClusterEvent, ObservedPod, VolumePolicy};
use neuropod_core::sim::Mishap;
use neuropod_core::{ClusterBackend, ErrorKind, PodId};
use neuropod_test_cluster::{TestCluster, skip};
use tokio::time::{Instant, timeout};

use self::kube::{LIMIT, Site, workload};

/// A control plane of the test's own.
fn own(test: &str) -> Option<TestCluster> {
    match TestCluster::control_plane() {
        Ok(cluster) if cluster.own_control_plane().is_some() => Some(cluster),
        Ok(_) => {
            skip(test, "the cluster is not ours to stop");
            None
        }
        Err(error) if error.is_unavailable() => {
            skip(test, &error.to_string());
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// The next event about a pod, or that the watch has caught up, in time.
async fn next(changes: &mut BoxStream<'static, ClusterEvent>) -> ClusterEvent {
    loop {
        let event = timeout(LIMIT, changes.next()).await;
        let event = event.expect("an event in time").expect("the watch goes on");
        if !matches!(event, ClusterEvent::Altered | ClusterEvent::Alive) {
            return event;
        }
    }
}

/// Everything until the watch has caught up.
async fn until_synced(changes: &mut BoxStream<'static, ClusterEvent>) -> Vec<ClusterEvent> {
    let mut events = Vec::new();
    loop {
        match next(changes).await {
            ClusterEvent::Synced => return events,
            event => events.push(event),
        }
    }
}

fn changed(events: &[ClusterEvent], id: &PodId) -> Vec<ObservedPod> {
    let changed = events.iter().filter_map(|event| match event {
        ClusterEvent::Changed { pod_id, pod } if pod_id == id => Some(pod.clone()),
        _ => None,
    });
    changed.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_event_is_lost_or_invented_while_the_api_server_is_down() {
    let Some(cluster) = own("kube_watch/no_event_is_lost_or_invented_while_the_api_server_is_down") else {
        return;
    };
    let control_plane = cluster.own_control_plane().unwrap();
    let site = Site::new(&cluster).await;
    let (same, changes_meanwhile, goes) = (workload("same", 1), workload("changes", 1), workload("goes", 1));
    for workload in [&same, &changes_meanwhile, &goes] {
        site.backend.apply(workload).await.unwrap();
    }
    let mut changes = site.backend.watch();
    let first = until_synced(&mut changes).await;
    assert_eq!(first.len(), 3, "{first:?}");
    // A request without a reply is retried, and then the watch does not break.
    appears(&site, &mut changes).await;

    // The API server comes back, and pods change before the watch notices, because its pauses grow.
    control_plane.stop_api_server();
    control_plane.start_api_server().unwrap();
    let kubelet = site.kubelet();
    kubelet
        .inject(&changes_meanwhile.reference.name, Mishap::CrashLoop)
        .await;
    let gone = site
        .backend
        .remove(&goes.reference, VolumePolicy::Keep)
        .await
        .unwrap();
    assert!(gone.pod.is_none());
    let mut events = until_synced(&mut changes).await;
    while !events
        .iter()
        .any(|event| matches!(event, ClusterEvent::Gone { .. }))
    {
        events.push(next(&mut changes).await);
    }
    assert_eq!(
        changed(&events, &same.reference.pod_id),
        [],
        "nothing happened to it"
    );
    let crashed = changed(&events, &changes_meanwhile.reference.pod_id);
    let reason = crashed.last().and_then(|pod| pod.reason.as_ref());
    assert!(reason.is_some(), "{crashed:?}");
    let ends = events
        .iter()
        .filter(|event| matches!(event, ClusterEvent::Gone { .. }));
    let ends: Vec<_> = ends.collect();
    let [ClusterEvent::Gone { pod_id, .. }] = ends[..] else {
        panic!("one pod went: {ends:?}");
    };
    assert_eq!(*pod_id, goes.reference.pod_id);

    appears(&site, &mut changes).await;
}

/// Creates a pod and waits until the watch reports it.
async fn appears(site: &Site, changes: &mut BoxStream<'static, ClusterEvent>) {
    let workload = workload("another", 1);
    site.backend.apply(&workload).await.unwrap();
    loop {
        if let ClusterEvent::Changed { pod_id, .. } = next(changes).await
            && pod_id == workload.reference.pod_id
        {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_end_in_time_when_nothing_responds() {
    let Some(cluster) = own("kube_watch/calls_end_in_time_when_nothing_responds") else {
        return;
    };
    let control_plane = cluster.own_control_plane().unwrap();
    let site = Site::new(&cluster).await;
    let deadline = Duration::from_secs(3);
    let backend = site.another(|config| config.deadline = deadline);
    let workload = workload("lab", 1);
    backend.check_setup().await.unwrap();
    control_plane.pause_etcd().unwrap();
    let started = Instant::now();
    let error = backend.apply(&workload).await.unwrap_err();
    let took = started.elapsed();
    control_plane.resume_etcd().unwrap();
    assert_eq!(*error.kind(), ErrorKind::Timeout, "{error}");
    assert!(error.is_retryable());
    assert!(took < deadline + Duration::from_secs(2), "{took:?}");

    control_plane.stop_api_server();
    let error = backend.observe(&workload.reference).await.unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Timeout),
        "{error}"
    );
    assert!(error.is_retryable());
}

#[tokio::test]
async fn a_watch_ends_with_its_backend() {
    let Some(cluster) = kube::cluster("kube_watch/a_watch_ends_with_its_backend") else {
        return;
    };
    let site = Site::new(cluster).await;
    let mut changes = site.backend.watch();
    until_synced(&mut changes).await;
    drop(site.backend);
    assert_eq!(timeout(LIMIT, changes.next()).await.unwrap(), None);
}
