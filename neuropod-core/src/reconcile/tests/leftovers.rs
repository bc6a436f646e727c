//! A start that waits for leftover objects to be deleted is reported, and given up eventually.

use super::*;
use crate::cluster::observation::Ending;
use crate::cluster::reason::{Blame, Remedy};
use crate::pod::wait::{Awaited, Wait};

const HOURS: i64 = 5 * 3600;

fn conflict() -> Error {
    Error::new(
        ErrorKind::Conflict,
        "a leftover of the same name is still being deleted",
    )
    .with_context("kind", "PersistentVolumeClaim")
    .with_context("name", "workspace")
}

/// Only a volume is there, and it is being deleted.
fn leaving_volume() -> Observation {
    Observation {
        volume: ObservedVolume::Terminating,
        ..Observation::nothing()
    }
}

/// A paid pod whose objects could not be created since 0, observed at `now`.
fn waiting(now: i64) -> (Pod, Vec<Action>) {
    let (mut pod, actions) = settle(Pod::sample(at(0)), &leaving_volume(), at(0));
    assert_eq!(actions, [Action::Apply]);
    for time in [0, now] {
        pod = failed(&pod, &Action::Apply, &conflict(), at(time)).unwrap_or(pod);
    }
    settle(pod, &leaving_volume(), at(now))
}

fn code(pod: &Pod) -> Option<ReasonCode> {
    pod.reason.as_ref().map(|reason| reason.code)
}

#[test]
fn a_start_behind_a_leftover_names_it_after_minutes_and_not_before() {
    let (pod, actions) = waiting(STOP_SECONDS - 1);
    assert_eq!((pod.status, code(&pod)), (Status::Creating, None));
    let wake = Action::RequeueAt { at: at(STOP_SECONDS) };
    assert_eq!(actions, [Action::Apply, wake], "it is retried");
    let (pod, actions) = waiting(STOP_SECONDS);
    let reason = pod.reason.clone().unwrap();
    assert_eq!((pod.status, pod.desired), (Status::Creating, Desired::Running));
    assert_eq!(
        (reason.code, reason.since),
        (ReasonCode::StopDelayed, at(STOP_SECONDS))
    );
    assert!(
        reason.is_leftover() && reason.detail.contains("name: workspace"),
        "{reason:?}"
    );
    assert_eq!((reason.blame(), reason.remedy()), (Blame::Platform, Remedy::Wait));
    assert_eq!(
        actions,
        [
            Action::Apply,
            Action::RequeueAt {
                at: at(START_SECONDS)
            }
        ]
    );
    let made = done(&pod, &Action::Apply).unwrap();
    assert_eq!((made.reason, made.wait), (None, None), "it has passed");
}

#[test]
fn a_start_that_waits_too_long_releases_its_hold() {
    let (pod, _) = waiting(START_SECONDS - 1);
    assert_eq!(
        (pod.desired, code(&pod)),
        (Desired::Running, Some(ReasonCode::StopDelayed))
    );
    let (pod, actions) = settle(pod, &leaving_volume(), at(START_SECONDS));
    assert_eq!((pod.desired, pod.status), (Desired::Stopped, Status::Error));
    let reason = pod.reason.clone().unwrap();
    assert_eq!(
        (reason.code, reason.blame()),
        (ReasonCode::GaveUp, Blame::Platform)
    );
    assert!(
        reason.is_leftover() && reason.detail.contains("workspace"),
        "{reason:?}"
    );
    assert_eq!(reason.remedy(), Remedy::StartAgain);
    assert_eq!(
        (pod.meter.hold_state, pod.charged),
        (HoldState::None, Money::ZERO)
    );
    assert!(!actions.contains(&Action::Apply), "{actions:?}");
    assert_eq!(pod.wait, None);
}

#[test]
fn a_start_behind_a_stuck_pod_object_has_the_same_limit() {
    let old = complete(ObservedPod {
        terminating: true,
        ending: Some(Ending {
            by: at(30),
            held_by: "finalizers: a/b".into(),
        }),
        ..running_since(-100)
    });
    let again = Pod {
        run: 2,
        ..Pod::sample(at(0))
    };
    let (pod, _) = settle(again, &old, at(0));
    let limit = 30 + START_SECONDS;
    let (pod, actions) = settle(pod, &old, at(limit - 1));
    assert_eq!(
        (pod.desired, code(&pod)),
        (Desired::Running, Some(ReasonCode::StopDelayed))
    );
    assert!(
        actions.contains(&Action::RequeueAt { at: at(limit) }),
        "{actions:?}"
    );
    let (pod, _) = settle(pod, &old, at(limit));
    assert_eq!((pod.desired, pod.status), (Desired::Stopped, Status::Error));
    let reason = pod.reason.unwrap();
    assert_eq!(
        (reason.code, reason.detail.as_str()),
        (ReasonCode::GaveUp, "stop_delayed: finalizers: a/b")
    );
}

#[test]
fn successive_leftovers_are_one_wait_and_a_refusal_ends_it() {
    let (pod, _) = waiting(100);
    let other = Error::new(ErrorKind::Conflict, "the Service is being deleted");
    let next = failed(&pod, &Action::Apply, &other, at(120)).unwrap();
    let detail = "the Service is being deleted".to_owned();
    assert_eq!(
        next.wait,
        Some(Wait {
            since: at(0),
            what: Awaited::Leftover { detail }
        })
    );
    let away = Error::new(ErrorKind::Unavailable, "no answer");
    assert_eq!(
        failed(&next, &Action::Apply, &away, at(130)).unwrap().wait,
        next.wait
    );
    let full = Error::new(ErrorKind::QuotaExceeded, "exceeded quota");
    assert_eq!(failed(&next, &Action::Apply, &full, at(140)).unwrap().wait, None);
    let stopped = Pod {
        desired: Desired::Stopped,
        ..pod
    };
    assert_eq!(
        failed(&stopped, &Action::Apply, &other, at(150)),
        None,
        "nobody waits any more"
    );
}

