mod convergence;
mod table;
mod world;

use jiff::Timestamp;

use super::*;
use crate::billing::Drawn;
use crate::error::{Error, ErrorKind};
use crate::meter::{PERIOD_SECONDS, Price, RESERVED_SECONDS, VOLUME_PERIOD_SECONDS};
use crate::money::Money;
use crate::observation::{Container, Phase, Step};
use crate::pod::Status;
use crate::reason::{Reason, ReasonCode};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

/// A pod object of run 1 whose container started at `started`.
fn running_since(started: i64) -> ObservedPod {
    ObservedPod {
        uid: "one".into(),
        run: 1,
        spec_hash: String::new(),
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
        restarts: 0,
        reason: None,
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
    }
}

/// What a draw of an account with enough money is answered.
fn paid(draw: &Draw) -> Drawn {
    Drawn {
        charged: draw.amount,
        written_off: Money::ZERO,
        held: draw.top_up,
    }
}

/// Stores what is asked to be stored, lets billing succeed, and answers the record and what is asked for then.
fn settle(mut pod: Pod, observation: &Observation, now: Timestamp) -> (Pod, Vec<Action>) {
    for _ in 0..20 {
        let actions = reconcile(&pod, observation, now);
        let next = match actions.first() {
            Some(Action::Save(next)) => Some((**next).clone()),
            Some(Action::Draw(draw)) => drawn(&pod, draw, &paid(draw), now),
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
fn money_is_reserved_before_anything_is_created() {
    let pod = Pod::sample(at(0));
    let actions = reconcile(&pod, &Observation::nothing(), at(0));
    let Action::Hold(hold) = &actions[0] else {
        panic!("{actions:?}")
    };
    assert_eq!(
        (hold.key.as_str(), hold.amount),
        ("3f9a0c1d2e4b5a68:0", Money::from_cents(360))
    );
    assert_eq!(actions.len(), 1);
    let reserved = done(&pod, &actions[0]).unwrap();
    assert_eq!(
        settle(reserved, &Observation::nothing(), at(0)).1,
        [Action::Apply]
    );
}

#[test]
fn without_money_the_pod_stops_and_the_key_is_closed() {
    let pod = Pod::sample(at(0));
    let hold = reconcile(&pod, &Observation::nothing(), at(0)).remove(0);
    let error = Error::new(
        ErrorKind::InsufficientFunds {
            required: Money::from_cents(360),
            available: Money::ZERO,
        },
        "not enough",
    );
    let refused = failed(&pod, &hold, &error, at(0)).unwrap();
    let next = reconcile(&refused, &Observation::nothing(), at(0));
    let Some(Action::Save(refused)) = next.first() else {
        panic!("{next:?}")
    };
    assert_eq!(refused.status, Status::Error);
    assert_eq!(
        reconcile(refused, &Observation::nothing(), at(0)),
        [Action::Release {
            key: "3f9a0c1d2e4b5a68:0".into()
        }]
    );
}

#[test]
fn seconds_are_charged_from_container_start_to_container_end() {
    let (pod, _) = settle(Pod::sample(at(0)), &complete(running_since(100)), at(105));
    assert_eq!(pod.status, Status::Running);
    let stopping = Pod {
        desired: Desired::Stopped,
        ..pod
    };
    let ended = ObservedPod {
        container: None,
        ready: false,
        terminating: true,
        finished_at: Some(at(200)),
        ..running_since(100)
    };
    let (pod, actions) = settle(stopping, &complete(ended), at(230));
    assert_eq!(pod.charged, Money::from_cents(10), "100 seconds at 3.60 an hour");
    assert_eq!(
        actions[0],
        Action::Remove {
            volume: VolumePolicy::Keep
        }
    );
}

#[test]
fn a_full_period_is_followed_by_the_next_without_a_gap() {
    let (pod, actions) = settle(Pod::sample(at(0)), &complete(running_since(0)), at(10));
    assert!(
        actions.contains(&Action::Wake {
            at: at(PERIOD_SECONDS)
        }),
        "{actions:?}"
    );
    // Three periods and a half later.
    let (pod, _) = settle(pod, &complete(running_since(0)), at(3 * PERIOD_SECONDS + 30));
    assert_eq!(pod.charged, Money::from_cents(18));
    assert_eq!(pod.meter.full_at(), Some(at(4 * PERIOD_SECONDS)));
}

#[test]
fn a_period_is_written_down_before_it_is_charged_and_charged_once() {
    let (pod, _) = settle(Pod::sample(at(0)), &complete(running_since(0)), at(10));
    let seen = complete(running_since(0));
    let full = at(PERIOD_SECONDS);
    let Some(Action::Save(claimed)) = reconcile(&pod, &seen, full).into_iter().next() else {
        panic!("the period is claimed")
    };
    let first = reconcile(&claimed, &seen, full).remove(0);
    // A crash later: the same draw, whatever the clock says by then.
    let again = reconcile(&claimed, &seen, at(500)).remove(0);
    assert_eq!(first, again);
    let Action::Draw(draw) = first else {
        panic!("{first:?}")
    };
    assert_eq!(draw.details.period.unwrap().seconds(), PERIOD_SECONDS);
    let charged = drawn(&claimed, &draw, &paid(&draw), full).unwrap();
    assert_eq!(
        drawn(&charged, &draw, &paid(&draw), full),
        None,
        "it is charged already"
    );
}

#[test]
fn the_owner_is_told_and_the_pod_stops_when_the_money_runs_out() {
    let seen = complete(running_since(0));
    let (mut pod, _) = settle(Pod::sample(at(0)), &seen, at(10));
    // Nothing is available beside the reservation of one hour.
    let mut held = Money::from_cents(360);
    let mut marks = Vec::new();
    for minute in 1..=60 {
        let now = at(minute * PERIOD_SECONDS);
        let Some(Action::Save(claimed)) = reconcile(&pod, &seen, now).into_iter().next() else {
            panic!("the period is claimed")
        };
        let Action::Draw(draw) = reconcile(&claimed, &seen, now).remove(0) else {
            panic!("it is charged")
        };
        held -= draw.amount;
        let answer = Drawn {
            charged: draw.amount,
            written_off: Money::ZERO,
            held,
        };
        let next = drawn(&claimed, &draw, &answer, now).unwrap();
        marks.extend(next.meter.passed_mark(&claimed.meter).map(|mark| (minute, mark)));
        if minute < 60 {
            assert_eq!(next.desired, Desired::Running, "{minute}");
        }
        pod = next;
    }
    assert_eq!(marks, [(1, 3600), (46, 900), (56, 300)]);
    assert_eq!(pod.desired, Desired::Stopped);
    let (pod, _) = settle(pod, &seen, at(60 * PERIOD_SECONDS));
    assert_eq!((pod.status, pod.charged), (Status::Error, Money::from_cents(360)));
    assert_eq!(pod.reason.unwrap().code, ReasonCode::InsufficientFunds);
}

#[test]
fn a_new_price_holds_from_the_next_period_on() {
    let seen = complete(running_since(0));
    let (mut pod, _) = settle(Pod::sample(at(0)), &seen, at(10));
    pod.price = Price {
        hourly: Money::from_cents(720),
        stopped: Money::ZERO,
        version: 2,
    };
    let (pod, _) = settle(pod, &seen, at(PERIOD_SECONDS));
    assert_eq!(pod.charged, Money::from_cents(6), "the period that ran");
    let (pod, _) = settle(pod, &seen, at(2 * PERIOD_SECONDS));
    assert_eq!(pod.charged, Money::from_cents(6 + 12));
}

#[test]
fn a_stopped_pod_pays_for_its_volume_only_and_by_the_second() {
    let seen = complete(running_since(0));
    let (pod, _) = settle(Pod::sample(at(0)), &seen, at(100));
    let gone = Observation {
        pod: None,
        objects: Objects::Absent,
        ..seen.clone()
    };
    // Last seen at 100 seconds.
    let stopping = Pod {
        desired: Desired::Stopped,
        ..pod
    };
    let (pod, actions) = settle(stopping, &gone, at(100));
    assert_eq!(pod.charged, Money::from_cents(10));
    assert_eq!(
        actions,
        [Action::Wake {
            at: at(100 + VOLUME_PERIOD_SECONDS)
        }]
    );
    let (pod, _) = settle(pod, &gone, at(100 + 3 * VOLUME_PERIOD_SECONDS + 5));
    assert_eq!(pod.charged, Money::from_cents(10 + 3 * 36));
    assert_eq!((pod.desired, pod.status), (Desired::Stopped, Status::Stopped));

    let started = Pod {
        desired: Desired::Running,
        run: 2,
        ..pod
    };
    let (pod, actions) = settle(started, &gone, at(100 + 3 * VOLUME_PERIOD_SECONDS + 200));
    assert_eq!(
        pod.charged,
        Money::from_cents(10 + 3 * 36 + 2),
        "200 seconds of volume"
    );
    assert_eq!(actions, [Action::Apply]);
}

#[test]
fn a_pod_that_never_ran_has_no_volume_to_pay_for() {
    let stopping = Pod {
        desired: Desired::Stopped,
        ..Pod::sample(at(0))
    };
    let (pod, actions) = settle(stopping, &Observation::nothing(), at(10));
    assert!(pod.meter.is_idle() && actions.is_empty(), "{actions:?}");
}

#[test]
fn a_clock_that_jumps_back_charges_nothing_twice() {
    let seen = complete(running_since(0));
    let (pod, _) = settle(Pod::sample(at(0)), &seen, at(PERIOD_SECONDS));
    let day = 24 * 3600;
    let (pod, _) = settle(pod, &seen, at(PERIOD_SECONDS - day));
    assert_eq!(pod.charged, Money::from_cents(6));
    let (pod, _) = settle(pod, &seen, at(2 * PERIOD_SECONDS));
    assert_eq!(pod.charged, Money::from_cents(12));
}

#[test]
fn a_container_that_restarted_unseen_is_charged_for_both_runs_and_not_for_the_time_between() {
    let (pod, _) = settle(Pod::sample(at(0)), &complete(running_since(0)), at(10));
    let restarted = ObservedPod {
        container: Some(Container {
            id: "container-2".into(),
            started_at: at(400),
        }),
        finished_at: Some(at(100)),
        restarts: 1,
        ..running_since(0)
    };
    let (pod, _) = settle(pod, &complete(restarted), at(420));
    assert_eq!(pod.charged, Money::from_cents(10));
    assert_eq!(pod.meter.from, Some(at(400)));
}

#[test]
fn the_time_up_to_another_pod_object_is_not_charged_nor_time_that_has_not_come() {
    let (pod, _) = settle(Pod::sample(at(0)), &complete(running_since(0)), at(10));
    let second = Container {
        id: "container-2".into(),
        started_at: at(50),
    };
    let another = ObservedPod {
        uid: "two".into(),
        container: Some(second.clone()),
        ..running_since(50)
    };
    let (seen_until, _) = settle(pod.clone(), &complete(another), at(55));
    assert_eq!(seen_until.charged, Money::from_cents(1), "up to when it was seen");
    // The clock of the node is ahead.
    let restarted = ObservedPod {
        container: Some(second),
        finished_at: Some(at(45)),
        ..running_since(0)
    };
    let (pod, _) = settle(pod, &complete(restarted), at(30));
    assert_eq!(pod.charged, Money::from_cents(3));
}

#[test]
fn a_look_that_began_before_the_last_charge_charges_nothing_again() {
    let seen = complete(running_since(0));
    let (pod, _) = settle(Pod::sample(at(0)), &seen, at(70));
    let (pod, _) = settle(pod, &Observation::nothing(), at(90));
    let charged_until = pod.meter.charged_until;
    let (pod, _) = settle(pod, &seen, at(65));
    assert!(pod.meter.from >= charged_until, "{:?}", pod.meter);
}

#[test]
fn a_lost_node_costs_nothing_until_it_is_back() {
    let (pod, _) = settle(Pod::sample(at(0)), &complete(running_since(0)), at(10));
    let lost = ObservedPod {
        reason: Some(Reason::new(ReasonCode::NodeLost, "", at(100))),
        ..running_since(0)
    };
    let (pod, _) = settle(pod, &complete(lost), at(150));
    assert_eq!(
        (pod.charged, pod.status),
        (Money::from_cents(10), Status::Creating)
    );
    let (pod, _) = settle(pod, &complete(running_since(0)), at(1000));
    assert_eq!(pod.meter.from, Some(at(1000)));
}

#[test]
fn an_end_nobody_saw_is_charged_up_to_when_the_pod_was_last_known_to_run() {
    let (pod, _) = settle(Pod::sample(at(0)), &complete(running_since(0)), at(100));
    let (pod, _) = settle(pod, &Observation::nothing(), at(3000));
    assert_eq!(pod.charged, Money::from_cents(10));
}

#[test]
fn a_pod_object_that_ended_is_made_anew_more_and_more_slowly() {
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
            [Action::Wake {
                at: waiting.retry_at.unwrap()
            }]
        );
        waits.push(waiting.retry_at.unwrap().as_second() - at(now).as_second());
        now += waits.last().unwrap();
        let (due, actions) = settle(waiting, &gone, at(now));
        assert_eq!(actions[0], Action::Apply, "{due:?}");
        pod = settle(due, &complete(ended.clone()), at(now)).0;
    }
    assert_eq!(waits, [5, 10, 20, 40, 80, 160, 300, 300]);
}

#[test]
fn what_can_not_succeed_is_stopped_at_once_and_other_failures_after_a_while() {
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
        [Action::Wake {
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
fn a_server_that_does_not_answer_is_told_of_and_not_an_error() {
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
        actions.contains(&Action::Wake {
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
fn a_new_container_makes_the_old_token_worthless() {
    let (pod, _) = settle(Pod::sample(at(0)), &complete(running_since(0)), at(1));
    let mut pod = pod;
    pod.login.found = TokenState::Generated(crate::AccessToken::new("old"));
    let restarted = ObservedPod {
        container: Some(Container {
            id: "container-2".into(),
            started_at: at(50),
        }),
        finished_at: Some(at(49)),
        ..running_since(0)
    };
    let (pod, actions) = settle(pod, &complete(restarted), at(51));
    assert_eq!(pod.login.found, TokenState::Unknown);
    assert!(
        actions.contains(&Action::Follow {
            container: "container-2".into()
        }),
        "{actions:?}"
    );
}
