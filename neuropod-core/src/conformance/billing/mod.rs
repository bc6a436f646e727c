//! What every [`Billing`] has to do.

pub mod accounts;
pub mod changes;
pub mod concurrency;
pub mod draws;
pub mod load;
pub mod reservations;

use std::sync::Arc;

use super::unique;
use crate::id::UserId;
use crate::money::amount::Money;
use crate::money::billing::{AccountKind, Billing, BillingExt};

/// Runs every check, one after the other.
pub async fn run(billing: Arc<dyn Billing>) {
    let billing = &billing;

    accounts::open_and_change_kind(billing).await;
    accounts::nobody(billing).await;
    accounts::entries_tell_the_story(billing).await;
    accounts::pages_of_entries(billing).await;

    changes::happen_once(billing).await;
    changes::same_key_other_change(billing).await;
    changes::prepaid_never_below_zero(billing).await;
    changes::unlimited_below_zero(billing).await;
    changes::corrections_and_refunds(billing).await;
    changes::details_come_back(billing).await;
    changes::bad_input(billing).await;
    changes::nothing_is_lost_at_the_limits(billing).await;
    changes::hostile_texts(billing).await;

    reservations::release(billing).await;
    reservations::release_closes_a_key(billing).await;
    reservations::never_held(billing).await;
    reservations::what_is_held_is_not_available(billing).await;
    reservations::of_unlimited_accounts(billing).await;
    reservations::end_for_their_pod(billing).await;

    draws::pays_from_the_reservation(billing).await;
    draws::tops_up_as_far_as_it_goes(billing).await;
    draws::writes_off_what_nobody_can_pay(billing).await;
    draws::happens_once(billing).await;
    draws::needs_an_open_reservation(billing).await;
    draws::without_reservation(billing).await;
    draws::of_unlimited_accounts(billing).await;
    draws::what_is_left_ends_as_it_should(billing).await;
    draws::never_charge_more_than_a_cap(billing).await;
    draws::bad_input(billing).await;

    concurrency::one_of_many_gets_the_last_money(billing).await;
    concurrency::one_key_counts_once(billing).await;

    load::random_operations(billing).await;
}

fn cents(cents: i64) -> Money {
    Money::from_cents(cents)
}

/// The key of a change nobody has made.
fn new_key() -> String {
    unique("key")
}

/// A user who has no account.
fn new_user() -> UserId {
    UserId::new(unique("user"))
}

/// A prepaid account with this much in it.
async fn prepaid(billing: &Arc<dyn Billing>, money: Money) -> UserId {
    let user = new_user();
    billing.open(&user, AccountKind::Prepaid).await.unwrap();
    billing.deposit(&new_key(), &user, money).await.unwrap();
    user
}

/// Checks what is in an account, and that its entries say the same.
async fn holds(billing: &Arc<dyn Billing>, user: &UserId, available: Money, held: Money, when: &str) {
    let balance = billing.balance(user).await.unwrap();
    assert_eq!(balance.available, available, "available {when}");
    assert_eq!(balance.held, held, "held {when}");
    adds_up(billing, user).await;
}

/// Checks that the entries of an account add up to what is in it, in the order of their numbers.
async fn adds_up(billing: &Arc<dyn Billing>, user: &UserId) {
    let balance = billing.balance(user).await.unwrap();
    let entries = billing.all_entries(user).await.unwrap();
    let total: Money = entries.iter().map(|entry| entry.amount).sum();
    assert_eq!(balance.total(), total, "the entries add up to the balance");
    let held: Money = entries.iter().map(|entry| entry.held).sum();
    assert_eq!(balance.held, held, "the entries add up to what is held");
    let numbers: Vec<_> = entries.iter().map(|entry| entry.number).collect();
    assert!(
        numbers.is_sorted_by(|a, b| a < b),
        "entries are numbered upwards: {numbers:?}"
    );
}
