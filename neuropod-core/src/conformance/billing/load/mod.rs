//! Money under load: many tasks change a few accounts at random, and the ledger has to explain every answer.
//!
//! [`random_operations`] is one of the checks of the suite, and [`run`] the same with as many operations as wanted. For
//! a process that is killed in the middle of it, there are the parts: that process writes each event of
//! [`Load::run`] where it survives, and another one passes all of them to [`Load::check`].

mod answers;
mod journal;
mod ledger;
mod operation;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

pub use self::journal::{Answer, Event};
pub use self::operation::Operation;

use self::journal::Attempts;
use self::operation::Past;
use super::{adds_up, cents, new_user};
use crate::id::UserId;
use crate::money::billing::{AccountKind, Billing, BillingExt};

const PREPAID: usize = 10;
const TASKS: u64 = 64;
/// As many as a suite has time for on a slow server.
const OPERATIONS: u64 = 1000;
/// What each account begins with, so that the first operations are not all refused.
const BEGINNING: i64 = 1000;
/// One of so many operations is followed by a look at an account.
const LOOKS: u32 = 8;

/// Random operations on accounts of their own.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Load {
    /// The accounts that are changed.
    pub accounts: Vec<(UserId, AccountKind)>,
    /// How many tasks change them at the same time.
    pub tasks: u64,
    /// How many operations they carry out together.
    pub operations: u64,
    /// What chooses them; which of them come first is chance.
    pub seed: u64,
    /// The number of the first operation, for one load that goes on where another was killed.
    pub first: u64,
    /// Operations of before, which are among those that are repeated.
    pub past: Vec<Operation>,
}

impl Load {
    /// 64 tasks on ten prepaid accounts and one that is unlimited, which nobody else uses.
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

    /// Carries out the operations. Tells `record` of each before it begins and after it has ended; the next one waits
    /// until that has returned.
    ///
    /// Fails when an account is ever seen with less than nothing in it.
    pub async fn run(&self, billing: &Arc<dyn Billing>, record: impl Fn(Event) + Send + Sync + 'static) {
        let work = Arc::new(Work {
            load: self.clone(),
            billing: billing.clone(),
            past: Mutex::new(Past::new(self.past.clone())),
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

    /// Checks that the ledger has, of all that `events` tell of, what was accepted, once, and nothing that was refused;
    /// of what was neither, all or nothing.
    pub async fn check(&self, billing: &Arc<dyn Billing>, events: &[Event]) {
        let attempts = Attempts::of(events);
        let mut done = ledger::Done::default();
        for (user, kind) in &self.accounts {
            let balance = billing.balance(user).await.unwrap();
            assert_eq!(balance.kind, *kind, "the kind of the account {user}");
            adds_up(billing, user).await;
            let entries = billing.all_entries(user).await.unwrap();
            ledger::replay(user, balance, &entries, &attempts, &mut done);
        }
        done.explains(&attempts);
        answers::check(&attempts);
    }
}

/// What the tasks share.
struct Work<R> {
    load: Load,
    billing: Arc<dyn Billing>,
    past: Mutex<Past>,
    next: AtomicU64,
    record: R,
}

impl<R: Fn(Event) + Send + Sync + 'static> Work<R> {
    /// Opens the accounts. This is done again by whoever goes on.
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
            if random.random_ratio(1, LOOKS) {
                self.look(&mut random).await;
            }
        }
    }

    async fn one(&self, number: u64, operation: Operation) {
        (self.record)(Event::Begun {
            number,
            operation: operation.clone(),
        });
        let answer = operation.carry_out(&*self.billing).await;
        (self.record)(Event::Ended { number, answer });
    }

    async fn look(&self, random: &mut StdRng) {
        let (user, kind) = &self.load.accounts[random.random_range(0..self.load.accounts.len())];
        let balance = self.billing.balance(user).await.unwrap();
        assert!(
            !balance.held.is_negative()
                && (*kind == AccountKind::Unlimited || !balance.available.is_negative()),
            "{user} has less than nothing: {balance:?}"
        );
    }
}

/// Carries out a load and checks what came of it. The seed is printed, and repeats the choices of a load that failed.
pub async fn run(billing: &Arc<dyn Billing>, load: &Load) {
    print_seed(load);
    let events = Arc::new(Mutex::new(Vec::new()));
    let journal = events.clone();
    load.run(billing, move |event| journal.lock().unwrap().push(event))
        .await;
    let events = events.lock().unwrap().clone();
    load.check(billing, &events).await;
}

/// 64 tasks carry out random operations, many with the same keys. No account has less than nothing, entries add up, and
/// what was answered with `Ok` is in the ledger once, and nothing else is.
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
