//! Accounts and their entries.

use std::sync::Arc;

use super::super::failure;
use super::{cents, holds, new_key, new_user, prepaid};
use crate::billing::{AccountKind, Billing, EntryKind};
use crate::money::Money;

/// A new account is empty; to open it again changes its kind and keeps its money.
pub async fn open_and_change_kind(billing: &Arc<dyn Billing>) {
    let user = new_user();
    billing.open(&user, AccountKind::Prepaid).await.unwrap();
    let balance = billing.balance(&user).await.unwrap();
    assert_eq!(
        balance.kind,
        AccountKind::Prepaid,
        "the account has the kind it was opened with"
    );
    holds(billing, &user, Money::ZERO, Money::ZERO, "in a new account").await;
    assert_eq!(
        billing.entries(&user).await.unwrap(),
        [],
        "a new account has no entries"
    );

    billing.deposit(&new_key(), &user, cents(500)).await.unwrap();
    billing.hold(&new_key(), &user, cents(200)).await.unwrap();
    for kind in [AccountKind::Prepaid, AccountKind::Unlimited, AccountKind::Prepaid] {
        billing.open(&user, kind).await.unwrap();
        assert_eq!(
            billing.balance(&user).await.unwrap().kind,
            kind,
            "the kind is the last given"
        );
        holds(billing, &user, cents(300), cents(200), "after opening again").await;
    }
}

/// A user without account is not found, and gets none by asking.
pub async fn nobody(billing: &Arc<dyn Billing>) {
    let user = &new_user();
    let key = &new_key();
    failure(billing.balance(user).await, "not_found", "the balance of nobody");
    failure(billing.entries(user).await, "not_found", "the entries of nobody");
    failure(
        billing.hold(key, user, cents(1)).await,
        "not_found",
        "a hold of nobody",
    );
    failure(
        billing.charge(key, user, cents(1)).await,
        "not_found",
        "a charge of nobody",
    );
    failure(
        billing.deposit(key, user, cents(1)).await,
        "not_found",
        "a deposit of nobody",
    );
    failure(
        billing.balance(user).await,
        "not_found",
        "the balance of nobody, later",
    );

    billing.open(user, AccountKind::Prepaid).await.unwrap();
    billing
        .deposit(key, user, cents(1))
        .await
        .expect("a change that failed leaves its key free");
}

/// Each change has one entry, oldest first, with its key, kind, and signed amount.
pub async fn entries_tell_the_story(billing: &Arc<dyn Billing>) {
    let user = prepaid(billing, cents(1000)).await;
    let other = prepaid(billing, cents(1)).await;
    let [settled, released, taken, given] = [(); 4].map(|()| new_key());
    billing.hold(&settled, &user, cents(300)).await.unwrap();
    billing.hold(&released, &user, cents(200)).await.unwrap();
    billing.settle(&settled, cents(100)).await.unwrap();
    billing.charge(&taken, &user, cents(50)).await.unwrap();
    billing.release(&released).await.unwrap();
    billing.deposit(&given, &user, cents(5)).await.unwrap();

    let entries = billing.entries(&user).await.unwrap();
    let story: Vec<_> = entries[1..]
        .iter()
        .map(|entry| (entry.key.as_str(), entry.kind, entry.amount))
        .collect();
    assert_eq!(
        story,
        [
            (settled.as_str(), EntryKind::Hold, cents(-300)),
            (&released, EntryKind::Hold, cents(-200)),
            (&settled, EntryKind::Settle, cents(200)),
            (&taken, EntryKind::Charge, cents(-50)),
            (&released, EntryKind::Release, cents(200)),
            (&given, EntryKind::Deposit, cents(5)),
        ],
        "the entries after the first deposit"
    );
    let others = billing.entries(&other).await.unwrap();
    assert_eq!(others.len(), 1, "the entries of another account are not here");
    holds(billing, &user, cents(855), Money::ZERO, "at the end of the story").await;
}
