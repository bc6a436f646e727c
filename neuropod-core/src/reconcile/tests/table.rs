//! Every pair of desired state and observation, with the state of the hold and the time of the next retry.

use super::seen::Seen::*;
use super::seen::{Seen, observation};
use super::*;

/// The observation, the action in the cluster, and the status, step and reason for the owner, for a pod that
/// should run.
type Row = (Seen, &'static str, Status, Step, Option<ReasonCode>);

const RUNNING: [Row; 28] = {
    use ReasonCode as Code;
    use Status::{Creating, Error, Running as Runs};
    use Step::{Preparing, PullingImage, Ready, Scheduling, Starting, Stopping};
    [
        (Nothing, "apply", Creating, Scheduling, None),
        (NotLookedAt, "observe", Creating, Scheduling, None),
        (ObjectsOnly, "apply", Creating, Scheduling, None),
        (VolumeGoing, "apply", Creating, Scheduling, None),
        (Pending, "", Creating, Scheduling, None),
        (PendingPartly, "apply", Creating, Scheduling, None),
        (PendingWithoutVolume, "apply", Creating, Scheduling, None),
        (Waiting, "", Creating, Scheduling, Some(Code::NoGpuFree)),
        (Pulling, "", Error, PullingImage, Some(Code::ImagePullFailed)),
        // A pod that can't succeed is stopped at once.
        (BadImage, "remove", Error, Stopping, Some(Code::ImageInvalid)),
        (Running, "follow", Runs, Ready, None),
        (RunningUnknown, "observe, follow", Runs, Ready, None),
        (RunningPartly, "apply, follow", Runs, Ready, None),
        (Silent, "follow", Creating, Starting, None),
        (Restarting, "", Creating, Starting, Some(Code::ContainerExited)),
        // The kubelet restarts it; no new pod object is needed.
        (BackOff, "", Error, Starting, Some(Code::CrashLoop)),
        // A node that comes back still has the container; only the cluster can give up a node.
        (Lost, "follow", Creating, Starting, Some(Code::NodeLost)),
        (LostEarly, "", Creating, Preparing, Some(Code::NodeLost)),
        (Terminating, "", Creating, Scheduling, None),
        (TerminatingWithObjects, "", Creating, Scheduling, None),
        (TerminatingFailed, "", Creating, Scheduling, None),
        (Ended, "remove", Creating, Preparing, None),
        (Evicted, "remove", Creating, Preparing, Some(Code::Evicted)),
        (DiskExceeded, "remove", Error, Stopping, Some(Code::DiskExceeded)),
        // The result of an earlier run says nothing about this one.
        (OldRun, "remove", Creating, Scheduling, None),
        (OldRunTerminating, "", Creating, Scheduling, None),
        (OldRunFailed, "remove", Creating, Scheduling, None),
        (OldRunLost, "remove", Creating, Scheduling, None),
    ]
};

/// States in which nothing of a run remains, or everything is being deleted already.
const GOING: [Seen; 5] = [
    Nothing,
    VolumeGoing,
    Terminating,
    TerminatingFailed,
    OldRunTerminating,
];

const KEEP: VolumePolicy = VolumePolicy::Keep;
const DELETE: VolumePolicy = VolumePolicy::Delete;

/// The action in the cluster for a pod that should be gone.
fn clearing(desired: Desired, seen: Seen) -> &'static str {
    match (desired, seen) {
        (Desired::Deleted { .. }, Nothing) | (Desired::Deleted { volume: KEEP }, VolumeGoing) => "forget",
        (Desired::Deleted { volume: DELETE }, _) => "remove with volume",
        (_, seen) if GOING.contains(&seen) => "",
        _ => "remove",
    }
}

fn record(desired: Desired) -> Pod {
    Pod {
        desired,
        run: 2,
        ..Pod::sample(at(0))
    }
}

fn names(actions: &[Action]) -> String {
    let name = |action: &Action| match action {
        Action::Hold(_) => Some("hold"),
        Action::Release { .. } => Some("release"),
        Action::Observe => Some("observe"),
        Action::Apply => Some("apply"),
        Action::Remove { volume: KEEP } => Some("remove"),
        Action::Remove { volume: DELETE } => Some("remove with volume"),
        Action::ReadToken { .. } => Some("follow"),
        Action::Forget => Some("forget"),
        Action::RequeueAt { .. } => None,
        Action::Save(_) | Action::Draw(_) => panic!("{action:?}"),
    };
    actions.iter().filter_map(name).collect::<Vec<_>>().join(", ")
}

