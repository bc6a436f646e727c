//! Every point at which a platform can fail, one after the other: the story of a pod is run once for every call
//! into cluster, store and billing, and for every way in which that call can go wrong.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "tests"
)]

#[path = "../common/mod.rs"]
mod common;
mod deadlines;
mod points;
mod servers;
mod story;

use std::sync::Arc;
use std::time::Duration;

use common::witness::{money_is_right, ran};
use common::{Driver, World, eventually};
use neuropod::cluster::VolumePolicy;
use neuropod::sim::Settings;
use neuropod::sim::faults::{Fault, Faults};
use neuropod::store::Store;
use neuropod::{Billing, Money};
use neuropod_test_cluster::measured;
use points::{Keep, Points};
use story::Story;
use tokio::time::sleep;

/// The time limit of a story with one fault, in simulated time.
const LIMIT: Duration = Duration::from_mins(30);

/// The number of driving platforms.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Drivers {
    /// One; after a crash a new one continues.
    One,
    /// Two, the second of which has no faults.
    Two,
    /// Two that divide the pods, the second of which has no faults.
    Divided,
}

/// Runs the story with these faults, and checks what remains at the end. Returns how much less was charged than
/// ran.
async fn run_story(keep: Keep, faults: &Faults, drivers: Drivers, volume: VolumePolicy) -> f64 {
    let settings = Settings::default();
    match keep {
        Keep::Memory => run_story_in(World::new(settings).await, faults, drivers, volume).await,
        Keep::File => run_story_in(World::in_file(settings).await, faults, drivers, volume).await,
    }
}

async fn run_story_in(
    world: World<impl Store + Billing>,
    faults: &Faults,
    drivers: Drivers,
    volume: VolumePolicy,
) -> f64 {
    let cluster = Arc::new(world.cluster.clone());
    let mut parts = world
        .parts()
        .cluster(faults.cluster(cluster.clone()))
        .store(faults.store(world.store.clone()))
        .billing(faults.billing(world.store.clone()));
    let mut others = world.parts();
    if drivers == Drivers::Divided {
        parts = parts.replicas(faults.replicas(cluster.clone()));
        others = others.replicas(cluster);
    }
    let (platform, reader) = (parts.build().unwrap(), others.build().unwrap());
    let other = (drivers != Drivers::One).then(|| Driver::start(&reader));
    let driver = Driver::start(&platform);
    let mut story = Story::new(volume);
    let crashed = tokio::select! {
        () = story.go_on(&world, &platform, &reader) => false,
        () = faults.crashed() => true,
    };
    let _drivers = if crashed {
        drop(driver);
        sleep(Duration::from_secs(3)).await;
        let driver = other.unwrap_or_else(|| Driver::start(&reader));
        story.go_on(&world, &reader, &reader).await;
        (driver, None)
    } else {
        (driver, other)
    };
    eventually("nothing is left", async || world.cluster.objects().is_empty()).await;
    let volumes = usize::from(volume == VolumePolicy::Keep);
    assert_eq!(world.cluster.volumes().len(), volumes, "the volume as asked");
    assert_eq!(world.cluster.orphans(), []);
    let money = (Money::from_cents(1000), Money::from_cents(270));
    assert_eq!(world.money().await.1, Money::ZERO, "nothing is held");
    money_is_right(
        &world,
        &world.ana.id,
        money,
        ran(&world, |_| true),
        Duration::ZERO,
    )
    .await
}

/// Prints the point of failure when the test panics.
struct At<'a>(&'a Faults);

impl Drop for At<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("this happened with {:?}", self.0);
        }
    }
}

