//! Reservations: how they begin and end.

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

    /// Releases it: all that is left is available again.
    fn release(self, key: &str, balance: Option<Balance>) -> Decision<()> {
        let details = Details {
            pod: self.pod.clone(),
            pod_name: self.pod_name.clone(),
            ..Details::default()
        };
        let mut account = Account::of(balance)?;
        account.give_back(self.held, self.held);
        account.write(key, EntryKind::Release, Money::ZERO, -self.held, &details);
        account.know(
            key,
            Record::Held {
                user: self.user,
                amount: self.amount,
                held: Money::ZERO,
                pod: self.pod,
                pod_name: self.pod_name,
                end: Some(End::Released),
            },
        );
        Ok(account.decide(()))
    }
}

pub(crate) fn release(key: &str, known: Option<&Record>, balance: Option<Balance>) -> Decision<()> {
    input::key(key)?;
    if let Some(open) = known.and_then(Open::of) {
        return open.release(key, balance);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reservation_that_an_earlier_version_settled_is_over() {
        let ana = UserId::new("ana");
        let settled = Record::Held {
            user: ana.clone(),
            amount: Money::from_cents(3),
            held: Money::ZERO,
            pod: None,
            pod_name: None,
            end: Some(End::Settled(Money::from_cents(2))),
        };
        let again = hold(
            &Hold::new("hour", &ana, Money::from_cents(3)),
            Some(&settled),
            None,
        );
        assert!(again.unwrap().1.is_none(), "a late hold changes nothing");
        let Err(error) = release("hour", Some(&settled), None) else {
            panic!("it was released")
        };
        assert_eq!(error.kind().code(), "invalid_state");
    }
}
