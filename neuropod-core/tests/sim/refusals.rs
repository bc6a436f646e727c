use std::time::Duration;

use neuropod_core::cluster::VolumePolicy;
use neuropod_core::sim::{CallError, Method, Mishap, Settings, SimCluster};
use neuropod_core::{ClusterBackend, ErrorKind};
use tokio::time::timeout;

use crate::fixture::{cluster, millis, start, workload};

#[tokio::test(start_paused = true)]
async fn injected_errors_fail_as_many_calls_as_requested() {
    let cluster = cluster();
    cluster.inject_error(CallError {
        method: Some(Method::Apply),
        times: 2,
        kind: ErrorKind::Unavailable,
        after_effect: false,
    });
    let reference = workload(1).reference;
    assert!(cluster.observe(&reference).await.is_ok(), "other calls go on");
    for _ in 0..2 {
        let error = cluster.apply(&workload(1)).await.unwrap_err();
        assert!(error.is_retryable());
        assert_eq!(cluster.objects(), [], "it had no effect");
    }
    cluster.apply(&workload(1)).await.unwrap();
    cluster.inject_error(CallError {
        method: None,
        times: 1,
        kind: ErrorKind::RateLimited,
        after_effect: false,
    });
    let error = cluster.usage().await.unwrap_err();
    assert_eq!(
        error.retry_after(),
        Some(Duration::from_secs(1)),
        "as the API server says it"
    );
}

#[tokio::test(start_paused = true)]
async fn a_result_may_be_lost_after_the_effect() {
    let cluster = cluster();
    let lost = |method| CallError {
        method: Some(method),
        times: 1,
        kind: ErrorKind::Timeout,
        after_effect: true,
    };
    cluster.inject_error(lost(Method::Apply));
    assert_eq!(
        *cluster.apply(&workload(1)).await.unwrap_err().kind(),
        ErrorKind::Timeout
    );
    assert_eq!(cluster.objects().len(), 7);
    cluster.inject_error(lost(Method::Remove));
    assert!(
        cluster
            .remove(&workload(1).reference, VolumePolicy::Delete)
            .await
            .is_err()
    );
    assert_eq!((cluster.objects(), cluster.volumes()), (vec![], vec![]));
}

#[tokio::test(start_paused = true)]
async fn a_call_takes_time_and_one_dropped_early_has_no_effect() {
    let slow = SimCluster::new(Settings {
        latency: Duration::from_secs(3),
        ..Settings::default()
    });
    let given_up = timeout(Duration::from_secs(2), slow.apply(&workload(1))).await;
    assert!(given_up.is_err());
    assert_eq!((slow.objects(), slow.calls()), (vec![], vec![]));
    let late = timeout(Duration::from_secs(5), slow.apply(&workload(1))).await;
    assert!(late.is_err(), "given up between effect and answer");
    assert_eq!(slow.objects().len(), 7);
    assert_eq!(millis(&slow), 7000);
}

#[tokio::test(start_paused = true)]
async fn calls_are_recorded() {
    let cluster = cluster();
    cluster.apply(&workload(1)).await.unwrap();
    cluster.inventory().await.unwrap();
    let calls: Vec<_> = cluster
        .calls()
        .into_iter()
        .map(|call| (call.method, call.name))
        .collect();
    assert_eq!(
        calls,
        [
            (Method::Apply, Some("pod-1".to_owned())),
            (Method::Inventory, None)
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn only_running_pods_have_usage() {
    let cluster = cluster();
    start(&cluster, &workload(1)).await;
    cluster.apply(&workload(2)).await.unwrap();
    let usage = cluster.usage().await.unwrap();
    let usage: Vec<_> = usage
        .iter()
        .map(|usage| (usage.pod_id.as_str(), usage.cpu_millis, usage.gpu_percent))
        .collect();
    assert_eq!(usage, [("0000000000000001", Some(400), Some(10.0))]);
}

#[tokio::test(start_paused = true)]
async fn one_pod_is_refused_and_the_others_are_created() {
    let table = [
        (Mishap::QuotaUsedUp, ErrorKind::QuotaExceeded, false),
        (Mishap::QuotaOfWebhook, ErrorKind::Rejected, false),
        (Mishap::SizeNotAllowed, ErrorKind::QuotaExceeded, false),
        (Mishap::LimitNotSet, ErrorKind::Rejected, false),
        (Mishap::AdmissionDenied, ErrorKind::Rejected, false),
        (Mishap::NotSetUp, ErrorKind::NotConfigured, false),
        (Mishap::ApiUnavailable, ErrorKind::Unavailable, true),
    ];
    for (mishap, kind, retryable) in table {
        let cluster = cluster();
        let refused = workload(1);
        cluster.inject(&refused.reference.pod_id, mishap);
        let error = cluster.apply(&refused).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.is_retryable()),
            (&kind, retryable),
            "{mishap:?}"
        );
        assert_eq!(cluster.objects(), [], "{mishap:?}: nothing was made");
        start(&cluster, &workload(2)).await;
        cluster.clear_mishaps(&refused.reference.pod_id);
        start(&cluster, &refused).await;
    }
}
