//! Every point at which a platform can fail, one after the other: the story of a pod is told once for every call into
//! cluster, store and billing, and for every way in which that call can go wrong.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "tests"
)]

mod common;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{Driver, World, eventually, request};
use futures::StreamExt;
use jiff::Timestamp;
use neuropod::billing::EntryKind;
use neuropod::sim::faults::{Fault, Faults};
use neuropod::sim::{Settings, SimCluster};
use neuropod::statement::{Explanation, explain};
use neuropod::{
    BillingExt, Clock, ClusterBackend, ClusterEvent, ErrorKind, Money, Platform, Pod, PodId, PodStore,
    Result, Status, Step, VolumePolicy,
};
use tokio::time::{Instant, sleep};

/// A whole story with one fault may take so long, in the time of the simulation.
const LIMIT: Duration = Duration::from_mins(30);

/// What a person does, each thing once; after a crash they go on where they were, and repeat what was not answered.
struct Story {
    volume: VolumePolicy,
    done: usize,
    pod: Option<PodId>,
}

impl Story {
    /// Tells the story on. `reader` sees the truth without faults; `platform` is the one that fails.
    async fn go_on(&mut self, world: &World, platform: &Platform, reader: &Platform) {
        let ana = &world.ana;
        loop {
            match self.done {
                0 => {
                    let request = request("Training").idempotency_key("the first");
                    let pod = insist(async || Box::pin(platform.create(ana, &request)).await)
                        .await
                        .unwrap();
                    self.pod = Some(pod.id);
                }
                1 | 5 => {
                    let pod = self
                        .wait(world, reader, |pod| pod.status == Status::Running)
                        .await;
                    assert_eq!((pod.step, &pod.reason), (Step::Ready, &None));
                    let link = reader.connections(ana, &pod.id).await.unwrap().http[0].link();
                    assert!(link.contains("?token="), "{link}");
                    sleep(Duration::from_secs(90)).await;
                }
                2 => self.call(async |id| platform.stop(ana, id).await.map(drop)).await,
                3 => {
                    self.wait(world, reader, |pod| pod.step == Step::Stopped).await;
                    assert_eq!(world.cluster.objects(), [], "stopped");
                    assert_eq!(world.cluster.volumes().len(), 1, "the volume stays");
                }
                4 => {
                    self.call(async |id| platform.start(ana, id).await.map(drop))
                        .await;
                }
                6 => {
                    self.call(async |id| platform.delete(ana, id, self.volume).await)
                        .await;
                }
                _ => {
                    let id = self.pod.clone().unwrap();
                    eventually("the record is gone", async || {
                        world.store.get(&id).await.unwrap().is_none()
                    })
                    .await;
                    return;
                }
            }
            self.done += 1;
        }
    }

    /// A call that may have been answered already before a crash, and then says so.
    async fn call(&self, call: impl AsyncFn(&PodId) -> Result<()>) {
        let id = self.pod.as_ref().unwrap();
        match insist(async || call(id).await).await {
            Ok(()) => {}
            Err(error) if matches!(error.kind(), ErrorKind::InvalidState | ErrorKind::NotFound) => {}
            Err(error) => panic!("{error}"),
        }
    }

    async fn wait(&self, world: &World, reader: &Platform, is: impl Fn(&Pod) -> bool) -> Pod {
        common::until(reader, &world.ana, self.pod.as_ref().unwrap(), is).await
    }
}

/// Repeats a call while trying again can help.
async fn insist<T>(call: impl AsyncFn() -> Result<T>) -> Result<T> {
    let end = Instant::now() + LIMIT;
    loop {
        match call().await {
            Err(error) if error.is_retryable() && Instant::now() < end => sleep(Duration::from_secs(1)).await,
            other => return other,
        }
    }
}

/// Notes, without faults, when containers ran.
#[derive(Clone, Default)]
struct Witness(Arc<Mutex<BTreeMap<String, Run>>>);

/// When a container started and ended.
type Run = (Timestamp, Option<Timestamp>);

impl Witness {
    async fn watch(self, cluster: SimCluster) {
        let mut events = cluster.watch();
        let mut running: BTreeMap<PodId, String> = BTreeMap::new();
        while let Some(event) = events.next().await {
            let now = cluster.clock().now();
            let mut runs = self.0.lock().unwrap();
            match event {
                ClusterEvent::Changed { pod_id, pod } => match pod.container {
                    Some(container) => {
                        runs.entry(container.id.clone())
                            .or_insert((container.started_at, None));
                        running.insert(pod_id, container.id);
                    }
                    None => {
                        if let Some(id) = running.remove(&pod_id) {
                            runs.get_mut(&id).unwrap().1 = Some(pod.finished_at.unwrap_or(now));
                        }
                    }
                },
                ClusterEvent::Gone { pod_id, .. } => {
                    if let Some(id) = running.remove(&pod_id) {
                        runs.get_mut(&id).unwrap().1 = Some(now);
                    }
                }
                _ => {}
            }
        }
    }

