//! Every scenario, as data.

use std::time::Duration;

use jiff::Timestamp;
use neuropod::cluster::{ReasonCode, Step};
use neuropod::money::billing::Spent;
use neuropod::pod::Desired;
use neuropod::pod::{Awaited, VolumeDeletion, Wait};
use neuropod::sim::Mishap;
use neuropod::{Money, Pod, Reason, Status};

use super::past::hours;

/// A pod of the gallery.
pub(super) struct Scenario {
    /// Its name, on the page and on the command line.
    pub(super) name: &'static str,
    /// Its owner.
    pub(super) account: GalleryOwner,
    pub(super) image: &'static str,
    pub(super) gpu: &'static str,
    pub(super) ports: &'static [u16],
    /// The mishaps that are injected from the start.
    pub(super) mishaps: &'static [Mishap],
    /// Its history.
    pub(super) past: Past,
    /// The event to come, once it has got far enough.
    pub(super) then: Then,
    /// The state that it shows in the end.
    pub(super) shows: Shows,
}

/// The owner of a gallery pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum GalleryOwner {
    /// Somebody with enough money.
    Gallery,
    /// Somebody suspended by an administrator.
    Suspended,
    /// Somebody without money.
    Empty,
}

impl GalleryOwner {
    pub(super) const ALL: [Self; 3] = [Self::Gallery, Self::Suspended, Self::Empty];

    pub(super) fn email(self) -> &'static str {
        match self {
            Self::Gallery => "gallery@example.com",
            Self::Suspended => "suspended@example.com",
            Self::Empty => "empty@example.com",
        }
    }
}

/// The history of a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Past {
    /// No history.
    None,
    /// A foreign object has one of its names.
    NameTaken,
    /// It was stopped by its owner.
    Stopped,
    /// The account could no longer pay for it.
    NoMoney,
    /// Its daily limit was spent.
    SpendCap,
    /// Its volume is unpaid and will be deleted soon.
    VolumeUnpaid,
    /// The same, after the deadline.
    VolumeOverdue,
    /// It failed for half an hour.
    GaveUp,
    /// It has waited for hours for a leftover to be deleted.
    Waited,
    /// It was evicted so often that the platform waits for minutes before it recreates it.
    EvictedOften,
}

impl Past {
    pub(super) fn write(self, pod: &mut Pod, now: Timestamp) {
        // Longer than the platform would retry, so that the failure remains visible.
        pod.failing_since = Some(hours(now, 24 * 365));
        let stopped = |pod: &mut Pod, reason: Option<(ReasonCode, &str)>| {
            pod.desired = Desired::Stopped;
            pod.status = Status::Stopped;
            pod.step = Step::Stopping;
            pod.reason = reason.map(|(code, detail)| Reason::new(code, detail, hours(now, -2)));
        };
        let unpaid = |at| VolumeDeletion {
            at,
            decided: false,
            done: false,
        };
        match self {
            Self::None | Self::NameTaken => {}
            Self::Stopped => stopped(pod, None),
            Self::NoMoney => stopped(pod, Some((ReasonCode::InsufficientFunds, ""))),
            Self::SpendCap => {
                pod.spent = Some(Spent::and(None, now, Money::from_cents(100)));
                stopped(pod, Some((ReasonCode::SpendCap, "")));
            }
            Self::VolumeUnpaid => {
                stopped(pod, None);
                pod.volume_deletion = Some(unpaid(hours(now, 20)));
            }
            Self::VolumeOverdue => {
                stopped(pod, None);
                pod.volume_deletion = Some(unpaid(hours(now, -1)));
            }
            Self::GaveUp => {
                let cause = "crash_loop: back-off restarting failed container; last exit code 1";
                stopped(pod, Some((ReasonCode::GaveUp, cause)));
            }
            Self::Waited => {
                let detail = String::new();
                pod.wait = Some(Wait {
                    since: hours(now, -2),
                    what: Awaited::Leftover { detail },
                });
            }
            Self::EvictedOften => pod.attempts = 10,
        }
    }
}

