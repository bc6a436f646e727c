//! Draws from an open hold.

use std::sync::Arc;

use jiff::SignedDuration;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::fixture::{cents, holds, new_key, new_user, prepaid};
use crate::conformance::expect::failure;
use crate::id::UserId;
use crate::money::amount::Money;
use crate::money::billing::{
    AccountKind, Billing, BillingExt, Details, Draw, Drawn, EntryKind, Period, Spent,
};

fn draw(user: &UserId, hold: Option<&str>, amount: Money, top_up: Money) -> Draw {
    Draw {
        key: new_key(),
        user: user.clone(),
        hold: hold.map(str::to_owned),
        amount,
        top_up,
        at_most: None,
        daily_cap: None,
        details: Details::default(),
    }
}

fn drawn(charged: i64, written_off: i64, held: i64) -> Drawn {
    Drawn {
        charged: cents(charged),
        written_off: cents(written_off),
        held: cents(held),
        spent: Money::ZERO,
    }
}

/// A prepaid account with so much in it, of which so much is held under the key.
async fn with_hold(billing: &Arc<dyn Billing>, money: i64, held: i64) -> (UserId, String) {
    let user = prepaid(billing, cents(money)).await;
    let key = new_key();
    billing.hold_amount(&key, &user, cents(held)).await.unwrap();
    (user, key)
}

/// The hold pays first, then the available balance.
pub async fn pays_from_the_hold(billing: &Arc<dyn Billing>) {
    let (user, hold) = with_hold(billing, 100, 60).await;
    let answer = billing
        .draw(&draw(&user, Some(&hold), cents(25), Money::ZERO))
        .await
        .unwrap();
    assert_eq!(answer, drawn(25, 0, 35));
    holds(billing, &user, cents(40), cents(35), "after the first draw").await;
    let answer = billing
        .draw(&draw(&user, Some(&hold), cents(45), Money::ZERO))
        .await
        .unwrap();
    assert_eq!(answer, drawn(45, 0, 0), "ten of it from what is available");
    holds(billing, &user, cents(30), Money::ZERO, "after the second draw").await;
}

/// The hold is filled again as far as the available balance allows, and never beyond the requested amount.
pub async fn tops_up_as_far_as_it_goes(billing: &Arc<dyn Billing>) {
    let (user, hold) = with_hold(billing, 100, 60).await;
    let top_up = async |amount| {
        billing
            .draw(&draw(&user, Some(&hold), amount, cents(60)))
            .await
            .unwrap()
    };
    assert_eq!(top_up(cents(25)).await, drawn(25, 0, 60));
    holds(billing, &user, cents(15), cents(60), "when filled again").await;
    assert_eq!(top_up(cents(25)).await, drawn(25, 0, 50), "only 15 are left");
    holds(
        billing,
        &user,
        Money::ZERO,
        cents(50),
        "when nothing is available",
    )
    .await;
    billing.deposit(&new_key(), &user, cents(100)).await.unwrap();
    assert_eq!(
        top_up(Money::ZERO).await,
        drawn(0, 0, 60),
        "filled with nothing drawn"
    );
    holds(billing, &user, cents(90), cents(60), "after the deposit").await;
}

/// The part that neither the hold nor the account can pay is charged, and given back by an entry of its own.
pub async fn writes_off_what_nobody_can_pay(billing: &Arc<dyn Billing>) {
    let (user, hold) = with_hold(billing, 100, 60).await;
    let answer = billing
        .draw(&draw(&user, Some(&hold), cents(130), cents(60)))
        .await
        .unwrap();
    assert_eq!(answer, drawn(100, 30, 0));
    holds(billing, &user, Money::ZERO, Money::ZERO, "in an emptied account").await;
    let entries = billing.all_entries(&user).await.unwrap();
    let last: Vec<_> = entries[2..]
        .iter()
        .map(|entry| (entry.kind, entry.amount, entry.held))
        .collect();
    assert_eq!(
        last,
        [
            (EntryKind::Usage, cents(-130), cents(-60)),
            (EntryKind::WriteOff, cents(30), Money::ZERO)
        ],
        "both are in the ledger"
    );
}

