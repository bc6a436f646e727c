//! Failures in the cluster.

use std::time::Duration;

use neuropod::sim::{CallError, Method, Mishap};
use neuropod::{ErrorKind, PodId};
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, IteratorRandom};

use crate::common::World;

const OBSTACLES: [Mishap; 17] = [
    Mishap::NoGpuFree,
    Mishap::Unschedulable,
    Mishap::VolumePending,
    Mishap::MountFailing,
    Mishap::PullFailing,
    Mishap::ImageMissing,
    Mishap::ImageInvalid,
    Mishap::ConfigError,
    Mishap::StartError,
    Mishap::CrashLoop,
    Mishap::NeverReady,
    Mishap::IgnoresTermination,
    Mishap::Leftover,
    Mishap::Hanging,
    Mishap::Unkillable,
    Mishap::NodeFault,
    Mishap::NodeRefuses,
];
const INCIDENTS: [Mishap; 6] = [
    Mishap::Exit,
    Mishap::OutOfMemory,
    Mishap::Evicted,
    Mishap::DiskExceeded,
    Mishap::NodeLost,
    Mishap::ServerKilled,
];

/// The maximum delay of the watch.
pub(crate) const MOST_DELAY: Duration = Duration::from_millis(500);
/// The maximum time for which the watch is broken.
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
        0..2 => cluster.inject(&pod, *OBSTACLES.choose(random).unwrap()),
        2..5 => cluster.clear_mishaps(&pod),
        5..8 => cluster.inject(&pod, *INCIDENTS.choose(random).unwrap()),
        8 if watch_breaks => cluster.break_watch_for(LONGEST_BREAK.mul_f64(random.random())),
        8 => {}
        9 => cluster.break_logs(),
        10 => {
            if let Some(key) = cluster.objects().choose(random) {
                cluster.delete_by_hand(key);
            }
        }
        _ => cluster.inject_error(CallError {
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
