//! Clocks of nodes and API servers that are hours off do not change any time limit.

use super::*;
use crate::cluster::observation::Ending;

const HOURS: i64 = 5 * 3600;

fn code(pod: &Pod) -> Option<ReasonCode> {
    pod.reason.as_ref().map(|reason| reason.code)
}

#[test]
fn a_start_on_a_node_whose_clock_is_off_has_the_same_limit() {
    for off in [-HOURS, HOURS] {
        let hangs = complete(ObservedPod {
            node: Some("node-1".into()),
            step_since: Some(at(off)),
            ..pending(Step::Preparing)
        });
        let (pod, actions) = settle(Pod::sample(at(0)), &hangs, at(0));
        assert_eq!(pod.desired, Desired::Running, "off by {off}");
        assert!(
            actions.contains(&Action::RequeueAt {
                at: at(START_SECONDS)
            }),
            "{actions:?}"
        );
        let (pod, _) = settle(pod, &hangs, at(START_SECONDS - 1));
        assert_eq!(pod.desired, Desired::Running, "off by {off}");
        let (pod, _) = settle(pod, &hangs, at(START_SECONDS));
        assert_eq!(
            (pod.desired, code(&pod)),
            (Desired::Stopped, Some(ReasonCode::GaveUp)),
            "off by {off}"
        );
    }
}

#[test]
fn a_given_up_start_keeps_a_warning_that_seems_recent_to_a_clock_ahead() {
    let hangs = complete(ObservedPod {
        node: Some("node-1".into()),
        step_since: Some(at(HOURS)),
        passes_until: Some(at(HOURS + 30)),
        ..failing(ReasonCode::VolumeFailed, HOURS)
    });
    let (pod, _) = settle(Pod::sample(at(0)), &hangs, at(0));
    let (pod, _) = settle(pod, &hangs, at(START_SECONDS - 1));
    assert_eq!((pod.desired, code(&pod)), (Desired::Running, None));
    let (pod, _) = settle(pod, &hangs, at(START_SECONDS));
    assert_eq!(pod.reason.unwrap().detail, "volume_failed: as the kubelet says");
}

#[test]
fn a_late_end_is_reported_in_time_even_with_a_wrong_clock() {
    for (off, reported) in [(-HOURS, STOP_SECONDS), (HOURS, 3600 + STOP_SECONDS)] {
        let leaving = complete(ObservedPod {
            terminating: true,
            ending: Some(Ending {
                by: at(30 + off),
                held_by: String::new(),
            }),
            ..running_since(-100)
        });
        let stopped = Pod {
            desired: Desired::Stopped,
            ..Pod::sample(at(0))
        };
        let (pod, _) = settle(stopped, &leaving, at(0));
        let (pod, _) = settle(pod, &leaving, at(reported - 1));
        assert_eq!(code(&pod), None, "off by {off}");
        let (pod, _) = settle(pod, &leaving, at(reported));
        assert_eq!(code(&pod), Some(ReasonCode::StopDelayed), "off by {off}");
    }
}

/// A container that started at `started` by the platform's clock, on a node whose clock is off.
fn container(number: i64, started: i64, off: i64) -> Observation {
    complete(ObservedPod {
        container: Some(Container {
            id: format!("container-{number}"),
            started_at: at(started + off),
        }),
        started_at: Some(at(off)),
        ..running_since(0)
    })
}

fn crashed(off: i64) -> Observation {
    complete(ObservedPod {
        phase: Phase::Running,
        started_at: Some(at(off)),
        ..failing(ReasonCode::CrashLoop, off)
    })
}

#[test]
fn a_crash_loop_is_given_up_on_a_node_whose_clock_is_behind() {
    for off in [-HOURS, 0, HOURS] {
        let mut pod = Pod::sample(at(0));
        let mut given_up = None;
        for minute in 0..60 {
            let now = minute * 60;
            pod = settle(pod, &container(minute, now, off), at(now)).0;
            pod = settle(pod, &crashed(off), at(now + 5)).0;
            if pod.desired == Desired::Stopped {
                given_up = Some(minute);
                break;
            }
        }
        assert_eq!(given_up, Some(GIVE_UP_SECONDS / 60), "off by {off}");
    }
}

#[test]
fn a_pod_that_ran_for_hours_is_not_given_up_at_once_on_a_node_whose_clock_is_ahead() {
    for off in [-HOURS, 0, HOURS] {
        let (pod, _) = settle(Pod::sample(at(0)), &crashed(off), at(0));
        assert_eq!(pod.failing_since, Some(at(0)));
        let (pod, actions) = settle(pod, &container(1, 60, off), at(60));
        let forgotten = 60 + STABLE_SECONDS;
        let wakes =
            |action: &Action| matches!(action, Action::RequeueAt { at: time } if *time <= at(forgotten));
        assert!(actions.iter().any(wakes), "off by {off}: {actions:?}");
        let (pod, _) = settle(pod, &container(1, 60, off), at(forgotten - 1));
        assert_eq!(pod.failing_since, Some(at(0)), "off by {off}");
        let (pod, _) = settle(pod, &container(1, 60, off), at(forgotten));
        assert_eq!(
            (pod.failing_since, pod.wait.clone()),
            (None, None),
            "off by {off}"
        );
        let (pod, _) = settle(pod, &crashed(off), at(2 * 3600));
        assert_eq!(
            (pod.desired, code(&pod)),
            (Desired::Running, Some(ReasonCode::CrashLoop)),
            "off by {off}"
        );
    }
}
