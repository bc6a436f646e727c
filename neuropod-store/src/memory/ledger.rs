use std::collections::HashMap;

use jiff::Timestamp;
use neuropod_core::{AccountKind, Balance, Entry, EntryKind, Error, Money, Result, UserId, Violation};

use crate::{failure, input};

/// All accounts, and what happened under each key.
#[derive(Default)]
pub(super) struct Ledger {
    accounts: HashMap<UserId, Account>,
    keys: HashMap<String, Record>,
}

/// An account. Entries are only ever added.
struct Account {
    balance: Balance,
    entries: Vec<Entry>,
}

/// What happened under a key.
enum Record {
    /// It was released before anything was held.
    Closed,
    /// An account was changed.
    Change {
        user: UserId,
        amount: Money,
        state: State,
    },
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Held,
    Settled(Money),
    Released,
    Charged,
    Deposited,
}

impl Ledger {
    pub(super) fn open(&mut self, user: &UserId, kind: AccountKind) {
        let account = self.accounts.entry(user.clone()).or_insert_with(|| Account {
            balance: Balance {
                kind,
                available: Money::ZERO,
                held: Money::ZERO,
            },
            entries: Vec::new(),
        });
        account.balance.kind = kind;
    }

    pub(super) fn balance(&self, user: &UserId) -> Result<Balance> {
        Ok(self.account(user)?.balance)
    }

    pub(super) fn entries(&self, user: &UserId) -> Result<Vec<Entry>> {
        Ok(self.account(user)?.entries.clone())
    }

    pub(super) fn hold(&mut self, key: &str, user: &UserId, amount: Money, now: Timestamp) -> Result<()> {
        input::key(key)?;
        input::amount(amount)?;
        match self.keys.get(key) {
            None => {
                let balance = self.balance(user)?;
                let after = Balance {
                    available: without(balance, amount)?,
                    held: sum(balance.held, amount)?,
                    ..balance
                };
                self.change(key, user, amount, State::Held, after, now)
            }
            Some(Record::Closed) => Err(failure::ended(key, "released")),
            Some(record) => match record.state_of(user, amount) {
                Some(State::Held | State::Settled(_)) => Ok(()),
                Some(State::Released) => Err(failure::ended(key, "released")),
                Some(State::Charged | State::Deposited) | None => Err(failure::key_in_use(key)),
            },
        }
    }

    pub(super) fn settle(&mut self, key: &str, actual: Money, now: Timestamp) -> Result<()> {
        input::key(key)?;
        input::amount(actual)?;
        let Some(record) = self.keys.get(key) else {
            return Err(failure::gone("reservation"));
        };
        let Record::Change { user, amount, state } = record else {
            return Err(failure::ended(key, "released"));
        };
        match *state {
            State::Held => {
                input::require(actual <= *amount, "actual", Violation::Amount)?;
                let (user, amount) = (user.clone(), *amount);
                let balance = self.balance(&user)?;
                let after = Balance {
                    available: balance.available + (amount - actual),
                    held: balance.held - amount,
                    ..balance
                };
                self.change(key, &user, amount, State::Settled(actual), after, now)
            }
            State::Settled(before) if before == actual => Ok(()),
            State::Settled(_) => Err(failure::key_in_use(key)),
            State::Released => Err(failure::ended(key, "released")),
            State::Charged | State::Deposited => Err(failure::gone("reservation")),
        }
    }

    pub(super) fn release(&mut self, key: &str, now: Timestamp) -> Result<()> {
        input::key(key)?;
        match self.keys.get(key) {
            None => {
                self.keys.insert(key.to_owned(), Record::Closed);
                Ok(())
            }
            Some(Record::Closed) => Ok(()),
            Some(Record::Change { user, amount, state }) => match state {
                State::Held => {
                    let (user, amount) = (user.clone(), *amount);
                    let balance = self.balance(&user)?;
                    let after = Balance {
                        available: balance.available + amount,
                        held: balance.held - amount,
                        ..balance
                    };
                    self.change(key, &user, amount, State::Released, after, now)
                }
                State::Released => Ok(()),
                State::Settled(_) => Err(failure::ended(key, "settled")),
                State::Charged | State::Deposited => Err(failure::key_in_use(key)),
            },
        }
    }

    pub(super) fn charge(&mut self, key: &str, user: &UserId, amount: Money, now: Timestamp) -> Result<()> {
        self.once(key, user, amount, State::Charged, now, |balance| {
            Ok(Balance {
                available: without(balance, amount)?,
                ..balance
            })
        })
    }

    pub(super) fn deposit(&mut self, key: &str, user: &UserId, amount: Money, now: Timestamp) -> Result<()> {
        self.once(key, user, amount, State::Deposited, now, |balance| {
            // With all that is held back, it has to stay in the range too.
            sum(sum(balance.available, balance.held)?, amount)?;
            Ok(Balance {
                available: balance.available + amount,
                ..balance
            })
        })
    }

    /// Changes an account by `after`, unless the key has done so already.
    fn once(
        &mut self,
        key: &str,
        user: &UserId,
        amount: Money,
        state: State,
        now: Timestamp,
        after: impl FnOnce(Balance) -> Result<Balance>,
    ) -> Result<()> {
        input::key(key)?;
        input::amount(amount)?;
        match self.keys.get(key) {
            None => {
                let after = after(self.balance(user)?)?;
                self.change(key, user, amount, state, after, now)
            }
            Some(record) if record.state_of(user, amount) == Some(state) => Ok(()),
            Some(_) => Err(failure::key_in_use(key)),
        }
    }

    /// Writes a change down: the balance after it, its entry and what the key has done.
    fn change(
        &mut self,
        key: &str,
        user: &UserId,
        amount: Money,
        state: State,
        after: Balance,
        now: Timestamp,
    ) -> Result<()> {
        let account = self.accounts.get_mut(user).ok_or_else(no_account)?;
        account.entries.push(Entry {
            key: key.to_owned(),
            kind: state.entry_kind(),
            amount: after.available - account.balance.available,
            at: now,
        });
        account.balance = after;
        let record = Record::Change {
            user: user.clone(),
            amount,
            state,
        };
        self.keys.insert(key.to_owned(), record);
        Ok(())
    }

    fn account(&self, user: &UserId) -> Result<&Account> {
        self.accounts.get(user).ok_or_else(no_account)
    }
}

impl Record {
    /// The state, where the change was one of this user and amount.
    fn state_of(&self, user: &UserId, amount: Money) -> Option<State> {
        match self {
            Self::Change {
                user: changed,
                amount: by,
                state,
            } if changed == user && *by == amount => Some(*state),
            _ => None,
        }
    }
}

impl State {
    fn entry_kind(self) -> EntryKind {
        match self {
            Self::Held => EntryKind::Hold,
            Self::Settled(_) => EntryKind::Settle,
            Self::Released => EntryKind::Release,
            Self::Charged => EntryKind::Charge,
            Self::Deposited => EntryKind::Deposit,
        }
    }
}

/// What is available once `amount` is taken.
fn without(balance: Balance, amount: Money) -> Result<Money> {
    if balance.kind == AccountKind::Prepaid && balance.available < amount {
        return Err(failure::insufficient(amount, balance.available));
    }
    sum(balance.available, -amount)
}

/// The exact sum: where [`Money`] would saturate, the amount is refused.
fn sum(a: Money, b: Money) -> Result<Money> {
    let sum = a + b;
    let exact = a.micros().checked_add(b.micros()).is_some();
    input::require(exact, "amount", Violation::Amount)?;
    Ok(sum)
}

fn no_account() -> Error {
    failure::gone("account")
}
