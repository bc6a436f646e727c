//! Holds, charges and releases, and their times.

use super::*;

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
    let placed = done(&pod, &actions[0]).unwrap();
    assert_eq!(settle(placed, &Observation::nothing(), at(0)).1, [Action::Apply]);
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
    assert_eq!(refused.status, Status::Stopped);
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
        finished_id: Some("container-1".into()),
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
        actions.contains(&Action::RequeueAt {
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
fn a_period_is_recorded_before_it_is_charged_and_charged_once() {
    let (pod, _) = settle(Pod::sample(at(0)), &complete(running_since(0)), at(10));
    let seen = complete(running_since(0));
    let full = at(PERIOD_SECONDS);
    let Some(Action::Save(claimed)) = reconcile(&pod, &seen, full).into_iter().next() else {
        panic!("the period is claimed")
    };
    let first = reconcile(&claimed, &seen, full).remove(0);
    // After a crash the same draw follows, whatever the time is by then.
    let again = reconcile(&claimed, &seen, at(500)).remove(0);
    assert_eq!(first, again);
    let Action::Draw(draw) = first else {
        panic!("{first:?}")
    };
    assert_eq!(draw.details.period.unwrap().seconds(), PERIOD_SECONDS);
    let charged = drawn(&claimed, &draw, &paid(&draw), None, None, full).unwrap();
    assert_eq!(
        drawn(&charged, &draw, &paid(&draw), None, None, full),
        None,
        "it is charged already"
    );
}

#[test]
fn the_owner_is_warned_and_the_pod_stops_when_the_money_runs_out() {
    let seen = complete(running_since(0));
    let (mut pod, _) = settle(Pod::sample(at(0)), &seen, at(10));
    // Nothing is available beside the hold of one hour.
    let mut held = Money::from_cents(360);
    let mut thresholds = Vec::new();
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
            spent: Money::ZERO,
        };
        let next = drawn(&claimed, &draw, &answer, None, None, now).unwrap();
        thresholds.extend(
            next.meter
                .passed_threshold(&claimed.meter, &LOW_BALANCE_SECONDS)
                .map(|threshold| (minute, threshold)),
        );
        if minute < 60 {
            assert_eq!(next.desired, Desired::Running, "{minute}");
        }
        pod = next;
    }
    assert_eq!(thresholds, [(1, 3600), (46, 900), (56, 300)]);
    assert_eq!(pod.desired, Desired::Stopped);
    let (pod, _) = settle(pod, &seen, at(60 * PERIOD_SECONDS));
    assert_eq!(
        (pod.status, pod.charged),
        (Status::Stopped, Money::from_cents(360))
    );
    assert_eq!(pod.reason.unwrap().code, ReasonCode::InsufficientFunds);
}

#[test]
fn a_pod_stopped_for_lack_of_money_says_so_even_if_it_was_just_created() {
    let stopped = Pod {
        desired: Desired::Stopped,
        reason: Some(Reason::new(ReasonCode::InsufficientFunds, "", at(0))),
        ..Pod::sample(at(0))
    };
    assert_eq!(done(&stopped, &Action::Apply), None);
}

#[test]
fn a_new_price_applies_from_the_next_period_on() {
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
    // Last observed at 100 seconds.
    let stopping = Pod {
        desired: Desired::Stopped,
        ..pod
    };
    let (pod, actions) = settle(stopping, &gone, at(100));
    assert_eq!(pod.charged, Money::from_cents(10));
    assert_eq!(
        actions,
        [Action::RequeueAt {
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
        finished_id: Some("container-1".into()),
        restarts: 1,
        ..running_since(0)
    };
    let (pod, _) = settle(pod, &complete(restarted), at(420));
    assert_eq!(pod.charged, Money::from_cents(10));
    assert_eq!(pod.meter.from, Some(at(400)));
}

#[test]
fn a_container_that_restarted_unseen_several_times_is_not_charged_to_the_end_of_another() {
    let (pod, _) = settle(Pod::sample(at(0)), &complete(running_since(0)), at(130));
    let waiting = ObservedPod {
        container: None,
        finished_at: Some(at(5000)),
        finished_id: Some("container-9".into()),
        restarts: 9,
        reason: Some(Reason::new(ReasonCode::CrashLoop, "", at(5000))),
        ..running_since(0)
    };
    let (pod, _) = settle(pod, &complete(waiting), at(5010));
    assert_eq!(pod.charged, Money::from_cents(13), "up to when it was seen");
}

#[test]
fn a_container_that_started_during_an_observation_is_charged_from_its_start() {
    let (pod, _) = settle(Pod::sample(at(0)), &complete(running_since(7)), at(5));
    let (pod, _) = settle(pod, &complete(running_since(7)), at(67));
    assert_eq!(
        (pod.charged, pod.meter.from),
        (Money::from_cents(6), Some(at(67)))
    );
}

#[test]
fn neither_the_gap_before_a_new_pod_object_nor_future_time_is_charged() {
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
        finished_id: Some("container-1".into()),
        ..running_since(0)
    };
    let (pod, _) = settle(pod, &complete(restarted), at(30));
    assert_eq!(pod.charged, Money::from_cents(3));
}

#[test]
fn an_observation_older_than_the_last_charge_charges_nothing_again() {
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
fn an_unseen_end_is_charged_until_the_pod_was_last_seen_running() {
    let (pod, _) = settle(Pod::sample(at(0)), &complete(running_since(0)), at(100));
    let (pod, _) = settle(pod, &Observation::nothing(), at(3000));
    assert_eq!(pod.charged, Money::from_cents(10));
}

#[test]
fn a_container_that_ended_unseen_during_a_pending_charge_is_charged_until_last_seen() {
    let container = |id: &str, started: i64| ObservedPod {
        container: Some(Container {
            id: id.into(),
            started_at: at(started),
        }),
        ..running_since(0)
    };
    let (pod, _) = settle(Pod::sample(at(0)), &complete(container("first", 0)), at(1));
    // A minute is pending, but not charged yet, when the container after next is observed.
    let minute = complete(container("first", 0));
    let Some(Action::Save(claimed)) = reconcile(&pod, &minute, at(60)).into_iter().next() else {
        panic!("a minute is pending")
    };
    let third = ObservedPod {
        finished_at: Some(at(79)),
        finished_id: Some("second".into()),
        restarts: 2,
        ..container("third", 80)
    };
    let Some(Action::Save(seen)) = reconcile(&claimed, &complete(third.clone()), at(100))
        .into_iter()
        .next()
    else {
        panic!("the container is another one")
    };
    let (pod, _) = settle(*seen, &complete(third), at(100));
    assert_eq!(pod.meter.container.as_deref(), Some("third"));
    assert_eq!(
        pod.charged,
        Money::from_cents(360).for_seconds(60),
        "nobody saw the rest"
    );
}
