//! Reservations: how they begin and end.

use neuropod_core::billing::{Balance, Details, EntryKind, Hold};
use neuropod_core::{Money, Violation};

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
    let mut account = Account::of(balance)?;
    account.give_back(held - actual, held);
    account.write(key, EntryKind::Settle, -actual, -held, &Details::default());
    let end = Some(End::Settled(actual));
    account.know(
        key,
        Record::Held {
            user: user.clone(),
            amount,
            held: Money::ZERO,
            end,
        },
    );
    Ok(account.decide(()))
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
    let mut account = Account::of(balance)?;
    account.give_back(held, held);
    account.write(key, EntryKind::Release, Money::ZERO, -held, &Details::default());
    let end = Some(End::Released);
    account.know(
        key,
        Record::Held {
            user: user.clone(),
            amount,
            held: Money::ZERO,
            end,
        },
    );
    Ok(account.decide(()))
}
