//! Adding and taking money without a hold.

use neuropod_core::Money;
use neuropod_core::money::billing::{Balance, EntryKind, Posting, PostingKind};

use super::change::{ChangeBuilder, Decision, negative};
use super::record::Record;
use crate::{failure, input};

/// Adds or takes money. `known` is the record of the key.
pub(crate) fn post(posting: &Posting, known: Option<&Record>, balance: Option<Balance>) -> Decision<()> {
    input::key(&posting.key)?;
    let Posting {
        key,
        user,
        kind,
        amount,
        details,
    } = posting;
    if *kind != PostingKind::Adjustment {
        input::amount(*amount)?;
    }
    if let Some(known) = known {
        let same = Record::Posted {
            user: user.clone(),
            posting: *kind,
            amount: *amount,
        };
        return if *known == same {
            Ok(((), None))
        } else {
            Err(failure::key_in_use(key))
        };
    }
    let (entry, added) = match kind {
        PostingKind::Deposit => (EntryKind::Deposit, *amount),
        PostingKind::Adjustment => (EntryKind::Adjustment, *amount),
        PostingKind::Refund => (EntryKind::Refund, *amount),
        PostingKind::Charge => (EntryKind::Charge, negative(*amount)?),
    };
    let mut change = ChangeBuilder::starting_from(balance)?;
    change.add(added, Money::ZERO)?;
    change.add_entry(key, entry, added, Money::ZERO, details);
    change.set_record(
        key,
        Record::Posted {
            user: user.clone(),
            posting: *kind,
            amount: *amount,
        },
    );
    Ok(change.finish(()))
}
