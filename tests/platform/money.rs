//! Holds and charges.

use std::time::Duration;

use futures::future::join_all;
use futures::{FutureExt, StreamExt};
use jiff::SignedDuration;
use neuropod::cluster::{ReasonCode, Step, VolumePolicy};
use neuropod::money::PricePolicy;
use neuropod::money::billing::{Billing, BillingExt};
use neuropod::money::statement::explain;
use neuropod::sim::{Mishap, Settings};
use neuropod::{Actor, ErrorKind, Money, PriceList, Status, Update};
use tokio::time::sleep;

use crate::common::witness::ran;
use crate::common::{Driver, World, eventually, request, until, until_status};

#[tokio::test(start_paused = true)]
async fn time_is_charged_by_the_second_while_the_container_runs() {
    // Slow to start, and without delays at the end.
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
    // 2.50 for the GPU and 0.20 for the disks per hour. It ran for two hours and a few seconds.
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
            .list(&Actor::admin("root"), &neuropod::store::ListOptions::default())
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
async fn when_the_money_runs_out_the_owner_is_warned_and_the_pod_stops_and_keeps_its_volume() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let _driver = Driver::start(&platform);
    let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
    until_status(&platform, &world.ana, &pod.id, Status::Running).await;
    let mut updates = platform.subscribe(&world.ana);
    let mut bob = platform.subscribe(&Actor::client("bob"));
    bob.next().await.unwrap().unwrap();
    // 10 euros last for 3 hours and 42 minutes of 2.70.
    let mut thresholds = Vec::new();
    let stopped = loop {
        match updates.next().await.unwrap().unwrap() {
            Update::LowBalance {
                pod_id,
                threshold_seconds,
                seconds_left,
                daily_cap: false,
            } => {
                assert_eq!(pod_id, pod.id);
                assert!(
                    seconds_left < threshold_seconds,
                    "{seconds_left} of {threshold_seconds}"
                );
                thresholds.push(threshold_seconds);
            }
            Update::Changed(pod) if pod.step == Step::Stopped => break pod,
            _ => {}
        }
    };
    assert_eq!(thresholds, [3600, 900, 300]);
    assert!(bob.next().now_or_never().is_none(), "nobody else hears of it");
    assert_eq!(stopped.status, Status::Stopped);
    assert_eq!(
        stopped.reason.as_ref().unwrap().code,
        ReasonCode::InsufficientFunds
    );
    let (available, held) = world.money().await;
    assert_eq!(held, Money::ZERO);
    let minute = Money::from_cents(270).for_seconds(60);
    assert!(
        !available.is_negative() && available < minute,
        "{available} are left"
    );
    assert_eq!(stopped.charged, Money::from_cents(1000) - available);
    assert_eq!(
        (world.cluster.objects().len(), world.cluster.volumes().len()),
        (0, 1)
    );
    let refused = platform.start(&world.ana, &pod.id).await.unwrap_err();
    assert!(matches!(refused.kind(), ErrorKind::InsufficientFunds { .. }));

    let statement = platform
        .statement(&world.ana, &world.ana.id, None, None)
        .await
        .unwrap();
    assert_eq!(statement.by_pod[&pod.id].cost, stopped.charged);
    assert_eq!(statement.pod_name(&pod.id), Some("Training"));
    assert_eq!(statement.total, available);
    let entries = world.store.all_entries(&world.ana.id).await.unwrap();
    assert_eq!(statement.entries, u64::try_from(entries.len()).unwrap());
    let replayed: Money = entries
        .iter()
        .filter_map(explain)
        .map(|charge| charge.amount)
        .sum();
    assert_eq!(replayed, stopped.charged, "every charge can be explained");
}