/// A repetition returns the result of the first call; the key is valid for no other draw.
pub async fn happens_once(billing: &Arc<dyn Billing>) {
    let (user, hold) = with_hold(billing, 100, 60).await;
    let once = draw(&user, Some(&hold), cents(25), cents(60));
    let first = billing.draw(&once).await.unwrap();
    billing
        .draw(&draw(&user, Some(&hold), cents(70), Money::ZERO))
        .await
        .unwrap();
    assert_eq!(
        billing.draw(&once).await.unwrap(),
        first,
        "the same answer, whatever happened since"
    );
    let others = [
        Draw {
            amount: cents(26),
            ..once.clone()
        },
        Draw {
            top_up: cents(61),
            ..once.clone()
        },
        Draw {
            hold: None,
            ..once.clone()
        },
        Draw {
            user: prepaid(billing, cents(1)).await,
            ..once.clone()
        },
    ];
    for other in others {
        let error = failure(
            billing.draw(&other).await,
            "conflict",
            "another draw with the same key",
        );
        assert!(!error.is_retryable(), "it is refused for ever");
    }
    failure(
        billing.charge(&once.key, &user, cents(25)).await,
        "conflict",
        "a charge with the key of a draw",
    );
    failure(
        billing.release(&once.key).await,
        "conflict",
        "a release with the key of a draw",
    );
    holds(billing, &user, cents(5), Money::ZERO, "after it all").await;
}

/// Nothing is drawn from a hold that was never made, or that has ended.
pub async fn needs_an_open_hold(billing: &Arc<dyn Billing>) {
    let user = prepaid(billing, cents(100)).await;
    let [never, released] = [(); 2].map(|()| new_key());
    billing.hold_amount(&released, &user, cents(10)).await.unwrap();
    billing.release(&released).await.unwrap();
    let try_draw = async |key: &str| billing.draw(&draw(&user, Some(key), cents(5), Money::ZERO)).await;
    failure(
        try_draw(&never).await,
        "not_found",
        "a draw from what was never held",
    );
    failure(
        try_draw(&released).await,
        "invalid_state",
        "a draw from what was released",
    );
    let stranger = prepaid(billing, cents(100)).await;
    let (_, theirs) = with_hold(billing, 100, 10).await;
    let error = billing
        .draw(&draw(&stranger, Some(&theirs), cents(5), Money::ZERO))
        .await;
    failure(error, "not_found", "a draw from the hold of somebody else");
    let nobody = billing
        .draw(&draw(&new_user(), None, cents(5), Money::ZERO))
        .await;
    failure(nobody, "not_found", "a draw of nobody");
    holds(billing, &user, cents(100), Money::ZERO, "after draws that failed").await;
}

/// Without a hold the available balance pays.
pub async fn without_hold(billing: &Arc<dyn Billing>) {
    let user = prepaid(billing, cents(100)).await;
    let answer = billing
        .draw(&draw(&user, None, cents(70), Money::ZERO))
        .await
        .unwrap();
    assert_eq!(answer, drawn(70, 0, 0));
    let answer = billing
        .draw(&draw(&user, None, cents(70), cents(10)))
        .await
        .unwrap();
    assert_eq!(answer, drawn(30, 40, 0), "there is nothing to top up");
    holds(billing, &user, Money::ZERO, Money::ZERO, "in the end").await;
}

/// An unlimited account pays every amount.
pub async fn of_unlimited_accounts(billing: &Arc<dyn Billing>) {
    let user = new_user();
    billing.open(&user, AccountKind::Unlimited).await.unwrap();
    let hold = new_key();
    billing.hold_amount(&hold, &user, cents(60)).await.unwrap();
    let answer = billing
        .draw(&draw(&user, Some(&hold), cents(100), cents(60)))
        .await
        .unwrap();
    assert_eq!(answer, drawn(100, 0, 60));
    holds(billing, &user, cents(-160), cents(60), "below zero").await;
}

/// A release returns the remainder after draws.
pub async fn what_is_left_ends_as_it_should(billing: &Arc<dyn Billing>) {
    let (user, hold) = with_hold(billing, 100, 60).await;
    billing
        .draw(&draw(&user, Some(&hold), cents(25), Money::ZERO))
        .await
        .unwrap();
    billing.release(&hold).await.unwrap();
    holds(billing, &user, cents(75), Money::ZERO, "when released").await;
}

