//! What goes wrong in the cluster.

use std::time::Duration;

use neuropod::sim::{Incident, Method, Obstacle, Refusal};
use neuropod::{ErrorKind, PodId};
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, IteratorRandom};

use crate::common::World;

const OBSTACLES: [Obstacle; 17] = [
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
    Obstacle::Leftover,
    Obstacle::Hanging,
    Obstacle::Unkillable,
    Obstacle::NodeFault,
    Obstacle::NodeRefuses,
];
const INCIDENTS: [Incident; 6] = [
    Incident::Exit,
    Incident::OutOfMemory,
    Incident::Evicted,
    Incident::DiskExceeded,
    Incident::NodeLost,
    Incident::ServerKilled,
];

/// How late the watch is at most.
pub(crate) const MOST_DELAY: Duration = Duration::from_millis(500);
/// How long the watch is broken at most.
pub(crate) const LONGEST_BREAK: Duration = Duration::from_secs(20);

/// Something happens to one of these pods or to the whole cluster, whose watch may break.
pub(crate) fn happens(
    world: &World,
    pods: impl Iterator<Item = PodId>,
    watch_breaks: bool,
    random: &mut StdRng,
) {
    let cluster = &world.cluster;
    let Some(pod) = pods.choose(random) else {
        return;
    };
    match random.random_range(0..12) {
        0..2 => cluster.obstruct(&pod, *OBSTACLES.choose(random).unwrap()),
        2..5 => cluster.clear_obstacles(&pod),
        5..8 => cluster.strike(&pod, *INCIDENTS.choose(random).unwrap()),
        8 if watch_breaks => cluster.break_watch_for(LONGEST_BREAK.mul_f64(random.random())),
        8 => {}
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
