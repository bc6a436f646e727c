//! Charging what was used.

use neuropod_core::money::billing::{Balance, Draw, Drawn, EntryKind};
use neuropod_core::{Money, Result};

use super::reserve::Open;
use super::{Account, Decision, Record, negative};
use crate::{failure, input};

/// `reserved`: what is known under the key of the reservation.
pub(crate) fn draw(
    draw: &Draw,
    known: Option<&Record>,
    reserved: Option<&Record>,
    balance: Option<Balance>,
) -> Decision<Drawn> {
    input::key(&draw.key)?;
    input::amount(draw.amount)?;
    input::amount(draw.top_up)?;
    for cap in [draw.at_most, draw.daily_cap].into_iter().flatten() {
        input::amount(cap)?;
    }
    let Draw {
        key,
        user,
        hold,
        amount,
        top_up,
        at_most,
        daily_cap,
        details,
    } = draw;
    match known {
        None => {}
        Some(Record::Drawn {
            user: of,
            hold: of_hold,
            amount: of_amount,
            top_up: of_top_up,
            drawn,
        }) if (of, of_hold, of_amount, of_top_up) == (user, hold, amount, top_up) => {
            return Ok((*drawn, None));
        }
        Some(_) => return Err(failure::key_in_use(key)),
    }
    let mut account = Account::of(balance)?;
    let reservation = open_reservation(draw, reserved)?;
    let held = reservation.as_ref().map_or(Money::ZERO, |open| open.held);
    let begins = details.period.map(|period| period.from);
    let spent = account.spent_at(begins);
    let left_today = daily_cap.map(|cap| (cap - spent).max(Money::ZERO));
    let chargeable = [*at_most, left_today]
        .into_iter()
        .flatten()
        .fold(*amount, Money::min);
    let from_hold = held.min(chargeable);
    let from_account = account.payable(chargeable - from_hold);
    let charged = from_hold + from_account;
    let written_off = *amount - charged;
    account.spend(begins, charged);
    // All of it is charged, and what nobody could pay is given back, so that the ledger shows both.
    account.add(negative(from_account)?, negative(from_hold)?)?;
    account.write(
        key,
        EntryKind::Usage,
        negative(*amount)?,
        negative(from_hold)?,
        details,
    );
    if written_off > Money::ZERO {
        account.write(key, EntryKind::WriteOff, written_off, Money::ZERO, details);
    }
    let mut left = held - from_hold;
    if let (Some(hold), Some(reservation)) = (hold, reservation) {
        let missing = account.payable((*top_up - left).max(Money::ZERO));
        if missing > Money::ZERO {
            account.add(negative(missing)?, missing)?;
            account.write(hold, EntryKind::Hold, Money::ZERO, missing, details);
            left += missing;
        }
        account.know(
            hold,
            Record::Held {
                user: user.clone(),
                amount: reservation.amount,
                held: left,
                pod: reservation.pod,
                pod_name: reservation.pod_name,
                end: None,
            },
        );
    }
    let drawn = Drawn {
        charged,
        written_off,
        held: left,
        spent: account.spent_at(begins),
    };
    let record = Record::Drawn {
        user: user.clone(),
        hold: hold.clone(),
        amount: *amount,
        top_up: *top_up,
        drawn,
    };
    account.know(key, record);
    Ok(account.decide(drawn))
}

/// The reservation that pays first; `None`: none does.
fn open_reservation(draw: &Draw, reserved: Option<&Record>) -> Result<Option<Open>> {
    match (&draw.hold, reserved) {
        (None, _) => Ok(None),
        (Some(hold), Some(Record::Held { end: Some(_), .. } | Record::Closed)) => {
            Err(failure::ended(hold, "settled or released"))
        }
        (Some(_), reserved) => match reserved.and_then(Open::of) {
            Some(open) if open.user == draw.user => Ok(Some(open)),
            _ => Err(failure::gone("reservation")),
        },
    }
}