/// Bad keys and negative amounts are refused, and change nothing.
pub async fn bad_input(billing: &Arc<dyn Billing>) {
    let (user, hold) = with_hold(billing, 100, 60).await;
    let good = draw(&user, Some(&hold), cents(1), cents(60));
    let bad = [
        Draw {
            key: String::new(),
            ..good.clone()
        },
        Draw {
            key: "k".repeat(256),
            ..good.clone()
        },
        Draw {
            amount: cents(-1),
            ..good.clone()
        },
        Draw {
            top_up: cents(-1),
            ..good.clone()
        },
    ];
    for bad in bad {
        failure(billing.draw(&bad).await, "invalid", "a draw that makes no sense");
    }
    holds(billing, &user, cents(40), cents(60), "after bad input").await;
}

/// A draw for an hour of running on a day of January 2026.
fn used(user: &UserId, hold: Option<&str>, amount: Money, day: i8) -> Draw {
    let from = Date::constant(2026, 1, day).at(10, 0, 0, 0);
    let from = TimeZone::UTC.to_timestamp(from).unwrap();
    let until = from + SignedDuration::from_hours(1);
    Draw {
        details: Details {
            period: Some(Period { from, until }),
            ..Details::default()
        },
        ..draw(user, hold, amount, Money::ZERO)
    }
}

/// The part beyond a cap is written off, even if the account could pay it; spending is counted by day.
pub async fn never_charge_more_than_a_cap(billing: &Arc<dyn Billing>) {
    let (user, hold) = with_hold(billing, 1000, 60).await;
    let capped = |amount, day| Draw {
        daily_cap: Some(cents(100)),
        ..used(&user, Some(&hold), cents(amount), day)
    };
    let answer = async |draw: Draw| billing.draw(&draw).await.unwrap();
    let spent = |charged, written_off, held, spent| Drawn {
        spent: cents(spent),
        ..drawn(charged, written_off, held)
    };
    let at_most = Draw {
        at_most: Some(cents(20)),
        ..capped(30, 5)
    };
    assert_eq!(answer(at_most).await, spent(20, 10, 40, 20));
    let first = capped(50, 5);
    assert_eq!(answer(first.clone()).await, spent(50, 0, 0, 70));
    assert_eq!(answer(capped(50, 5)).await, spent(30, 20, 0, 100));
    assert_eq!(
        answer(capped(50, 5)).await,
        spent(0, 50, 0, 100),
        "nothing is left of the day"
    );
    let volume = used(&user, None, cents(7), 5);
    assert_eq!(answer(volume).await, spent(7, 0, 0, 107), "without a cap");
    assert_eq!(answer(capped(50, 6)).await, spent(50, 0, 0, 50), "another day");
    assert_eq!(
        answer(capped(60, 5)).await,
        spent(0, 60, 0, 107),
        "what comes late counts to its own day"
    );
    assert_eq!(
        answer(capped(10, 6)).await,
        spent(10, 0, 0, 60),
        "and to no other"
    );
    assert_eq!(
        answer(capped(60, 4)).await,
        spent(0, 60, 0, 107),
        "of a day that nobody remembers there is no more than of the one after it"
    );
    assert_eq!(answer(capped(60, 6)).await, spent(40, 20, 0, 100));
    let again = Draw {
        daily_cap: Some(cents(1)),
        at_most: None,
        ..first
    };
    assert_eq!(
        answer(again).await,
        spent(50, 0, 0, 70),
        "a repetition, whatever its caps"
    );
    let balance = billing.balance(&user).await.unwrap();
    let day = Date::constant(2026, 1, 6);
    assert_eq!(
        balance.spent,
        Some(Spent {
            day,
            amount: cents(100),
            before: cents(107),
        })
    );
    billing.open(&user, AccountKind::Unlimited).await.unwrap();
    assert_eq!(
        billing.balance(&user).await.unwrap().spent,
        balance.spent,
        "kept when the kind changes"
    );
    assert_eq!(
        answer(capped(60, 6)).await,
        spent(0, 60, 0, 100),
        "unlimited accounts are held to it too"
    );
    holds(
        billing,
        &user,
        cents(1000 - 20 - 50 - 30 - 7 - 50 - 50),
        Money::ZERO,
        "after it all",
    )
    .await;
    for cap in [cents(-1), Money::from_micros(i64::MIN)] {
        let at_most = Draw {
            at_most: Some(cap),
            ..capped(1, 7)
        };
        failure(billing.draw(&at_most).await, "invalid", "a negative cap");
        let daily = Draw {
            daily_cap: Some(cap),
            ..capped(1, 7)
        };
        failure(billing.draw(&daily).await, "invalid", "a negative daily cap");
    }
}
