//! The length of periods: a minute, or forty while the money is ample.

use super::*;
use crate::money::billing::AccountKind;
use crate::money::meter::{LONG_PERIOD_SECONDS, Meter};

/// 3.60 an hour is a tenth of a cent each second, so amounts tell seconds.
const DAY: i64 = 24 * 3600;

fn account(kind: AccountKind, cents: i64) -> Balance {
    Balance {
        kind,
        available: Money::from_cents(cents),
        held: Money::from_cents(360),
        spent: None,
    }
}

fn rich() -> Balance {
    account(AccountKind::Prepaid, 24 * 360)
}

/// A pod that has run since 0 and whose account has this balance after its first minute.
fn charged_once(account: &Balance) -> Pod {
    let seen = complete(running_since(0));
    let (pod, _) = settle_with(Pod::sample(at(0)), &seen, Some(account), at(10));
    settle_with(pod, &seen, Some(account), at(PERIOD_SECONDS)).0
}

fn seconds_charged(pod: &Pod) -> i64 {
    pod.charged.micros() / 1000
}

#[test]
fn an_account_that_can_pay_for_a_day_is_charged_every_forty_minutes() {
    let seen = complete(running_since(0));
    for (account, end) in [
        (rich(), LONG_PERIOD_SECONDS),
        (account(AccountKind::Unlimited, -100_000), LONG_PERIOD_SECONDS),
        (account(AccountKind::Prepaid, 24 * 360 - 1), 2 * PERIOD_SECONDS),
    ] {
        let pod = charged_once(&account);
        assert_eq!((seconds_charged(&pod), pod.meter.full_at()), (60, Some(at(end))));
        let (same, actions) = settle_with(pod.clone(), &seen, Some(&account), at(end - 1));
        let due = |pod: &Pod| (pod.charged, pod.meter.full_at());
        assert_eq!(due(&same), due(&pod), "nothing to charge before");
        assert!(
            actions.contains(&Action::RequeueAt { at: at(end) }),
            "{actions:?}"
        );
        let (pod, _) = settle_with(pod, &seen, Some(&account), at(end));
        assert_eq!(seconds_charged(&pod), end, "no second is left out");
    }
}

#[test]
fn once_the_money_is_short_every_minute_is_charged_again() {
    let seen = complete(running_since(0));
    let poor = account(AccountKind::Prepaid, 100);
    let pod = charged_once(&rich());
    let (pod, _) = settle_with(pod, &seen, Some(&poor), at(LONG_PERIOD_SECONDS));
    assert_eq!(
        pod.meter.full_at(),
        Some(at(LONG_PERIOD_SECONDS + PERIOD_SECONDS))
    );
    // Billing that says no balance has periods of a minute, as before.
    let (pod, _) = settle(charged_once(&rich()), &seen, at(LONG_PERIOD_SECONDS));
    assert_eq!(
        pod.meter.full_at(),
        Some(at(LONG_PERIOD_SECONDS + PERIOD_SECONDS))
    );
}

#[test]
fn a_hold_that_is_not_full_is_no_ample_money() {
    let seen = complete(running_since(0));
    let (pod, _) = settle(Pod::sample(at(0)), &seen, at(10));
    let full = at(PERIOD_SECONDS);
    let Some(Action::Save(claimed)) = reconcile(&pod, &seen, full).into_iter().next() else {
        panic!("the period is claimed")
    };
    let Action::Draw(draw) = reconcile(&claimed, &seen, full).remove(0) else {
        panic!("it is charged")
    };
    for (missing, is_long) in [(0, true), (1, false)] {
        let answer = Drawn {
            held: draw.top_up - Money::from_micros(missing),
            ..paid(&draw)
        };
        let next = drawn(&claimed, &draw, &answer, Some(&rich()), None, full).unwrap();
        assert_eq!(next.meter.is_long, is_long, "{missing}");
    }
}

#[test]
fn a_new_price_ends_a_long_period_at_once() {
    let seen = complete(running_since(0));
    let mut pod = charged_once(&rich());
    pod.price = Price {
        hourly: Money::from_cents(720),
        stopped: Money::ZERO,
        version: 2,
    };
    let changed = 1000;
    let (pod, _) = settle_with(pod, &seen, Some(&account(AccountKind::Unlimited, 0)), at(changed));
    assert_eq!(seconds_charged(&pod), changed, "at the price that it ran at");
    let end = changed + 500;
    let ended = ObservedPod {
        finished_at: Some(at(end)),
        finished_id: Some("container-1".into()),
        ..pending(Step::Starting)
    };
    let (pod, _) = settle(pod, &complete(ended), at(end + 10));
    assert_eq!(seconds_charged(&pod), changed + 2 * 500, "no gap and no overlap");
}

#[test]
fn a_cap_that_is_set_ends_a_long_period_and_is_watched_by_the_minute() {
    let seen = complete(running_since(0));
    let mut pod = charged_once(&rich());
    pod.owner_cap = Some(Money::from_cents(10_000));
    let (pod, _) = settle_with(pod, &seen, Some(&rich()), at(1000));
    assert_eq!(seconds_charged(&pod), 1000);
    // With the phase of the first period.
    assert_eq!(pod.meter.full_at(), Some(at(1020)));
    let (pod, _) = settle_with(pod, &seen, Some(&rich()), at(1020));
    assert_eq!(pod.meter.full_at(), Some(at(1080)));
}

#[test]
fn a_long_period_ends_at_midnight_and_keeps_its_phase() {
    // Not at a whole number of periods before midnight, and 100 s after five full minutes: so midnight is charged then.
    let (start, own) = (700, 100);
    let seen = complete(running_since(start));
    let midnight = DAY - at(start).as_second().rem_euclid(DAY);
    let (mut pod, _) = settle(Pod::sample(at(start)), &seen, at(start));
    let mut ends = Vec::new();
    while let Some(end) = pod.meter.full_at().filter(|end| *end < at(start + 2 * DAY)) {
        ends.push(end.as_second() - at(start).as_second());
        pod = settle_with(pod, &seen, Some(&rich()), end).0;
    }
    let odd: Vec<_> = ends
        .iter()
        .filter(|end| **end % LONG_PERIOD_SECONDS != 0)
        .collect();
    assert_eq!(odd, [&PERIOD_SECONDS, &(midnight + own), &(midnight + DAY + own)]);
    assert_eq!(seconds_charged(&pod), *ends.last().unwrap());
    assert!(ends.len() <= 2 * 37 + 1, "{} charges in two days", ends.len());
}

#[test]
fn a_container_that_is_gone_without_a_trace_is_charged_until_it_was_last_seen() {
    let mut pod = charged_once(&rich());
    // The driver saw it until then.
    pod.meter.seen_at = Some(at(1500));
    let gone = Observation {
        pod: None,
        ..complete(running_since(0))
    };
    let (pod, _) = settle(pod, &gone, at(1800));
    assert_eq!(seconds_charged(&pod), 1500);
}

#[test]
fn what_costs_nothing_is_hardly_ever_written() {
    let seen = complete(running_since(0));
    let free = Price::default();
    let pod = Pod {
        price: free,
        ..Pod::sample(at(0))
    };
    let (pod, _) = settle(
        Pod {
            meter: Meter::opening(free),
            ..pod
        },
        &seen,
        at(10),
    );
    let (pod, _) = settle(pod, &seen, at(PERIOD_SECONDS));
    assert_eq!(pod.meter.full_at(), Some(at(LONG_PERIOD_SECONDS)));
}
