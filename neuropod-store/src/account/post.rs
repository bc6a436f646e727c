//! Adding and taking money without a reservation.

use neuropod_core::Money;
use neuropod_core::money::billing::{Balance, EntryKind, Posting, PostingKind};

use super::{Account, Decision, Record, negative};
use crate::{failure, input};

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
    let (entry, change) = match kind {
        PostingKind::Deposit => (EntryKind::Deposit, *amount),
        PostingKind::Adjustment => (EntryKind::Adjustment, *amount),
        PostingKind::Refund => (EntryKind::Refund, *amount),
        PostingKind::Charge => (EntryKind::Charge, negative(*amount)?),
    };
    let mut account = Account::of(balance)?;
    account.add(change, Money::ZERO)?;
    account.write(key, entry, change, Money::ZERO, details);
    account.know(
        key,
        Record::Posted {
            user: user.clone(),
            posting: *kind,
            amount: *amount,
        },
    );
    Ok(account.decide(()))
}
