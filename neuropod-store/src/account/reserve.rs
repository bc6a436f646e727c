//! Reservations: how they begin and end.

use neuropod_core::billing::{Balance, Details, EntryKind, Hold};
use neuropod_core::{Money, UserId, Violation};

use super::{Account, Decision, End, Record, negative};
use crate::{failure, input};

pub(crate) fn hold(hold: &Hold, known: Option<&Record>, balance: Option<Balance>) -> Decision<()> {
    input::key(&hold.key)?;
    input::amount(hold.amount)?;
    let Hold {
        key,
        user,
        amount,
        details,
    } = hold;
    match known {
        None => {}
        Some(Record::Closed) => return Err(failure::ended(key, "released")),
        Some(Record::Held {
            user: of,
            amount: of_amount,
            end,
            ..
        }) if of == user && of_amount == amount => {
            return match end {
                Some(End::Released) => Err(failure::ended(key, "released")),
                None | Some(End::Settled(_)) => Ok(((), None)),
            };
        }
        Some(_) => return Err(failure::key_in_use(key)),
    }
    let mut account = Account::of(balance)?;
    account.add(negative(*amount)?, *amount)?;
    account.write(key, EntryKind::Hold, Money::ZERO, *amount, details);
    account.know(
        key,
        Record::Held {
            user: user.clone(),
            amount: *amount,
            held: *amount,
            end: None,
        },
    );
    Ok(account.decide(()))
}

pub(crate) fn settle(
    key: &str,
    actual: Money,
    known: Option<&Record>,
    balance: Option<Balance>,
) -> Decision<()> {
    input::key(key)?;
    input::amount(actual)?;
    let (user, amount, held) = match known {
        Some(Record::Held {
            user,
            amount,
            held,
            end: None,
        }) => (user, *amount, *held),
        Some(Record::Held {
            end: Some(End::Settled(before)),
            ..
        }) if *before == actual => return Ok(((), None)),
        Some(Record::Held {
            end: Some(End::Settled(_)),
            ..
        }) => return Err(failure::key_in_use(key)),
        Some(
            Record::Held {
                end: Some(End::Released),
                ..
            }
            | Record::Closed,
        ) => {
            return Err(failure::ended(key, "released"));
        }
        Some(Record::Posted { .. } | Record::Drawn { .. }) | None => {
            return Err(failure::gone("reservation"));
        }
    };
    input::require(actual <= held, "actual", Violation::Amount)?;
    end(key, user, amount, held, End::Settled(actual), balance)
}

pub(crate) fn release(key: &str, known: Option<&Record>, balance: Option<Balance>) -> Decision<()> {
    input::key(key)?;
    let (user, amount, held) = match known {
        Some(Record::Held {
            user,
            amount,
            held,
            end: None,
        }) => (user, *amount, *held),
        Some(Record::Held {
            end: Some(End::Settled(_)),
            ..
        }) => return Err(failure::ended(key, "settled")),
        Some(Record::Posted { .. } | Record::Drawn { .. }) => return Err(failure::key_in_use(key)),
        // It has ended so; or nothing was held: there is no account to change, only a key to close.
        Some(Record::Held { .. } | Record::Closed) | None => return Ok(((), None)),
    };
    end(key, user, amount, held, End::Released, balance)
}

/// Ends a reservation of `amount`, of which `held` is left: what is not settled is available again.
fn end(
    key: &str,
    user: &UserId,
    amount: Money,
    held: Money,
    end: End,
    balance: Option<Balance>,
) -> Decision<()> {
    let (kind, actual) = match end {
        End::Settled(actual) => (EntryKind::Settle, actual),
        End::Released => (EntryKind::Release, Money::ZERO),
    };
    let mut account = Account::of(balance)?;
    account.give_back(held - actual, held);
    account.write(key, kind, -actual, -held, &Details::default());
    account.know(
        key,
        Record::Held {
            user: user.clone(),
            amount,
            held: Money::ZERO,
            end: Some(end),
        },
    );
    Ok(account.decide(()))
}
