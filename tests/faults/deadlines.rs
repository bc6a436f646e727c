//! The deadlines: a start that hangs on its node gives its GPU back, a stop that hangs is reported, and so is a
//! start that waits for a leftover, whatever call goes wrong meanwhile. The story is run once for every call
//! and every way in which it can go wrong.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use neuropod::cluster::{ReasonCode, Step};
use neuropod::pod::Desired;
use neuropod::sim::faults::{Fault, Faults};
use neuropod::sim::{Mishap, ObjectKey, ObjectKind, Settings};
use neuropod::{ErrorKind, Money, Platform, PlatformBuilder, Pod, PodId, Status};
use neuropod_test_cluster::measured;

use crate::LIMIT;
use crate::common::{self, Driver, World, eventually, request, until_status};
use crate::story::insist;

/// How long a start may hang.
const START: SignedDuration = SignedDuration::from_mins(2);

fn deadlines(parts: PlatformBuilder) -> Platform {
    parts.start_limit(START).build().unwrap()
}

fn volume_key(name: &str) -> ObjectKey {
    ObjectKey {
        namespace: None,
        kind: ObjectKind::Volume,
        name: name.to_owned(),
    }
}

/// The actions of a person, each once; after a crash they continue where they were.
struct Hanging {
    id: PodId,
    charged: Money,
    volume: String,
    done: usize,
}

impl Hanging {
    /// A pod that ran and was stopped, before anything goes wrong.
    async fn new(world: &World) -> Self {
        let platform = deadlines(world.parts());
        let driver = Driver::start(&platform);
        let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
        until_status(&platform, &world.ana, &pod.id, Status::Running).await;
        platform.stop(&world.ana, &pod.id).await.unwrap();
        let stopped = common::until(&platform, &world.ana, &pod.id, |pod| pod.step == Step::Stopped).await;
        drop(driver);
        Self {
            id: stopped.id,
            charged: stopped.charged,
            volume: String::new(),
            done: 0,
        }
    }

    /// Waits until `is` is true for the pod. A pod that stopped for lack of money is restarted.
    async fn wait_and_pay(
        &self,
        world: &World,
        platform: &Platform,
        reader: &Platform,
        is: impl Fn(&Pod) -> bool,
    ) -> Pod {
        let unpaid = |pod: &Pod| because(pod, ReasonCode::InsufficientFunds);
        loop {
            let pod = common::until(reader, &world.ana, &self.id, |pod| is(pod) || unpaid(pod)).await;
            if !unpaid(&pod) {
                return pod;
            }
            call(async || platform.start(&world.ana, &self.id).await.map(drop)).await;
        }
    }

    async fn go_on(&mut self, world: &World, platform: &Platform, reader: &Platform) {
        let (ana, id) = (&world.ana, self.id.clone());
        let cluster = &world.cluster;
        while self.done < 12 {
            match self.done {
                0 => {
                    cluster.inject(&id, Mishap::Hanging);
                    call(async || platform.start(ana, &id).await.map(drop)).await;
                }
                1 => {
                    let given_up = |pod: &Pod| because(pod, ReasonCode::GaveUp) && pod.step == Step::Stopped;
                    let pod = self.wait_and_pay(world, platform, reader, given_up).await;
                    assert_eq!((pod.desired, pod.status), (Desired::Stopped, Status::Error));
                    assert_eq!(cluster.objects(), [], "its GPU is free");
                    let volume = Money::from_cents(5);
                    assert!(
                        pod.charged <= self.charged + volume,
                        "a start in vain costs nothing: {pod:?}"
                    );
                }
                2 => {
                    cluster.clear_mishaps(&id);
                    call(async || platform.start(ana, &id).await.map(drop)).await;
                }
                3 => {
                    let runs = |pod: &Pod| pod.status == Status::Running;
                    self.wait_and_pay(world, platform, reader, runs).await;
                    cluster.inject(&id, Mishap::Unkillable);
                }
                4 => call(async || platform.stop(ana, &id).await.map(drop)).await,
                5 => {
                    let late = |pod: &Pod| because(pod, ReasonCode::StopDelayed);
                    let pod = common::until(reader, ana, &id, late).await;
                    assert_eq!((pod.status, pod.step), (Status::Stopped, Step::Stopping));
                }
                6 => cluster.clear_mishaps(&id),
                7 => {
                    let gone = |pod: &Pod| pod.step == Step::Stopped && pod.reason.is_none();
                    let pod = common::until(reader, ana, &id, gone).await;
                    self.charged = pod.charged;
                    self.volume.clone_from(&pod.volume);
                    cluster.hold_finalizer(volume_key(&self.volume));
                    cluster.delete_by_hand(&volume_key(&self.volume));
                }
                8 => call(async || platform.start(ana, &id).await.map(drop)).await,
                9 => {
                    let given_up = |pod: &Pod| because(pod, ReasonCode::GaveUp) && pod.step == Step::Stopped;
                    let pod = self.wait_and_pay(world, platform, reader, given_up).await;
                    assert!(
                        pod.reason.as_ref().is_some_and(neuropod::Reason::is_leftover),
                        "it says behind what: {pod:?}"
                    );
                    let volume = Money::from_cents(5);
                    assert!(pod.charged <= self.charged + volume, "{pod:?}");
                }
                10 => cluster.release_finalizer(&volume_key(&self.volume)),
                _ => {
                    eventually("nothing is left", async || cluster.objects().is_empty()).await;
                    eventually("nothing is held", async || world.money().await.1 == Money::ZERO).await;
                }
            }
            self.done += 1;
        }
    }
}

fn because(pod: &Pod, code: ReasonCode) -> bool {
    pod.reason.as_ref().is_some_and(|reason| reason.code == code)
}

/// A call that may have succeeded before a crash, and then reports that.
async fn call(call: impl AsyncFn() -> neuropod::Result<()>) {
    match insist(call).await {
        Err(error) if *error.kind() != ErrorKind::InvalidState => panic!("{error}"),
        _ => {}
    }
}

async fn run_story(faults: &Faults) {
    let world = World::new(Settings::default()).await;
    let mut story = Hanging::new(&world).await;
    let reader = deadlines(world.parts());
    let parts = world
        .parts()
        .cluster(faults.cluster(Arc::new(world.cluster.clone())))
        .store(faults.store(world.store.clone()))
        .billing(faults.billing(world.store.clone()));
    let platform = deadlines(parts);
    let driver = Driver::start(&platform);
    let crashed = tokio::select! {
        () = story.go_on(&world, &platform, &reader) => false,
        () = faults.crashed() => true,
    };
    if crashed {
        drop(driver);
        let _driver = Driver::start(&reader);
        story.go_on(&world, &reader, &reader).await;
    }
}

#[tokio::test(start_paused = true)]
async fn hanging_pods_are_reported_and_ended_whatever_call_goes_wrong() {
    run_story(&Faults::none()).await;
    let first = rand::random_range(1..=3);
    println!("first point {first}");
    let mut tried = 0;
    for fault in Fault::ALL {
        // The other tests try every call; here one of three is tried, and each run tries others.
        for n in (first..).step_by(3) {
            let faults = Faults::lasting(n, fault, Duration::ZERO);
            let result = tokio::time::timeout(LIMIT, Box::pin(run_story(&faults))).await;
            let Some(call) = faults.injected() else { break };
            assert!(result.is_ok(), "{fault:?} at point {n}, {call}: no end");
            tried += 1;
        }
    }
    assert!(tried > 100, "{tried} points");
    measured(format_args!(
        "deadlines: {tried} fault points tried, 0 violations"
    ));
}
