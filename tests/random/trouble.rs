//! What goes wrong: in the cluster, in the backends and with the platforms themselves.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use neuropod::plan::{Layout, NamespaceScope, VolumeScope};
use neuropod::sim::faults::{Fault, Faults};
use neuropod::sim::{Incident, Method, Obstacle, Refusal};
use neuropod::{ErrorKind, Naming, Platform, PodId};
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, IteratorRandom};

use crate::common::{Driver, World};

const OBSTACLES: [Obstacle; 12] = [
    Obstacle::NoGpuFree,
    Obstacle::Unschedulable,
    Obstacle::VolumePending,
    Obstacle::MountFailing,
    Obstacle::PullFailing,
    Obstacle::ImageMissing,
    Obstacle::ImageInvalid,
    Obstacle::ConfigError,
    Obstacle::StartError,
    Obstacle::CrashLoop,
    Obstacle::NeverReady,
    Obstacle::IgnoresTermination,
];
const INCIDENTS: [Incident; 5] = [
    Incident::Exit,
    Incident::OutOfMemory,
    Incident::Evicted,
    Incident::DiskExceeded,
    Incident::NodeLost,
];

/// How late the watch is at most.
pub(crate) const MOST_DELAY: Duration = Duration::from_millis(500);
/// How long the watch is broken at most.
const LONGEST_BREAK: Duration = Duration::from_mins(1);

/// Something happens in the cluster, to one of these pods or to all.
fn happens(world: &World, pods: BTreeSet<PodId>, sees: bool, random: &mut StdRng) {
    let cluster = &world.cluster;
    let Some(pod) = pods.into_iter().choose(random) else {
        return;
    };
    match random.random_range(0..12) {
        0..2 => cluster.obstruct(&pod, *OBSTACLES.choose(random).unwrap()),
        2..5 => cluster.clear_obstacles(&pod),
        5..8 => cluster.strike(&pod, *INCIDENTS.choose(random).unwrap()),
        8 if sees => {}
        8 => cluster.break_watch_for(LONGEST_BREAK.mul_f64(random.random())),
        9 => cluster.break_logs(),
        10 => {
            if let Some(key) = cluster.objects().choose(random) {
                cluster.delete_by_hand(key);
            }
        }
        _ => cluster.refuse(Refusal {
            method: [None, Some(Method::Apply), Some(Method::Remove)]
                .choose(random)
                .copied()
                .unwrap(),
            times: random.random_range(1..10),
            kind: ErrorKind::Unavailable,
            after_effect: random.random(),
        }),
    }
}

/// Platforms on one store and cluster, at most two at a time.
pub(crate) struct Platforms {
    layout: Layout,
    /// Of a thousand calls so many go wrong. When none does, neither does the watch.
    per_mille: u32,
    running: Vec<Running>,
}

struct Running {
    platform: Platform,
    /// Driving until it is dropped.
    #[allow(dead_code, reason = "only dropped")]
    driver: Driver,
    faults: Faults,
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
            per_mille: if random.random() {
                0
            } else {
                random.random_range(1..60)
            },
            running: Vec::new(),
        }
    }

    pub(crate) fn trouble(&self, world: &World, pods: BTreeSet<PodId>, random: &mut StdRng) {
        happens(world, pods, self.per_mille == 0, random);
    }

    /// How long a platform may believe that a container runs which does not: the watch is broken, then an event or
    /// the answer of the store is late.
    pub(crate) fn blind(&self) -> Duration {
        if self.per_mille == 0 {
            MOST_DELAY
        } else {
            MOST_DELAY + LONGEST_BREAK + 3 * Fault::LATENESS
        }
    }

    /// One crashes, or another one is started.
    pub(crate) fn come_and_go(&mut self, world: &World, random: &mut StdRng) {
        match random.random_range(0..20) {
            0 if !self.running.is_empty() => {
                let which = random.random_range(0..self.running.len());
                self.running.swap_remove(which);
            }
            1 if self.running.len() < 2 => self.start(world, random),
            _ => {}
        }
    }

    fn start(&mut self, world: &World, random: &mut StdRng) {
        let faults = Faults::random(random.random(), self.per_mille);
        let platform = world
            .parts()
            .layout(self.layout.clone())
            .cluster(faults.cluster(Arc::new(world.cluster.clone())))
            .store(faults.store(world.store.clone()))
            .billing(faults.billing(world.store.clone()))
            .build()
            .unwrap();
        let driver = Driver::start(&platform);
        self.running.push(Running {
            platform,
            driver,
            faults,
        });
    }

    /// One to call; when there is none it is started.
    pub(crate) fn any(&mut self, world: &World, random: &mut StdRng) -> &Platform {
        if self.running.is_empty() {
            self.start(world, random);
        }
        &self.running.choose(random).unwrap().platform
    }

    /// Ends all trouble.
    pub(crate) fn heal(&mut self, world: &World, pods: BTreeSet<PodId>) {
        for pod in pods {
            world.cluster.clear_obstacles(&pod);
        }
        world.cluster.mend_watch();
        for running in &self.running {
            running.faults.heal();
        }
        if self.running.is_empty() {
            let faults = Faults::none();
            let platform = world.parts().layout(self.layout.clone()).build().unwrap();
            let driver = Driver::start(&platform);
            self.running.push(Running {
                platform,
                driver,
                faults,
            });
        }
    }

    pub(crate) fn healthy(&self) -> &Platform {
        &self.running[0].platform
    }

    pub(crate) fn naming(&self) -> &Naming {
        self.healthy().naming()
    }

    pub(crate) fn share_volumes(&self) -> bool {
        self.layout.volume == VolumeScope::User
    }
}
