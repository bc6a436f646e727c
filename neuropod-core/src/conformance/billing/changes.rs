//! Charges and deposits, and the rules for every change: keys, amounts, limits.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::fixture::{cents, holds, new_key, new_user, prepaid};
use crate::conformance::expect::{failure, possible, unique};
use crate::error::kind::{ErrorKind, Result};
use crate::id::{PodId, UserId};
use crate::money::amount::Money;
use crate::money::billing::{
    AccountKind, Billing, BillingExt, Details, EntryKind, Hold, MAX_KEY_LEN, Period, Posting, PostingKind,
};

/// A change is made once per key, however often it is repeated.
pub async fn happen_once(billing: &Arc<dyn Billing>) {
    let user = prepaid(billing, cents(100)).await;
    let [given, taken, held_key] = [(); 3].map(|()| new_key());
    for _ in 0..3 {
        billing.deposit(&given, &user, cents(50)).await.unwrap();
        billing.charge(&taken, &user, cents(30)).await.unwrap();
        billing.hold_amount(&held_key, &user, cents(20)).await.unwrap();
        holds(billing, &user, cents(100), cents(20), "after a repetition").await;
    }
    assert_eq!(
        billing.all_entries(&user).await.unwrap().len(),
        4,
        "a repetition makes no entry"
    );

    // A repetition succeeds even if the account could no longer pay for it.
    billing.charge(&new_key(), &user, cents(100)).await.unwrap();
    billing
        .charge(&taken, &user, cents(30))
        .await
        .expect("a charge repeated on an empty account");
    billing
        .hold_amount(&held_key, &user, cents(20))
        .await
        .expect("a hold repeated on an empty account");
    holds(billing, &user, Money::ZERO, cents(20), "in the end").await;
}

/// The key of a change can't be used for another user, amount or kind.
pub async fn same_key_other_change(billing: &Arc<dyn Billing>) {
    let user = prepaid(billing, cents(1000)).await;
    let other = prepaid(billing, cents(1000)).await;
    let [given, taken, held_key, released] = [(); 4].map(|()| new_key());
    billing.deposit(&given, &user, cents(10)).await.unwrap();
    billing.charge(&taken, &user, cents(10)).await.unwrap();
    billing.hold_amount(&held_key, &user, cents(10)).await.unwrap();
    billing.hold_amount(&released, &user, cents(10)).await.unwrap();
    billing.release(&released).await.unwrap();

    for (user, amount, which) in [
        (&other, cents(10), "another user"),
        (&user, cents(11), "another amount"),
    ] {
        let deposit = billing.deposit(&given, user, amount).await;
        key_in_use(deposit, &format!("a deposit with the key and {which}"));
        let charge = billing.charge(&taken, user, amount).await;
        key_in_use(charge, &format!("a charge with the key and {which}"));
        for key in [&held_key, &released] {
            let hold = billing.hold_amount(key, user, amount).await;
            key_in_use(hold, &format!("a hold with the key and {which}"));
        }
    }
    for (key, of) in [
        (&taken, "a charge"),
        (&held_key, "a hold"),
        (&released, "a released hold"),
    ] {
        let deposit = billing.deposit(key, &user, cents(10)).await;
        key_in_use(deposit, &format!("a deposit with the key of {of}"));
    }
    for (key, of) in [
        (&given, "a deposit"),
        (&held_key, "a hold"),
        (&released, "a released hold"),
    ] {
        let charge = billing.charge(key, &user, cents(10)).await;
        key_in_use(charge, &format!("a charge with the key of {of}"));
    }
    for (key, of) in [(&given, "a deposit"), (&taken, "a charge")] {
        let hold = billing.hold_amount(key, &user, cents(10)).await;
        key_in_use(hold, &format!("a hold with the key of {of}"));
        let release = billing.release(key).await;
        key_in_use(release, &format!("a release with the key of {of}"));
    }
    holds(billing, &user, cents(990), cents(10), "after conflicts").await;
    holds(billing, &other, cents(1000), Money::ZERO, "in the other account").await;
}

#[track_caller]
fn key_in_use(result: Result<()>, what: &str) {
    let error = failure(result, "conflict", what);
    assert!(
        !error.is_retryable(),
        "{what} is refused for ever, as the key stays in use: {error}"
    );
}

