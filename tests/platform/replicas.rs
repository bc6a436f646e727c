//! Replicas that divide the pods among them: each pod has one driver, and another one soon after that one is gone.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, BoxStream, StreamExt};
use neuropod::cluster::Step;
use neuropod::cluster::plan::{Layout, VolumeScope};
use neuropod::sim::faults::{Fault, Faults};
use neuropod::sim::{Method, Mishap, Settings};
use neuropod::store::{ListOptions, PodHint, PodHints, PodStore};
use neuropod::{CreatePod, Money, Platform, Pod, Status, Update};
use neuropod_test_cluster::measured;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use crate::common::witness::{money_is_right, ran};
use crate::common::{Driver, World, eventually, until, until_status};

/// By then everybody knows who is there, and no pod is driven because of a call any more.
const SETTLED: Duration = Duration::from_mins(7);
/// The time in which a dead replica has to be taken over.
const TAKEN_OVER: Duration = Duration::from_secs(15);
const PAID_IN: i64 = 1_000_000;

/// Whether replicas divide the pods.
#[derive(Debug, Clone, Copy, PartialEq)]
enum How {
    Undivided,
    Divided,
    /// And the store would report what the others change.
    DividedWithHints,
}

/// Hints that never come.
struct Silent;

impl PodHints for Silent {
    fn hints(&self) -> BoxStream<'static, PodHint> {
        stream::pending().boxed()
    }
}

/// A platform with its calls counted.
struct Counted {
    platform: Platform,
    calls: Faults,
    from: usize,
}

impl Counted {
    fn new(world: &World, how: How) -> Self {
        let calls = Faults::none();
        let mut parts = world
            .parts()
            .cluster(calls.cluster(Arc::new(world.cluster.clone())))
            .store(calls.store(world.store.clone()))
            .billing(calls.billing(world.store.clone()))
            .layout(Layout {
                volume: VolumeScope::Pod,
                ..Layout::default()
            })
            // Each minute is charged, so that there is something to do.
            .daily_cap(Money::from_cents(PAID_IN))
            .max_pods(1000);
        if how != How::Undivided {
            parts = parts.replicas(Arc::new(world.cluster.clone()));
        }
        if how == How::DividedWithHints {
            parts = parts.hints(Arc::new(Silent));
        }
        Self {
            platform: parts.build().unwrap(),
            calls,
            from: 0,
        }
    }

    /// The number of calls of these methods since the last [`reset`](Self::reset).
    fn count(&self, methods: &[&str]) -> usize {
        let calls = self.from + 1..=self.calls.calls();
        calls
            .filter_map(|n| self.calls.call(n))
            .filter(|call| methods.contains(call))
            .count()
    }

    fn reset(&mut self) {
        self.from = self.calls.calls();
    }
}

const WRITES: [&str; 6] = [
    "store.update",
    "billing.hold",
    "billing.draw",
    "billing.release",
    "cluster.apply",
    "cluster.remove",
];

async fn world() -> World {
    let world = World::new(Settings::default()).await;
    let more = Money::from_cents(PAID_IN);
    neuropod::money::BillingExt::deposit(&*world.store, "more", &world.ana.id, more)
        .await
        .unwrap();
    world
}

/// A platform that divides the pods with the others, or does not.
fn platform(world: &World, how: How) -> Platform {
    Counted::new(world, how).platform
}

/// Creates this many running pods by the platforms in turn.
async fn running(world: &World, platforms: &[&Platform], count: usize) -> Vec<Pod> {
    let mut pods = Vec::new();
    for (n, platform) in (0..count).zip(platforms.iter().cycle()) {
        let request = CreatePod::from_image(format!("Pod {n}"), "quay.io/jupyter/pytorch-notebook");
        pods.push(platform.create(&world.ana, &request).await.unwrap());
    }
    for pod in &pods {
        until_status(platforms[0], &world.ana, &pod.id, Status::Running).await;
    }
    pods
}

async fn records(world: &World) -> Vec<Pod> {
    let options = ListOptions::default().with_limit(200);
    world.store.list(&options).await.unwrap().pods
}

/// Evicts every pod, and waits until each runs again in its next container. Returns how long that took.
async fn recovered(world: &World, pods: &[Pod]) -> Duration {
    let begun = Instant::now();
    let containers = |pod: &Pod| world.cluster.runs_of(&pod.id).len();
    let before: Vec<_> = pods.iter().map(containers).collect();
    for pod in pods {
        world.cluster.inject(&pod.id, Mishap::Evicted);
    }
    eventually("they run again", async || {
        pods.iter()
            .zip(&before)
            .all(|(pod, before)| containers(pod) > *before)
    })
    .await;
    begun.elapsed()
}

/// How long recovering takes where nothing happens to the replicas.
async fn undisturbed() -> Duration {
    let world = world().await;
    let platform = platform(&world, How::Undivided);
    let _driver = Driver::start(&platform);
    let pods = running(&world, &[&platform], 20).await;
    sleep(SETTLED).await;
    recovered(&world, &pods).await
}

