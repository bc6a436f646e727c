//! Reservations: how they begin and end.

use neuropod_core::error::Violation;
use neuropod_core::money::billing::{Balance, Details, EntryKind, Hold};
use neuropod_core::{Money, PodId, UserId};

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
            pod: details.pod.clone(),
            pod_name: details.pod_name.clone(),
            end: None,
        },
    );
    Ok(account.decide(()))
}

/// A reservation that has not ended.
pub(super) struct Open {
    pub(super) user: UserId,
    /// What was asked for.
    pub(super) amount: Money,
    /// What is reserved now.
    pub(super) held: Money,
    pub(super) pod: Option<PodId>,
    pub(super) pod_name: Option<String>,
}

impl Open {
    pub(super) fn of(record: &Record) -> Option<Self> {
        match record.clone() {
            Record::Held {
                user,
                amount,
                held,
                pod,
                pod_name,
                end: None,
            } => Some(Self {
                user,
                amount,
                held,
                pod,
                pod_name,
            }),
            _ => None,
        }
    }

    /// Ends it: what is not settled is available again.
    fn end(self, key: &str, end: End, balance: Option<Balance>) -> Decision<()> {
        let (kind, actual) = match end {
            End::Settled(actual) => (EntryKind::Settle, actual),
            End::Released => (EntryKind::Release, Money::ZERO),
        };
        let details = Details {
            pod: self.pod.clone(),
            pod_name: self.pod_name.clone(),
            ..Details::default()
        };
        let mut account = Account::of(balance)?;
        account.give_back(self.held - actual, self.held);
        account.write(key, kind, -actual, -self.held, &details);
        account.know(
            key,
            Record::Held {
                user: self.user,
                amount: self.amount,
                held: Money::ZERO,
                pod: self.pod,
                pod_name: self.pod_name,
                end: Some(end),
            },
        );
        Ok(account.decide(()))
    }
}

pub(crate) fn settle(
    key: &str,
    actual: Money,
    known: Option<&Record>,
    balance: Option<Balance>,
) -> Decision<()> {
    input::key(key)?;
    input::amount(actual)?;
    if let Some(open) = known.and_then(Open::of) {
        input::require(actual <= open.held, "actual", Violation::Amount)?;
        return open.end(key, End::Settled(actual), balance);
    }
    match known {
        Some(Record::Held {
            end: Some(End::Settled(before)),
            ..
        }) if *before == actual => Ok(((), None)),
        Some(Record::Held {
            end: Some(End::Settled(_)),
            ..
        }) => Err(failure::key_in_use(key)),
        Some(Record::Held { .. } | Record::Closed) => Err(failure::ended(key, "released")),
        Some(Record::Posted { .. } | Record::Drawn { .. }) | None => Err(failure::gone("reservation")),
    }
}

pub(crate) fn release(key: &str, known: Option<&Record>, balance: Option<Balance>) -> Decision<()> {
    input::key(key)?;
    if let Some(open) = known.and_then(Open::of) {
        return open.end(key, End::Released, balance);
    }
    match known {
        Some(Record::Held {
            end: Some(End::Settled(_)),
            ..
        }) => Err(failure::ended(key, "settled")),
        Some(Record::Posted { .. } | Record::Drawn { .. }) => Err(failure::key_in_use(key)),
        // It has ended so; or nothing was held: there is no account to change, only a key to close.
        Some(Record::Held { .. } | Record::Closed) | None => Ok(((), None)),
    }
}
