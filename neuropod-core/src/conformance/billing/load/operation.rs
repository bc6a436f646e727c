//! The operations of a load, and how they are chosen.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use super::call_result::CallResult;
use crate::conformance::billing::fixture::cents;
use crate::id::UserId;
use crate::money::amount::Money;
use crate::money::billing::{AccountKind, Billing, Details, Draw, Hold, Period, Posting, PostingKind};

/// The number of operations that are remembered for repetition.
const PAST: usize = 256;
/// How many holds are remembered, to be drawn from and ended.
const HOLDS: usize = 48;
/// The largest amount, in cents.
const MOST: i64 = 500;
/// The largest daily cap, in cents: an account reaches it after some hundred operations.
const DAILY: i64 = 5000;

/// A modifying call of [`Billing`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the parameters of the call")]
pub enum Operation {
    /// [`Billing::open`].
    Open { user: UserId, kind: AccountKind },
    /// [`Billing::post`].
    Post {
        key: String,
        user: UserId,
        kind: PostingKind,
        amount: Money,
    },
    /// [`Billing::hold`].
    Hold {
        key: String,
        user: UserId,
        amount: Money,
    },
    /// [`Billing::draw`].
    Draw {
        key: String,
        user: UserId,
        hold: Option<String>,
        amount: Money,
        top_up: Money,
        at_most: Option<Money>,
        daily_cap: Option<Money>,
    },
    /// [`Billing::release`].
    Release { key: String },
}

impl Operation {
    pub(super) fn deposit(key: String, user: &UserId, amount: Money) -> Self {
        Self::Post {
            key,
            user: user.clone(),
            kind: PostingKind::Deposit,
            amount,
        }
    }

    /// The key of the change; `None` if the operation has none.
    pub(super) fn key(&self) -> Option<&str> {
        match self {
            Self::Open { .. } => None,
            Self::Post { key, .. }
            | Self::Hold { key, .. }
            | Self::Draw { key, .. }
            | Self::Release { key } => Some(key),
        }
    }

    pub(super) async fn carry_out(&self, billing: &dyn Billing) -> CallResult {
        match self.clone() {
            Self::Open { user, kind } => billing.open(&user, kind).await.into(),
            Self::Post {
                key,
                user,
                kind,
                amount,
            } => billing.post(&Posting::new(key, &user, kind, amount)).await.into(),
            Self::Hold { key, user, amount } => billing.hold(&Hold::new(key, &user, amount)).await.into(),
            Self::Draw {
                key,
                user,
                hold,
                amount,
                top_up,
                at_most,
                daily_cap,
            } => {
                let draw = Draw {
                    key,
                    user,
                    hold,
                    amount,
                    top_up,
                    at_most,
                    daily_cap,
                    details: an_hour(),
                };
                billing.draw(&draw).await.into()
            }
            Self::Release { key } => billing.release(&key).await.into(),
        }
    }

    /// The same key with another amount, user or kind.
    fn altered(mut self, accounts: &[(UserId, AccountKind)], random: &mut StdRng) -> Self {
        let choice = random.random_range(0..3);
        match &mut self {
            // Adjustments may have amounts that other postings may not.
            Self::Post { kind, .. } if choice == 0 && *kind != PostingKind::Adjustment => {
                *kind = match kind {
                    PostingKind::Deposit => PostingKind::Refund,
                    _ => PostingKind::Deposit,
                }
            }
            Self::Post { user, .. } | Self::Hold { user, .. } | Self::Draw { user, .. } if choice == 1 => {
                *user = some_user(accounts, random);
            }
            Self::Post { amount, .. } | Self::Draw { amount, .. } | Self::Hold { amount, .. } => {
                *amount += Money::from_micros(1);
            }
            Self::Open { .. } | Self::Release { .. } => {}
        }
        self
    }
}

/// The latest operations.
pub(super) struct PastOperations {
    operations: VecDeque<Operation>,
    holds: VecDeque<OpenHold>,
}

#[derive(Clone)]
struct OpenHold {
    key: String,
    user: UserId,
    amount: Money,
}

impl PastOperations {
    pub(super) fn new(operations: Vec<Operation>) -> Self {
        let mut past = Self {
            operations: VecDeque::new(),
            holds: VecDeque::new(),
        };
        for operation in operations {
            past.remember(&operation);
        }
        past
    }

