//! A removal that the cluster refuses, for a stop or before a start.

use super::*;
use crate::cluster::reason::Blame;

fn code(pod: &Pod) -> Option<ReasonCode> {
    pod.reason.as_ref().map(|reason| reason.code)
}

fn refused() -> Error {
    Error::new(
        ErrorKind::PermissionDenied,
        "the platform may not delete pods: grant it",
    )
}

const REMOVE: Action = Action::Remove {
    volume: VolumePolicy::Keep,
};

#[test]
fn a_stop_that_the_cluster_refuses_says_so_and_is_not_paid() {
    let seen = complete(running_since(0));
    let (running, _) = settle(Pod::sample(at(0)), &seen, at(1));
    let stopped = Pod {
        desired: Desired::Stopped,
        ..running
    };
    let (mut pod, actions) = settle(stopped, &seen, at(10));
    assert_eq!(actions[0], REMOVE);
    for time in [10, 20] {
        pod = failed(&pod, &REMOVE, &refused(), at(time)).unwrap_or(pod);
    }
    let reported = 10 + STOP_SECONDS;
    let (pod, actions) = settle(pod, &seen, at(reported - 1));
    assert_eq!(code(&pod), None, "it may pass");
    assert!(pod.meter.from.is_some(), "and it runs, which is paid");
    assert!(actions.contains(&REMOVE), "{actions:?}");
    let (pod, _) = settle(pod, &seen, at(reported));
    let reason = pod.reason.clone().unwrap();
    assert_eq!(
        (reason.code, reason.detail.as_str()),
        (ReasonCode::StopDelayed, refused().message())
    );
    assert_eq!(pod.meter.from, None);
    // Once the cluster accepts the request, the container has its grace period.
    let taken = done(&pod, &REMOVE).unwrap();
    let leaving = complete(ObservedPod {
        terminating: true,
        ..running_since(0)
    });
    let (pod, _) = settle(taken, &leaving, at(reported + 1));
    assert_eq!((pod.step, code(&pod)), (Step::Stopping, None));
}

#[test]
fn a_start_whose_old_pod_object_can_not_be_removed_says_so_and_ends() {
    for old in [
        running_since(-100),
        ObservedPod {
            phase: Phase::Ended,
            run: 2,
            ..failing(ReasonCode::Evicted, -5)
        },
    ] {
        let seen = complete(old);
        let again = Pod {
            run: 2,
            ..Pod::sample(at(0))
        };
        let (pod, actions) = settle(again, &seen, at(0));
        assert!(actions.contains(&REMOVE), "{actions:?}");
        let pod = failed(&pod, &REMOVE, &refused(), at(0)).unwrap();
        let (pod, _) = settle(pod, &seen, at(STOP_SECONDS));
        assert_eq!(
            (pod.desired, code(&pod)),
            (Desired::Running, Some(ReasonCode::StopDelayed))
        );
        let (pod, _) = settle(pod, &seen, at(START_SECONDS));
        assert_eq!(
            (pod.desired, code(&pod)),
            (Desired::Stopped, Some(ReasonCode::GaveUp))
        );
        assert_eq!(pod.reason.unwrap().blame(), Blame::Platform);
    }
}

#[test]
fn failures_to_remove_a_deleted_pod_are_not_reported() {
    let mut deleted = Pod::sample(at(0));
    deleted.delete(VolumePolicy::Keep);
    assert_eq!(failed(&deleted, &REMOVE, &refused(), at(1)), None);
}
