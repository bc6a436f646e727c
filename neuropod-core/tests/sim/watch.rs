use std::time::Duration;

use futures::StreamExt;
use neuropod_core::ClusterBackend;
use neuropod_core::cluster::{ClusterEvent, Phase, VolumePolicy};
use neuropod_core::sim::{Mishap, Settings, SimCluster};

use crate::fixture::{Events, cluster, start, workload};

#[tokio::test(start_paused = true)]
async fn a_slow_watch_reports_everything_later_and_in_order() {
    let slow = SimCluster::new(Settings {
        watch_delay: Duration::from_secs(10),
        latency: Duration::ZERO,
        ..Settings::default()
    });
    let mut events = Events::of(&slow);
    slow.apply(&workload(1)).await.unwrap();
    let (at, pod) = events.until(|pod| pod.phase == Phase::Running).await;
    assert_eq!((at, pod.ready), (11_300, false), "although it is ready by now");
    let (at, pod) = events.until(|_| true).await;
    assert_eq!((at, pod.ready), (12_000, true));
    slow.inject(&workload(1).reference.pod_id, Mishap::Evicted);
    slow.delay_watch(Duration::ZERO);
    slow.remove(&workload(1).reference, VolumePolicy::Keep)
        .await
        .unwrap();
    let (at, pod) = events.until(|_| true).await;
    assert_eq!((at, pod.phase), (22_000, Phase::Ended), "nothing overtakes");
    assert_eq!(events.until_gone().await, 22_000);
}

#[tokio::test(start_paused = true)]
async fn a_broken_watch_reconnects_by_itself_and_reports_the_changes() {
    let cluster = cluster();
    start(&cluster, &workload(1)).await;
    let mut events = Events::of(&cluster);
    while events.next().await.1 != ClusterEvent::Synced {}
    cluster.break_watch_for(Duration::from_mins(1));
    cluster
        .remove(&workload(1).reference, VolumePolicy::Keep)
        .await
        .unwrap();
    cluster.apply(&workload(2)).await.unwrap();
    let mut late = Events::of(&cluster);
    let (at, event) = events.next().await;
    assert!(
        at >= 60_000 && matches!(event, ClusterEvent::Gone { .. }),
        "{event:?}"
    );
    let (_, event) = events.next().await;
    let ready = |event: &ClusterEvent| matches!(event, ClusterEvent::Changed { pod, .. } if pod.ready);
    assert!(ready(&event), "one change for all that happened: {event:?}");
    assert_eq!(events.next().await.1, ClusterEvent::Synced);
    assert!(
        ready(&late.next().await.1),
        "one that was opened meanwhile begins with what is there"
    );
    assert_eq!(late.next().await.1, ClusterEvent::Synced);
}

#[tokio::test(start_paused = true)]
async fn a_watch_ends_with_its_cluster() {
    let cluster = cluster();
    let mut events = cluster.watch();
    assert_eq!(events.next().await, Some(ClusterEvent::Synced));
    drop(cluster);
    assert_eq!(events.next().await, None);
}
