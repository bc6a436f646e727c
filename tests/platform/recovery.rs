//! Failures in the cluster, and recovery from them.

use std::time::Duration;

use neuropod::cluster::{ReasonCode, Step};
use neuropod::money::PricePolicy;
use neuropod::sim::faults::{Fault, Faults};
use neuropod::sim::{Mishap, Settings};
use neuropod::{Actor, Money, PodStore, PriceList, Status};
use tokio::time::sleep;

use crate::common::{Driver, World, eventually, request, until, until_status};

#[tokio::test(start_paused = true)]
async fn the_reason_is_shown_and_passes() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let _driver = Driver::start(&platform);
    let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
    world.cluster.inject(&pod.id, Mishap::ImageMissing);
    let failed = until_status(&platform, &world.ana, &pod.id, Status::Error).await;
    assert_eq!(failed.reason.as_ref().unwrap().code, ReasonCode::ImageNotFound);
    assert_eq!(failed.charged, Money::ZERO);
    world.cluster.clear_mishaps(&pod.id);
    let running = until_status(&platform, &world.ana, &pod.id, Status::Running).await;
    assert_eq!(running.reason, None);
}

#[tokio::test(start_paused = true)]
async fn a_failing_pod_is_stopped_and_its_hold_released() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let _driver = Driver::start(&platform);
    let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
    world.cluster.inject(&pod.id, Mishap::ImageMissing);
    sleep(Duration::from_mins(31)).await;
    let failed = until(&platform, &world.ana, &pod.id, |pod| pod.step == Step::Stopped).await;
    assert_eq!(
        (failed.status, failed.reason.unwrap().code),
        (Status::Error, ReasonCode::GaveUp)
    );
    assert_eq!(world.money().await, (Money::from_cents(1000), Money::ZERO));
    assert_eq!(world.cluster.objects().len(), 0);
    world.cluster.clear_mishaps(&pod.id);
    platform.start(&world.ana, &pod.id).await.unwrap();
    until_status(&platform, &world.ana, &pod.id, Status::Running).await;
}

#[tokio::test(start_paused = true)]
async fn an_evicted_pod_comes_back_on_its_volume() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let _driver = Driver::start(&platform);
    let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
    until_status(&platform, &world.ana, &pod.id, Status::Running).await;
    world.cluster.inject(&pod.id, Mishap::Evicted);
    let evicted = until(&platform, &world.ana, &pod.id, |pod| {
        pod.status == Status::Creating
    })
    .await;
    assert_eq!(evicted.reason.unwrap().code, ReasonCode::Evicted);
    until_status(&platform, &world.ana, &pod.id, Status::Running).await;
    assert_eq!(world.cluster.volumes().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn deleted_objects_are_recreated_and_objects_without_a_record_removed() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let _driver = Driver::start(&platform);
    let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
    until_status(&platform, &world.ana, &pod.id, Status::Running).await;
    let objects = world.cluster.objects();
    let service = objects
        .iter()
        .find(|key| key.name.ends_with("-service"))
        .unwrap()
        .clone();
    world.cluster.delete_by_hand(&service);
    eventually("the service is back", async || world.cluster.objects() == objects).await;

    // A record that disappears without its pod, as with a store restored from an old backup.
    let record = world.store.get(&pod.id).await.unwrap().unwrap();
    world.store.remove(&pod.id, record.version).await.unwrap();
    eventually("the orphan is gone", async || world.cluster.objects().is_empty()).await;
    assert_eq!(
        world.cluster.volumes().len(),
        1,
        "nobody asked for the volume to go"
    );
}

#[tokio::test(start_paused = true)]
async fn an_unwritable_record_does_not_block_the_others() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let driver = Driver::start(&platform);
    let first = platform.create(&world.ana, &request("One")).await.unwrap();
    let second = platform.create(&world.ana, &request("Two")).await.unwrap();
    for pod in [&first, &second] {
        until_status(&platform, &world.ana, &pod.id, Status::Running).await;
    }
    let prices = PriceList::default();
    platform.set_prices(&Actor::admin("root"), &prices).await.unwrap();
    drop(driver);
    let record = world.store.get(&second.id).await.unwrap().unwrap();
    world.store.remove(&second.id, record.version).await.unwrap();
    // The price of the first is outdated, and its record can't be written.
    let faults = Faults::lasting(1, Fault::Conflict, Duration::from_mins(10));
    let platform = world
        .parts()
        .price_policy(PricePolicy::Current)
        .store(faults.store(world.store.clone()))
        .build()
        .unwrap();
    let _driver = Driver::start(&platform);
    sleep(Duration::from_mins(1)).await;
    assert_eq!(world.cluster.pod(&second.id), None, "it has no record");
    assert!(world.cluster.pod(&first.id).is_some());
}