/// A driver that ends on request.
struct Stoppable {
    stop: oneshot::Sender<()>,
    driver: JoinHandle<neuropod::Result<()>>,
}

impl Stoppable {
    fn start(platform: &Platform) -> Self {
        let platform = platform.clone();
        let (stop, stopped) = oneshot::channel::<()>();
        let driver = tokio::spawn(async move { platform.run(async { stopped.await.unwrap_or(()) }).await });
        Self { stop, driver }
    }

    async fn stop(self) {
        drop(self.stop);
        self.driver.await.unwrap().unwrap();
    }
}

/// The writes and the reads of records of each of these replicas in ten minutes of a hundred running pods.
async fn ten_minutes(replicas: usize, how: How) -> Vec<(usize, usize)> {
    let world = world().await;
    let new = |_| Counted::new(&world, how);
    let mut counted: Vec<_> = (0..replicas).map(new).collect();
    let _drivers: Vec<_> = counted
        .iter()
        .map(|counted| Driver::start(&counted.platform))
        .collect();
    let platforms: Vec<_> = counted.iter().map(|counted| counted.platform.clone()).collect();
    let platforms: Vec<_> = platforms.iter().collect();
    running(&world, &platforms, 100).await;
    sleep(SETTLED).await;
    counted.iter_mut().for_each(Counted::reset);
    let renewals = world.count(Method::Renew);
    sleep(Duration::from_mins(10)).await;
    let renewals = world.count(Method::Renew) - renewals;
    let expected = if how == How::Undivided { 0 } else { replicas * 200 };
    assert!(renewals.abs_diff(expected) <= replicas, "{renewals} renewals");
    let counts = counted.iter();
    counts
        .map(|counted| (counted.count(&WRITES), counted.count(&["store.get"])))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn the_work_is_that_of_one_replica_and_each_does_its_share() {
    let alone = ten_minutes(1, How::Undivided).await;
    let (writes, _) = alone[0];
    assert!(writes > 1000, "{writes} writes");
    let undivided = ten_minutes(3, How::Undivided).await;
    for replicas in [1, 2, 3] {
        let divided = ten_minutes(replicas, How::Divided).await;
        measured(format_args!(
            "100 pods, 10 minutes, (writes, reads of records): alone {alone:?}, three undivided {undivided:?}, {replicas} divided \
             {divided:?}"
        ));
        let all: usize = divided.iter().map(|(writes, _)| writes).sum();
        assert!(all <= writes + writes / 50, "{all} and not {writes}: {divided:?}");
        for (part, _) in &divided {
            let fair = writes / replicas;
            assert!((fair / 2..=fair * 2).contains(part), "{part}: {divided:?}");
        }
    }
    // Where the store reports changes, no replica reads the pods of the others.
    let told = ten_minutes(3, How::DividedWithHints).await;
    let (alone, all) = (alone[0].1, told.iter().map(|(_, reads)| reads).sum::<usize>());
    let renewals = 3 * 200;
    assert!(
        all <= alone + alone / 50 + renewals + 3,
        "{all} and not {alone}: {told:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_dies_is_taken_over_within_15_seconds() {
    let world = world().await;
    let (here, there) = (platform(&world, How::Divided), platform(&world, How::Divided));
    let _driver = Driver::start(&here);
    let driver = Driver::start(&there);
    let pods = running(&world, &[&here, &there], 20).await;
    sleep(SETTLED).await;
    drop(driver);
    let request = CreatePod::from_image("Late", "quay.io/jupyter/pytorch-notebook");
    let late = there.create(&world.ana, &request).await.unwrap();
    let (took, undisturbed) = (recovered(&world, &pods).await, undisturbed().await);
    assert!(
        world.cluster.pod(&late.id).is_some(),
        "what the dead one was asked for is done"
    );
    measured(format_args!(
        "20 evicted pods run again after {took:?} when one of two replicas is dead, {undisturbed:?} otherwise"
    ));
    assert!(took < TAKEN_OVER + undisturbed, "{took:?}");
    assert_eq!(world.cluster.replicas().len(), 2, "its presence stays for now");
    sleep(Duration::from_mins(62)).await;
    assert_eq!(world.cluster.replicas().len(), 1, "and not for ever");
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_ends_is_taken_over_at_once() {
    let world = world().await;
    let (here, there) = (platform(&world, How::Divided), platform(&world, How::Divided));
    let _driver = Driver::start(&here);
    let driver = Stoppable::start(&there);
    let pods = running(&world, &[&here, &there], 20).await;
    sleep(SETTLED).await;
    driver.stop().await;
    assert_eq!(world.cluster.replicas().len(), 1, "it gave up");
    // The next renewal of the other one finds it out.
    let (took, undisturbed) = (recovered(&world, &pods).await, undisturbed().await);
    assert!(took < Duration::from_secs(4) + undisturbed, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_call_takes_effect_at_once_on_whichever_replica_it_is_made() {
    let world = world().await;
    let (here, there) = (platform(&world, How::Divided), platform(&world, How::Divided));
    let _drivers = (Driver::start(&here), Driver::start(&there));
    let pods = running(&world, &[&here, &there], 12).await;
    sleep(SETTLED).await;
    // Each replica drives some of them, and gets the calls for all.
    for caller in [&here, &there] {
        for pod in &pods {
            caller.stop(&world.ana, &pod.id).await.unwrap();
        }
        sleep(Duration::from_secs(2)).await;
        for pod in records(&world).await {
            assert_eq!(pod.step, Step::Stopped, "{pod:?}");
        }
        sleep(SETTLED).await;
        for pod in &pods {
            caller.start(&world.ana, &pod.id).await.unwrap();
        }
        sleep(Duration::from_secs(5)).await;
        for pod in records(&world).await {
            assert_eq!(pod.status, Status::Running, "{pod:?}");
        }
        sleep(SETTLED).await;
    }
}

#[tokio::test(start_paused = true)]
async fn subscribers_of_a_replica_hear_what_the_others_do() {
    let world = world().await;
    let (here, there) = (platform(&world, How::Divided), platform(&world, How::Divided));
    let _drivers = (Driver::start(&here), Driver::start(&there));
    let pods = running(&world, &[&here], 10).await;
    sleep(SETTLED).await;
    for platform in [&here, &there] {
        let mut updates = platform.subscribe(&world.ana);
        let mut charged = BTreeSet::new();
        let listen = async {
            while let Some(update) = updates.next().await {
                if let Update::Changed(pod) = update.unwrap() {
                    charged.insert(pod.id.clone());
                }
            }
        };
        // It never ends by itself.
        timeout(Duration::from_secs(65), listen).await.unwrap_err();
        assert_eq!(charged.len(), pods.len(), "each is charged once a minute");
    }
}

#[tokio::test(start_paused = true)]
async fn a_takeover_charges_each_second_once() {
    let world = world().await;
    let (here, there) = (platform(&world, How::Divided), platform(&world, How::Divided));
    let _driver = Driver::start(&here);
    let driver = Driver::start(&there);
    let pods = running(&world, &[&here, &there], 20).await;
    sleep(SETTLED).await;
    drop(driver);
    sleep(Duration::from_mins(10)).await;
    let again = platform(&world, How::Divided);
    let _again = Driver::start(&again);
    sleep(Duration::from_mins(10)).await;
    for pod in &pods {
        again.stop(&world.ana, &pod.id).await.unwrap();
        until(&again, &world.ana, &pod.id, |pod| pod.step == Step::Stopped).await;
    }
    let hourly = pods[0].price.hourly;
    let paid_in = Money::from_cents(1000 + PAID_IN);
    let lost = money_is_right(
        &world,
        &world.ana.id,
        (paid_in, hourly),
        ran(&world, |_| true),
        Duration::ZERO,
    )
    .await;
    measured(format_args!(
        "20 pods ran for 27 minutes through a takeover: {lost:.1} seconds of all were not charged"
    ));
    // Fractions of seconds at the end of each.
    assert!(lost < 20.0, "{lost}");
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_nobody_sees_goes_on() {
    let world = world().await;
    let here = platform(&world, How::Divided);
    // Its first renewal fails, and all for the next hour.
    let alone = Faults::lasting(1, Fault::ErrorBefore, Duration::from_hours(1));
    let parts = world.parts().max_pods(1000);
    let there = parts
        .replicas(alone.replicas(Arc::new(world.cluster.clone())))
        .build()
        .unwrap();
    let _drivers = (Driver::start(&here), Driver::start(&there));
    let pods = running(&world, &[&here, &there], 10).await;
    sleep(SETTLED).await;
    recovered(&world, &pods).await;
    assert_eq!(alone.injected(), Some("replicas.renew"));
    assert_eq!(world.cluster.replicas().len(), 1);
    sleep(Duration::from_hours(1)).await;
    assert_eq!(world.cluster.replicas().len(), 2, "it is seen once it can be");
}

#[tokio::test(start_paused = true)]
async fn a_replica_without_its_store_is_taken_over() {
    let world = world().await;
    let here = platform(&world, How::Divided);
    // From some moment on, long after the start, its store fails.
    let failing = Faults::lasting(1500, Fault::ErrorBefore, Duration::from_hours(1));
    let there = world
        .parts()
        .store(failing.store(world.store.clone()))
        .replicas(Arc::new(world.cluster.clone()))
        .daily_cap(Money::from_cents(PAID_IN))
        .max_pods(1000)
        .build()
        .unwrap();
    let _drivers = (Driver::start(&here), Driver::start(&there));
    let pods = running(&world, &[&here, &there], 10).await;
    sleep(SETTLED).await;
    assert_eq!(failing.injected(), None);
    while failing.injected().is_none() {
        sleep(Duration::from_secs(1)).await;
    }
    sleep(TAKEN_OVER).await;
    let (took, undisturbed) = (recovered(&world, &pods).await, undisturbed().await);
    assert!(took < undisturbed + Duration::from_secs(1), "{took:?}");
}
