//! Many at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::task::JoinSet;

use super::super::failure;
use super::{adds_up, cents, holds, new_key, prepaid};
use crate::billing::{Billing, BillingExt, EntryKind};
use crate::error::Result;
use crate::id::UserId;
use crate::money::Money;

const TASKS: u64 = 64;
const ACCOUNTS: usize = 10;
const KEYS: usize = 200;
const OPERATIONS: usize = 40;

/// What every operation with one key says.
#[derive(Clone)]
struct Plan {
    key: String,
    user: UserId,
    amount: Money,
    used: Money,
    kind: PlanKind,
}

#[derive(Clone, Copy, PartialEq)]
enum PlanKind {
    Charge,
    Deposit,
    Reservation,
}

impl Plan {
    fn random(users: &[UserId], random: &mut StdRng) -> Self {
        let amount = random.random_range(0..500);
        Self {
            key: new_key(),
            user: users[random.random_range(0..users.len())].clone(),
            amount: cents(amount),
            used: cents(random.random_range(0..=amount)),
            kind: match random.random_range(0..4) {
                0 => PlanKind::Charge,
                1 => PlanKind::Deposit,
                _ => PlanKind::Reservation,
            },
        }
    }

    async fn carry_out(&self, billing: &dyn Billing, random: u8) -> Result<()> {
        match (self.kind, random) {
            (PlanKind::Charge, _) => billing.charge(&self.key, &self.user, self.amount).await,
            (PlanKind::Deposit, _) => billing.deposit(&self.key, &self.user, self.amount).await,
            (PlanKind::Reservation, 0) => billing.release(&self.key).await,
            (PlanKind::Reservation, 1) => billing.settle(&self.key, self.used).await,
            (PlanKind::Reservation, _) => billing.reserve(&self.key, &self.user, self.amount).await,
        }
    }

    /// By how much an entry of this kind changes the balance and what is held; `None`: there is no such entry.
    fn change(&self, kind: EntryKind) -> Option<(Money, Money)> {
        match (self.kind, kind) {
            (PlanKind::Charge, EntryKind::Charge) => Some((-self.amount, Money::ZERO)),
            (PlanKind::Deposit, EntryKind::Deposit) => Some((self.amount, Money::ZERO)),
            (PlanKind::Reservation, EntryKind::Hold) => Some((Money::ZERO, self.amount)),
            (PlanKind::Reservation, EntryKind::Release) => Some((Money::ZERO, -self.amount)),
            (PlanKind::Reservation, EntryKind::Settle) => Some((-self.used, -self.amount)),
            _ => None,
        }
    }
}

/// 64 tasks carry out random operations on 10 accounts, many with the same keys. Then no balance is negative, entries
/// and reservations add up, and every change that was answered with `Ok` happened exactly once.
pub async fn random_operations(billing: &Arc<dyn Billing>) {
    let mut users = Vec::new();
    for _ in 0..ACCOUNTS {
        users.push(prepaid(billing, cents(1000)).await);
    }
    let mut random = StdRng::seed_from_u64(1);
    let plans: Vec<_> = (0..KEYS).map(|_| Plan::random(&users, &mut random)).collect();
    let plans: Arc<[Plan]> = plans.into();

    let mut tasks = JoinSet::new();
    for seed in 0..TASKS {
        tasks.spawn(work(billing.clone(), plans.clone(), seed));
    }
    let answered: BTreeSet<String> = tasks.join_all().await.into_iter().flatten().collect();

    let by_key: BTreeMap<_, _> = plans.iter().map(|plan| (plan.key.as_str(), plan)).collect();
    let mut seen = BTreeSet::new();
    for user in &users {
        adds_up(billing, user).await;
        let balance = billing.balance(user).await.unwrap();
        assert!(!balance.available.is_negative(), "{user} has less than nothing");
        // The first entry is the deposit the account began with.
        for entry in &billing.all_entries(user).await.unwrap()[1..] {
            let plan = by_key[entry.key.as_str()];
            assert_eq!(
                plan.user, *user,
                "the entry {} is in the account of its user",
                entry.key
            );
            assert_eq!(
                Some((entry.amount, entry.held)),
                plan.change(entry.kind),
                "the entry {} {:?} has the amount of its operation",
                entry.key,
                entry.kind
            );
            let once = seen.insert((entry.key.clone(), entry.kind as u8));
            assert!(
                once,
                "the key {} was applied twice as {:?}",
                entry.key, entry.kind
            );
        }
    }
    let entered: BTreeSet<_> = seen.into_iter().map(|(key, _)| key).collect();
    assert!(
        answered.is_subset(&entered),
        "a change that was answered with Ok has no entry: {:?}",
        answered.difference(&entered).next()
    );
}

/// Carries out random plans. Answers the keys of which money moved for certain.
async fn work(billing: Arc<dyn Billing>, plans: Arc<[Plan]>, seed: u64) -> Vec<String> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut answered = Vec::new();
    for _ in 0..OPERATIONS {
        let plan = &plans[random.random_range(0..plans.len())];
        // Holds come more often than what ends them.
        let operation = random.random_range(0..5);
        match plan.carry_out(&*billing, operation).await {
            // To release what was never held is fine and moves nothing.
            Ok(()) if plan.kind == PlanKind::Reservation && operation == 0 => {}
            Ok(()) => answered.push(plan.key.clone()),
            Err(error) => assert!(
                ["insufficient_funds", "invalid_state", "not_found"].contains(&error.kind().code()),
                "an operation failed for another cause than the order of operations: {error}"
            ),
        }
        let balance = billing.balance(&plan.user).await.unwrap();
        assert!(
            !balance.available.is_negative() && !balance.held.is_negative(),
            "{} has less than nothing: {balance:?}",
            plan.user
        );
    }
    answered
}

/// How often a race is run: it is not lost every time.
const RACES: usize = 20;
const RUNNERS: usize = 32;

/// Of many charges and holds of all that is left, one gets it.
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
                    billing.reserve(&key, &user, all).await
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

/// Of many callers with the same key at the same time, all are told that it is done, and it is done once.
pub async fn one_key_counts_once(billing: &Arc<dyn Billing>) {
    for _ in 0..RACES {
        let user = prepaid(billing, cents(1000)).await;
        let [given, taken, reserved] = [(); 3].map(|()| new_key());
        let mut tasks = JoinSet::new();
        for _ in 0..RUNNERS {
            let (billing, user) = (billing.clone(), user.clone());
            let (given, taken, reserved) = (given.clone(), taken.clone(), reserved.clone());
            tasks.spawn(async move {
                billing.deposit(&given, &user, cents(5)).await?;
                billing.charge(&taken, &user, cents(7)).await?;
                billing.reserve(&reserved, &user, cents(100)).await?;
                billing.settle(&reserved, cents(11)).await
            });
        }
        for result in tasks.join_all().await {
            result.expect("a repetition at the same time is told that it is done");
        }
        holds(
            billing,
            &user,
            cents(987),
            Money::ZERO,
            "after each change was made once",
        )
        .await;
        let entries = billing.all_entries(&user).await.unwrap();
        assert_eq!(entries.len(), 5, "each change has one entry: {entries:?}");
    }
}