/// The event of a pod once it has got far enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    /// No event.
    Nothing,
    /// It stays at this step, before its container starts.
    StayAt(Step),
    /// This mishap, once it is ready; then it stays as it is.
    Inject(Mishap),
    /// Its container has been running for this long.
    Age(Duration),
    /// Its owner stops it, and its container does not end.
    StopInVain,
    /// Its owner stopped it two hours ago, and its container does not end.
    StopForHours,
}

/// The final state of a scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shows {
    /// A reason.
    Reason(ReasonCode),
    /// A state without a reason, in words.
    Step(Status, Step, &'static str),
}

const JUPYTER: &[u16] = &[8888];
const IMAGE: &str = "quay.io/jupyter/pytorch-notebook:latest";

/// A pod that ends in the state `shows`.
const fn scenario(name: &'static str, shows: Shows) -> Scenario {
    Scenario {
        name,
        account: GalleryOwner::Gallery,
        image: IMAGE,
        gpu: "cpu",
        ports: JUPYTER,
        mishaps: &[],
        past: Past::None,
        then: Then::Nothing,
        shows,
    }
}

/// A pod with mishaps, which become its reason.
const fn with_mishaps(name: &'static str, code: ReasonCode, mishaps: &'static [Mishap]) -> Scenario {
    Scenario {
        mishaps,
        ..scenario(name, Shows::Reason(code))
    }
}

/// A pod with a mishap once it is ready.
const fn injected(name: &'static str, code: ReasonCode, mishap: Mishap) -> Scenario {
    Scenario {
        then: Then::Inject(mishap),
        ..scenario(name, Shows::Reason(code))
    }
}

/// A pod with this history.
const fn past(name: &'static str, past: Past, shows: Shows) -> Scenario {
    Scenario {
        past,
        ..scenario(name, shows)
    }
}

/// A pod that stays at a step of its start.
const fn staying(name: &'static str, step: Step, text: &'static str) -> Scenario {
    Scenario {
        then: Then::StayAt(step),
        ..scenario(name, Shows::Step(Status::Creating, step, text))
    }
}

