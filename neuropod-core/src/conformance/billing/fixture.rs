//! Accounts for the checks, and checks of their balances.

use std::sync::Arc;

use crate::conformance::expect::unique;
use crate::id::UserId;
use crate::money::amount::Money;
use crate::money::billing::{AccountKind, Billing, BillingExt};

pub(super) fn cents(cents: i64) -> Money {
    Money::from_cents(cents)
}

/// A key that has not been used.
pub(super) fn new_key() -> String {
    unique("key")
}

/// A user without an account.
pub(super) fn new_user() -> UserId {
    UserId::new(unique("user"))
}

/// Opens a prepaid account with this balance.
pub(super) async fn prepaid(billing: &Arc<dyn Billing>, money: Money) -> UserId {
    let user = new_user();
    billing.open(&user, AccountKind::Prepaid).await.unwrap();
    billing.deposit(&new_key(), &user, money).await.unwrap();
    user
}

/// Checks the balance of an account, and that its entries add up to it.
pub(super) async fn holds(
    billing: &Arc<dyn Billing>,
    user: &UserId,
    available: Money,
    held: Money,
    when: &str,
) {
    let balance = billing.balance(user).await.unwrap();
    assert_eq!(balance.available, available, "available {when}");
    assert_eq!(balance.held, held, "held {when}");
    adds_up(billing, user).await;
}

/// Checks that the entries of an account add up to its balance, and that their numbers grow.
pub(super) async fn adds_up(billing: &Arc<dyn Billing>, user: &UserId) {
    let balance = billing.balance(user).await.unwrap();
    let entries = billing.all_entries(user).await.unwrap();
    let total: Money = entries.iter().map(|entry| entry.amount).sum();
    assert_eq!(balance.total(), total, "the entries add up to the balance");
    let held: Money = entries.iter().map(|entry| entry.held).sum();
    assert_eq!(balance.held, held, "the entries add up to the held amount");
    let numbers: Vec<_> = entries.iter().map(|entry| entry.number).collect();
    assert!(
        numbers.is_sorted_by(|a, b| a < b),
        "entries are numbered upwards: {numbers:?}"
    );
}
