//! All states that a cluster can show, for a record of run 2.

use super::*;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    Nothing,
    NotLookedAt,
    ObjectsOnly,
    VolumeGoing,
    Pending,
    PendingPartly,
    PendingWithoutVolume,
    /// No node has a free GPU.
    Waiting,
    /// The registry failed half-way; the pull is retried.
    Pulling,
    /// The image name is invalid, whatever the registry.
    BadImage,
    Running,
    RunningUnknown,
    RunningPartly,
    /// Its port is still closed.
    Silent,
    /// Its container ended by itself and restarts at once.
    Restarting,
    /// Its container ended repeatedly, and the kubelet waits before it starts the next one.
    BackOff,
    /// Its node does not respond; the last report says that the container runs.
    Lost,
    /// Its node does not respond; the container had not started yet.
    LostEarly,
    Terminating,
    TerminatingWithObjects,
    /// It failed before somebody deleted it.
    TerminatingFailed,
    Ended,
    Evicted,
    /// It was evicted for its own disk use.
    DiskExceeded,
    OldRun,
    OldRunTerminating,
    OldRunFailed,
    OldRunLost,
}

use Seen::*;

/// The state of the other objects.
fn objects(seen: Seen) -> Objects {
    match seen {
        Nothing | VolumeGoing | Terminating | TerminatingFailed | OldRunTerminating => Objects::Absent,
        NotLookedAt | RunningUnknown => Objects::Unknown,
        ObjectsOnly | PendingPartly | RunningPartly => Objects::Partial,
        _ => Objects::Complete,
    }
}

fn volume(seen: Seen) -> ObservedVolume {
    match seen {
        Nothing => ObservedVolume::Absent,
        NotLookedAt => ObservedVolume::Unknown,
        VolumeGoing | PendingWithoutVolume => ObservedVolume::Terminating,
        _ => ObservedVolume::Bound { size_gb: 30 },
    }
}

/// A pod object of run 1, with its container.
fn pod(seen: Seen) -> Option<ObservedPod> {
    let because = |code, pod: ObservedPod| ObservedPod {
        reason: Some(Reason::new(code, "as the cluster says", at(0))),
        ..pod
    };
    let started = |phase| ObservedPod {
        phase,
        step: Step::Starting,
        ready: false,
        ..running_since(0)
    };
    let waits = || ObservedPod {
        container: None,
        finished_at: Some(at(1)),
        finished_id: Some("container-1".into()),
        restarts: 3,
        ..started(Phase::Running)
    };
    let over = || ObservedPod {
        phase: Phase::Ended,
        ..pending(Step::Preparing)
    };
    let unanswered = |pod| because(ReasonCode::NodeLost, pod);
    let early = ObservedPod {
        phase: Phase::Unknown,
        ..pending(Step::Preparing)
    };
    Some(match seen {
        Nothing | NotLookedAt | ObjectsOnly | VolumeGoing => return None,
        Pending | PendingPartly | PendingWithoutVolume => pending(Step::Scheduling),
        Waiting => because(ReasonCode::NoGpuFree, pending(Step::Scheduling)),
        Pulling => because(ReasonCode::ImagePullFailed, pending(Step::PullingImage)),
        BadImage => because(ReasonCode::ImageInvalid, pending(Step::PullingImage)),
        Running
        | RunningUnknown
        | RunningPartly
        | Terminating
        | TerminatingWithObjects
        | OldRun
        | OldRunTerminating => running_since(0),
        Silent => started(Phase::Running),
        Restarting => because(ReasonCode::ContainerExited, waits()),
        BackOff | TerminatingFailed | OldRunFailed => because(ReasonCode::CrashLoop, waits()),
        Lost | OldRunLost => unanswered(started(Phase::Unknown)),
        LostEarly => unanswered(early),
        Ended => over(),
        Evicted => because(ReasonCode::Evicted, over()),
        DiskExceeded => because(ReasonCode::DiskExceeded, over()),
    })
}

pub(super) fn observation(seen: Seen) -> Observation {
    let old = matches!(seen, OldRun | OldRunTerminating | OldRunFailed | OldRunLost);
    let terminating = matches!(
        seen,
        Terminating | TerminatingWithObjects | TerminatingFailed | OldRunTerminating
    );
    let pod = pod(seen).map(|pod| ObservedPod {
        run: if old { 1 } else { 2 },
        terminating,
        ..pod
    });
    Observation {
        pod,
        objects: objects(seen),
        volume: volume(seen),
        ready_since: None,
    }
}
