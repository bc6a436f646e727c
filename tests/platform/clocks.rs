//! Clocks that jump or disagree.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use neuropod::cluster::{ReasonCode, Step};
use neuropod::money::BillingExt;
use neuropod::pod::Desired;
use neuropod::sim::faults::{Fault, Faults};
use neuropod::sim::{CallError, Mishap, Settings};
use neuropod::{ErrorKind, Money, Platform, Pod, Status};
use tokio::time::sleep;

use crate::common::machine::MachineClock;
use crate::common::witness::{money_is_right, ran};
use crate::common::{Driver, World, request, until, until_status};

async fn world() -> (World, MachineClock, Platform) {
    let world = World::new(Settings::default()).await;
    let more = Money::from_cents(99_000);
    world.store.deposit("more", &world.ana.id, more).await.unwrap();
    let clock = MachineClock::new(&world);
    let platform = world.parts().clock(Arc::new(clock.clone())).build().unwrap();
    (world, clock, platform)
}

/// Stops the pod and returns how many seconds of it were not charged.
async fn stop(world: &World, platform: &Platform, pod: &Pod) -> f64 {
    platform.stop(&world.ana, &pod.id).await.unwrap();
    until(platform, &world.ana, &pod.id, |pod| pod.step == Step::Stopped).await;
    assert_eq!(world.money().await.1, Money::ZERO);
    let money = (Money::from_cents(100_000), Money::from_cents(270));
    let ran = ran(world, |_| true);
    money_is_right(world, &world.ana.id, money, ran, Duration::ZERO).await
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_and_returns_charges_nothing_twice() {
    let hour = SignedDuration::from_hours(1);
    for jump in [hour, -hour, -24 * 365 * 30 * hour] {
        let (world, clock, platform) = world().await;
        let _driver = Driver::start(&platform);
        let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
        until_status(&platform, &world.ana, &pod.id, Status::Running).await;
        sleep(Duration::from_mins(90)).await;
        clock.ahead(jump);
        sleep(Duration::from_mins(6)).await;
        clock.ahead(SignedDuration::ZERO);
        // Time charged in advance is compensated.
        sleep(Duration::from_hours(3)).await;
        let lost = stop(&world, &platform, &pod).await;
        assert!(lost < 3.0, "{jump:?}: {lost} seconds were not charged");
    }
}

#[tokio::test(start_paused = true)]
async fn a_platform_whose_clock_is_decades_behind_works() {
    let (world, clock, platform) = world().await;
    clock.ahead(SignedDuration::from_hours(-24 * 365 * 30));
    let _driver = Driver::start(&platform);
    let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
    until_status(&platform, &world.ana, &pod.id, Status::Running).await;
    stop(&world, &platform, &pod).await;
}

#[tokio::test(start_paused = true)]
async fn a_container_that_starts_in_the_future_is_charged_within_a_minute() {
    for (behind, most) in [(30, 33.0), (600, 63.0)] {
        let (world, clock, platform) = world().await;
        clock.ahead(SignedDuration::from_secs(-behind));
        let _driver = Driver::start(&platform);
        let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
        until_status(&platform, &world.ana, &pod.id, Status::Running).await;
        sleep(Duration::from_mins(3)).await;
        let lost = stop(&world, &platform, &pod).await;
        assert!(lost < most, "{lost} seconds were not charged");
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_charges_nothing_twice_and_nothing_extra() {
    for hours in [24, -24] {
        let (world, clock, platform) = world().await;
        let _driver = Driver::start(&platform);
        let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
        until_status(&platform, &world.ana, &pod.id, Status::Running).await;
        sleep(Duration::from_mins(10)).await;
        clock.ahead(SignedDuration::from_hours(hours));
        sleep(Duration::from_mins(10)).await;
        platform.stop(&world.ana, &pod.id).await.unwrap();
        let stopped = until(&platform, &world.ana, &pod.id, |pod| pod.step == Step::Stopped).await;
        let expected = Money::from_cents(270).for_seconds(20 * 60);
        let rest = stopped.charged - expected;
        assert!(
            !rest.is_negative() && rest < Money::from_cents(1),
            "{} and not {expected} with the clock set by {hours} hours",
            stopped.charged
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_paused_process_charges_only_running_time() {
    for mishap in [Mishap::Exit, Mishap::Evicted, Mishap::NodeLost] {
        let (world, _, platform) = world().await;
        let mut driver = Box::pin(platform.run(std::future::pending()));
        let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
        tokio::select! {
            ended = &mut driver => panic!("{ended:?}"),
            _ = until_status(&platform, &world.ana, &pod.id, Status::Running) => {}
        }
        // The machine is paused, and with it the process, but not the cluster and its clock.
        sleep(Duration::from_mins(1)).await;
        world.cluster.inject(&pod.id, mishap);
        sleep(Duration::from_hours(3)).await;
        tokio::select! {
            ended = &mut driver => panic!("{ended:?}"),
            () = async {
                sleep(Duration::from_mins(10)).await;
                let lost = stop(&world, &platform, &pod).await;
                // Only the unobserved time of a container that vanished.
                assert!(lost < 125.0, "{mishap:?}: {lost} seconds were not charged");
            } => {}
        }
    }
}

#[tokio::test(start_paused = true)]
async fn after_an_outage_of_the_cluster_only_running_time_is_charged() {
    for (mishap, blind, unseen) in [
        (None, Duration::ZERO, 3.0),
        // Nobody saw the last minute of its container.
        (Some(Mishap::NodeLost), Duration::from_mins(10), 63.0),
    ] {
        let (world, _, platform) = world().await;
        let _driver = Driver::start(&platform);
        let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
        until_status(&platform, &world.ana, &pod.id, Status::Running).await;
        sleep(Duration::from_mins(1)).await;
        world.cluster.break_watch_for(Duration::from_hours(3));
        world.cluster.inject_error(CallError {
            method: None,
            times: u32::MAX,
            kind: ErrorKind::Unavailable,
            after_effect: false,
        });
        if let Some(mishap) = mishap {
            world.cluster.inject(&pod.id, mishap);
        }
        sleep(Duration::from_hours(3)).await;
        world.cluster.clear_errors();
        sleep(Duration::from_mins(10)).await;
        platform.stop(&world.ana, &pod.id).await.unwrap();
        until(&platform, &world.ana, &pod.id, |pod| pod.step == Step::Stopped).await;
        let money = (Money::from_cents(100_000), Money::from_cents(270));
        let ran = ran(&world, |_| true);
        let lost = money_is_right(&world, &world.ana.id, money, ran, blind).await;
        assert!(lost < unseen, "{mishap:?}: {lost} seconds were not charged");
    }
}

#[tokio::test(start_paused = true)]
async fn a_corrected_clock_that_was_a_day_behind_charges_no_extra_day() {
    for more in [0, 10] {
        let (world, clock, _) = world().await;
        // A process reads the clock of its machine when it starts.
        let begin = || world.parts().clock(Arc::new(clock.clone())).build().unwrap();
        clock.ahead(SignedDuration::from_hours(-24));
        let platform = begin();
        let driver = Driver::start(&platform);
        let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
        until_status(&platform, &world.ana, &pod.id, Status::Running).await;
        sleep(Duration::from_mins(90)).await;
        drop(driver);
        clock.ahead(SignedDuration::ZERO);
        let platform = begin();
        let _driver = Driver::start(&platform);
        sleep(Duration::from_mins(more)).await;
        let lost = stop(&world, &platform, &pod).await;
        assert!(lost < 63.0, "{lost} seconds were not charged");
    }
}

#[tokio::test(start_paused = true)]
async fn a_container_that_vanished_during_a_store_outage_is_charged_only_for_its_running_time() {
    let mut unseen = 0;
    // At whatever moment of its start the store goes away.
    for call in 1..=40 {
        let (world, ..) = world().await;
        let faults = Faults::lasting(call, Fault::ErrorBefore, Duration::from_mins(25));
        let store = faults.store(world.store.clone());
        let platform = world.platform_on(Arc::new(world.cluster.clone()), store, world.store.clone());
        let _driver = Driver::start(&platform);
        let Ok(pod) = platform.create(&world.ana, &request("Training")).await else {
            continue;
        };
        sleep(Duration::from_secs(10)).await;
        unseen += usize::from(!world.cluster.runs_of(&pod.id).is_empty());
        world.cluster.break_watch_for(Duration::from_mins(30));
        world.cluster.inject(&pod.id, Mishap::NodeLost);
        sleep(Duration::from_mins(40)).await;
        faults.heal();
        sleep(Duration::from_mins(10)).await;
        platform.stop(&world.ana, &pod.id).await.unwrap();
        until(&platform, &world.ana, &pod.id, |pod| pod.step == Step::Stopped).await;
        let money = (Money::from_cents(100_000), Money::from_cents(270));
        // As long as an observation may be outdated.
        let blind = Duration::from_mins(7);
        money_is_right(&world, &world.ana.id, money, ran(&world, |_| true), blind).await;
    }
    assert!(unseen > 0);
}

#[tokio::test(start_paused = true)]
async fn a_process_paused_at_its_start_charges_only_running_time() {
    // At whatever moment of its beginning.
    for moment in (0..1500).step_by(50) {
        let (world, _, platform) = world().await;
        let driver = Driver::start(&platform);
        let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
        until_status(&platform, &world.ana, &pod.id, Status::Running).await;
        drop(driver);
        // Nobody drives, so that many periods are complete.
        sleep(Duration::from_hours(3)).await;
        // It receives events late.
        world.cluster.delay_watch(Duration::from_millis(500));
        let platform = world.parts().build().unwrap();
        let mut driver = Box::pin(platform.run(std::future::pending()));
        tokio::select! {
            ended = &mut driver => panic!("{ended:?}"),
            () = sleep(Duration::from_millis(moment)) => {}
        }
        world.cluster.inject(&pod.id, Mishap::Evicted);
        sleep(Duration::from_mins(5)).await;
        tokio::select! {
            ended = &mut driver => panic!("{ended:?}"),
            () = async {
                sleep(Duration::from_mins(1)).await;
                let lost = stop(&world, &platform, &pod).await;
                assert!(lost < 3.0, "after {moment} ms: {lost} seconds were not charged");
            } => {}
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_hanging_start_has_its_limit_however_wrong_the_nodes_clock() {
    for hours in [5, -5] {
        let (world, clock, platform) = world().await;
        clock.ahead(SignedDuration::from_hours(hours));
        let _driver = Driver::start(&platform);
        let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
        world.cluster.inject(&pod.id, Mishap::Hanging);
        sleep(Duration::from_mins(58)).await;
        let still = platform.get(&world.ana, &pod.id).await.unwrap();
        assert_eq!(
            (still.desired, still.reason),
            (Desired::Running, None),
            "{hours} hours"
        );
        sleep(Duration::from_mins(4)).await;
        let given_up = platform.get(&world.ana, &pod.id).await.unwrap();
        assert_eq!(given_up.desired, Desired::Stopped, "{hours} hours");
        assert_eq!(given_up.reason.unwrap().code, ReasonCode::GaveUp);
    }
}

#[tokio::test(start_paused = true)]
async fn a_hanging_stop_is_reported_however_wrong_the_clusters_clock() {
    for (hours, latest) in [(5, 4), (-5, 64)] {
        let (world, clock, platform) = world().await;
        clock.ahead(SignedDuration::from_hours(hours));
        let _driver = Driver::start(&platform);
        let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
        until_status(&platform, &world.ana, &pod.id, Status::Running).await;
        world.cluster.inject(&pod.id, Mishap::Unkillable);
        platform.stop(&world.ana, &pod.id).await.unwrap();
        sleep(Duration::from_mins(2)).await;
        let early = platform.get(&world.ana, &pod.id).await.unwrap();
        assert_eq!(early.reason, None, "{hours} hours");
        sleep(Duration::from_mins(latest - 2)).await;
        let shown = platform.get(&world.ana, &pod.id).await.unwrap();
        assert_eq!(
            shown.reason.unwrap().code,
            ReasonCode::StopDelayed,
            "{hours} hours"
        );
    }
}