/// Saves each record that is to be saved; billing does not respond.
fn unanswered(mut pod: Pod, observation: &Observation, now: Timestamp) -> (Pod, String) {
    for _ in 0..5 {
        let actions = reconcile(&pod, observation, now);
        let Some(Action::Save(next)) = actions.first() else {
            return (pod, names(&actions));
        };
        pod = (**next).clone();
    }
    panic!("the record never settles: {pod:?}");
}

fn outcome(pod: &Pod) -> (Status, Step, Option<ReasonCode>) {
    (
        pod.status,
        pod.step,
        pod.reason.as_ref().map(|reason| reason.code),
    )
}

#[test]
fn a_pod_that_should_run() {
    for (seen, asked, status, step, reason) in RUNNING {
        let (pod, actions) = settle(record(Desired::Running), &observation(seen), at(1));
        assert_eq!(names(&actions), asked, "{seen:?}");
        assert_eq!(outcome(&pod), (status, step, reason), "{seen:?}");
        let stopped = reason.is_some_and(|reason| !reason.is_retryable());
        assert_eq!(pod.desired == Desired::Stopped, stopped, "{seen:?}");
        // The cluster's message reaches the owner.
        let details = pod.reason.iter().map(|reason| reason.detail.as_str());
        assert!(
            details.eq(reason.map(|_| "as the cluster says")),
            "{seen:?}: {pod:?}"
        );
    }
}

#[test]
fn the_first_run_of_a_pod_is_made_without_looking_whether_it_is_there() {
    for (run, asked) in [(1, "apply"), (2, "observe")] {
        let pod = Pod {
            run,
            ..record(Desired::Running)
        };
        let (_, actions) = settle(pod, &observation(NotLookedAt), at(1));
        assert_eq!(names(&actions), asked, "run {run}");
    }
    // Nothing is taken for granted of what is to go.
    let pod = Pod {
        run: 1,
        ..record(Desired::Stopped)
    };
    let (_, actions) = settle(pod, &observation(NotLookedAt), at(1));
    assert_eq!(names(&actions), "remove");
}

#[test]
fn a_pod_that_should_be_gone() {
    let deleted = |volume| Desired::Deleted { volume };
    for desired in [Desired::Stopped, deleted(KEEP), deleted(DELETE)] {
        for (seen, ..) in RUNNING {
            let (pod, actions) = settle(record(desired), &observation(seen), at(1));
            assert_eq!(names(&actions), clearing(desired, seen), "{desired:?}, {seen:?}");
            assert_eq!(pod.desired, desired, "{seen:?}");
            // The reason of a pod object that is being deleted no longer matters.
            let step = match seen {
                Nothing | VolumeGoing => Step::Stopped,
                _ => Step::Stopping,
            };
            assert_eq!(
                outcome(&pod),
                (Status::Stopped, step, None),
                "{desired:?}, {seen:?}"
            );
        }
    }
}

#[test]
fn a_stopped_pod_keeps_its_failure_but_no_transient_reason() {
    for (code, kept) in [
        // Nothing failed: the pod is stopped and says why, even if an earlier version stored an error.
        (ReasonCode::InsufficientFunds, Some(Status::Stopped)),
        (ReasonCode::SpendCap, Some(Status::Stopped)),
        (ReasonCode::Suspended, Some(Status::Stopped)),
        (ReasonCode::VolumeDeleted, Some(Status::Stopped)),
        (ReasonCode::ImageInvalid, Some(Status::Error)),
        (ReasonCode::GaveUp, Some(Status::Error)),
        (ReasonCode::NoGpuFree, None),
        (ReasonCode::NodeLost, None),
        (ReasonCode::ClusterUnavailable, None),
    ] {
        for (seen, ..) in RUNNING {
            let stopped = Pod {
                status: Status::Error,
                reason: Some(Reason::new(code, "", at(0))),
                ..record(Desired::Stopped)
            };
            let (pod, _) = settle(stopped, &observation(seen), at(1));
            let expected = (kept.unwrap_or(Status::Stopped), kept.map(|_| code));
            let (status, _, reason) = outcome(&pod);
            assert_eq!((status, reason), expected, "{code:?}, {seen:?}");
        }
    }
}