/// All of them, in the order of a pod's life.
pub(super) const SCENARIOS: &[Scenario] = &[
    // Starting.
    staying("preparing", Step::Preparing, "A node prepares the pod"),
    staying(
        "pulling_image",
        Step::PullingImage,
        "The image is being downloaded",
    ),
    staying("starting", Step::Starting, "The container starts"),
    Scenario {
        gpu: "rtx-4090",
        ..with_mishaps("no_gpu_free", ReasonCode::NoGpuFree, &[Mishap::NoGpuFree])
    },
    with_mishaps(
        "unschedulable",
        ReasonCode::Unschedulable,
        &[Mishap::Unschedulable],
    ),
    with_mishaps(
        "volume_pending",
        ReasonCode::VolumePending,
        &[Mishap::VolumePending],
    ),
    with_mishaps("volume_failed", ReasonCode::VolumeFailed, &[Mishap::MountFailing]),
    Scenario {
        image: "ghcr.io/acme/trainer:v2",
        ..with_mishaps(
            "image_not_found",
            ReasonCode::ImageNotFound,
            &[Mishap::ImageMissing],
        )
    },
    with_mishaps(
        "image_pull_failed",
        ReasonCode::ImagePullFailed,
        &[Mishap::PullFailing],
    ),
    Scenario {
        image: "ghcr.io/acme/old-trainer",
        ..with_mishaps("image_invalid", ReasonCode::ImageInvalid, &[Mishap::ImageInvalid])
    },
    Scenario {
        image: "ghcr.io/acme/arm-trainer:v1",
        ..with_mishaps(
            "image_architecture",
            ReasonCode::ImageArchitecture,
            &[Mishap::WrongArchitecture],
        )
    },
    with_mishaps(
        "container_config",
        ReasonCode::ContainerConfig,
        &[Mishap::ConfigError],
    ),
    with_mishaps(
        "container_start",
        ReasonCode::ContainerStart,
        &[Mishap::StartError],
    ),
    with_mishaps(
        "quota_exceeded",
        ReasonCode::QuotaExceeded,
        &[Mishap::QuotaUsedUp],
    ),
    with_mishaps("rejected", ReasonCode::Rejected, &[Mishap::AdmissionDenied]),
    with_mishaps("cluster_setup", ReasonCode::ClusterSetup, &[Mishap::NotSetUp]),
    with_mishaps(
        "cluster_unavailable",
        ReasonCode::ClusterUnavailable,
        &[Mishap::ApiUnavailable],
    ),
    Scenario {
        past: Past::Waited,
        ..with_mishaps("leftover", ReasonCode::StopDelayed, &[Mishap::Leftover])
    },
    past(
        "name_taken",
        Past::NameTaken,
        Shows::Reason(ReasonCode::NameTaken),
    ),
    // Running.
    Scenario {
        gpu: "rtx-4070",
        ports: &[8888, 7860],
        then: Then::Age(Duration::from_mins(50)),
        ..scenario(
            "running",
            Shows::Step(
                Status::Running,
                Step::Ready,
                "It runs, with Jupyter and a port of its own",
            ),
        )
    },
    Scenario {
        image: "ghcr.io/acme/webui:v3",
        gpu: "rtx-4050",
        ports: &[7860],
        ..scenario(
            "running_web",
            Shows::Step(Status::Running, Step::Ready, "It runs, and is no Jupyter server"),
        )
    },
    Scenario {
        then: Then::Age(Duration::from_secs(90)),
        ..with_mishaps("not_answering", ReasonCode::NotAnswering, &[Mishap::NeverReady])
    },
    injected("container_exited", ReasonCode::ContainerExited, Mishap::Exit),
    with_mishaps("crash_loop", ReasonCode::CrashLoop, &[Mishap::CrashLoop]),
    injected("out_of_memory", ReasonCode::OutOfMemory, Mishap::OutOfMemory),
    injected("disk_exceeded", ReasonCode::DiskExceeded, Mishap::DiskExceeded),
    injected("node_lost", ReasonCode::NodeLost, Mishap::NodeLost),
    Scenario {
        past: Past::EvictedOften,
        ..injected("evicted", ReasonCode::Evicted, Mishap::Evicted)
    },
    // Stopping and stopped.
    Scenario {
        then: Then::StopInVain,
        ..hanging_stop()
    },
    Scenario {
        then: Then::StopForHours,
        ..with_mishaps("stop_delayed", ReasonCode::StopDelayed, &[Mishap::Unkillable])
    },
    past(
        "stopped",
        Past::Stopped,
        Shows::Step(Status::Stopped, Step::Stopped, "Its owner has stopped it"),
    ),
    past(
        "insufficient_funds",
        Past::NoMoney,
        Shows::Reason(ReasonCode::InsufficientFunds),
    ),
    past("spend_cap", Past::SpendCap, Shows::Reason(ReasonCode::SpendCap)),
    past("gave_up", Past::GaveUp, Shows::Reason(ReasonCode::GaveUp)),
    past(
        "volume_unpaid",
        Past::VolumeUnpaid,
        Shows::Step(
            Status::Stopped,
            Step::Stopped,
            "Its volume is not paid for, and goes soon",
        ),
    ),
    past(
        "volume_deleted",
        Past::VolumeOverdue,
        Shows::Reason(ReasonCode::VolumeDeleted),
    ),
    Scenario {
        account: GalleryOwner::Suspended,
        ..scenario("suspended", Shows::Reason(ReasonCode::Suspended))
    },
    Scenario {
        account: GalleryOwner::Empty,
        ..past(
            "empty_account",
            Past::Stopped,
            Shows::Step(
                Status::Stopped,
                Step::Stopped,
                "Its owner can't pay for another start",
            ),
        )
    },
];

const fn hanging_stop() -> Scenario {
    Scenario {
        mishaps: &[Mishap::IgnoresTermination],
        ..scenario(
            "stopping",
            Shows::Step(
                Status::Stopped,
                Step::Stopping,
                "It was stopped, and its program does not end",
            ),
        )
    }
}
