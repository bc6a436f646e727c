//! A pod that hangs is reported and gives its GPU back after a time limit, whether or not anything says why.

use super::*;
use crate::cluster::observation::Ending;
use crate::cluster::reason::Blame;
use crate::pod::record::MAX_FAILED_NODES;

/// On its node since the beginning; it reached its step at `since`.
fn on_node(step: Step, since: i64) -> ObservedPod {
    ObservedPod {
        node: Some("node-1".into()),
        step_since: Some(at(since)),
        ..pending(step)
    }
}

fn code(pod: &Pod) -> Option<ReasonCode> {
    pod.reason.as_ref().map(|reason| reason.code)
}

fn wakes_at(actions: &[Action], time: Timestamp) -> bool {
    actions.contains(&Action::RequeueAt { at: time })
}

fn wakes_by(actions: &[Action], time: Timestamp) -> bool {
    actions
        .iter()
        .any(|action| matches!(action, Action::RequeueAt { at } if *at <= time))
}

#[test]
fn a_recent_warning_is_reported_only_once_it_is_older() {
    let seen = complete(ObservedPod {
        passes_until: Some(at(30)),
        reason: Some(Reason::new(ReasonCode::VolumeFailed, "who has it", at(0))),
        ..on_node(Step::Preparing, 0)
    });
    let (pod, actions) = settle(Pod::sample(at(0)), &seen, at(29));
    assert_eq!((pod.status, &pod.reason), (Status::Creating, &None));
    assert!(wakes_at(&actions, at(30)), "nothing else comes then: {actions:?}");
    let (pod, _) = settle(pod, &seen, at(30));
    assert_eq!(
        (pod.status, code(&pod)),
        (Status::Error, Some(ReasonCode::VolumeFailed))
    );
}

#[test]
fn a_pod_without_progress_gives_its_gpu_back_with_or_without_a_reason() {
    let hangs = complete(on_node(Step::Preparing, 10));
    let (pod, actions) = settle(Pod::sample(at(0)), &hangs, at(10));
    let limit = 10 + START_SECONDS;
    assert!(wakes_at(&actions, at(limit)), "{actions:?}");
    let (pod, _) = settle(pod, &hangs, at(limit - 1));
    assert_eq!((pod.desired, code(&pod)), (Desired::Running, None));
    let (stopped, actions) = settle(pod.clone(), &hangs, at(limit));
    assert_eq!(
        (stopped.desired, stopped.status),
        (Desired::Stopped, Status::Error)
    );
    assert_eq!(
        actions,
        [Action::Remove {
            volume: VolumePolicy::Keep
        }]
    );
    let reason = stopped.reason.unwrap();
    assert_eq!((reason.code, reason.blame()), (ReasonCode::GaveUp, Blame::Nobody));
    assert!(
        reason.detail.contains("node-1") && reason.detail.contains("60 minutes"),
        "{reason:?}"
    );
    assert_eq!(stopped.charged, Money::ZERO);

    // A cause that is not a failure in itself is kept, with the side at fault.
    let lost = ObservedPod {
        phase: Phase::Unknown,
        reason: Some(Reason::new(ReasonCode::NodeLost, "no answer", at(20))),
        ..on_node(Step::Preparing, 10)
    };
    let (stopped, _) = settle(pod.clone(), &complete(lost), at(limit));
    assert_eq!(stopped.reason.unwrap().detail, "node_lost: no answer");

    // Progress restarts the time limit.
    let (pulling, _) = settle(pod, &complete(on_node(Step::PullingImage, limit - 5)), at(limit));
    assert_eq!((pulling.desired, code(&pulling)), (Desired::Running, None));
}

