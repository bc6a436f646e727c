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
    /// Who has it.
    pub(super) account: Account,
    pub(super) image: &'static str,
    pub(super) gpu: &'static str,
    pub(super) ports: &'static [u16],
    /// What stands in its way.
    pub(super) obstacles: &'static [Mishap],
    /// What has happened to it before anybody looks.
    pub(super) past: Past,
    /// What happens to it when it got far enough.
    pub(super) then: Then,
    /// What is to be seen in the end.
    pub(super) shows: Shows,
}

/// Who has a pod of the gallery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Account {
    /// Somebody with enough money.
    Gallery,
    /// Somebody whom an administrator has suspended.
    Suspended,
    /// Somebody with nothing left.
    Empty,
}

impl Account {
    pub(super) const ALL: [Self; 3] = [Self::Gallery, Self::Suspended, Self::Empty];

    pub(super) fn email(self) -> &'static str {
        match self {
            Self::Gallery => "gallery@example.com",
            Self::Suspended => "suspended@example.com",
            Self::Empty => "empty@example.com",
        }
    }
}

/// What has happened to a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Past {
    /// Nothing.
    None,
    /// Somebody else's object has a name of its.
    NameTaken,
    /// It was stopped by its owner.
    Stopped,
    /// The account could not pay for it any more.
    NoMoney,
    /// What it may cost on a day was spent.
    SpendCap,
    /// Its owner did not pay for the volume, which goes soon.
    VolumeUnpaid,
    /// The same, and the time is over.
    VolumeOverdue,
    /// It failed for half an hour.
    GaveUp,
    /// It has waited for hours behind something that is still being deleted.
    Waited,
    /// It was evicted so often that the platform waits for minutes before it makes it again.
    EvictedOften,
}

