//! Objects without a record: each goes by itself, and one that stays costs next to nothing.

use std::sync::Arc;
use std::time::Duration;

use neuropod::cluster::Step;
use neuropod::money::BillingExt;
use neuropod::sim::faults::Faults;
use neuropod::sim::{ObjectKind, Settings};
use neuropod::store::PodStore;
use neuropod::{Money, PodId, Status};
use tokio::time::sleep;

use crate::common::{Driver, World, eventually, request, until, until_status};

const STOPPED: usize = 10;

/// Removes the record behind the platform's back, as a store does that is restored from an old copy.
async fn lose_record(world: &World, id: &PodId) {
    let record = world.store.get(id).await.unwrap().unwrap();
    world.store.remove(id, record.version).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn one_that_can_not_be_removed_is_retried_alone_and_less_and_less_often() {
    let world = World::new(Settings::default()).await;
    world
        .store
        .deposit("more", &world.ana.id, Money::from_cents(100_000))
        .await
        .unwrap();
    let platform = world.platform();
    {
        let _driver = Driver::start(&platform);
        // Stopped pods need nothing, so only a resync reads them.
        for n in 0..STOPPED {
            let named = request(&format!("Pod {n}"));
            let pod = platform.create(&world.ana, &named).await.unwrap();
            platform.stop(&world.ana, &pod.id).await.unwrap();
            until(&platform, &world.ana, &pod.id, |pod| pod.step == Step::Stopped).await;
        }
    }
    assert_eq!(world.cluster.objects(), []);
    let (stuck, loose) = {
        let _driver = Driver::start(&platform);
        let stuck = platform.create(&world.ana, &request("Stuck")).await.unwrap();
        until_status(&platform, &world.ana, &stuck.id, Status::Running).await;
        let of_stuck = world.cluster.objects();
        let loose = platform.create(&world.ana, &request("Loose")).await.unwrap();
        until_status(&platform, &world.ana, &loose.id, Status::Running).await;
        lose_record(&world, &stuck.id).await;
        lose_record(&world, &loose.id).await;
        let service = of_stuck.into_iter().find(|key| key.kind == ObjectKind::Service);
        (service.unwrap(), loose)
    };
    world.cluster.hold_finalizer(stuck.clone());

    let calls = Faults::none();
    let platform = world.platform_on(
        calls.cluster(Arc::new(world.cluster.clone())),
        calls.store(world.store.clone()),
        calls.billing(world.store.clone()),
    );
    let _driver = Driver::start(&platform);
    sleep(Duration::from_mins(2)).await;
    assert_eq!(
        world.cluster.objects(),
        std::slice::from_ref(&stuck),
        "{} goes meanwhile",
        loose.name
    );
    let before = calls.calls();
    sleep(Duration::from_hours(1)).await;
    let count = |method: &str| {
        let hour = before + 1..=calls.calls();
        hour.filter(|n| calls.call(*n) == Some(method)).count()
    };
    let (lists, removals, reads) = (
        count("cluster.inventory"),
        count("cluster.remove"),
        count("store.get"),
    );
    assert!(lists <= 2, "the cluster is listed {lists} times");
    assert!((8..=16).contains(&removals), "{removals} attempts to remove it");
    // Each resync (14 at most) reads the record of each pod once, each attempt that of the orphan.
    assert!(reads <= 14 * (STOPPED + 1) + removals, "{reads} reads of records");
    assert_eq!(world.cluster.objects(), std::slice::from_ref(&stuck));

    // What goes by itself, or is released, is soon no orphan any more.
    world.cluster.release_finalizer(&stuck);
    eventually("it is gone", async || world.cluster.objects().is_empty()).await;
    sleep(Duration::from_mins(10)).await;
    let after = calls.calls();
    sleep(Duration::from_hours(1)).await;
    let late = (after + 1..=calls.calls()).filter(|n| calls.call(*n) == Some("cluster.remove"));
    assert_eq!(late.count(), 0, "nothing is removed any more");
}