/// A prepaid account can be spent to the last micro-euro and no further; the error has the missing amount.
pub async fn prepaid_never_below_zero(billing: &Arc<dyn Billing>) {
    let user = prepaid(billing, cents(100)).await;
    let (required, available) = (Money::from_micros(1_000_001), cents(100));
    let [taken, held_key] = [(); 2].map(|()| new_key());
    for (result, what) in [
        (
            billing.charge(&taken, &user, required).await,
            "a charge of too much",
        ),
        (
            billing.hold_amount(&held_key, &user, required).await,
            "a hold of too much",
        ),
    ] {
        let error = failure(result, "insufficient_funds", what);
        let expected = ErrorKind::InsufficientFunds { required, available };
        assert_eq!(
            *error.kind(),
            expected,
            "{what} says what is required and available"
        );
        assert!(!error.is_retryable(), "{what} does not pass by itself");
    }
    holds(
        billing,
        &user,
        available,
        Money::ZERO,
        "after changes that failed",
    )
    .await;

    billing.charge(&new_key(), &user, cents(99)).await.unwrap();
    billing.hold_amount(&new_key(), &user, cents(1)).await.unwrap();
    holds(billing, &user, Money::ZERO, cents(1), "in an emptied account").await;
    let one = Money::from_micros(1);
    failure(
        billing.charge(&new_key(), &user, one).await,
        "insufficient_funds",
        "a charge of what is held",
    );

    // A failed change is not recorded, so it succeeds once there is money.
    billing.deposit(&new_key(), &user, cents(300)).await.unwrap();
    billing
        .charge(&taken, &user, required)
        .await
        .expect("a charge that failed can be made when there is money");
    billing
        .hold_amount(&held_key, &user, required)
        .await
        .expect("a hold that failed can be made when there is money");
    holds(
        billing,
        &user,
        Money::from_micros(999_998),
        required + cents(1),
        "in the end",
    )
    .await;
}

/// An unlimited account goes below zero. When it becomes prepaid again it keeps its debt and can't spend.
pub async fn unlimited_below_zero(billing: &Arc<dyn Billing>) {
    let user = new_user();
    billing.open(&user, AccountKind::Unlimited).await.unwrap();
    billing.charge(&new_key(), &user, cents(500)).await.unwrap();
    holds(billing, &user, cents(-500), Money::ZERO, "below zero").await;

    billing.open(&user, AccountKind::Prepaid).await.unwrap();
    let error = failure(
        billing.charge(&new_key(), &user, cents(1)).await,
        "insufficient_funds",
        "a charge of an account in debt",
    );
    let expected = ErrorKind::InsufficientFunds {
        required: cents(1),
        available: cents(-500),
    };
    assert_eq!(*error.kind(), expected, "the error shows the debt");
    billing.deposit(&new_key(), &user, cents(600)).await.unwrap();
    holds(billing, &user, cents(100), Money::ZERO, "with the debt paid").await;
}

/// An adjustment goes up or down, but not below zero; a refund is available.
pub async fn corrections_and_refunds(billing: &Arc<dyn Billing>) {
    let user = prepaid(billing, cents(100)).await;
    let post = async |kind, amount| billing.post(&Posting::new(new_key(), &user, kind, amount)).await;
    post(PostingKind::Adjustment, cents(-30)).await.unwrap();
    post(PostingKind::Adjustment, cents(5)).await.unwrap();
    post(PostingKind::Refund, cents(10)).await.unwrap();
    holds(billing, &user, cents(85), Money::ZERO, "after corrections").await;
    failure(
        post(PostingKind::Adjustment, cents(-86)).await,
        "insufficient_funds",
        "a correction below zero",
    );
    for kind in [PostingKind::Refund, PostingKind::Deposit, PostingKind::Charge] {
        failure(post(kind, cents(-1)).await, "invalid", "a negative amount");
    }
    let kinds: Vec<_> = billing
        .all_entries(&user)
        .await
        .unwrap()
        .iter()
        .map(|entry| entry.kind)
        .collect();
    assert_eq!(
        kinds,
        [
            EntryKind::Deposit,
            EntryKind::Adjustment,
            EntryKind::Adjustment,
            EntryKind::Refund
        ],
        "each has an entry of its kind"
    );

    let key = new_key();
    billing
        .post(&Posting::new(&key, &user, PostingKind::Refund, cents(1)))
        .await
        .unwrap();
    let other = billing
        .post(&Posting::new(&key, &user, PostingKind::Deposit, cents(1)))
        .await;
    key_in_use(other, "the same key with another kind of posting");
}

/// The details of a change are in its entry.
pub async fn details_come_back(billing: &Arc<dyn Billing>) {
    let user = prepaid(billing, cents(100)).await;
    let from = Timestamp::from_millisecond(1_767_225_845_678).unwrap();
    let details = Details {
        pod: Some(PodId::random()),
        pod_name: Some("Año 1: \"pruebas\"".into()),
        price_version: Some(7),
        hourly: Some(cents(270)),
        period: Some(Period {
            from,
            until: from + SignedDuration::from_mins(1),
        }),
        note: Some(possible("Bono de bienvenida 🎁 $ . \0")),
        folded: None,
    };
    let posting = Posting {
        details: details.clone(),
        ..Posting::new(new_key(), &user, PostingKind::Charge, cents(1))
    };
    billing.post(&posting).await.unwrap();
    billing
        .hold(&Hold {
            details: details.clone(),
            ..Hold::new(new_key(), &user, cents(1))
        })
        .await
        .unwrap();
    for entry in &billing.all_entries(&user).await.unwrap()[1..] {
        assert_eq!(
            entry.details, details,
            "the details of the entry {:?}",
            entry.kind
        );
    }
}