    /// Seconds that containers ran, and how many there were.
    fn ran(&self) -> (f64, usize) {
        let runs = self.0.lock().unwrap();
        let seconds = runs
            .values()
            .map(|(start, end)| end.unwrap().duration_since(*start).as_secs_f64());
        (seconds.sum(), runs.len())
    }
}

/// Tells the story with these faults, and checks what is left at the end. Answers how much less was charged than ran.
async fn tell(faults: &Faults, volume: VolumePolicy) -> f64 {
    let world = World::new(Settings::default()).await;
    let witness = Witness::default();
    let watching = tokio::spawn(witness.clone().watch(world.cluster.clone()));
    let reader = world.platform();
    let platform = world.platform_on(
        faults.cluster(Arc::new(world.cluster.clone())),
        faults.store(world.store.clone()),
        faults.billing(world.store.clone()),
    );
    let driver = Driver::start(&platform);
    let mut story = Story {
        volume,
        done: 0,
        pod: None,
    };
    let crashed = tokio::select! {
        () = Box::pin(story.go_on(&world, &platform, &reader)) => false,
        () = faults.crashed() => true,
    };
    let _drivers = if crashed {
        drop(driver);
        sleep(Duration::from_secs(3)).await;
        let fresh = world.platform();
        let driver = Driver::start(&fresh);
        Box::pin(story.go_on(&world, &fresh, &reader)).await;
        driver
    } else {
        driver
    };
    eventually("nothing is left", async || world.cluster.objects().is_empty()).await;
    let volumes = usize::from(volume == VolumePolicy::Keep);
    assert_eq!(world.cluster.volumes().len(), volumes, "the volume as asked");
    assert_eq!(world.cluster.orphans(), []);
    watching.abort();
    money_is_right(&world, &witness).await
}

async fn money_is_right(world: &World, witness: &Witness) -> f64 {
    let entries = world.store.all_entries(&world.ana.id).await.unwrap();
    let (available, held) = world.money().await;
    let sum: Money = entries.iter().map(|entry| entry.amount).sum();
    assert_eq!((sum, held), (available, Money::ZERO), "{entries:#?}");
    let mut by_key: BTreeMap<&str, Vec<EntryKind>> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| entry.kind != EntryKind::Deposit) {
        by_key.entry(&entry.key).or_default().push(entry.kind);
    }
    for (key, kinds) in &by_key {
        // A reservation may be topped up, and ends once; a period is charged once.
        let reservation = kinds.iter().filter(|kind| **kind == EntryKind::Release).count() == 1
            && kinds
                .iter()
                .all(|kind| matches!(kind, EntryKind::Hold | EntryKind::Release));
        assert!(reservation || kinds[..] == [EntryKind::Usage], "{key}: {kinds:?}");
    }
    let mut until = Timestamp::MIN;
    for charge in entries.iter().filter_map(explain) {
        assert!(charge.agrees, "{charge}");
        assert!(
            charge.period.from >= until,
            "{charge} is charged already: {entries:#?}"
        );
        until = charge.period.until;
    }
    let (ran, containers) = witness.ran();
    let running = |charge: &Explanation| charge.hourly == Money::from_cents(270);
    let paid: i64 = entries
        .iter()
        .filter_map(explain)
        .filter(running)
        .map(|charge| charge.seconds)
        .sum();
    let paid = f64::from(i32::try_from(paid).unwrap());
    // The seconds of a container are rounded once.
    let rounding = f64::from(u32::try_from(containers).unwrap());
    assert!(
        paid <= ran + rounding,
        "{paid} seconds were charged, containers ran for {ran}: {entries:#?}"
    );
    ran - paid
}

/// Says where it was when the test panics.
struct At<'a>(&'a Faults);

impl Drop for At<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("this happened with {:?}", self.0);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn every_call_goes_wrong_once_in_every_way() {
    let mut points = 0;
    for volume in [VolumePolicy::Keep, VolumePolicy::Delete] {
        let none = Faults::none();
        let lost = Box::pin(tell(&none, volume)).await;
        assert!(
            lost < 3.0,
            "without a fault all of it is charged but for fractions of seconds: {lost}"
        );
        for fault in [
            Fault::ErrorBefore,
            Fault::ErrorAfter,
            Fault::CrashBefore,
            Fault::CrashAfter,
        ] {
            let mut most_lost = 0.0_f64;
            for n in 1.. {
                let faults = Faults::at(n, fault);
                let _at = At(&faults);
                let told = tokio::time::timeout(LIMIT, Box::pin(tell(&faults, volume))).await;
                if faults.calls() < n {
                    println!(
                        "{volume:?}, {fault:?}: {} points, at most {most_lost:.1} s not charged",
                        n - 1
                    );
                    break;
                }
                points += 1;
                let call = faults.call(n).unwrap();
                let lost =
                    told.unwrap_or_else(|_| panic!("{volume:?}, {fault:?} at call {n}, {call}: no end"));
                most_lost = most_lost.max(lost);
                if matches!(fault, Fault::ErrorBefore | Fault::ErrorAfter) {
                    assert!(
                        lost < 4.0,
                        "{fault:?} at call {n}, {call}: {lost} seconds were not charged"
                    );
                }
            }
        }
    }
    println!("{points} fault points tried, 0 violations");
}
