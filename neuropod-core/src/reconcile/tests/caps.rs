//! Daily caps, days, and unpaid volumes.

use std::collections::BTreeMap;

use super::*;
use crate::money::billing::next_day;
use crate::pod::record::VolumeDeletion;

/// Seconds from the start of these tests, at 8:00, to midnight.
const MIDNIGHT: i64 = 16 * 3600;
const GRACE: SignedDuration = SignedDuration::from_hours(48);

/// Charges everything pending at `now` with `answer` as the reply of billing. Returns the record and the
/// charges.
fn pay(
    mut pod: Pod,
    observation: &Observation,
    now: Timestamp,
    mut answer: impl FnMut(&Draw) -> Drawn,
) -> (Pod, Vec<Draw>) {
    let mut draws = Vec::new();
    for _ in 0..500 {
        let actions = reconcile(&pod, observation, now);
        let next = match actions.first() {
            Some(Action::Save(next)) => Some((**next).clone()),
            Some(Action::Draw(draw)) => {
                draws.push(draw.clone());
                drawn(&pod, draw, &answer(draw), None, Some(GRACE), now)
            }
            Some(action @ (Action::Hold(_) | Action::Release { .. })) => done(&pod, action),
            _ => None,
        };
        match next {
            Some(next) => pod = next,
            None => return (pod, draws),
        }
    }
    panic!("the record never settles: {pod:?}");
}

/// The reply for an account with enough money that spent nothing else today.
fn capped(draw: &Draw) -> Drawn {
    let charged = draw.at_most.map_or(draw.amount, |most| most.min(draw.amount));
    Drawn {
        charged,
        written_off: draw.amount - charged,
        held: draw.top_up,
        spent: charged,
    }
}

/// The reply for an empty account.
fn unpaid(draw: &Draw) -> Drawn {
    Drawn {
        charged: Money::ZERO,
        written_off: draw.amount,
        held: Money::ZERO,
        spent: Money::ZERO,
    }
}

fn running(daily_cap: Option<Money>, owner_cap: Option<Money>) -> Pod {
    let sample = Pod::sample(at(0));
    let pod = Pod {
        options: PodOptions {
            daily_cap,
            ..sample.options
        },
        owner_cap,
        ..sample
    };
    settle(pod, &complete(running_since(0)), at(10)).0
}

#[test]
fn a_pod_stops_before_it_costs_more_than_its_cap_and_its_owner_is_warned() {
    let seen = complete(running_since(0));
    // Ten and a half minutes, at six cents a minute.
    let mut pod = running(Some(Money::from_cents(63)), None);
    let mut thresholds = Vec::new();
    for minute in 1..=10 {
        assert_eq!(pod.desired, Desired::Running, "minute {minute}");
        let next = pay(pod.clone(), &seen, at(minute * PERIOD_SECONDS), capped).0;
        thresholds.extend(next.meter.passed_threshold(&pod.meter, &LOW_BALANCE_SECONDS));
        pod = next;
    }
    assert_eq!(thresholds, [900, 300], "there was never an hour remaining");
    assert_eq!(pod.desired, Desired::Stopped);
    assert_eq!(pod.charged, Money::from_cents(60));
    let reason = pod.reason.unwrap();
    assert_eq!(
        (reason.code, reason.startable_at()),
        (ReasonCode::SpendCap, Some(at(MIDNIGHT)))
    );
}

#[test]
fn a_cap_reached_before_midnight_but_charged_after_it_does_not_block_the_next_day() {
    // A period that ends at midnight, and one in the middle of the day, each charged the next day.
    for (started, until) in [(MIDNIGHT - 3600, MIDNIGHT), (0, 3600)] {
        let seen = complete(running_since(started));
        let sample = Pod::sample(at(started));
        let pod = Pod {
            options: PodOptions {
                daily_cap: Some(Money::from_micros(1)),
                ..sample.options
            },
            ..sample
        };
        let (pod, _) = settle(pod, &seen, at(started + 10));
        let ended = ObservedPod {
            container: None,
            finished_at: Some(at(until)),
            finished_id: Some("container-1".into()),
            phase: Phase::Ended,
            ..running_since(started)
        };
        let (pod, _) = pay(pod, &complete(ended), at(MIDNIGHT + 7200), |draw| Drawn {
            held: Money::from_cents(360),
            ..capped(draw)
        });
        let startable = pod.reason.and_then(|reason| reason.startable_at());
        assert_eq!(startable, Some(at(MIDNIGHT)), "{until}");
    }
}

