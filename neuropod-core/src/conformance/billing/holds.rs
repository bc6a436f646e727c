//! Holds and releases in every order, with draws in between.

use std::sync::Arc;

use super::fixture::{cents, holds, new_key, new_user, prepaid};
use crate::conformance::expect::failure;
use crate::id::{PodId, UserId};
use crate::money::amount::Money;
use crate::money::billing::{AccountKind, Billing, BillingExt, Details, Draw, Hold};

/// A released hold gives all back, once, and is over.
pub async fn release(billing: &Arc<dyn Billing>) {
    let user = prepaid(billing, cents(100)).await;
    let key = new_key();
    billing.hold_amount(&key, &user, cents(100)).await.unwrap();
    billing.release(&key).await.unwrap();
    holds(billing, &user, cents(100), Money::ZERO, "when released").await;

    billing.release(&key).await.expect("a release may be repeated");
    failure(
        billing.hold_amount(&key, &user, cents(100)).await,
        "invalid_state",
        "a hold that arrives again after the release",
    );
    holds(billing, &user, cents(100), Money::ZERO, "after every repetition").await;
}

/// A release before its hold closes the key, so that a late hold fails.
pub async fn release_closes_a_key(billing: &Arc<dyn Billing>) {
    let user = prepaid(billing, cents(100)).await;
    let key = new_key();
    billing
        .release(&key)
        .await
        .expect("a release of what was never held");
    billing.release(&key).await.expect("the same release again");
    failure(
        billing.hold_amount(&key, &user, cents(10)).await,
        "invalid_state",
        "a hold that arrives after its release",
    );
    holds(billing, &user, cents(100), Money::ZERO, "after a late hold").await;
    let entries = billing.all_entries(&user).await.unwrap();
    assert_eq!(entries.len(), 1, "a late hold makes no entry");

    // The same for a hold that failed for lack of money.
    let key = new_key();
    failure(
        billing.hold_amount(&key, &user, cents(101)).await,
        "insufficient_funds",
        "a hold of too much",
    );
    billing
        .release(&key)
        .await
        .expect("a release of a hold that failed");
    billing.deposit(&new_key(), &user, cents(100)).await.unwrap();
    failure(
        billing.hold_amount(&key, &user, cents(101)).await,
        "invalid_state",
        "a hold that is tried again after its release",
    );
}

/// Nothing can be drawn from a hold that was never made, and the attempt does not close the key.
pub async fn never_held(billing: &Arc<dyn Billing>) {
    let user = prepaid(billing, cents(100)).await;
    let key = new_key();
    failure(
        billing.draw(&draw(&user, &key, Money::ZERO)).await,
        "not_found",
        "a draw from what was never held",
    );
    billing
        .hold_amount(&key, &user, cents(10))
        .await
        .expect("a draw that failed leaves the key free");
    holds(billing, &user, cents(90), cents(10), "held after all").await;
}

/// Holds stand beside each other, and none of them can be spent otherwise.
pub async fn what_is_held_is_not_available(billing: &Arc<dyn Billing>) {
    let user = prepaid(billing, cents(100)).await;
    let [first, second] = [(); 2].map(|()| new_key());
    billing.hold_amount(&first, &user, cents(60)).await.unwrap();
    billing.hold_amount(&second, &user, cents(40)).await.unwrap();
    holds(billing, &user, Money::ZERO, cents(100), "with all held").await;
    failure(
        billing.hold_amount(&new_key(), &user, cents(1)).await,
        "insufficient_funds",
        "a hold of what is held",
    );
    spend(billing, &user, &first, cents(50)).await;
    holds(billing, &user, cents(10), cents(40), "with one spent").await;
    billing.charge(&new_key(), &user, cents(10)).await.unwrap();
    spend(billing, &user, &second, cents(40)).await;
    holds(billing, &user, Money::ZERO, Money::ZERO, "with all spent").await;
}

/// Holds may bring an unlimited account below zero; spending and releasing work as usual.
pub async fn of_unlimited_accounts(billing: &Arc<dyn Billing>) {
    let user = new_user();
    billing.open(&user, AccountKind::Unlimited).await.unwrap();
    let [first, second] = [(); 2].map(|()| new_key());
    billing.hold_amount(&first, &user, cents(100)).await.unwrap();
    billing.hold_amount(&second, &user, cents(30)).await.unwrap();
    holds(billing, &user, cents(-130), cents(130), "held below zero").await;
    // A hold ends as it began, whatever the account has become.
    billing.open(&user, AccountKind::Prepaid).await.unwrap();
    spend(billing, &user, &first, cents(70)).await;
    billing.release(&second).await.unwrap();
    holds(billing, &user, cents(-70), Money::ZERO, "spent below zero").await;
}

/// The end of a hold is for the pod that it was made for and has its name, also when something was drawn from it before.
pub async fn end_for_their_pod(billing: &Arc<dyn Billing>) {
    let user = prepaid(billing, cents(300)).await;
    let pod = PodId::random();
    let details = || Details {
        pod: Some(pod.clone()),
        pod_name: Some("Año 1: \"pruebas\"".into()),
        ..Details::default()
    };
    let [drawn, released] = [(); 2].map(|()| new_key());
    for key in [&drawn, &released] {
        let hold = Hold {
            details: details(),
            ..Hold::new(key, &user, cents(50))
        };
        billing.hold(&hold).await.unwrap();
    }
    let draw = Draw {
        top_up: cents(50),
        details: details(),
        ..draw(&user, &drawn, cents(10))
    };
    billing.draw(&draw).await.unwrap();
    billing.release(&drawn).await.unwrap();
    billing.release(&released).await.unwrap();
    let entries = billing.all_entries(&user).await.unwrap();
    for entry in entries.iter().rev().take(2) {
        assert_eq!(entry.details, details(), "the details of {entry:?}");
    }
}

/// A draw that does not top up its hold.
fn draw(user: &UserId, hold: &str, amount: Money) -> Draw {
    Draw {
        key: new_key(),
        user: user.clone(),
        hold: Some(hold.to_owned()),
        amount,
        top_up: Money::ZERO,
        at_most: None,
        daily_cap: None,
        details: Details::default(),
    }
}

/// Draws this amount from a hold and releases the rest.
async fn spend(billing: &Arc<dyn Billing>, user: &UserId, hold: &str, amount: Money) {
    billing.draw(&draw(user, hold, amount)).await.unwrap();
    billing.release(hold).await.unwrap();
}
