//! What subscribers are told.

use futures::{FutureExt, StreamExt};
use neuropod::sim::Settings;
use neuropod::{PodStore, Step, Update, VolumePolicy};

use crate::common::{Driver, World, eventually, request};

#[tokio::test(start_paused = true)]
async fn a_subscriber_sees_every_change_in_order() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let _driver = Driver::start(&platform);
    let mut updates = platform.subscribe(&world.ana);
    assert!(matches!(
        updates.next().await.unwrap().unwrap(),
        Update::Snapshot { .. }
    ));
    let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
    let mut versions = Vec::new();
    let mut steps = Vec::new();
    while steps.last() != Some(&Step::Ready) {
        let Update::Changed(pod) = updates.next().await.unwrap().unwrap() else {
            panic!("a change")
        };
        versions.push(pod.version);
        steps.push(pod.step);
    }
    assert!(versions.is_sorted(), "{versions:?}");
    steps.dedup();
    assert_eq!(
        steps,
        [
            Step::Accepted,
            Step::Scheduling,
            Step::Preparing,
            Step::PullingImage,
            Step::Starting,
            Step::Ready
        ]
    );
    platform
        .delete(&world.ana, &pod.id, VolumePolicy::Keep)
        .await
        .unwrap();
    loop {
        match updates.next().await.unwrap().unwrap() {
            Update::Deleted(id) => break assert_eq!(id, pod.id),
            Update::Changed(_) => {}
            other => panic!("{other:?}"),
        }
    }
    eventually("it is gone", async || {
        world.store.get(&pod.id).await.unwrap().is_none()
    })
    .await;
    assert!(updates.next().now_or_never().is_none(), "it is deleted once");
}

#[tokio::test(start_paused = true)]
async fn a_slow_subscriber_is_told_and_gets_a_snapshot() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
    let mut updates = platform.subscribe(&world.ana);
    updates.next().await.unwrap().unwrap();
    for _ in 0..2000 {
        platform.restart(&world.ana, &pod.id).await.unwrap();
    }
    let latest = platform.get(&world.ana, &pod.id).await.unwrap();
    let Update::Snapshot { pods, missed } = updates.next().await.unwrap().unwrap() else {
        panic!("a snapshot")
    };
    assert!(missed > 0);
    assert_eq!(pods, [latest]);
    assert!(updates.next().now_or_never().is_none(), "nothing older follows");
}
