//! Accounts and their entries.

use std::sync::Arc;

use jiff::Timestamp;

use super::fixture::{cents, holds, new_key, new_user, prepaid};
use crate::conformance::expect::failure;
use crate::money::amount::Money;
use crate::money::billing::{
    AccountKind, Billing, BillingExt, EntryKind, EntryOptions, LedgerEntry, MAX_ENTRIES,
};

/// A new account is empty; opening it again changes its kind and keeps its money.
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
        billing.all_entries(&user).await.unwrap(),
        [],
        "a new account has no entries"
    );

    billing.deposit(&new_key(), &user, cents(500)).await.unwrap();
    billing.hold_amount(&new_key(), &user, cents(200)).await.unwrap();
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

/// For a user without an account, calls return `NotFound` and do not open one.
pub async fn nobody(billing: &Arc<dyn Billing>) {
    let user = &new_user();
    let key = &new_key();
    failure(billing.balance(user).await, "not_found", "the balance of nobody");
    failure(
        billing.all_entries(user).await,
        "not_found",
        "the entries of nobody",
    );
    failure(
        billing.hold_amount(key, user, cents(1)).await,
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

/// Each change has an entry, oldest first, with its key, kind and signed amount.
pub async fn entries_tell_the_story(billing: &Arc<dyn Billing>) {
    let user = prepaid(billing, cents(1000)).await;
    let other = prepaid(billing, cents(1)).await;
    let [kept, released, taken, given] = [(); 4].map(|()| new_key());
    billing.hold_amount(&kept, &user, cents(300)).await.unwrap();
    billing.hold_amount(&released, &user, cents(200)).await.unwrap();
    billing.charge(&taken, &user, cents(50)).await.unwrap();
    billing.release(&released).await.unwrap();
    billing.deposit(&given, &user, cents(5)).await.unwrap();

    let entries = billing.all_entries(&user).await.unwrap();
    let story: Vec<_> = entries[1..]
        .iter()
        .map(|entry| (entry.key.as_str(), entry.kind, entry.amount, entry.held))
        .collect();
    assert_eq!(
        story,
        [
            (kept.as_str(), EntryKind::Hold, cents(0), cents(300)),
            (&released, EntryKind::Hold, cents(0), cents(200)),
            (&taken, EntryKind::Charge, cents(-50), cents(0)),
            (&released, EntryKind::Release, cents(0), cents(-200)),
            (&given, EntryKind::Deposit, cents(5), cents(0)),
        ],
        "the entries after the first deposit"
    );
    let others = billing.all_entries(&other).await.unwrap();
    assert_eq!(others.len(), 1, "the entries of another account are not here");
    holds(billing, &user, cents(655), cents(300), "at the end of the story").await;
}

/// Pages contain each entry once, and only entries of the given time.
pub async fn pages_of_entries(billing: &Arc<dyn Billing>) {
    let user = prepaid(billing, cents(100)).await;
    for _ in 0..6 {
        billing.deposit(&new_key(), &user, cents(1)).await.unwrap();
    }
    let all = billing.all_entries(&user).await.unwrap();
    assert_eq!(all.len(), 7);
    let mut paged = Vec::new();
    loop {
        let after = paged.last().map_or(0, |entry: &LedgerEntry| entry.number);
        let options = EntryOptions {
            after,
            limit: 3,
            ..EntryOptions::default()
        };
        let page = billing.entries(&user, &options).await.unwrap();
        assert!(page.len() <= 3, "a page has no more than was asked for");
        if page.is_empty() {
            break;
        }
        paged.extend(page);
    }
    assert_eq!(paged, all, "the pages together are all");

    let (first, last) = (all[0].at, all[6].at);
    let within = async |from, until| {
        let options = EntryOptions {
            from,
            until,
            ..EntryOptions::default()
        };
        billing.entries(&user, &options).await.unwrap().len()
    };
    let expected = |from: Option<Timestamp>, until: Option<Timestamp>| {
        let inside = |entry: &&LedgerEntry| {
            from.is_none_or(|from| entry.at >= from) && until.is_none_or(|until| entry.at < until)
        };
        all.iter().filter(inside).count()
    };
    for (from, until) in [
        (Some(first), None),
        (Some(last), None),
        (None, Some(first)),
        (Some(first), Some(last)),
    ] {
        assert_eq!(
            within(from, until).await,
            expected(from, until),
            "from {from:?} until {until:?}"
        );
    }
    for limit in [0, MAX_ENTRIES + 1] {
        let options = EntryOptions {
            limit,
            ..EntryOptions::default()
        };
        failure(
            billing.entries(&user, &options).await,
            "invalid",
            "a page of no or too many entries",
        );
    }
}
