//! Hold, settle and release in every order.

use std::sync::Arc;

use super::fixture::{cents, holds, new_key, new_user, prepaid};
use crate::conformance::expect::failure;
use crate::id::PodId;
use crate::money::amount::Money;
use crate::money::billing::{AccountKind, Billing, BillingExt, Details, Draw, Hold};

/// A settled reservation charges what was used, once, and is over.
pub async fn settle(billing: &Arc<dyn Billing>) {
    for (used, other) in [(0, 1), (30, 31), (100, 99)] {
        let user = prepaid(billing, cents(150)).await;
        let key = new_key();
        billing.reserve(&key, &user, cents(100)).await.unwrap();
        holds(billing, &user, cents(50), cents(100), "while held").await;
        failure(
            billing.settle(&key, cents(101)).await,
            "invalid",
            "a settlement of more than was held",
        );
        holds(
            billing,
            &user,
            cents(50),
            cents(100),
            "after a settlement that failed",
        )
        .await;

        billing.settle(&key, cents(used)).await.unwrap();
        let left = cents(150 - used);
        holds(billing, &user, left, Money::ZERO, "when settled").await;

        billing
            .settle(&key, cents(used))
            .await
            .expect("a settlement may be repeated");
        failure(
            billing.settle(&key, cents(other)).await,
            "conflict",
            "a second settlement with another amount",
        );
        failure(
            billing.release(&key).await,
            "invalid_state",
            "a release after the settlement",
        );
        billing
            .reserve(&key, &user, cents(100))
            .await
            .expect("a hold that arrives again after the settlement");
        holds(billing, &user, left, Money::ZERO, "after every repetition").await;
    }
}

/// A released reservation gives all back, once, and is over.
pub async fn release(billing: &Arc<dyn Billing>) {
    let user = prepaid(billing, cents(100)).await;
    let key = new_key();
    billing.reserve(&key, &user, cents(100)).await.unwrap();
    billing.release(&key).await.unwrap();
    holds(billing, &user, cents(100), Money::ZERO, "when released").await;

    billing.release(&key).await.expect("a release may be repeated");
    failure(
        billing.settle(&key, cents(100)).await,
        "invalid_state",
        "a settlement after the release",
    );
    failure(
        billing.reserve(&key, &user, cents(100)).await,
        "invalid_state",
        "a hold that arrives again after the release",
    );
    holds(billing, &user, cents(100), Money::ZERO, "after every repetition").await;
}

/// A release that comes before its hold closes the key, so that nothing stays held for ever.
pub async fn release_closes_a_key(billing: &Arc<dyn Billing>) {
    let user = prepaid(billing, cents(100)).await;
    let key = new_key();
    billing
        .release(&key)
        .await
        .expect("a release of what was never held");
    billing.release(&key).await.expect("the same release again");
    failure(
        billing.reserve(&key, &user, cents(10)).await,
        "invalid_state",
        "a hold that arrives after its release",
    );
    failure(
        billing.settle(&key, cents(10)).await,
        "invalid_state",
        "a settlement of a closed key",
    );
    holds(billing, &user, cents(100), Money::ZERO, "after a late hold").await;
    let entries = billing.all_entries(&user).await.unwrap();
    assert_eq!(entries.len(), 1, "a late hold makes no entry");

    // The same for a hold that failed for lack of money.
    let key = new_key();
    failure(
        billing.reserve(&key, &user, cents(101)).await,
        "insufficient_funds",
        "a hold of too much",
    );
    billing
        .release(&key)
        .await
        .expect("a release of a hold that failed");
    billing.deposit(&new_key(), &user, cents(100)).await.unwrap();
    failure(
        billing.reserve(&key, &user, cents(101)).await,
        "invalid_state",
        "a hold that is tried again after its release",
    );
}

/// What was never held can't be settled, and settling it does not close the key.
pub async fn never_held(billing: &Arc<dyn Billing>) {
    let user = prepaid(billing, cents(100)).await;
    let key = new_key();
    failure(
        billing.settle(&key, Money::ZERO).await,
        "not_found",
        "a settlement of what was never held",
    );
    billing
        .reserve(&key, &user, cents(10))
        .await
        .expect("a settlement that failed leaves the key free");
    holds(billing, &user, cents(90), cents(10), "held after all").await;
}

/// Reservations stand beside each other, and none of them can be spent otherwise.
pub async fn what_is_held_is_not_available(billing: &Arc<dyn Billing>) {
    let user = prepaid(billing, cents(100)).await;
    let [first, second] = [(); 2].map(|()| new_key());
    billing.reserve(&first, &user, cents(60)).await.unwrap();
    billing.reserve(&second, &user, cents(40)).await.unwrap();
    holds(billing, &user, Money::ZERO, cents(100), "with all held").await;
    failure(
        billing.reserve(&new_key(), &user, cents(1)).await,
        "insufficient_funds",
        "a hold of what is held",
    );
    billing.settle(&first, cents(50)).await.unwrap();
    holds(billing, &user, cents(10), cents(40), "with one settled").await;
    billing.charge(&new_key(), &user, cents(10)).await.unwrap();
    billing.settle(&second, cents(40)).await.unwrap();
    holds(billing, &user, Money::ZERO, Money::ZERO, "with all spent").await;
}

/// An unlimited account reserves below zero, and settles and releases the same way.
pub async fn of_unlimited_accounts(billing: &Arc<dyn Billing>) {
    let user = new_user();
    billing.open(&user, AccountKind::Unlimited).await.unwrap();
    let [first, second] = [(); 2].map(|()| new_key());
    billing.reserve(&first, &user, cents(100)).await.unwrap();
    billing.reserve(&second, &user, cents(30)).await.unwrap();
    holds(billing, &user, cents(-130), cents(130), "held below zero").await;
    // A reservation ends as it began, whatever the account has become.
    billing.open(&user, AccountKind::Prepaid).await.unwrap();
    billing.settle(&first, cents(70)).await.unwrap();
    billing.release(&second).await.unwrap();
    holds(billing, &user, cents(-70), Money::ZERO, "settled below zero").await;
}

/// The end of a reservation is for the pod that it was made for and has its name, also when something was drawn from it before.
pub async fn end_for_their_pod(billing: &Arc<dyn Billing>) {
    let user = prepaid(billing, cents(300)).await;
    let pod = PodId::random();
    let details = || Details {
        pod: Some(pod.clone()),
        pod_name: Some("Año 1: \"pruebas\"".into()),
        ..Details::default()
    };
    let [settled, drawn, released] = [(); 3].map(|()| new_key());
    for key in [&settled, &drawn, &released] {
        let hold = Hold {
            details: details(),
            ..Hold::new(key, &user, cents(50))
        };
        billing.hold(&hold).await.unwrap();
    }
    let draw = Draw {
        key: new_key(),
        user: user.clone(),
        hold: Some(drawn.clone()),
        amount: cents(10),
        top_up: cents(50),
        at_most: None,
        daily_cap: None,
        details: details(),
    };
    billing.draw(&draw).await.unwrap();
    billing.settle(&settled, cents(20)).await.unwrap();
    billing.release(&drawn).await.unwrap();
    billing.release(&released).await.unwrap();
    let entries = billing.all_entries(&user).await.unwrap();
    for entry in entries.iter().rev().take(3) {
        assert_eq!(entry.details, details(), "the details of {entry:?}");
    }
}