/// A pod object ended, and the delay after it is not over: nothing is created, whatever is missing. Existing
/// objects are still removed, and a pod object that somebody else created is accepted.
#[test]
fn a_pod_that_waits_before_it_is_recreated() {
    let retry_at = at(30);
    for (seen, asked, ..) in RUNNING {
        let waiting = || Pod {
            retry_at: Some(retry_at),
            attempts: 1,
            ..record(Desired::Running)
        };
        let observation = observation(seen);
        let live = observation
            .pod
            .as_ref()
            .is_some_and(|pod| pod.run == 2 && !pod.terminating);
        let over = matches!(seen, Ended | Evicted);

        let (pod, actions) = settle(waiting(), &observation, at(1));
        let expected = if live || asked == "remove" { asked } else { "" };
        assert_eq!(names(&actions), expected, "{seen:?}");
        let waits = !live || over;
        assert_eq!(pod.retry_at, waits.then_some(retry_at), "{seen:?}");
        if waits {
            assert!(actions.contains(&Action::RequeueAt { at: retry_at }), "{seen:?}");
        }

        let (pod, actions) = settle(waiting(), &observation, retry_at);
        assert_eq!(names(&actions), asked, "{seen:?}, afterwards");
        assert_eq!(
            pod.retry_at,
            over.then_some(retry_at),
            "{seen:?}: it has passed once this object is gone"
        );
    }
}

/// Nothing unpaid is created, but existing objects are managed whatever billing does.
#[test]
fn a_pod_that_should_run_while_billing_does_not_respond() {
    for (seen, asked, _, step, reason) in RUNNING {
        if reason.is_some_and(|reason| !reason.is_retryable()) {
            // It is about to be stopped, as tested below.
            continue;
        }
        for (hold_state, billing) in [
            (HoldState::None, "hold"),
            (HoldState::Opening, "hold"),
            (HoldState::Open, ""),
            (HoldState::Closing, "release"),
        ] {
            let mut pod = record(Desired::Running);
            pod.meter.hold_state = hold_state;
            let (pod, actions) = unanswered(pod, &observation(seen), at(1));
            let made = hold_state == HoldState::Open;
            let expected = [billing]
                .into_iter()
                .chain(asked.split(", "))
                .filter(|name| !name.is_empty() && (made || *name != "apply"));
            assert_eq!(
                actions,
                expected.collect::<Vec<_>>().join(", "),
                "{hold_state:?}, {seen:?}"
            );
            let expected_step = match step {
                // Nothing is at the cluster for this run, and the money is not held yet.
                Step::Scheduling if !made && !is_live(seen) => Step::Accepted,
                step => step,
            };
            assert_eq!(pod.step, expected_step, "{hold_state:?}, {seen:?}");
            // Time without a hold is not metered.
            assert!(made || pod.meter.from.is_none(), "{hold_state:?}, {seen:?}");
        }
    }
}

fn is_live(seen: Seen) -> bool {
    let pod = observation(seen).pod;
    pod.is_some_and(|pod| pod.run == 2 && !pod.terminating)
}

/// Removing objects does not wait for billing, but the record stays until nothing is held.
#[test]
fn a_pod_that_should_be_gone_while_billing_does_not_respond() {
    let deleted = |volume| Desired::Deleted { volume };
    for desired in [Desired::Stopped, deleted(KEEP), deleted(DELETE)] {
        for (seen, ..) in RUNNING {
            for hold_state in [
                HoldState::None,
                HoldState::Opening,
                HoldState::Open,
                HoldState::Closing,
            ] {
                let mut pod = record(desired);
                pod.meter.hold_state = hold_state;
                let (pod, actions) = unanswered(pod, &observation(seen), at(1));
                let billing = match hold_state {
                    HoldState::None => "",
                    _ => "release",
                };
                let expected = [billing, clearing(desired, seen)]
                    .into_iter()
                    .filter(|name| !name.is_empty() && (billing.is_empty() || *name != "forget"));
                assert_eq!(
                    actions,
                    expected.collect::<Vec<_>>().join(", "),
                    "{desired:?}, {hold_state:?}, {seen:?}"
                );
                assert_eq!(pod.meter.from, None, "{desired:?}, {hold_state:?}, {seen:?}");
            }
        }
    }
}
