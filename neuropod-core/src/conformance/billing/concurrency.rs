//! Concurrent calls.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::fixture::{adds_up, cents, holds, new_key, prepaid};
use crate::conformance::expect::failure;
use crate::money::amount::Money;
use crate::money::billing::{Billing, BillingExt};

/// The number of attempts per race, because a bug does not show every time.
const RACES: usize = 20;
const RUNNERS: usize = 32;

/// Of many concurrent charges and holds of the whole balance, exactly one succeeds.
pub async fn one_of_many_gets_the_last_money(billing: &Arc<dyn Billing>) {
    let all = cents(100);
    for _ in 0..RACES {
        let user = prepaid(billing, all).await;
        let mut tasks = JoinSet::new();
        for index in 0..RUNNERS {
            let (billing, user) = (billing.clone(), user.clone());
            tasks.spawn(async move {
                let key = new_key();
                if index % 2 == 0 {
                    billing.charge(&key, &user, all).await
                } else {
                    billing.hold_amount(&key, &user, all).await
                }
            });
        }
        let mut winners = 0;
        for result in tasks.join_all().await {
            if result.is_ok() {
                winners += 1;
            } else {
                failure(result, "insufficient_funds", "one who came late");
            }
        }
        assert_eq!(winners, 1, "one of many gets the last money");
        let balance = billing.balance(&user).await.unwrap();
        assert_eq!(balance.available, Money::ZERO, "and nothing is left");
        adds_up(billing, &user).await;
    }
}

/// Concurrent calls with the same key all succeed, and the change is made once.
pub async fn one_key_counts_once(billing: &Arc<dyn Billing>) {
    for _ in 0..RACES {
        let user = prepaid(billing, cents(1000)).await;
        let [given, taken, held_key] = [(); 3].map(|()| new_key());
        let mut tasks = JoinSet::new();
        for _ in 0..RUNNERS {
            let (billing, user) = (billing.clone(), user.clone());
            let (given, taken, held_key) = (given.clone(), taken.clone(), held_key.clone());
            tasks.spawn(async move {
                billing.deposit(&given, &user, cents(5)).await?;
                billing.charge(&taken, &user, cents(7)).await?;
                billing.hold_amount(&held_key, &user, cents(100)).await
            });
        }
        // All holds are placed before the first release: a hold under a released key is refused.
        for result in tasks.join_all().await {
            result.expect("a concurrent repetition succeeds");
        }
        let mut tasks = JoinSet::new();
        for _ in 0..RUNNERS {
            let (billing, held_key) = (billing.clone(), held_key.clone());
            tasks.spawn(async move { billing.release(&held_key).await });
        }
        for result in tasks.join_all().await {
            result.expect("a concurrent repetition succeeds");
        }
        holds(
            billing,
            &user,
            cents(998),
            Money::ZERO,
            "after each change was made once",
        )
        .await;
        let entries = billing.all_entries(&user).await.unwrap();
        assert_eq!(entries.len(), 5, "each change has one entry: {entries:?}");
    }
}
