//! Faults at the n-th call, over a simulated cluster and mocks of store and accounts.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use neuropod_core::billing::MockBilling;
use neuropod_core::sim::faults::{Fault, Faults};
use neuropod_core::store::MockPodStore;
use neuropod_core::{
    BillingExt, ClusterBackend, ClusterEvent, ErrorKind, LogOptions, Money, PodId, UserId, VolumePolicy,
};
use tokio::time::timeout;

use crate::fixture::{cluster, start, workload};

/// Longer than any call that returns.
const LONG: Duration = Duration::from_hours(1);

#[tokio::test(start_paused = true)]
async fn calls_into_cluster_store_and_accounts_are_counted_together() {
    let faults = Faults::at(3, Fault::ErrorBefore);
    let mut store = MockPodStore::new();
    store.expect_get().times(1).returning(|_| Ok(None));
    let mut billing = MockBilling::new();
    billing.expect_release().times(1).returning(|_| Ok(()));
    billing.expect_hold().times(0);
    let cluster = faults.cluster(Arc::new(cluster()));
    let (store, billing) = (faults.store(Arc::new(store)), faults.billing(Arc::new(billing)));

    cluster.usage().await.unwrap();
    store.get(&PodId::from_bits(1)).await.unwrap();
    let error = billing
        .reserve("key", &UserId::new("ana"), Money::ZERO)
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.is_retryable()),
        (&ErrorKind::Unavailable, true)
    );
    billing.release("key").await.unwrap();
    let names: Vec<_> = (1..=4).map(|n| faults.call(n).unwrap()).collect();
    assert_eq!(
        names,
        ["cluster.usage", "store.get", "billing.hold", "billing.release"]
    );
    assert_eq!(
        (faults.calls(), faults.call(5), faults.has_crashed()),
        (4, None, false)
    );
}

#[tokio::test(start_paused = true)]
async fn each_fault_strikes_before_or_after_the_effect() {
    for fault in Fault::ALL {
        let inner = cluster();
        let faults = Faults::at(1, fault);
        let backend = faults.cluster(Arc::new(inner.clone()));
        let answer = timeout(LONG, backend.apply(&workload(1))).await;
        let took_effect = matches!(fault, Fault::ErrorAfter | Fault::CrashAfter);
        assert_eq!(inner.objects().is_empty(), !took_effect, "{fault:?}");
        let crashes = matches!(fault, Fault::CrashBefore | Fault::CrashAfter);
        assert_eq!(
            (answer.is_err(), faults.has_crashed()),
            (crashes, crashes),
            "{fault:?}"
        );
        match (fault, answer) {
            (Fault::ErrorBefore, Ok(answer)) => {
                assert_eq!(*answer.unwrap_err().kind(), ErrorKind::Unavailable);
            }
            (Fault::ErrorAfter, Ok(answer)) => assert_eq!(*answer.unwrap_err().kind(), ErrorKind::Timeout),
            _ => {}
        }
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_crash_nothing_returns_or_has_an_effect() {
    let inner = cluster();
    start(&inner, &workload(1)).await;
    let faults = Faults::at(5, Fault::CrashBefore);
    let mut billing = MockBilling::new();
    billing.expect_release().times(0);
    let billing = faults.billing(Arc::new(billing));
    let backend = faults.cluster(Arc::new(inner.clone()));
    let mut events = backend.watch();
    events.next().await.unwrap();
    let follow = LogOptions {
        follow: true,
        ..LogOptions::default()
    };
    let mut log = backend.logs(&workload(1).reference, follow).await.unwrap();
    log.next().await.unwrap().unwrap();
    assert_eq!(faults.calls(), 4);

    let story = async {
        tokio::join!(backend.inventory(), async {
            // In flight when the process ends: it may take effect, and does not return.
            backend.apply(&workload(2)).await
        })
    };
    tokio::select! {
        () = faults.crashed() => {}
        _ = story => panic!("a process that has ended went on"),
    }
    assert!(timeout(LONG, backend.apply(&workload(3))).await.is_err());
    assert!(timeout(LONG, billing.release("key")).await.is_err());
    assert!(timeout(LONG, events.next()).await.is_err());
    assert!(timeout(LONG, log.next()).await.is_err());
    assert!(timeout(LONG, backend.watch().next()).await.is_err());
    assert_eq!(inner.pod(&workload(3).reference.pod_id), None);
    assert_eq!(
        faults.calls(),
        5,
        "what a process that has ended would have done does not count"
    );
}

#[tokio::test(start_paused = true)]
async fn a_fault_of_the_watch_is_a_gap_after_which_the_differences_are_told() {
    let inner = cluster();
    start(&inner, &workload(1)).await;
    // 1 opens it, 2 and 3 are the pod that is there and Synced, 4 is the next event.
    let faults = Faults::at(4, Fault::ErrorAfter);
    let mut events = faults.cluster(Arc::new(inner.clone())).watch();
    assert!(matches!(
        events.next().await.unwrap(),
        ClusterEvent::Changed { .. }
    ));
    assert_eq!(events.next().await.unwrap(), ClusterEvent::Synced);
    inner
        .remove(&workload(1).reference, VolumePolicy::Keep)
        .await
        .unwrap();
    inner.apply(&workload(2)).await.unwrap();
    let pod_id = |number| workload(number).reference.pod_id;
    match events.next().await.unwrap() {
        ClusterEvent::Gone { pod_id: gone, .. } => {
            assert_eq!(gone, pod_id(1), "its termination was lost in the gap");
        }
        other => panic!("{other:?}"),
    }
    match events.next().await.unwrap() {
        ClusterEvent::Changed { pod_id: changed, .. } => assert_eq!(changed, pod_id(2)),
        other => panic!("{other:?}"),
    }
    assert_eq!(events.next().await.unwrap(), ClusterEvent::Synced);
}

#[tokio::test(start_paused = true)]
async fn a_fault_of_a_log_ends_it_with_an_error() {
    let inner = cluster();
    start(&inner, &workload(1)).await;
    let faults = Faults::at(3, Fault::ErrorBefore);
    let backend = faults.cluster(Arc::new(inner));
    let log = backend
        .logs(&workload(1).reference, LogOptions::default())
        .await
        .unwrap();
    let lines: Vec<_> = log.collect().await;
    assert_eq!(lines.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false]);
}
