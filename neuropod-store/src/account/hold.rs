//! Holds: how they begin and end.

use neuropod_core::money::billing::{Balance, Details, EntryKind, Hold};
use neuropod_core::{Money, PodId, UserId};

use super::change::{ChangeBuilder, Decision, negative};
use super::record::{End, Record};
use crate::{failure, input};

/// Holds money. `known` is the record of the key.
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
    let mut change = ChangeBuilder::starting_from(balance)?;
    change.add(negative(*amount)?, *amount)?;
    change.add_entry(key, EntryKind::Hold, Money::ZERO, *amount, details);
    change.set_record(
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
    Ok(change.finish(()))
}

/// A hold that has not ended.
pub(super) struct OpenHold {
    pub(super) user: UserId,
    /// The amount that the call asked for.
    pub(super) amount: Money,
    /// The amount that is held now.
    pub(super) held: Money,
    pub(super) pod: Option<PodId>,
    pub(super) pod_name: Option<String>,
}

impl OpenHold {
    pub(super) fn from_record(record: &Record) -> Option<Self> {
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

    /// Releases the hold: the remaining amount is available again.
    fn release(self, key: &str, balance: Option<Balance>) -> Decision<()> {
        let details = Details {
            pod: self.pod.clone(),
            pod_name: self.pod_name.clone(),
            ..Details::default()
        };
        let mut change = ChangeBuilder::starting_from(balance)?;
        change.give_back(self.held, self.held);
        change.add_entry(key, EntryKind::Release, Money::ZERO, -self.held, &details);
        change.set_record(
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
        Ok(change.finish(()))
    }
}

/// Ends a hold. `known` is the record of the key.
pub(crate) fn release(key: &str, known: Option<&Record>, balance: Option<Balance>) -> Decision<()> {
    input::key(key)?;
    if let Some(open) = known.and_then(OpenHold::from_record) {
        return open.release(key, balance);
    }
    match known {
        Some(Record::Held {
            end: Some(End::Settled(_)),
            ..
        }) => Err(failure::ended(key, "settled")),
        Some(Record::Posted { .. } | Record::Drawn { .. } | Record::Folded { .. }) => {
            Err(failure::key_in_use(key))
        }
        // Already released, or nothing was held: no account changes, the store only closes the key.
        Some(Record::Held { .. } | Record::Closed) | None => Ok(((), None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hold_that_an_earlier_version_settled_is_over() {
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
