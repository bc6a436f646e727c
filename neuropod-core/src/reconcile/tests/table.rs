//! Every pair of what is desired and what is seen.
#![allow(clippy::match_same_arms, reason = "a table: one block for each desired state")]

use super::*;

/// What is seen, for a record of run 2.
#[derive(Debug, Clone, Copy)]
enum Seen {
    Nothing,
    NotLookedAt,
    ObjectsOnly,
    VolumeGoing,
    Pending,
    PendingPartly,
    PendingWithoutVolume,
    Running,
    RunningUnknown,
    RunningPartly,
    Terminating,
    TerminatingWithObjects,
    Ended,
    OldRun,
    OldRunTerminating,
}

use Seen::*;

const ALL: [Seen; 15] = [
    Nothing,
    NotLookedAt,
    ObjectsOnly,
    VolumeGoing,
    Pending,
    PendingPartly,
    PendingWithoutVolume,
    Running,
    RunningUnknown,
    RunningPartly,
    Terminating,
    TerminatingWithObjects,
    Ended,
    OldRun,
    OldRunTerminating,
];

fn observation(seen: Seen) -> Observation {
    let run = |pod: ObservedPod| ObservedPod { run: 2, ..pod };
    let terminating = |pod: ObservedPod| ObservedPod {
        terminating: true,
        ..pod
    };
    let pod = match seen {
        Nothing | NotLookedAt | ObjectsOnly | VolumeGoing => None,
        Pending | PendingPartly | PendingWithoutVolume => Some(run(pending(Step::Scheduling))),
        Running | RunningUnknown | RunningPartly => Some(run(running_since(0))),
        Terminating | TerminatingWithObjects => Some(terminating(run(running_since(0)))),
        Ended => Some(run(ObservedPod {
            phase: Phase::Ended,
            ..pending(Step::Preparing)
        })),
        OldRun => Some(running_since(0)),
        OldRunTerminating => Some(terminating(running_since(0))),
    };
    let objects = match seen {
        Nothing | VolumeGoing | Terminating | OldRunTerminating => Objects::Absent,
        NotLookedAt | RunningUnknown => Objects::Unknown,
        ObjectsOnly | PendingPartly | RunningPartly => Objects::Partial,
        Pending | PendingWithoutVolume | Running | TerminatingWithObjects | Ended | OldRun => {
            Objects::Complete
        }
    };
    let volume = match seen {
        Nothing => ObservedVolume::Absent,
        NotLookedAt => ObservedVolume::Unknown,
        VolumeGoing | PendingWithoutVolume => ObservedVolume::Terminating,
        _ => ObservedVolume::Bound { size_gb: 30 },
    };
    Observation { pod, objects, volume }
}

/// What is asked of the cluster once the record is settled and billing has answered.
fn asked(desired: Desired, seen: Seen) -> String {
    let observation = observation(seen);
    let pod = Pod {
        desired,
        run: 2,
        ..Pod::sample(at(0))
    };
    let (_, actions) = settle(pod, &observation, at(1));
    let name = |action: &Action| match action {
        Action::Observe => Some("observe"),
        Action::Apply => Some("apply"),
        Action::Remove {
            volume: VolumePolicy::Keep,
        } => Some("remove"),
        Action::Remove {
            volume: VolumePolicy::Delete,
        } => Some("remove with volume"),
        Action::Follow { .. } => Some("follow"),
        Action::Forget => Some("forget"),
        Action::Wake { .. } => None,
        other => panic!("{desired:?}, {seen:?}: {other:?}"),
    };
    actions.iter().filter_map(name).collect::<Vec<_>>().join(", ")
}

#[test]
fn every_pair() {
    let expected = |desired: Desired, seen: Seen| match (desired, seen) {
        (Desired::Running, Nothing | ObjectsOnly | VolumeGoing | PendingPartly | PendingWithoutVolume) => {
            "apply"
        }
        (Desired::Running, RunningPartly) => "apply, follow",
        (Desired::Running, NotLookedAt) => "observe",
        (Desired::Running, RunningUnknown) => "observe, follow",
        (Desired::Running, Pending | Terminating | TerminatingWithObjects | OldRunTerminating) => "",
        (Desired::Running, Running) => "follow",
        (Desired::Running, Ended | OldRun) => "remove",

        (Desired::Stopped, Nothing | VolumeGoing | Terminating | OldRunTerminating) => "",
        (Desired::Stopped, _) => "remove",

        (Desired::Deleted { .. }, Nothing) => "forget",
        (
            Desired::Deleted {
                volume: VolumePolicy::Keep,
            },
            VolumeGoing,
        ) => "forget",
        (
            Desired::Deleted {
                volume: VolumePolicy::Keep,
            },
            Terminating | OldRunTerminating,
        ) => "",
        (
            Desired::Deleted {
                volume: VolumePolicy::Keep,
            },
            _,
        ) => "remove",
        (
            Desired::Deleted {
                volume: VolumePolicy::Delete,
            },
            _,
        ) => "remove with volume",
    };
    let deleted = |volume| Desired::Deleted { volume };
    for desired in [
        Desired::Running,
        Desired::Stopped,
        deleted(VolumePolicy::Keep),
        deleted(VolumePolicy::Delete),
    ] {
        for seen in ALL {
            assert_eq!(
                asked(desired, seen),
                expected(desired, seen),
                "{desired:?}, {seen:?}"
            );
        }
    }
}
