//! Carries out a load, and checks the ledger and the results afterwards.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use super::journal::{Attempts, LoadEvent};
use super::operation::{Operation, PastOperations};
use super::{consistency, ledger};
use crate::conformance::billing::fixture::{adds_up, cents, new_user};
use crate::id::UserId;
use crate::money::billing::{AccountKind, Billing, BillingExt};

const PREPAID: usize = 10;
const TASKS: u64 = 64;
/// The number of operations, small enough for a slow server.
const OPERATIONS: u64 = 1000;
/// The opening balance in cents, so that the first operations are not all refused.
const BEGINNING: i64 = 1000;
/// An account is checked after one in this many operations.
const CHECKED_EACH: u32 = 8;

/// Random operations on accounts of their own.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Load {
    /// The accounts that are changed.
    pub accounts: Vec<(UserId, AccountKind)>,
    /// The number of concurrent tasks.
    pub tasks: u64,
    /// The number of operations that they carry out together.
    pub operations: u64,
    /// The seed for choosing operations; their order is left to chance.
    pub seed: u64,
    /// The number of the first operation, if this load continues one that was killed.
    pub first: u64,
    /// Earlier operations, some of which are repeated.
    pub past: Vec<Operation>,
}

impl Load {
    /// 64 tasks on ten prepaid accounts and an unlimited one, which nothing else uses.
    pub fn new(operations: u64, seed: u64) -> Self {
        let mut accounts: Vec<_> = (0..PREPAID).map(|_| (new_user(), AccountKind::Prepaid)).collect();
        accounts.push((new_user(), AccountKind::Unlimited));
        Self {
            accounts,
            tasks: TASKS,
            operations,
            seed,
            first: 0,
            past: Vec::new(),
        }
    }

    /// Carries out the operations. Calls `record` before each one begins and after it has ended; a task
    /// continues when `record` returns.
    ///
    /// Panics if an account ever has a negative balance.
    pub async fn run(&self, billing: &Arc<dyn Billing>, record: impl Fn(LoadEvent) + Send + Sync + 'static) {
        let work = Arc::new(Work {
            load: self.clone(),
            billing: billing.clone(),
            past: Mutex::new(PastOperations::new(self.past.clone())),
            next: AtomicU64::new(0),
            record,
        });
        work.begin().await;
        let mut tasks = JoinSet::new();
        for task in 0..self.tasks {
            let random = StdRng::seed_from_u64(self.seed.wrapping_mul(self.tasks).wrapping_add(task));
            tasks.spawn(work.clone().carry_out(random));
        }
        tasks.join_all().await;
    }

    /// Checks that the ledger has each accepted operation of `events` once and no refused one. An operation
    /// without a result is there completely or not at all.
    pub async fn check(&self, billing: &Arc<dyn Billing>, events: &[LoadEvent]) {
        let attempts = Attempts::from_events(events);
        let mut done = ledger::Done::default();
        for (user, kind) in &self.accounts {
            let balance = billing.balance(user).await.unwrap();
            assert_eq!(balance.kind, *kind, "the kind of the account {user}");
            adds_up(billing, user).await;
            let entries = billing.all_entries(user).await.unwrap();
            ledger::replay(user, balance, &entries, &attempts, &mut done);
        }
        done.explains(&attempts);
        consistency::check(&attempts);
    }
}

/// The state that the tasks share.
struct Work<R> {
    load: Load,
    billing: Arc<dyn Billing>,
    past: Mutex<PastOperations>,
    next: AtomicU64,
    record: R,
}

impl<R: Fn(LoadEvent) + Send + Sync + 'static> Work<R> {
    /// Opens the accounts. A load that continues another repeats this.
    async fn begin(&self) {
        for (index, (user, kind)) in self.load.accounts.iter().enumerate() {
            let open = Operation::Open {
                user: user.clone(),
                kind: *kind,
            };
            let deposit = Operation::deposit(format!("{user}-first"), user, cents(BEGINNING));
            let number = self.load.first + 2 * index as u64;
            self.one(number, open).await;
            self.one(number + 1, deposit).await;
        }
    }

    async fn carry_out(self: Arc<Self>, mut random: StdRng) {
        let first = self.load.first + 2 * self.load.accounts.len() as u64;
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if number >= self.load.operations {
                return;
            }
            let number = first + number;
            let key = format!("{}-{number}", self.load.accounts[0].0);
            let operation = {
                let mut past = self.past.lock().unwrap();
                past.next(key, &self.load.accounts, &mut random)
            };
            self.one(number, operation).await;
            if random.random_ratio(1, CHECKED_EACH) {
                self.check_account(&mut random).await;
            }
        }
    }

    async fn one(&self, number: u64, operation: Operation) {
        (self.record)(LoadEvent::Begun {
            number,
            operation: operation.clone(),
        });
        let result = operation.carry_out(&*self.billing).await;
        (self.record)(LoadEvent::Ended { number, result });
    }

    async fn check_account(&self, random: &mut StdRng) {
        let (user, kind) = &self.load.accounts[random.random_range(0..self.load.accounts.len())];
        let balance = self.billing.balance(user).await.unwrap();
        assert!(
            !balance.held.is_negative()
                && (*kind == AccountKind::Unlimited || !balance.available.is_negative()),
            "{user} has a negative balance: {balance:?}"
        );
    }
}

/// Carries out a load and checks the ledger. Prints the seed, which repeats the choices of a failed load.
pub async fn run(billing: &Arc<dyn Billing>, load: &Load) {
    print_seed(load);
    let events = Arc::new(Mutex::new(Vec::new()));
    let journal = events.clone();
    load.run(billing, move |event| journal.lock().unwrap().push(event))
        .await;
    let events = events.lock().unwrap().clone();
    load.check(billing, &events).await;
}

/// 64 tasks carry out random operations, many with the same keys. No balance becomes negative, the entries add
/// up to it, and the ledger has each operation that returned `Ok` once, and nothing else.
pub async fn random_operations(billing: &Arc<dyn Billing>) {
    run(billing, &Load::new(OPERATIONS, rand::random())).await;
}

#[expect(clippy::print_stdout, reason = "shown when the test fails")]
fn print_seed(load: &Load) {
    println!(
        "a load of {} operations with the seed {}",
        load.operations, load.seed
    );
}