#[test]
fn unseen_running_time_beyond_the_cap_is_written_off() {
    let pod = running(Some(Money::from_cents(63)), None);
    let (pod, draws) = pay(pod, &complete(running_since(0)), at(3600), capped);
    assert_eq!(draws[0].at_most, Some(Money::from_cents(63)));
    assert_eq!(pod.charged, Money::from_cents(63));
    assert_eq!(pod.reason.unwrap().code, ReasonCode::SpendCap);
}

#[test]
fn the_owners_cap_counts_the_spending_of_all_their_pods() {
    let seen = complete(running_since(0));
    let owner_cap = Some(Money::from_cents(500));
    let spent = |cents| {
        move |draw: &Draw| {
            assert_eq!(draw.daily_cap, owner_cap);
            Drawn {
                spent: Money::from_cents(cents),
                ..paid(draw)
            }
        }
    };
    let (pod, _) = pay(running(None, owner_cap), &seen, at(PERIOD_SECONDS), spent(480));
    assert_eq!(pod.desired, Desired::Running);
    assert_eq!(
        (pod.meter.remaining, pod.meter.capped),
        (Some(Money::from_cents(20)), true)
    );
    let (pod, _) = pay(pod, &seen, at(2 * PERIOD_SECONDS), spent(495));
    assert_eq!(pod.reason.unwrap().code, ReasonCode::SpendCap);
}

#[test]
fn an_empty_account_is_the_reason_even_near_a_cap() {
    let pod = running(Some(Money::from_cents(6)), None);
    let (pod, _) = pay(pod, &complete(running_since(0)), at(PERIOD_SECONDS), |draw| {
        Drawn {
            held: Money::ZERO,
            ..capped(draw)
        }
    });
    assert_eq!(pod.reason.unwrap().code, ReasonCode::InsufficientFunds);
}

#[test]
fn every_period_is_within_a_day_and_caps_reset_at_midnight() {
    let seen = complete(running_since(0));
    // Two days in one pass: the platform was down.
    let pod = running(Some(Money::from_cents(10_000)), None);
    let (pod, draws) = pay(pod, &seen, at(MIDNIGHT + 26 * 3600), capped);
    let days: Vec<_> = draws.iter().map(|draw| draw.details.period.unwrap()).collect();
    assert_eq!(days.len(), 3);
    for period in &days {
        assert!(period.until <= next_day(period.from), "{period:?}");
    }
    assert!(
        days.windows(2).all(|pair| pair[0].until == pair[1].from),
        "without a gap"
    );
    // 16 hours; 24 hours of which the cap allows 100 euros; 2 hours.
    assert_eq!(
        pod.charged,
        Money::from_cents(16 * 360) + Money::from_cents(24 * 360) + Money::from_cents(2 * 360)
    );
    let (pod, _) = pay(pod, &seen, at(MIDNIGHT + 48 * 3600 + 90), capped);
    assert_eq!(pod.meter.from, Some(at(MIDNIGHT + 48 * 3600 + 60)));

    let ended = ObservedPod {
        phase: Phase::Ended,
        container: None,
        finished_at: Some(at(MIDNIGHT + 72 * 3600 + 30)),
        finished_id: Some("container-1".into()),
        ..running_since(0)
    };
    let (_, draws) = pay(pod, &complete(ended), at(MIDNIGHT + 80 * 3600), capped);
    let seconds: Vec<_> = draws
        .iter()
        .map(|draw| draw.details.period.unwrap().seconds())
        .collect();
    assert_eq!(seconds, [24 * 3600 - 60, 30], "split at midnight");
}

