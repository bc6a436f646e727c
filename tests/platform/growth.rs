//! The costs of many pods: of one owner, and after an outage.

use std::time::Duration;

use neuropod::clock::Clock;
use neuropod::cluster::plan::{Layout, VolumeScope};
use neuropod::money::BillingExt;
use neuropod::sim::{Method, Settings};
use neuropod::{CreatePod, Money, Platform, Status};
use tokio::time::{Instant, sleep};

use crate::common::counting::CountingStore;
use crate::common::{Driver, World};
use crate::scale::costs;

/// How many records are read until so many pods of one owner run.
async fn reads(pods: usize, volume: VolumeScope) -> usize {
    let world = World::new(Settings::default()).await;
    let money = Money::from_cents(10_000_000);
    world.store.deposit("more", &world.ana.id, money).await.unwrap();
    let counted = CountingStore::new(&world);
    let layout = Layout {
        volume,
        ..Layout::default()
    };
    let parts = world.parts_without_store().pods(counted.clone());
    let platform = parts.max_pods(1000).layout(layout).build().unwrap();
    let _driver = Driver::start(&platform);
    for n in 0..pods {
        let request = CreatePod::from_image(format!("Pod {n}"), "quay.io/jupyter/base-notebook");
        platform.create(&world.ana, &request).await.unwrap();
    }
    sleep(Duration::from_mins(4)).await;
    let read = counted.records();
    let all = platform.list_all(&world.ana, None).await.unwrap();
    assert_eq!(all.len(), pods);
    assert!(
        all.iter().all(|pod| pod.status == Status::Running),
        "{:?}",
        all[0]
    );
    read
}

#[tokio::test(start_paused = true)]
async fn four_times_as_many_pods_of_one_owner_are_four_times_as_many_reads() {
    for volume in [VolumeScope::User, VolumeScope::Pod] {
        let (few, many) = (reads(50, volume).await, reads(200, volume).await);
        assert!(few >= 50, "{few} reads: they are counted");
        // With the square of the pods it would be sixteen times as many.
        assert!(
            many <= 5 * few,
            "{volume:?}: {few} reads for 50 pods, {many} for 200"
        );
    }
}

/// The watch goes on while a store stands still, so nobody has to ask the cluster what it has shown: with thousands of
/// late charges that would be the next outage.
#[tokio::test(start_paused = true)]
async fn after_an_outage_of_the_store_no_pod_is_observed() {
    let world = World::new(Settings::default()).await;
    let money = Money::from_cents(10_000_000);
    world.store.deposit("more", &world.ana.id, money).await.unwrap();
    let store = CountingStore::new(&world);
    // With a cap, every minute is charged.
    let parts = world.parts_without_store().pods(store.clone()).daily_cap(money);
    let platform = parts.max_pods(1000).build().unwrap();
    let _driver = Driver::start(&platform);
    for n in 0..100 {
        let request = CreatePod::from_image(format!("Pod {n}"), "quay.io/jupyter/base-notebook");
        platform.create(&world.ana, &request).await.unwrap();
    }
    sleep(Duration::from_mins(4)).await;
    let (observed, listed) = (world.count(Method::Observe), world.count(Method::Inventory));
    for outage in [20, 600] {
        store.set_closed(true);
        sleep(Duration::from_secs(outage)).await;
        store.set_closed(false);
        sleep(Duration::from_mins(2)).await;
    }
    assert_eq!(world.count(Method::Observe), observed);
    assert!(
        world.count(Method::Inventory) <= listed + 5,
        "only the usual ones"
    );
    // The charges that came late are complete.
    let now = world.cluster.clock().now();
    for pod in platform.list_all(&world.ana, None).await.unwrap() {
        let seconds = now.duration_since(pod.started_at.unwrap()).as_secs();
        let hourly = pod.price.hourly;
        let late = hourly.for_seconds(seconds) - pod.charged;
        assert!(hourly > Money::ZERO);
        assert!(late <= hourly.for_seconds(63), "{late} of {}", pod.name);
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_does_not_wait_behind_all_other_pods() {
    let world = World::new(Settings::default()).await;
    let money = Money::from_cents(10_000_000);
    world.store.deposit("more", &world.ana.id, money).await.unwrap();
    let store = CountingStore::new(&world);
    let begin = || {
        let parts = world.parts_without_store().pods(store.clone());
        parts.max_pods(1000).build().unwrap()
    };
    let create = async |platform: &Platform, name: String| {
        let request = CreatePod::from_image(name, "quay.io/jupyter/base-notebook");
        platform.create(&world.ana, &request).await.unwrap();
    };
    let platform = begin();
    let driver = Driver::start(&platform);
    for n in 0..500 {
        create(&platform, format!("Pod {n}")).await;
    }
    sleep(Duration::from_mins(4)).await;
    drop(driver);
    store.set_latency(Duration::from_millis(20));
    let platform = begin();
    let start = Instant::now();
    let _driver = Driver::start(&platform);
    // Meanwhile the watch shows all pods, and all are read: 500 passes of at least 20 ms, 28 at a time.
    sleep(Duration::from_millis(100)).await;
    let (applied, read) = (world.count(Method::Apply), store.records());
    create(&platform, "Mine".to_owned()).await;
    let asked = Instant::now();
    while world.count(Method::Apply) == applied {
        sleep(Duration::from_millis(1)).await;
    }
    // Its own pass reads its record several times.
    assert!(
        asked.elapsed() < Duration::from_millis(200),
        "{:?}",
        asked.elapsed()
    );
    while store.records() < read + 500 {
        sleep(Duration::from_millis(1)).await;
    }
    assert!(
        start.elapsed() > Duration::from_millis(400),
        "the others were waiting: {:?}",
        start.elapsed()
    );
}

/// Nothing that the driver does for one pod costs more because there are others.
#[tokio::test(start_paused = true)]
async fn ten_times_as_many_pods_cost_ten_times_as_much() {
    let (small, large) = (50, 500);
    let (few, many) = (costs(small).await.phases, costs(large).await.phases);
    for (few, many) in few.iter().zip(&many) {
        // The times of resyncs are drawn at random: there may be two more of them, each of which reads all records.
        let resyncs = 2;
        assert!(many.lists <= few.lists + resyncs, "{few:?}, {many:?}");
        for (one, other, by_chance) in [
            (few.reads, many.reads, 0),
            (few.writes, many.writes, 0),
            (few.records, many.records, resyncs * large),
            (few.calls, many.calls, 0),
        ] {
            // What does not grow at all, like a list, is a few calls more for the few.
            let most = 10 * one + one / 2 + 50 + by_chance;
            assert!(other <= most, "{few:?}, {many:?}");
        }
    }
    let [_, rest, midnight, ..] = &many[..] else {
        panic!("{many:?}")
    };
    // All pods go on at their own times: no second of the day has the charges of all of them.
    assert!(
        midnight.busiest <= 2 * rest.busiest.max(10),
        "{rest:?}, {midnight:?}"
    );
}