#[tokio::test(start_paused = true)]
async fn the_price_policy_decides_whether_new_prices_apply_to_running_pods() {
    for (policy, expected) in [(PricePolicy::Quoted, 270), (PricePolicy::Current, 1020)] {
        let world = World::new(Settings::default()).await;
        let platform = world.parts().price_policy(policy).build().unwrap();
        let _driver = Driver::start(&platform);
        let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
        until_status(&platform, &world.ana, &pod.id, Status::Running).await;
        let mut prices = platform.prices().await.unwrap();
        prices.gpus.insert("rtx-4090".into(), Money::from_cents(1000));
        let refused = platform.set_prices(&world.ana, &prices).await.unwrap_err();
        assert_eq!(*refused.kind(), ErrorKind::Forbidden);
        let stored = platform.set_prices(&Actor::admin("root"), &prices).await.unwrap();
        assert_eq!(stored.version, 1);
        let stale = platform
            .set_prices(&Actor::admin("root"), &prices)
            .await
            .unwrap_err();
        assert_eq!(*stale.kind(), ErrorKind::Conflict);
        assert_eq!(
            platform.quote("rtx-4090", 10, 10).await.unwrap().hourly(),
            Money::from_cents(1020)
        );
        sleep(Duration::from_mins(10)).await;
        let pod = platform.get(&world.ana, &pod.id).await.unwrap();
        assert_eq!(pod.meter.price.hourly, Money::from_cents(expected), "{policy:?}");

        // A stopped pod pays the present price of its volume.
        platform.stop(&world.ana, &pod.id).await.unwrap();
        until(&platform, &world.ana, &pod.id, |pod| pod.step == Step::Stopped).await;
        let prices = PriceList {
            volume_disk_gb: Money::from_cents(2),
            ..stored
        };
        platform.set_prices(&Actor::admin("root"), &prices).await.unwrap();
        let before = platform.get(&world.ana, &pod.id).await.unwrap().charged;
        sleep(Duration::from_hours(3)).await;
        let pod = platform.get(&world.ana, &pod.id).await.unwrap();
        assert_eq!(pod.meter.price.stopped, Money::from_cents(20), "{policy:?}");
        let charged = pod.charged - before;
        assert!(charged > Money::from_cents(30), "{policy:?}: {charged}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_platform_warns_its_subscribers_once_per_threshold() {
    let world = World::new(Settings::default()).await;
    let minutes = |minutes: [i64; 2]| minutes.map(SignedDuration::from_mins);
    let platforms = [(); 2].map(|()| {
        let parts = world.parts().low_balance_thresholds(minutes([2, 30]));
        parts.build().unwrap()
    });
    let _drivers = platforms.each_ref().map(Driver::start);
    let [first, _] = &platforms;
    first.create(&world.ana, &request("Training")).await.unwrap();
    let warnings = platforms.each_ref().map(async |platform| {
        let mut updates = platform.subscribe(&world.ana);
        let mut thresholds = Vec::new();
        loop {
            match updates.next().await.unwrap().unwrap() {
                Update::LowBalance {
                    threshold_seconds, ..
                } => thresholds.push(threshold_seconds),
                Update::Changed(pod) if pod.step == Step::Stopped => return thresholds,
                _ => {}
            }
        }
    });
    let warnings = join_all(warnings).await;
    assert_eq!(warnings, [[1800, 120], [1800, 120]]);
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
async fn the_time_between_two_containers_is_free_even_if_unobserved() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
    {
        let _driver = Driver::start(&platform);
        until_status(&platform, &world.ana, &pod.id, Status::Running).await;
        sleep(Duration::from_mins(1)).await;
    }
    // No platform runs while the container is killed and waits ten seconds for its restart.
    world.cluster.inject(&pod.id, Mishap::OutOfMemory);
    sleep(Duration::from_mins(1)).await;
    let _driver = Driver::start(&platform);
    sleep(Duration::from_mins(1)).await;
    platform.stop(&world.ana, &pod.id).await.unwrap();
    let stopped = until(&platform, &world.ana, &pod.id, |pod| pod.step == Step::Stopped).await;
    let (ran, _) = ran(&world, |_| true);
    let paid = stopped.charged.as_f64() / 2.7 * 3600.0;
    assert!((ran - 2.0..=ran).contains(&paid), "{paid} of {ran} seconds");
}

#[tokio::test(start_paused = true)]
async fn account_changes_are_reported_to_the_owner_and_administrators() {
    let world = World::new(Settings::default()).await;
    let platform = world.platform();
    let [mut mine, mut others, mut all] = [world.ana.clone(), Actor::client("bob"), Actor::admin("root")]
        .map(|actor| platform.account_changes(&actor));
    let admin = Actor::admin("root");
    let refused = platform.standing(&Actor::client("bob"), &world.ana.id).await;
    assert_eq!(*refused.unwrap_err().kind(), ErrorKind::Forbidden);
    let set = platform.set_balance(&admin, &world.ana.id, Money::from_cents(1000), "set");
    set.await.unwrap();
    let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
    let changed = world.ana.id.clone();
    assert_eq!(mine.next().now_or_never(), Some(Some(changed.clone())));
    assert_eq!(all.next().now_or_never(), Some(Some(changed.clone())));
    assert!(others.next().now_or_never().is_none());

    let _driver = Driver::start(&platform);
    until_status(&platform, &world.ana, &pod.id, Status::Running).await;
    let hour = Money::from_cents(270);
    let standing = platform.standing(&world.ana, &world.ana.id).await.unwrap();
    assert_eq!((standing.balance.held, standing.per_hour), (hour, hour));
    platform
        .delete(&world.ana, &pod.id, VolumePolicy::Delete)
        .await
        .unwrap();
    // The last event is the release, after the pod is gone for its owner.
    let standings = async {
        while let Some(change) = mine.next().await {
            assert_eq!(change, changed);
            let standing = platform.standing(&world.ana, &world.ana.id).await.unwrap();
            if standing.balance.held == Money::ZERO {
                return standing.per_hour_if_all_ran;
            }
        }
        unreachable!("the stream never ends")
    };
    let costs = tokio::time::timeout(Duration::from_mins(2), standings)
        .await
        .unwrap();
    assert_eq!(costs, Money::ZERO);
}