#[test]
fn the_limit_of_a_start_applies_neither_to_unscheduled_nor_to_started_pods() {
    let waits = ObservedPod {
        node: None,
        ..failing(ReasonCode::NoGpuFree, 0)
    };
    let restarting = ObservedPod {
        container: None,
        node: Some("node-1".into()),
        step_since: Some(at(0)),
        ready: false,
        reason: Some(Reason::new(ReasonCode::ContainerExited, "exit code 1", at(10))),
        ..running_since(0)
    };
    for seen in [waits, restarting] {
        let (pod, _) = settle(Pod::sample(at(0)), &complete(seen), at(100 * START_SECONDS));
        assert_eq!(pod.desired, Desired::Running);
    }
    let short = Deadlines::default().with_start(SignedDuration::from_mins(5));
    let hangs = complete(on_node(Step::Preparing, 0));
    let (pod, _) = settle(Pod::sample(at(0)), &hangs, at(0));
    let actions = super::super::reconcile(&pod, &hangs, short, at(300));
    let Some(Action::Save(next)) = actions.first() else {
        panic!("{actions:?}")
    };
    assert_eq!(next.desired, Desired::Stopped, "as the platform says");
}

/// A pod object of run 1 that should be gone at 30.
fn leaving(held_by: &str) -> ObservedPod {
    ObservedPod {
        terminating: true,
        ending: Some(Ending {
            by: at(30),
            held_by: held_by.into(),
        }),
        ..running_since(0)
    }
}

#[test]
fn a_stop_minutes_beyond_its_grace_period_is_reported_and_free() {
    let (running, _) = settle(Pod::sample(at(0)), &complete(running_since(0)), at(1));
    let stopped = Pod {
        desired: Desired::Stopped,
        ..running
    };
    let seen = complete(leaving("finalizers: kueue.x-k8s.io/managed"));
    let late = 30 + STOP_SECONDS;
    let (pod, actions) = settle(stopped, &seen, at(10));
    assert_eq!(
        (pod.status, code(&pod)),
        (Status::Stopped, None),
        "it is within its time"
    );
    assert!(pod.meter.from.is_some(), "and runs, which is paid");
    assert!(wakes_by(&actions, at(late)), "{actions:?}");
    let (pod, _) = settle(pod, &seen, at(late));
    assert_eq!((pod.status, pod.step), (Status::Stopped, Step::Stopping));
    let reason = pod.reason.clone().unwrap();
    assert_eq!((reason.code, reason.since), (ReasonCode::StopDelayed, at(late)));
    assert_eq!(reason.detail, "finalizers: kueue.x-k8s.io/managed");
    assert_eq!(
        pod.meter.from, None,
        "what its owner has ended, and can't end, is not charged"
    );
    let charged = pod.charged;
    let (pod, _) = settle(pod, &seen, at(late + 7200));
    let volume = Money::from_cents(72);
    assert_eq!(pod.charged, charged + volume, "two hours of its volume alone");
    let gone = Observation {
        pod: None,
        objects: Objects::Absent,
        ..seen
    };
    let (pod, _) = settle(pod, &gone, at(late + 7201));
    assert_eq!((pod.step, code(&pod)), (Step::Stopped, None), "it has passed");
}

#[test]
fn a_start_behind_a_stuck_pod_object_reports_the_same() {
    let again = Pod {
        run: 2,
        ..Pod::sample(at(20))
    };
    let seen = complete(leaving(""));
    let late = 30 + STOP_SECONDS;
    let (pod, actions) = settle(again, &seen, at(25));
    assert_eq!((pod.status, code(&pod)), (Status::Creating, None));
    assert!(wakes_by(&actions, at(late)), "{actions:?}");
    let (pod, _) = settle(pod, &seen, at(late));
    assert_eq!(
        (pod.status, code(&pod)),
        (Status::Creating, Some(ReasonCode::StopDelayed))
    );
    let own = ObservedPod {
        run: 2,
        ..pending(Step::Scheduling)
    };
    let (pod, _) = settle(pod, &complete(own), at(late + 1));
    assert_eq!(code(&pod), None, "it is gone");
}

#[test]
fn a_delayed_stop_does_not_hide_its_reason() {
    let failed = Pod {
        desired: Desired::Stopped,
        reason: Some(Reason::new(ReasonCode::InsufficientFunds, "", at(0))),
        ..Pod::sample(at(0))
    };
    let (pod, _) = settle(failed, &complete(leaving("")), at(10_000));
    assert_eq!(code(&pod), Some(ReasonCode::InsufficientFunds));
}

