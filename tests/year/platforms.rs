//! Platforms on one store and cluster: they start, fail and stop.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use neuropod::cluster::plan::{Layout, NamespaceScope, VolumeScope};
use neuropod::money::PricePolicy;
use neuropod::sim::faults::{Fault, Faults};
use neuropod::{Naming, Platform, Result};
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until};

use crate::common::World;
use crate::common::machine::MachineClock;
use crate::trouble::{LONGEST_BREAK, MOST_DELAY};

/// The maximum number at the same time.
const MOST: usize = 3;
/// The last call into its backends at which a platform ends by itself.
const LAST_CALL: usize = 5000;
/// The longest time for which a process stands still, as on a paused machine.
const LONGEST_PAUSE: Duration = Duration::from_hours(2);
/// How long a process that stood still may charge an outdated observation: a period, plus a moment.
const PERIOD: Duration = Duration::from_secs(60 + 10);

pub(crate) struct Platforms {
    layout: Layout,
    price_policy: PricePolicy,
    volume_grace: Option<SignedDuration>,
    /// The number of failing calls in a thousand. If it is 0, the watch does not break either.
    per_mille: u32,
    running: Vec<Running>,
}

struct Running {
    process: Process,
    driver: JoinHandle<()>,
    /// The time until which it stands still.
    pause: watch::Sender<Instant>,
    faults: Faults,
    clock: MachineClock,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// A process that can be called until it ends.
#[derive(Clone)]
pub(crate) struct Process {
    pub(crate) platform: Platform,
    end: Faults,
}

impl Process {
    /// Makes a call, and waits this long for its result, or until the process ends.
    pub(crate) async fn ask<R>(
        &self,
        patience: Duration,
        call: impl Future<Output = Result<R>>,
    ) -> Option<Result<R>> {
        tokio::select! {
            biased;
            answer = call => Some(answer),
            () = self.end.crashed() => None,
            () = sleep(patience) => None,
        }
    }
}

impl Platforms {
    pub(crate) fn new(random: &mut StdRng) -> Self {
        let layout = Layout {
            volume: if random.random() {
                VolumeScope::User
            } else {
                VolumeScope::Pod
            },
            namespace: if random.random() {
                NamespaceScope::Platform
            } else {
                NamespaceScope::User
            },
            ..Layout::default()
        };
        Self {
            layout,
            price_policy: if random.random() {
                PricePolicy::Quoted
            } else {
                PricePolicy::Current
            },
            volume_grace: random
                .random::<bool>()
                .then(|| SignedDuration::from_hours(random.random_range(2..100))),
            per_mille: if random.random() {
                0
            } else {
                random.random_range(1..60)
            },
            running: Vec::new(),
        }
    }

    /// Whether calls fail and the watch breaks.
    pub(crate) fn fail(&self) -> bool {
        self.per_mille > 0
    }

    /// How long a platform may wrongly believe that a container runs: the watch is broken, then an event or the
    /// reply of the store is late.
    pub(crate) fn blind(&self) -> Duration {
        if self.fail() {
            MOST_DELAY + LONGEST_BREAK + 3 * Fault::LATENESS + PERIOD
        } else {
            MOST_DELAY
        }
    }

    /// A platform crashes, or another one is started.
    pub(crate) fn come_and_go(&mut self, world: &World, random: &mut StdRng) {
        self.running.retain(|running| !running.process.end.has_crashed());
        match random.random_range(0..20) {
            0 | 1 if !self.running.is_empty() => {
                let which = random.random_range(0..self.running.len());
                self.running.swap_remove(which);
            }
            2 if random.random_range(0..MOST) >= self.running.len() => self.start(world, random),
            _ => {}
        }
    }

    fn start(&mut self, world: &World, random: &mut StdRng) {
        let faults = Faults::random(random.random(), self.per_mille);
        let end = if random.random() {
            let crash = [Fault::CrashBefore, Fault::CrashAfter].choose(random);
            Faults::at_call(random.random_range(1..LAST_CALL), *crash.unwrap())
        } else {
            Faults::none()
        };
        self.add(world, faults, end);
    }

    fn add(&mut self, world: &World, faults: Faults, end: Faults) {
        let clock = MachineClock::new(world);
        // People there have as many pods as they can pay for, because the subjects are time and trouble.
        let mut parts = world.parts().max_pods(u32::MAX);
        if let Some(grace) = self.volume_grace {
            parts = parts.volume_grace(grace);
        }
        let platform = parts
            .layout(self.layout.clone())
            .price_policy(self.price_policy)
            .clock(Arc::new(clock.clone()))
            .cluster(end.cluster(faults.cluster(Arc::new(world.cluster.clone()))))
            .store(end.store(faults.store(world.store.clone())))
            .billing(end.billing(faults.billing(world.store.clone())))
            .build()
            .unwrap();
        let (pause, paused) = watch::channel(Instant::now());
        let driver = tokio::spawn(drive(platform.clone(), paused));
        self.running.push(Running {
            process: Process { platform, end },
            driver,
            pause,
            faults,
            clock,
        });
    }

    /// Sets the clock of a machine a day ahead or back, or right.
    pub(crate) fn set_a_clock(&self, random: &mut StdRng) {
        if let Some(running) = self.running.choose(random) {
            running
                .clock
                .ahead(SignedDuration::from_hours(24) * random.random_range(-1..=1));
        }
    }

    /// Pauses a process for some time.
    pub(crate) fn pause(&self, random: &mut StdRng) {
        if let Some(running) = self.running.choose(random) {
            let time = LONGEST_PAUSE.mul_f64(random.random());
            running.pause.send_replace(Instant::now() + time);
        }
    }

    /// A process to call; one is started if there is none.
    pub(crate) fn any(&mut self, world: &World, random: &mut StdRng) -> Process {
        self.running.retain(|running| !running.process.end.has_crashed());
        if self.running.is_empty() {
            self.start(world, random);
        }
        self.running.choose(random).unwrap().process.clone()
    }

    /// Whether no process is driving.
    pub(crate) fn are_gone(&self) -> bool {
        let now = Instant::now();
        self.running
            .iter()
            .all(|running| running.process.end.has_crashed() || *running.pause.borrow() > now)
    }

    /// From now on their calls do not fail.
    pub(crate) fn heal(&mut self, world: &World) {
        self.running.retain(|running| !running.process.end.has_crashed());
        for running in &self.running {
            running.faults.heal();
            running.process.end.heal();
            running.pause.send_replace(Instant::now());
        }
        if self.running.is_empty() {
            self.add(world, Faults::none(), Faults::none());
        }
    }

    /// The platform after healing.
    pub(crate) fn healthy(&self) -> &Platform {
        &self.running[0].process.platform
    }

    /// Ends the healed platforms, so that later ones fail again.
    pub(crate) fn shut_down(&mut self) {
        self.running.clear();
    }

    pub(crate) fn naming(&self) -> &Naming {
        self.healthy().naming()
    }

    pub(crate) fn share_volumes(&self) -> bool {
        self.layout.volume == VolumeScope::User
    }
}

/// Drives the platform, except while it stands still.
async fn drive(platform: Platform, mut paused: watch::Receiver<Instant>) {
    let mut driver = Box::pin(platform.run(pending()));
    loop {
        let until = *paused.borrow_and_update();
        tokio::select! {
            biased;
            Ok(()) = paused.changed() => {}
            () = sleep_until(until) => tokio::select! {
                biased;
                Ok(()) = paused.changed() => {}
                ended = &mut driver => panic!("{ended:?}"),
            }
        }
    }
}