#[test]
fn a_cap_reached_in_the_last_minute_of_a_day_does_not_stop_the_pod() {
    let seen = complete(running_since(MIDNIGHT - 90));
    let sample = Pod::sample(at(MIDNIGHT - 100));
    let pod = Pod {
        options: PodOptions {
            daily_cap: Some(Money::from_cents(9)),
            ..sample.options
        },
        ..sample
    };
    let (pod, _) = pay(pod, &seen, at(MIDNIGHT + 1), capped);
    assert_eq!(pod.charged, Money::from_cents(9), "a minute and a half");
    assert_eq!(pod.desired, Desired::Running);
}

/// A pod that ran for a minute and has been stopped since then.
fn stopped() -> (Pod, Observation) {
    let (pod, _) = settle(Pod::sample(at(0)), &complete(running_since(0)), at(60));
    let stopping = Pod {
        desired: Desired::Stopped,
        ..pod
    };
    let gone = Observation {
        pod: None,
        objects: Objects::Absent,
        volume: ObservedVolume::Bound { size_gb: 30 },
        ready_since: None,
    };
    (settle(stopping, &gone, at(60)).0, gone)
}

fn deletion(pod: &Pod) -> Option<(i64, bool)> {
    let seconds = |at: Timestamp| at.duration_since(self::at(0)).as_secs();
    pod.volume_deletion
        .map(|deletion| (seconds(deletion.at), deletion.decided))
}

#[test]
fn an_unpaid_volume_is_deleted_after_the_grace_time() {
    let (pod, gone) = stopped();
    let (pod, _) = pay(pod, &gone, at(60 + 3600), paid);
    assert_eq!(deletion(&pod), None);
    // Four hours are charged late together, so the grace time starts with the last of them.
    let goes = 60 + 4 * 3600 + 48 * 3600;
    let (pod, _) = pay(pod, &gone, at(60 + 5 * 3600), unpaid);
    assert_eq!(deletion(&pod), Some((goes, false)));
    let (pod, _) = pay(pod, &gone, at(goes - 1), unpaid);
    assert_eq!(
        deletion(&pod),
        Some((goes, false)),
        "reported once, and so it stays"
    );
    assert_eq!(
        reconcile(&pod, &gone, at(goes - 1)),
        [Action::RequeueAt { at: at(goes) }]
    );
    let (pod, _) = pay(pod, &gone, at(goes), unpaid);
    assert_eq!(deletion(&pod), Some((goes, true)));
    assert_eq!(pod.reason, None, "it is not gone yet");
    let volume = VolumePolicy::Delete;
    assert_eq!(reconcile(&pod, &gone, at(goes)), [Action::Remove { volume }]);
    let nothing = Observation {
        volume: ObservedVolume::Absent,
        ..gone
    };
    let (pod, draws) = pay(pod, &nothing, at(goes + 100 * 3600), unpaid);
    assert!(draws.is_empty(), "what is gone costs nothing: {draws:?}");
    assert_eq!(pod.reason.as_ref().unwrap().code, ReasonCode::VolumeDeleted);
    assert_eq!(pod.status, Status::Stopped);
    assert_eq!(reconcile(&pod, &nothing, at(goes + 100 * 3600)), []);
}

#[test]
fn a_volume_paid_for_in_time_stays() {
    let (pod, gone) = stopped();
    let (pod, _) = pay(pod, &gone, at(60 + 3600), unpaid);
    let goes = 60 + 48 * 3600;
    assert_eq!(deletion(&pod), Some((goes, false)));
    // The account is topped up in the last hour.
    let (pod, _) = pay(pod, &gone, at(goes), paid);
    assert_eq!(deletion(&pod), None);
    assert!(
        pod.meter.volume_from > Some(at(goes - 3600)),
        "and is paid for on: {:?}",
        pod.meter
    );
}