/// Runs the story once for each call that this fault concerns, with this duration. Returns the number of calls.
async fn every_point(
    points: &Points,
    fault: Fault,
    time: Duration,
    drivers: Drivers,
    volume: VolumePolicy,
) -> usize {
    let mut most_lost = 0.0_f64;
    for (tried, n) in points.numbers().enumerate() {
        let faults = Faults::lasting(n, fault, time);
        let _at = At(&faults);
        let result =
            tokio::time::timeout(LIMIT, Box::pin(run_story(points.keep, &faults, drivers, volume))).await;
        let Some(call) = faults.injected() else {
            println!(
                "{drivers:?}, {volume:?}, {fault:?} for {time:?}: {tried} points, at most {most_lost:.1} s not charged"
            );
            return tried;
        };
        let lost = result.unwrap_or_else(|_| panic!("{volume:?}, {fault:?} at point {n}, {call}: no end"));
        most_lost = most_lost.max(lost);
        if !fault.is_crash() && time.is_zero() {
            // A driver that learns late that a container runs believes meanwhile that it does not.
            let late = if fault == Fault::Late {
                Fault::LATENESS
            } else {
                Duration::ZERO
            };
            assert!(
                lost < 4.0 + late.as_secs_f64(),
                "{fault:?} at point {n}, {call}: {lost} seconds were not charged"
            );
        }
    }
    unreachable!("the story ends")
}

const ONCE: Duration = Duration::ZERO;

async fn once_in_every_way(points: Points) {
    let mut tried = 0;
    for volume in [VolumePolicy::Keep, VolumePolicy::Delete] {
        let lost = Box::pin(run_story(points.keep, &Faults::none(), Drivers::One, volume)).await;
        assert!(
            lost < 3.0,
            "without a fault all of it is charged but for fractions of seconds: {lost}"
        );
        for fault in Fault::ALL {
            tried += every_point(&points, fault, ONCE, Drivers::One, volume).await;
        }
    }
    measured(format_args!("{points}: {tried} fault points tried, 0 violations"));
}

async fn a_minute_of_trouble(points: Points) {
    let mut tried = 0;
    for fault in Fault::ALL.into_iter().filter(|fault| !fault.is_crash()) {
        let minute = Duration::from_mins(1);
        tried += every_point(&points, fault, minute, Drivers::One, VolumePolicy::Delete).await;
    }
    measured(format_args!(
        "{points}: {tried} points at which a minute of faults begins tried, 0 violations"
    ));
}

async fn one_of_two_platforms(points: Points, drivers: Drivers) {
    let mut tried = 0;
    for fault in Fault::ALL {
        tried += every_point(&points, fault, ONCE, drivers, VolumePolicy::Delete).await;
    }
    measured(format_args!(
        "{points}: {tried} fault points with two platforms ({drivers:?}) tried, 0 violations"
    ));
}

#[tokio::test(start_paused = true)]
async fn every_call_goes_wrong_once_in_every_way() {
    once_in_every_way(Points::in_memory()).await;
}

#[tokio::test(start_paused = true)]
async fn every_call_begins_a_minute_of_trouble() {
    a_minute_of_trouble(Points::in_memory()).await;
}

#[tokio::test(start_paused = true)]
async fn every_call_of_one_of_two_platforms_goes_wrong() {
    one_of_two_platforms(Points::in_memory(), Drivers::Two).await;
}

#[tokio::test(start_paused = true)]
async fn every_call_of_one_of_two_replicas_that_divide_the_pods_goes_wrong() {
    one_of_two_platforms(Points::in_memory(), Drivers::Divided).await;
}

#[tokio::test(start_paused = true)]
async fn every_call_goes_wrong_once_in_every_way_over_a_file() {
    once_in_every_way(Points::in_file()).await;
}

#[tokio::test(start_paused = true)]
async fn every_call_begins_a_minute_of_trouble_over_a_file() {
    a_minute_of_trouble(Points::in_file()).await;
}

#[tokio::test(start_paused = true)]
async fn every_call_of_one_of_two_platforms_goes_wrong_over_a_file() {
    one_of_two_platforms(Points::in_file(), Drivers::Two).await;
}