#[test]
fn a_failure_of_the_pod_is_reported_rather_than_a_leftover() {
    let (mut pod, _) = waiting(STOP_SECONDS);
    let beside = |reason| Observation {
        objects: Objects::Partial,
        ..complete(failing(reason, 10))
    };
    pod = settle(pod, &beside(ReasonCode::ImageNotFound), at(STOP_SECONDS)).0;
    assert_eq!(code(&pod), Some(ReasonCode::ImageNotFound));
    pod = settle(pod, &beside(ReasonCode::VolumePending), at(STOP_SECONDS)).0;
    assert_eq!(
        code(&pod),
        Some(ReasonCode::StopDelayed),
        "the scheduler says less"
    );
}

#[test]
fn a_container_ready_before_all_objects_exist_neither_runs_nor_costs() {
    let (pod, _) = waiting(1);
    let partial = Observation {
        objects: Objects::Partial,
        ..complete(running_since(2))
    };
    let (pod, actions) = settle(pod, &partial, at(3));
    assert_eq!((pod.status, pod.meter.from), (Status::Creating, None));
    assert!(actions.contains(&Action::Apply), "{actions:?}");
    let (pod, _) = settle(
        done(&pod, &Action::Apply).unwrap(),
        &complete(running_since(2)),
        at(50),
    );
    assert_eq!((pod.status, pod.wait.clone()), (Status::Running, None));
    assert!(pod.meter.from.is_some());
}

#[test]
fn a_serving_pod_continues_though_an_object_can_not_be_recreated() {
    let (pod, _) = settle(Pod::sample(at(0)), &complete(running_since(0)), at(1));
    let pod = failed(&pod, &Action::Apply, &conflict(), at(10)).unwrap();
    let partial = Observation {
        objects: Objects::Partial,
        ..complete(running_since(0))
    };
    let (pod, _) = settle(pod, &partial, at(11));
    assert_eq!((pod.status, code(&pod)), (Status::Running, None), "seconds");
    let (pod, _) = settle(pod, &partial, at(10 + START_SECONDS));
    assert_eq!(
        (pod.desired, code(&pod)),
        (Desired::Running, Some(ReasonCode::StopDelayed))
    );
    assert!(pod.meter.from.is_some(), "it serves, and is paid");
    let (pod, _) = settle(pod, &complete(running_since(0)), at(11 + START_SECONDS));
    assert_eq!(
        (pod.status, code(&pod), pod.wait),
        (Status::Running, None, None),
        "another replica has made it"
    );
}

#[test]
fn a_stop_reports_objects_that_are_not_deleted() {
    let stopped = Pod {
        desired: Desired::Stopped,
        ..Pod::sample(at(0))
    };
    let left = Observation {
        objects: Objects::Partial,
        ..Observation::nothing()
    };
    let (pod, actions) = settle(stopped, &left, at(0));
    assert!(
        actions.contains(&Action::RequeueAt { at: at(STOP_SECONDS) }),
        "{actions:?}"
    );
    let (pod, _) = settle(pod, &left, at(STOP_SECONDS));
    assert_eq!((pod.status, pod.step), (Status::Stopped, Step::Stopping));
    assert!(pod.reason.as_ref().unwrap().is_leftover(), "{pod:?}");
    let (pod, _) = settle(pod, &left, at(10 * START_SECONDS));
    assert_eq!(
        code(&pod),
        Some(ReasonCode::StopDelayed),
        "nothing is held: it has no limit"
    );
    let (pod, _) = settle(pod, &Observation::nothing(), at(10 * START_SECONDS));
    assert_eq!((pod.step, code(&pod), pod.wait), (Step::Stopped, None, None));
}

#[test]
fn a_start_behind_an_old_leftover_reports_it_at_once_and_has_its_whole_time_limit() {
    let old = complete(ObservedPod {
        terminating: true,
        ..running_since(-100)
    });
    let stopped = Pod {
        desired: Desired::Stopped,
        ..Pod::sample(at(0))
    };
    let (stopped, _) = settle(stopped, &old, at(0));
    let (stopped, _) = settle(stopped, &old, at(HOURS));
    let again = Pod {
        run: 2,
        desired: Desired::Running,
        reason: None,
        requested_at: at(HOURS),
        ..stopped
    };
    let (pod, _) = settle(again, &old, at(HOURS));
    assert_eq!(
        (pod.desired, code(&pod)),
        (Desired::Running, Some(ReasonCode::StopDelayed))
    );
    assert_eq!(pod.meter.from, None, "the old container is not paid again");
    let (pod, _) = settle(pod, &old, at(HOURS + START_SECONDS - 1));
    assert_eq!(pod.desired, Desired::Running);
    let (pod, _) = settle(pod, &old, at(HOURS + START_SECONDS));
    assert_eq!(
        (pod.desired, code(&pod)),
        (Desired::Stopped, Some(ReasonCode::GaveUp))
    );
    assert_eq!(pod.meter.from, None);
}
