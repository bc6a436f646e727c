//! Faults at the n-th call, over a simulated cluster and mocks of store and accounts.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use neuropod_core::cluster::{ClusterEvent, LogOptions, VolumePolicy};
use neuropod_core::money::BillingExt;
use neuropod_core::money::billing::MockBilling;
use neuropod_core::sim::faults::{Fault, Faults};
use neuropod_core::store::MockPodStore;
use neuropod_core::{ClusterBackend, ErrorKind, Money, PodId, UserId};
use tokio::time::{sleep, timeout};

use crate::fixture::{cluster, start, workload};

/// Longer than any call that returns.
const LONG: Duration = Duration::from_hours(1);

#[tokio::test(start_paused = true)]
async fn calls_into_cluster_store_and_accounts_are_counted_together() {
    let faults = Faults::at_call(3, Fault::ErrorBefore);
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
        .hold_amount("key", &UserId::new("ana"), Money::ZERO)
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
async fn each_fault_occurs_before_or_after_the_effect() {
    for fault in Fault::ALL {
        let inner = cluster();
        let faults = Faults::at_call(1, fault);
        let backend = faults.cluster(Arc::new(inner.clone()));
        let answer = timeout(LONG, backend.apply(&workload(1))).await;
        let (took_effect, kind) = match fault {
            Fault::ErrorBefore => (false, Some(ErrorKind::Unavailable)),
            Fault::ErrorAfter => (true, Some(ErrorKind::Timeout)),
            Fault::RateLimited => (false, Some(ErrorKind::RateLimited)),
            Fault::Unexpected => (false, Some(ErrorKind::Unexpected)),
            Fault::Conflict => (false, Some(ErrorKind::Conflict)),
            Fault::Refused => (false, Some(ErrorKind::Rejected)),
            Fault::Quota => (false, Some(ErrorKind::QuotaExceeded)),
            Fault::CrashBefore => (false, None),
            // The cluster has no accounts.
            Fault::CrashAfter | Fault::Late | Fault::NoMoney => (true, None),
        };
        assert_eq!(!inner.objects().is_empty(), took_effect, "{fault:?}");
        assert_eq!(
            (answer.is_err(), faults.has_crashed()),
            (fault.is_crash(), fault.is_crash()),
            "{fault:?}"
        );
        let answered = answer
            .ok()
            .and_then(Result::err)
            .map(|error| error.kind().clone());
        assert_eq!(answered, kind, "{fault:?}");
        let injected = (fault != Fault::NoMoney).then_some("cluster.apply");
        assert_eq!(faults.injected(), injected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_lasting_fault_affects_every_call_it_concerns_until_it_ends() {
    let inner = cluster();
    let faults = Faults::lasting(2, Fault::Refused, Duration::from_mins(1));
    let backend = faults.cluster(Arc::new(inner));
    backend.apply(&workload(1)).await.unwrap();
    backend.usage().await.unwrap();
    for _ in 0..3 {
        let error = backend.apply(&workload(2)).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Rejected);
        backend.observe(&workload(2).reference).await.unwrap();
    }
    sleep(Duration::from_mins(1)).await;
    backend.apply(&workload(2)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn random_faults_repeat_with_their_seed_and_end_when_healed() {
    let errors = async |seed| {
        let faults = Faults::random(seed, 300);
        let backend = faults.cluster(Arc::new(cluster()));
        let mut errors = Vec::new();
        for _ in 0..100 {
            let answer = backend.apply(&workload(1)).await;
            errors.push(answer.err().map(|error| error.kind().clone()));
        }
        faults.heal();
        for _ in 0..100 {
            backend.apply(&workload(1)).await.unwrap();
        }
        errors
    };
    let (first, again, other) = (errors(1).await, errors(1).await, errors(2).await);
    assert_eq!(first, again);
    assert_ne!(first, other);
    let failed = first.iter().flatten().count();
    assert!((10..50).contains(&failed), "{failed} of 100");
}

#[tokio::test(start_paused = true)]
async fn after_a_crash_nothing_returns_or_has_an_effect() {
    let inner = cluster();
    start(&inner, &workload(1)).await;
    let faults = Faults::at_call(5, Fault::CrashBefore);
    let mut billing = MockBilling::new();
    billing.expect_release().times(0);
    let billing = faults.billing(Arc::new(billing));
    let backend = faults.cluster(Arc::new(inner.clone()));
    let mut events = backend.watch();
    events.next().await.unwrap();
    let follow = LogOptions::default().with_follow();
    let mut log = backend.logs(&workload(1).reference, follow).await.unwrap();
    log.next().await.unwrap().unwrap();
    assert_eq!(faults.calls(), 4);

    let story = async {
        tokio::join!(backend.inventory(), async {
            // In flight when the process ends: it may take effect, but does not return.
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
async fn a_fault_of_the_watch_is_a_gap_after_which_changes_are_reported() {
    let inner = cluster();
    start(&inner, &workload(1)).await;
    // 1 opens it, 2 and 3 are the existing pod and Synced, 4 is the next event.
    let faults = Faults::at_call(4, Fault::ErrorAfter);
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
    let faults = Faults::at_call(3, Fault::ErrorBefore);
    let backend = faults.cluster(Arc::new(inner));
    let log = backend
        .logs(&workload(1).reference, LogOptions::default())
        .await
        .unwrap();
    let lines: Vec<_> = log.collect().await;
    assert_eq!(lines.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false]);
}