#[test]
fn the_owner_is_warned_at_the_first_unpaid_hour_and_a_day_before() {
    let (mut pod, gone) = stopped();
    let mut reported = Vec::new();
    for hour in 1..=48 {
        let now = at(60 + hour * 3600);
        let Some(Action::Save(claimed)) = reconcile(&pod, &gone, now).into_iter().next() else {
            panic!("the hour is claimed")
        };
        let Action::Draw(draw) = reconcile(&claimed, &gone, now).remove(0) else {
            panic!("it is charged")
        };
        let next = drawn(&claimed, &draw, &unpaid(&draw), None, Some(GRACE), now).unwrap();
        if next.volume_warning(&claimed).is_some() {
            reported.push(hour);
        }
        pod = next;
    }
    assert_eq!(reported, [1, 24]);
}

#[test]
fn a_start_cancels_the_deletion_of_the_volume() {
    let (pod, gone) = stopped();
    let (pod, _) = pay(pod, &gone, at(60 + 3600), unpaid);
    let started = Pod {
        desired: Desired::Running,
        run: 2,
        volume_deletion: None,
        ..pod
    };
    let (pod, _) = pay(started, &gone, at(60 + 3700), |draw| match draw.hold {
        Some(_) => paid(draw),
        None => unpaid(draw),
    });
    assert_eq!(pod.volume_deletion, None);
}

#[test]
fn without_a_grace_time_a_volume_is_kept_for_ever() {
    let (pod, gone) = stopped();
    let Some(Action::Save(claimed)) = reconcile(&pod, &gone, at(7200)).into_iter().next() else {
        panic!("it is claimed")
    };
    let Action::Draw(draw) = reconcile(&claimed, &gone, at(7200)).remove(0) else {
        panic!("it is charged")
    };
    let next = drawn(&claimed, &draw, &unpaid(&draw), None, None, at(7200)).unwrap();
    assert_eq!(next.volume_deletion, None::<VolumeDeletion>);
}

/// Pods that were started in different seconds are charged in different seconds, also after a midnight, which all of
/// their periods end at.
#[test]
fn midnight_does_not_bring_all_pods_into_the_same_second() {
    let mut busy = BTreeMap::new();
    for second in 0..60 {
        let seen = complete(running_since(second));
        let (pod, _) = settle(Pod::sample(at(0)), &seen, at(second + 5));
        let (pod, draws) = pay(pod, &seen, at(MIDNIGHT + 90), capped);
        let seconds = draws.iter().map(|draw| draw.details.period.unwrap().seconds());
        let ended = pod.meter.charged_until.unwrap();
        let started = at(second);
        assert_eq!(
            seconds.sum::<i64>(),
            ended.duration_since(started).as_secs(),
            "{second}"
        );
        let next = pod.meter.full_at().unwrap();
        assert!(
            next > at(MIDNIGHT + 90) && next <= at(MIDNIGHT + 90 + PERIOD_SECONDS),
            "{second}"
        );
        *busy.entry(next).or_insert(0) += 1;

        // The volumes of pods that are stopped in different seconds as well, hour by hour.
        let stopped = Pod {
            desired: Desired::Stopped,
            ..pod
        };
        let gone = Observation::nothing();
        let ended = ObservedPod {
            phase: Phase::Ended,
            container: None,
            finished_at: Some(at(MIDNIGHT + 100 + second)),
            finished_id: Some("container-1".into()),
            ..running_since(second)
        };
        let (stopped, _) = pay(stopped, &complete(ended), at(MIDNIGHT + 200), capped);
        let (stopped, _) = pay(stopped, &gone, at(MIDNIGHT + 210), capped);
        let (stopped, _) = pay(stopped, &gone, at(MIDNIGHT + 50 * 3600), capped);
        *busy.entry(stopped.meter.full_at().unwrap()).or_insert(0) += 1;
    }
    assert_eq!(busy.values().max(), Some(&1), "{busy:?}");
}