/// Empty and long keys and negative amounts are refused, and change nothing.
pub async fn bad_input(billing: &Arc<dyn Billing>) {
    let user = prepaid(billing, cents(100)).await;
    let long = "k".repeat(MAX_KEY_LEN + 1);
    // 128 characters of two bytes each: a key is measured in bytes.
    let wide = "ñ".repeat(128);
    let held_key = new_key();
    billing.hold_amount(&held_key, &user, cents(10)).await.unwrap();

    for (key, which) in [
        ("", "an empty key"),
        (&long, "a key of 256 bytes"),
        (&wide, "a key of 256 bytes"),
    ] {
        let results = [
            billing.hold_amount(key, &user, cents(1)).await,
            billing.release(key).await,
            billing.charge(key, &user, cents(1)).await,
            billing.deposit(key, &user, cents(1)).await,
        ];
        for (result, what) in results.into_iter().zip(["hold", "release", "charge", "deposit"]) {
            failure(result, "invalid", &format!("{what} with {which}"));
        }
    }
    for amount in [Money::from_micros(-1), Money::from_micros(i64::MIN)] {
        let results = [
            billing.hold_amount(&new_key(), &user, amount).await,
            billing.charge(&new_key(), &user, amount).await,
            billing.deposit(&new_key(), &user, amount).await,
        ];
        for (result, what) in results.into_iter().zip(["hold", "charge", "deposit"]) {
            failure(result, "invalid", &format!("{what} of {amount}"));
        }
    }
    holds(billing, &user, cents(90), cents(10), "after bad input").await;

    let longest = format!("{}{}", new_key(), "k".repeat(MAX_KEY_LEN));
    let longest = &longest[..MAX_KEY_LEN];
    billing
        .charge(longest, &user, Money::ZERO)
        .await
        .expect("a key of 255 bytes and an amount of nothing are fine");
    holds(billing, &user, cents(90), cents(10), "after a charge of nothing").await;
}

/// A change that would exceed the range of [`Money`] is refused; no amount is truncated.
pub async fn nothing_is_lost_at_the_limits(billing: &Arc<dyn Billing>) {
    let most = Money::from_micros(i64::MAX);
    let one = Money::from_micros(1);
    let rich = prepaid(billing, most).await;
    failure(
        billing.deposit(&new_key(), &rich, one).await,
        "invalid",
        "a deposit beyond the range",
    );
    // A release adds the held amount to the available amount, so their sum stays in range.
    let held_key = new_key();
    billing.hold_amount(&held_key, &rich, most).await.unwrap();
    failure(
        billing.deposit(&new_key(), &rich, one).await,
        "invalid",
        "a deposit beyond the range with all of it held",
    );
    billing.release(&held_key).await.unwrap();
    holds(billing, &rich, most, Money::ZERO, "in the richest account").await;

    let poor = new_user();
    billing.open(&poor, AccountKind::Unlimited).await.unwrap();
    billing.charge(&new_key(), &poor, most).await.unwrap();
    failure(
        billing.charge(&new_key(), &poor, most).await,
        "invalid",
        "a charge beyond the range",
    );
    failure(
        billing.hold_amount(&new_key(), &poor, most).await,
        "invalid",
        "a hold beyond the range",
    );
    holds(billing, &poor, -most, Money::ZERO, "in the poorest account").await;
}

/// Keys and users are taken literally, whatever characters they contain.
pub async fn hostile_texts(billing: &Arc<dyn Billing>) {
    let end = unique("hostile");
    let texts = [
        "",
        "'; --",
        "$where",
        "a.b",
        "%",
        ".*",
        "NUL \0",
        "line\nline",
        "ñ 日本",
        "A",
        "a",
    ]
    .map(possible);
    for (index, text) in (0..).zip(&texts) {
        let user = UserId::new(format!("{text}{end}"));
        let key = format!("{text}{end}");
        billing.open(&user, AccountKind::Prepaid).await.unwrap();
        billing.deposit(&key, &user, cents(index)).await.unwrap();
        billing.deposit(&key, &user, cents(index)).await.unwrap();
    }
    for (index, text) in (0..).zip(&texts) {
        let user = UserId::new(format!("{text}{end}"));
        holds(
            billing,
            &user,
            cents(index),
            Money::ZERO,
            &format!("of the user {text:?}"),
        )
        .await;
        let entries = billing.all_entries(&user).await.unwrap();
        assert_eq!(entries.len(), 1, "the user {text:?} has an account of their own");
        assert_eq!(
            entries[0].key,
            format!("{text}{end}"),
            "the key comes back as it was"
        );
    }
}