impl Past {
    pub(super) fn write(self, pod: &mut Pod, now: Timestamp) {
        // A failure is to be looked at for longer than the platform would try.
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

/// What happens to a pod once it got far enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    /// Nothing more.
    Nothing,
    /// It stays at this step, before its container starts.
    StayAt(Step),
    /// This, once it is ready; then it stays as it is.
    Strike(Mishap),
    /// Its container has been running for so long.
    Age(Duration),
    /// Its owner stops it, and its container does not end.
    StopInVain,
    /// Its owner has stopped it two hours ago, and its container does not end.
    StopForHours,
}

/// What a scenario shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shows {
    /// A reason.
    Reason(ReasonCode),
    /// A state without a reason, in words.
    Step(Status, Step, &'static str),
}

const JUPYTER: &[u16] = &[8888];
const IMAGE: &str = "quay.io/jupyter/pytorch-notebook:latest";

/// A pod of which `shows` is to be seen.
const fn scenario(name: &'static str, shows: Shows) -> Scenario {
    Scenario {
        name,
        account: Account::Gallery,
        image: IMAGE,
        gpu: "cpu",
        ports: JUPYTER,
        obstacles: &[],
        past: Past::None,
        then: Then::Nothing,
        shows,
    }
}

/// A pod with something in its way, which becomes its reason.
const fn obstructed(name: &'static str, code: ReasonCode, obstacles: &'static [Mishap]) -> Scenario {
    Scenario {
        obstacles,
        ..scenario(name, Shows::Reason(code))
    }
}

/// A pod to which something happens when it is ready.
const fn struck(name: &'static str, code: ReasonCode, incident: Mishap) -> Scenario {
    Scenario {
        then: Then::Strike(incident),
        ..scenario(name, Shows::Reason(code))
    }
}

/// A pod with this past.
const fn past(name: &'static str, past: Past, shows: Shows) -> Scenario {
    Scenario {
        past,
        ..scenario(name, shows)
    }
}

/// A pod that stays at a step on its way.
const fn staying(name: &'static str, step: Step, text: &'static str) -> Scenario {
    Scenario {
        then: Then::StayAt(step),
        ..scenario(name, Shows::Step(Status::Creating, step, text))
    }
}

/// All of them, in the order of a pod's life.
pub(super) const SCENARIOS: &[Scenario] = &[
    // On its way.
    staying("preparing", Step::Preparing, "A node prepares the pod"),
    staying(
        "pulling_image",
        Step::PullingImage,
        "The image is being downloaded",
    ),
    staying("starting", Step::Starting, "The container starts"),
    Scenario {
        gpu: "rtx-4090",
        ..obstructed("no_gpu_free", ReasonCode::NoGpuFree, &[Mishap::NoGpuFree])
    },
    obstructed(
        "unschedulable",
        ReasonCode::Unschedulable,
        &[Mishap::Unschedulable],
    ),
    obstructed(
        "volume_pending",
        ReasonCode::VolumePending,
        &[Mishap::VolumePending],
    ),
    obstructed("volume_failed", ReasonCode::VolumeFailed, &[Mishap::MountFailing]),
    Scenario {
        image: "ghcr.io/acme/trainer:v2",
        ..obstructed(
            "image_not_found",
            ReasonCode::ImageNotFound,
            &[Mishap::ImageMissing],
        )
    },
    obstructed(
        "image_pull_failed",
        ReasonCode::ImagePullFailed,
        &[Mishap::PullFailing],
    ),
    Scenario {
        image: "ghcr.io/acme/old-trainer",
        ..obstructed("image_invalid", ReasonCode::ImageInvalid, &[Mishap::ImageInvalid])
    },
    Scenario {
        image: "ghcr.io/acme/arm-trainer:v1",
        ..obstructed(
            "image_architecture",
            ReasonCode::ImageArchitecture,
            &[Mishap::WrongArchitecture],
        )
    },
    obstructed(
        "container_config",
        ReasonCode::ContainerConfig,
        &[Mishap::ConfigError],
    ),
    obstructed(
        "container_start",
        ReasonCode::ContainerStart,
        &[Mishap::StartError],
    ),
    obstructed(
        "quota_exceeded",
        ReasonCode::QuotaExceeded,
        &[Mishap::QuotaUsedUp],
    ),
    obstructed("rejected", ReasonCode::Rejected, &[Mishap::AdmissionDenied]),
    obstructed("cluster_setup", ReasonCode::ClusterSetup, &[Mishap::NotSetUp]),
    obstructed(
        "cluster_unavailable",
        ReasonCode::ClusterUnavailable,
        &[Mishap::ApiUnavailable],
    ),
    Scenario {
        past: Past::Waited,
        ..obstructed("leftover", ReasonCode::StopDelayed, &[Mishap::Leftover])
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
        ..obstructed("not_answering", ReasonCode::NotAnswering, &[Mishap::NeverReady])
    },
    struck("container_exited", ReasonCode::ContainerExited, Mishap::Exit),
    obstructed("crash_loop", ReasonCode::CrashLoop, &[Mishap::CrashLoop]),
    struck("out_of_memory", ReasonCode::OutOfMemory, Mishap::OutOfMemory),
    struck("disk_exceeded", ReasonCode::DiskExceeded, Mishap::DiskExceeded),
    struck("node_lost", ReasonCode::NodeLost, Mishap::NodeLost),
    Scenario {
        past: Past::EvictedOften,
        ..struck("evicted", ReasonCode::Evicted, Mishap::Evicted)
    },
    // Stopping and stopped.
    Scenario {
        then: Then::StopInVain,
        ..obstructed_stop()
    },
    Scenario {
        then: Then::StopForHours,
        ..obstructed("stop_delayed", ReasonCode::StopDelayed, &[Mishap::Unkillable])
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
        account: Account::Suspended,
        ..scenario("suspended", Shows::Reason(ReasonCode::Suspended))
    },
    Scenario {
        account: Account::Empty,
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

const fn obstructed_stop() -> Scenario {
    Scenario {
        obstacles: &[Mishap::IgnoresTermination],
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
