//! What every [`Billing`] has to do.

pub mod accounts;
pub mod changes;
pub mod concurrency;
pub mod reservations;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::unique;
use crate::billing::{AccountKind, Billing, EntryKind};
use crate::id::UserId;
use crate::money::Money;

/// Runs every check, one after the other.
pub async fn run(billing: Arc<dyn Billing>) {
    let billing = &billing;

    accounts::open_and_change_kind(billing).await;
    accounts::nobody(billing).await;
    accounts::entries_tell_the_story(billing).await;

    changes::happen_once(billing).await;
    changes::same_key_other_change(billing).await;
    changes::prepaid_never_below_zero(billing).await;
    changes::unlimited_below_zero(billing).await;
    changes::bad_input(billing).await;
    changes::nothing_is_lost_at_the_limits(billing).await;
    changes::hostile_texts(billing).await;

    reservations::settle(billing).await;
    reservations::release(billing).await;
    reservations::release_closes_a_key(billing).await;
    reservations::never_held(billing).await;
    reservations::what_is_held_is_not_available(billing).await;
    reservations::of_unlimited_accounts(billing).await;

    concurrency::random_operations(billing).await;
    concurrency::one_of_many_gets_the_last_money(billing).await;
    concurrency::one_key_counts_once(billing).await;
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

/// Checks that the entries of an account add up to its balance, and open reservations to what is held.
async fn adds_up(billing: &Arc<dyn Billing>, user: &UserId) {
    let balance = billing.balance(user).await.unwrap();
    let entries = billing.entries(user).await.unwrap();
    let sum: Money = entries.iter().map(|entry| entry.amount).sum();
    assert_eq!(balance.available, sum, "the entries add up to the balance");
    let mut open = BTreeMap::new();
    for entry in &entries {
        match entry.kind {
            EntryKind::Hold => {
                let again = open.insert(&entry.key, -entry.amount);
                assert_eq!(again, None, "the key {} was held twice", entry.key);
            }
            EntryKind::Settle | EntryKind::Release => {
                let held = open.remove(&entry.key);
                assert!(
                    held.is_some(),
                    "the key {} ended twice, or was never held",
                    entry.key
                );
                assert!(
                    Money::ZERO <= entry.amount && held >= Some(entry.amount),
                    "no more came back of the key {} than was held",
                    entry.key
                );
            }
            EntryKind::Charge | EntryKind::Deposit => {}
        }
    }
    let held: Money = open.into_values().sum();
    assert_eq!(balance.held, held, "the open reservations add up to what is held");
}