    /// Chooses an operation; `key` is for a new change.
    pub(super) fn next(
        &mut self,
        key: String,
        accounts: &[(UserId, AccountKind)],
        random: &mut StdRng,
    ) -> Operation {
        let operation = match random.random_range(0..100) {
            0..15 => self.repeated(random),
            15..22 => self
                .repeated(random)
                .map(|operation| operation.altered(accounts, random)),
            22..45 => self.draw(&key, random),
            45..57 => self
                .some_hold(random)
                .map(|hold| Operation::Release { key: hold.key }),
            _ => None,
        };
        let operation = operation.unwrap_or_else(|| new_operation(key, accounts, random));
        self.remember(&operation);
        operation
    }

    fn repeated(&self, random: &mut StdRng) -> Option<Operation> {
        some_of(&self.operations, random)
    }

    fn some_hold(&self, random: &mut StdRng) -> Option<OpenHold> {
        some_of(&self.holds, random)
    }

    fn draw(&self, key: &str, random: &mut StdRng) -> Option<Operation> {
        let hold = self.some_hold(random)?;
        Some(Operation::Draw {
            key: key.to_owned(),
            user: hold.user,
            hold: Some(hold.key),
            amount: some_amount(random),
            top_up: hold.amount,
            at_most: some_cap(MOST, random),
            daily_cap: some_cap(DAILY, random),
        })
    }

    fn remember(&mut self, operation: &Operation) {
        if let Operation::Hold { key, user, amount } = operation {
            let hold = OpenHold {
                key: key.clone(),
                user: user.clone(),
                amount: *amount,
            };
            push(&mut self.holds, hold, HOLDS);
        }
        push(&mut self.operations, operation.clone(), PAST);
    }
}

/// An operation that does not depend on an earlier one.
fn new_operation(key: String, accounts: &[(UserId, AccountKind)], random: &mut StdRng) -> Operation {
    let user = some_user(accounts, random);
    let amount = some_amount(random);
    let posting = |kind, amount| Operation::Post {
        key: key.clone(),
        user: user.clone(),
        kind,
        amount,
    };
    match random.random_range(0..100) {
        0..28 => posting(PostingKind::Deposit, amount),
        28..32 => posting(PostingKind::Refund, amount),
        32..40 => {
            let up_or_down = if random.random() { amount } else { -amount };
            posting(PostingKind::Adjustment, up_or_down)
        }
        40..54 => posting(PostingKind::Charge, amount),
        54..60 => Operation::Draw {
            key,
            user,
            hold: None,
            amount,
            top_up: Money::ZERO,
            at_most: some_cap(MOST, random),
            daily_cap: some_cap(DAILY, random),
        },
        60..62 => {
            let (user, kind) = accounts.choose(random).unwrap().clone();
            Operation::Open { user, kind }
        }
        // Closes the key of a hold that has not been made yet.
        62..63 => Operation::Release { key },
        _ => Operation::Hold { key, user, amount },
    }
}

fn some_user(accounts: &[(UserId, AccountKind)], random: &mut StdRng) -> UserId {
    accounts.choose(random).unwrap().0.clone()
}

/// An amount other than zero, so that every change has a ledger entry.
fn some_amount(random: &mut StdRng) -> Money {
    cents(random.random_range(1..=MOST))
}

fn some_cap(most: i64, random: &mut StdRng) -> Option<Money> {
    random
        .random_ratio(1, 4)
        .then(|| cents(random.random_range(0..=most)))
}

/// The period of all draws, so that they count against the caps of one day.
fn an_hour() -> Details {
    let from = Timestamp::UNIX_EPOCH;
    let until = from + SignedDuration::from_hours(1);
    let period = Some(Period { from, until });
    Details {
        period,
        ..Details::default()
    }
}

fn some_of<T: Clone>(all: &VecDeque<T>, random: &mut impl Rng) -> Option<T> {
    let index = random.random_range(0..all.len().max(1));
    all.get(index).cloned()
}

fn push<T>(all: &mut VecDeque<T>, new: T, most: usize) {
    all.push_back(new);
    if all.len() > most {
        all.pop_front();
    }
}
