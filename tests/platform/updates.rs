//! The updates that subscribers receive.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::{FutureExt, StreamExt};
use neuropod::cluster::{Step, VolumePolicy};
use neuropod::sim::faults::{Fault, Faults};
use neuropod::sim::{Method, Settings};
use neuropod::{Actor, PodId, PodStore, Status, Update};
use tokio::time::{Instant, sleep};

use crate::common::counting::CountingStore;
use crate::common::{Driver, World, eventually, request, until, until_status};

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

/// A resync takes a while with many pods. What it read before a deletion is not news after it.
#[tokio::test(start_paused = true)]
async fn a_pod_that_goes_while_everything_is_read_does_not_come_back() {
    let world = World::new(Settings::default()).await;
    let store = CountingStore::new(&world);
    let platform = world.parts_without_store().pods(store.clone()).build().unwrap();
    let _driver = Driver::start(&platform);
    let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
    until_status(&platform, &world.ana, &pod.id, Status::Running).await;
    // Nothing has to be done for it, so no pass would find out later.
    platform.stop(&world.ana, &pod.id).await.unwrap();
    until_status(&platform, &world.ana, &pod.id, Status::Stopped).await;

    let on_its_way = Duration::from_mins(2);
    store.set_list_latency(on_its_way);
    let lists = world.count(Method::Inventory);
    world.cluster.break_watch_for(Duration::from_secs(1));
    eventually("the cluster is listed, and then the records", async || {
        world.count(Method::Inventory) > lists
    })
    .await;
    sleep(Duration::from_secs(5)).await;
    store.set_list_latency(Duration::ZERO);
    let volume = VolumePolicy::Keep;
    platform.delete(&world.ana, &pod.id, volume).await.unwrap();
    eventually("it is gone", async || {
        world.store.get(&pod.id).await.unwrap().is_none()
    })
    .await;
    let mut updates = platform.subscribe(&world.ana);
    updates.next().await.unwrap().unwrap();
    sleep(on_its_way).await;
    let more = updates.next().now_or_never();
    assert!(more.is_none(), "{more:?}");
}

/// Counts what is read of a store: the snapshot of a subscriber, and no more, however far behind it was.
#[tokio::test(start_paused = true)]
async fn a_slow_subscriber_gets_each_pod_once_and_reads_no_snapshot_again() {
    let world = World::new(Settings::default()).await;
    let rich = Actor::client("rich");
    world.pay_in(&rich, 1_000_000).await;
    let faults = Faults::none();
    let store = faults.store(world.store.clone());
    let platform = world.parts().store(store).build().unwrap();
    let mut updates = platform.subscribe(&rich);
    updates.next().await.unwrap().unwrap();
    let mut pods = Vec::new();
    for number in 0..20 {
        let request = request(&format!("Training {number}"));
        pods.push(platform.create(&rich, &request).await.unwrap().id);
    }
    for _ in 0..100 {
        for pod in &pods {
            platform.restart(&rich, pod).await.unwrap();
        }
    }
    let calls = faults.calls();
    for pod in &pods {
        let Update::Changed(shown) = updates.next().await.unwrap().unwrap() else {
            panic!("a change")
        };
        assert_eq!(&shown.id, pod);
        assert_eq!(*shown, world.store.get(pod).await.unwrap().unwrap(), "the latest");
    }
    assert!(updates.next().now_or_never().is_none(), "nothing older follows");
    assert_eq!(faults.calls(), calls, "the store is not asked again");
}

/// The pods that a subscriber shows after all updates so far.
fn shown(
    updates: &mut (impl StreamExt<Item = neuropod::Result<Update>> + Unpin),
    pods: &mut BTreeSet<PodId>,
) {
    while let Some(update) = updates.next().now_or_never().flatten() {
        match update.unwrap() {
            Update::Snapshot { pods: all } => *pods = all.into_iter().map(|pod| pod.id).collect(),
            Update::Changed(pod) => drop(pods.insert(pod.id)),
            Update::Deleted(id) => drop(pods.remove(&id)),
            _ => {}
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_deletion_by_another_replica_is_seen_here_too() {
    let world = World::new(Settings::default()).await;
    let (here, there) = (world.platform(), world.platform());
    let _drivers = (Driver::start(&here), Driver::start(&there));
    let mut updates = here.subscribe(&world.ana);
    let mut pods = BTreeSet::new();
    let running = there.create(&world.ana, &request("Running")).await.unwrap();
    let stopped = there.create(&world.ana, &request("Stopped")).await.unwrap();
    for pod in [&running, &stopped] {
        until_status(&here, &world.ana, &pod.id, Status::Running).await;
    }
    there.stop(&world.ana, &stopped.id).await.unwrap();
    until(&here, &world.ana, &stopped.id, |pod| pod.step == Step::Stopped).await;
    shown(&mut updates, &mut pods);
    assert_eq!(pods.len(), 2);
    for pod in [&running, &stopped] {
        there
            .delete(&world.ana, &pod.id, VolumePolicy::Keep)
            .await
            .unwrap();
    }
    // At the latest with the next full resync.
    let end = Instant::now() + Duration::from_mins(6);
    while !pods.is_empty() {
        assert!(Instant::now() < end, "{pods:?} are still shown");
        sleep(Duration::from_secs(1)).await;
        shown(&mut updates, &mut pods);
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_acknowledged_change_does_not_restore_a_deleted_pod() {
    let world = World::new(Settings::default()).await;
    let create = request("Training");
    // One reply of the store after the other is late.
    for n in 1.. {
        let faults = Faults::at_call(n, Fault::Late);
        let platform = world
            .parts()
            .store(faults.store(world.store.clone()))
            .build()
            .unwrap();
        let driver = Driver::start(&platform);
        let mut updates = platform.subscribe(&world.ana);
        let mut pods = BTreeSet::new();
        let pod = platform.create(&world.ana, &create).await.unwrap();
        until_status(&world.platform(), &world.ana, &pod.id, Status::Running).await;
        shown(&mut updates, &mut pods);
        platform
            .delete(&world.ana, &pod.id, VolumePolicy::Keep)
            .await
            .unwrap();
        eventually("it is gone", async || {
            world.store.get(&pod.id).await.unwrap().is_none()
        })
        .await;
        sleep(Fault::LATENESS * 2).await;
        shown(&mut updates, &mut pods);
        assert_eq!(pods, BTreeSet::new(), "{faults:?}");
        drop(driver);
        if faults.injected().is_none() {
            break;
        }
    }
}