#[test]
fn a_limited_number_of_failed_nodes_is_remembered() {
    let failing_on = |node: &str, node_fault| {
        complete(ObservedPod {
            node: Some(node.into()),
            node_fault,
            ..failing(ReasonCode::ContainerConfig, 0)
        })
    };
    let (mut pod, _) = settle(Pod::sample(at(0)), &failing_on("mine", false), at(1));
    assert_eq!(pod.failed_nodes, [""; 0], "it was not the node");
    for node in ["a", "b", "a", "c", "d", "e"] {
        pod = settle(pod, &failing_on(node, true), at(2)).0;
    }
    assert_eq!(pod.failed_nodes, ["a", "c", "d", "e"]);
    assert_eq!(pod.failed_nodes.len(), MAX_FAILED_NODES);
    let young = complete(ObservedPod {
        passes_until: Some(at(90)),
        ..failing_on("young", true).pod.unwrap()
    });
    let (pod, _) = settle(pod, &young, at(3));
    assert!(!pod.failed_nodes.contains(&"young".to_owned()), "that may pass");
}

#[test]
fn a_pod_failing_because_of_its_node_is_recreated_unless_it_ran_there() {
    let failing_here = |started_at| {
        complete(ObservedPod {
            node: Some("node-1".into()),
            node_fault: true,
            started_at,
            ..failing(ReasonCode::ContainerConfig, 0)
        })
    };
    let (pod, actions) = settle(Pod::sample(at(0)), &failing_here(None), at(0));
    assert_eq!(
        (pod.status, pod.retry_at),
        (Status::Error, None),
        "the kubelet tries by itself"
    );
    assert!(wakes_at(&actions, at(120)), "{actions:?}");
    let (moving, actions) = settle(pod.clone(), &failing_here(None), at(120));
    assert!(
        actions.contains(&Action::Remove {
            volume: VolumePolicy::Keep
        }),
        "{actions:?}"
    );
    assert_eq!((moving.retry_at, moving.attempts), (Some(at(125)), 1));
    let gone = Observation {
        pod: None,
        objects: Objects::Absent,
        ..failing_here(None)
    };
    let (made, actions) = settle(moving, &gone, at(125));
    assert_eq!(actions[0], Action::Apply, "{made:?}");
    assert_eq!(made.failed_nodes, ["node-1"]);
    // The pod has files on that node, and the node may be repaired.
    let (stays, actions) = settle(pod, &failing_here(Some(at(-100))), at(120));
    assert_eq!((stays.retry_at, stays.attempts), (None, 0));
    assert!(
        !actions
            .iter()
            .any(|action| matches!(action, Action::Remove { .. })),
        "{actions:?}"
    );
}

#[test]
fn a_pod_refused_by_its_node_is_recreated_with_growing_delays() {
    let refused = complete(ObservedPod {
        phase: Phase::Ended,
        node: Some("node-1".into()),
        node_fault: true,
        ..failing(ReasonCode::Unschedulable, 0)
    });
    let (pod, actions) = settle(Pod::sample(at(0)), &refused, at(0));
    assert_eq!((pod.status, pod.desired), (Status::Creating, Desired::Running));
    assert_eq!(
        (code(&pod), pod.retry_at),
        (Some(ReasonCode::Unschedulable), Some(at(5)))
    );
    assert!(actions.contains(&Action::Remove {
        volume: VolumePolicy::Keep
    }));
    assert_eq!(pod.failed_nodes, ["node-1"]);
}

#[test]
fn how_the_last_container_ended_is_kept_while_the_next_one_runs() {
    let ended = Reason::new(ReasonCode::OutOfMemory, "exit code 137", at(50));
    let again = complete(ObservedPod {
        last_end: Some(ended.clone()),
        ..running_since(60)
    });
    let (pod, _) = settle(Pod::sample(at(0)), &again, at(61));
    assert_eq!((pod.status, &pod.reason), (Status::Running, &None));
    assert_eq!(pod.last_end, Some(ended));
    let stopped = Pod {
        desired: Desired::Stopped,
        ..pod
    };
    let (pod, _) = settle(stopped, &Observation::nothing(), at(70));
    assert_eq!(pod.last_end, None);
}
