mod bank;
mod caps;
mod clocks;
mod convergence;
mod leftovers;
mod money;
mod periods;
mod removals;
mod seen;
mod table;
mod waiting;
mod world;

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::cluster::observation::{
    Container, Objects, Observation, ObservedPod, ObservedVolume, Phase, Step,
};
use crate::cluster::reason::{Reason, ReasonCode};
use crate::cluster::workload::VolumePolicy;
use crate::error::kind::{Error, ErrorKind};
use crate::money::amount::Money;
use crate::money::billing::{Balance, Draw, Drawn, Hold};
use crate::money::meter::{HoldState, LOW_BALANCE_SECONDS, PERIOD_SECONDS, Price, VOLUME_PERIOD_SECONDS};
use crate::pod::options::PodOptions;
use crate::pod::record::{Desired, Pod, Status};
use crate::token::TokenState;

/// With the default deadlines.
fn reconcile(pod: &Pod, observation: &Observation, now: Timestamp) -> Vec<Action> {
    super::reconcile(pod, observation, Deadlines::default(), now)
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

/// A pod object of run 1 whose container started at `started`.
fn running_since(started: i64) -> ObservedPod {
    ObservedPod {
        uid: "one".into(),
        run: 1,
        spec_hash: String::new(),
        node: None,
        phase: Phase::Running,
        step: Step::Ready,
        terminating: false,
        ready: true,
        container: Some(Container {
            id: "container-1".into(),
            started_at: at(started),
        }),
        started_at: Some(at(started)),
        finished_at: None,
        finished_id: None,
        restarts: 0,
        closed_at: None,
        reason: None,
        passes_until: None,
        node_fault: false,
        step_since: None,
        ending: None,
        last_end: None,
    }
}

fn pending(step: Step) -> ObservedPod {
    ObservedPod {
        phase: Phase::Pending,
        step,
        ready: false,
        container: None,
        started_at: None,
        ..running_since(0)
    }
}

fn complete(pod: ObservedPod) -> Observation {
    Observation {
        pod: Some(pod),
        objects: Objects::Complete,
        volume: ObservedVolume::Bound { size_gb: 30 },
        ready_since: None,
    }
}

/// The reply of billing to a draw from an account with enough money.
fn paid(draw: &Draw) -> Drawn {
    Drawn {
        charged: draw.amount,
        written_off: Money::ZERO,
        held: draw.top_up,
        spent: Money::ZERO,
    }
}

/// Saves each record that is to be saved, with billing succeeding. Returns the last record and the remaining
/// actions.
fn settle(pod: Pod, observation: &Observation, now: Timestamp) -> (Pod, Vec<Action>) {
    settle_with(pod, observation, None, now)
}

/// The same, with this balance after each charge.
fn settle_with(
    mut pod: Pod,
    observation: &Observation,
    account: Option<&Balance>,
    now: Timestamp,
) -> (Pod, Vec<Action>) {
    for _ in 0..20 {
        let actions = reconcile(&pod, observation, now);
        let next = match actions.first() {
            Some(Action::Save(next)) => Some((**next).clone()),
            Some(Action::Draw(draw)) => drawn(&pod, draw, &paid(draw), account, None, now),
            Some(action @ (Action::Hold(_) | Action::Release { .. })) => done(&pod, action),
            _ => None,
        };
        match next {
            Some(next) => {
                pod = Pod {
                    updated_at: now,
                    ..next
                }
            }
            None => return (pod, actions),
        }
    }
    panic!("the record never settles: {pod:?}");
}

fn failing(code: ReasonCode, since: i64) -> ObservedPod {
    ObservedPod {
        reason: Some(Reason::new(code, "as the kubelet says", at(since))),
        ..pending(Step::PullingImage)
    }
}

#[test]
fn an_ended_pod_object_is_replaced_with_growing_delays() {
    let ended = ObservedPod {
        phase: Phase::Ended,
        ..failing(ReasonCode::Evicted, 0)
    };
    let (mut pod, actions) = settle(Pod::sample(at(0)), &complete(ended.clone()), at(0));
    assert!(
        actions.contains(&Action::Remove {
            volume: VolumePolicy::Keep
        }),
        "{actions:?}"
    );
    let mut waits = Vec::new();
    let mut now = 0;
    for _ in 0..8 {
        let gone = Observation {
            pod: None,
            objects: Objects::Absent,
            ..complete(ended.clone())
        };
        let (waiting, actions) = settle(pod, &gone, at(now));
        assert_eq!(
            actions,
            [Action::RequeueAt {
                at: waiting.retry_at.unwrap()
            }]
        );
        waits.push(waiting.retry_at.unwrap().as_second() - at(now).as_second());
        now += waits.last().unwrap();
        let (retried, actions) = settle(waiting, &gone, at(now));
        assert_eq!(actions[0], Action::Apply, "{retried:?}");
        pod = settle(retried, &complete(ended.clone()), at(now)).0;
    }
    assert_eq!(waits, [5, 10, 20, 40, 80, 160, 300, 300]);
}

#[test]
fn permanent_failures_stop_a_pod_at_once_and_others_after_a_while() {
    let (pod, _) = settle(
        Pod::sample(at(0)),
        &complete(failing(ReasonCode::ImageInvalid, 0)),
        at(0),
    );
    assert_eq!((pod.desired, pod.status), (Desired::Stopped, Status::Error));
    assert_eq!(pod.reason.unwrap().code, ReasonCode::ImageInvalid);

    let seen = complete(failing(ReasonCode::ImagePullFailed, 0));
    let (pod, actions) = settle(Pod::sample(at(0)), &seen, at(0));
    assert_eq!((pod.desired, pod.status), (Desired::Running, Status::Error));
    assert_eq!(
        actions,
        [Action::RequeueAt {
            at: at(GIVE_UP_SECONDS)
        }]
    );
    let (pod, actions) = settle(pod, &seen, at(GIVE_UP_SECONDS));
    assert_eq!((pod.desired, pod.status), (Desired::Stopped, Status::Error));
    assert_eq!(
        pod.reason.unwrap().detail,
        "image_pull_failed: as the kubelet says"
    );
    assert_eq!(pod.charged, Money::ZERO);
    assert_eq!(
        actions,
        [Action::Remove {
            volume: VolumePolicy::Keep
        }]
    );
}

#[test]
fn waiting_for_a_gpu_never_ends_by_itself() {
    let seen = complete(failing(ReasonCode::NoGpuFree, 0));
    let (pod, _) = settle(Pod::sample(at(0)), &seen, at(0));
    let (pod, actions) = settle(pod, &seen, at(100 * GIVE_UP_SECONDS));
    assert_eq!((pod.desired, pod.status), (Desired::Running, Status::Creating));
    assert_eq!(actions, []);
}

#[test]
fn an_unresponsive_server_is_reported_but_not_an_error() {
    let silent = complete(ObservedPod {
        ready: false,
        ..running_since(0)
    });
    let (pod, actions) = settle(Pod::sample(at(0)), &silent, at(1));
    assert_eq!(
        (pod.status, pod.step, &pod.reason),
        (Status::Creating, Step::Starting, &None)
    );
    assert!(
        actions.contains(&Action::RequeueAt {
            at: at(ANSWER_SECONDS)
        }),
        "{actions:?}"
    );
    let (pod, _) = settle(pod, &silent, at(ANSWER_SECONDS));
    assert_eq!(pod.status, Status::Creating);
    assert_eq!(pod.reason.unwrap().code, ReasonCode::NotAnswering);
}

#[test]
fn an_error_of_the_cluster_is_the_reason_until_everything_is_there() {
    let (pod, _) = settle(Pod::sample(at(0)), &Observation::nothing(), at(0));
    let error = Error::new(ErrorKind::NotConfigured, "no ingress class `nginx`: create it");
    let pod = failed(&pod, &Action::Apply, &error, at(5)).unwrap();
    assert_eq!(
        failed(&pod, &Action::Apply, &error, at(9)),
        None,
        "nothing new to say"
    );
    let partial = Observation {
        objects: Objects::Partial,
        ..complete(running_since(0))
    };
    let (pod, actions) = settle(pod, &partial, at(6));
    assert_eq!(pod.status, Status::Error);
    assert_eq!(pod.reason.as_ref().unwrap().code, ReasonCode::ClusterSetup);
    assert!(actions.contains(&Action::Apply), "{actions:?}");
    let pod = done(&pod, &Action::Apply).unwrap();
    let (pod, _) = settle(pod, &complete(running_since(0)), at(7));
    assert_eq!((pod.status, pod.reason), (Status::Running, None));
}

#[test]
fn a_new_container_invalidates_the_old_token() {
    let (pod, _) = settle(Pod::sample(at(0)), &complete(running_since(0)), at(1));
    let mut pod = pod;
    pod.login.found = TokenState::Generated(crate::AccessToken::new("old"));
    let restarted = ObservedPod {
        container: Some(Container {
            id: "container-2".into(),
            started_at: at(50),
        }),
        finished_at: Some(at(49)),
        finished_id: Some("container-1".into()),
        ..running_since(0)
    };
    let (pod, actions) = settle(pod, &complete(restarted), at(51));
    assert_eq!(pod.login.found, TokenState::Unknown);
    assert!(
        actions.contains(&Action::ReadToken {
            since: None,
            container: "container-2".into()
        }),
        "{actions:?}"
    );
}

#[test]
fn after_its_port_was_closed_the_log_is_read_from_then_on() {
    let follow = |found: TokenState, closed: Option<i64>| {
        let (mut pod, _) = settle(Pod::sample(at(0)), &complete(running_since(0)), at(1));
        pod.login.found = found;
        pod.login.read_at = Some(at(10));
        let seen = ObservedPod {
            closed_at: closed.map(at),
            ..running_since(0)
        };
        let (_, actions) = settle(pod, &complete(seen), at(60));
        actions.into_iter().find_map(|action| match action {
            Action::ReadToken { since, .. } => Some(since),
            _ => None,
        })
    };
    let generated = || TokenState::Generated(crate::AccessToken::new("old"));
    for (found, closed, expected) in [
        (generated(), None, None),
        (generated(), Some(5), None),
        (generated(), Some(10), None),
        (generated(), Some(50), Some(Some(at(50)))),
        (TokenState::Disabled, Some(50), Some(Some(at(50)))),
        (TokenState::Password, Some(50), Some(Some(at(50)))),
        (TokenState::Configured, Some(50), None),
        (TokenState::Unknown, None, Some(None)),
        (TokenState::Unknown, Some(50), Some(None)),
    ] {
        assert_eq!(follow(found.clone(), closed), expected, "{found:?} {closed:?}");
    }
}
