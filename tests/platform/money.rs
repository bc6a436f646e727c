//! What is reserved and charged.

use std::time::Duration;

use neuropod::billing::Billing;
use neuropod::sim::{Incident, Settings};
use neuropod::{Actor, ErrorKind, Money, ReasonCode, Status, Step};
use tokio::time::sleep;

use crate::common::witness::ran;
use crate::common::{Driver, World, eventually, request, until, until_status};

#[tokio::test(start_paused = true)]
async fn time_is_charged_by_the_second_while_the_container_runs() {
    // Slow to start and with nothing to wait for at the end.
    let settings = Settings {
        pull: Duration::from_mins(20),
        terminate: Duration::ZERO,
        ..Settings::default()
    };
    let world = World::new(settings).await;
    let platform = world.platform();
    let _driver = Driver::start(&platform);
    let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
    until_status_late(&platform, &world.ana, &pod.id).await;
    sleep(Duration::from_hours(2)).await;
    platform.stop(&world.ana, &pod.id).await.unwrap();
    let stopped = until(&platform, &world.ana, &pod.id, |pod| pod.step == Step::Stopped).await;
    // 2.50 for the GPU and 0.20 for the disks per hour. It ran two hours and a few seconds.
    let charged = stopped.charged;
    let two_hours = Money::from_cents(540);
    assert!(
        charged >= two_hours && charged < two_hours + Money::from_cents(1),
        "{charged}"
    );
    assert_eq!(
        world.money().await,
        (Money::from_cents(1000) - charged, Money::ZERO)
    );
}

async fn until_status_late(platform: &neuropod::Platform, actor: &Actor, id: &neuropod::PodId) {
    eventually("the first 19 minutes", async || {
        platform.get(actor, id).await.unwrap().step == Step::PullingImage
    })
    .await;
    sleep(Duration::from_mins(19)).await;
    let pod = platform.get(actor, id).await.unwrap();
    assert_eq!(
        (pod.status, pod.charged),
        (Status::Creating, Money::ZERO),
        "waiting for an image is free"
    );
    until_status(platform, actor, id, Status::Running).await;
}

#[tokio::test(start_paused = true)]
async fn without_money_nothing_is_created() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let _driver = Driver::start(&platform);
    let poor = Actor::client("poor");
    world.pay_in(&poor, 100).await;
    let error = platform.create(&poor, &request("Training")).await.unwrap_err();
    assert_eq!(
        *error.kind(),
        ErrorKind::InsufficientFunds {
            required: Money::from_cents(270),
            available: Money::from_cents(100)
        }
    );
    let nobody = platform
        .create(&Actor::client("nobody"), &request("Training"))
        .await
        .unwrap_err();
    assert_eq!(
        *nobody.kind(),
        ErrorKind::NotFound,
        "without an account there is no pod"
    );
    sleep(Duration::from_mins(1)).await;
    assert_eq!(world.cluster.writes(), 0);
    assert!(
        platform
            .list(&Actor::admin("root"), &neuropod::ListOptions::default())
            .await
            .unwrap()
            .pods
            .is_empty()
    );
    assert_eq!(
        world.store.balance(&poor.id).await.unwrap().available,
        Money::from_cents(100)
    );
    // The name is free again.
    world.pay_in(&Actor::client("rich"), 10_000).await;
    platform
        .create(&Actor::client("rich"), &request("Training"))
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn when_the_money_runs_out_the_pod_stops_and_keeps_its_volume() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let _driver = Driver::start(&platform);
    let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
    until_status(&platform, &world.ana, &pod.id, Status::Running).await;
    // 10 euros last for three hours of 2.70; the fourth can't be reserved.
    sleep(Duration::from_mins(3 * 60 + 1)).await;
    let pod = platform.get(&world.ana, &pod.id).await.unwrap();
    assert_eq!(pod.status, Status::Error);
    assert_eq!(pod.reason.as_ref().unwrap().code, ReasonCode::InsufficientFunds);
    let (available, held) = world.money().await;
    assert_eq!((available, held), (Money::from_cents(190), Money::ZERO));
    assert_eq!(
        (world.cluster.objects().len(), world.cluster.volumes().len()),
        (0, 1)
    );
    let refused = platform.start(&world.ana, &pod.id).await.unwrap_err();
    assert!(matches!(refused.kind(), ErrorKind::InsufficientFunds { .. }));
}

#[tokio::test(start_paused = true)]
async fn two_drivers_on_one_store_and_cluster_charge_once() {
    let world = World::new(Settings::default()).await;
    let (first, second) = (world.platform(), world.platform());
    let _drivers = (Driver::start(&first), Driver::start(&second));
    let pod = first.create(&world.ana, &request("Training")).await.unwrap();
    until_status(&second, &world.ana, &pod.id, Status::Running).await;
    sleep(Duration::from_mins(70)).await;
    second.stop(&world.ana, &pod.id).await.unwrap();
    let stopped = until(&first, &world.ana, &pod.id, |pod| pod.step == Step::Stopped).await;
    let expected = Money::from_cents(270).for_seconds(3600 + 600);
    assert!(
        stopped.charged >= expected && stopped.charged < expected + Money::from_cents(1),
        "{} and not {expected}",
        stopped.charged
    );
    assert_eq!(
        world.money().await,
        (Money::from_cents(1000) - stopped.charged, Money::ZERO)
    );
}

#[tokio::test(start_paused = true)]
async fn the_time_between_two_containers_is_free_even_if_nobody_saw_it() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
    {
        let _driver = Driver::start(&platform);
        until_status(&platform, &world.ana, &pod.id, Status::Running).await;
        sleep(Duration::from_mins(1)).await;
    }
    // No platform runs while the container is killed, and waits ten seconds to be started again.
    world.cluster.strike(&pod.id, Incident::OutOfMemory);
    sleep(Duration::from_mins(1)).await;
    let _driver = Driver::start(&platform);
    sleep(Duration::from_mins(1)).await;
    platform.stop(&world.ana, &pod.id).await.unwrap();
    let stopped = until(&platform, &world.ana, &pod.id, |pod| pod.step == Step::Stopped).await;
    let (ran, _) = ran(&world, |_| true);
    let paid = stopped.charged.as_euros() / 2.7 * 3600.0;
    assert!((ran - 2.0..=ran).contains(&paid), "{paid} of {ran} seconds");
}
