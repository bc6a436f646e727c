//! Charging usage.

use neuropod_core::money::billing::{Draw, Drawn, EntryKind};
use neuropod_core::{Money, Result};

use super::change::{ChangeBuilder, Decision, negative};
use super::hold::OpenHold;
use super::known::Known;
use super::record::Record;
use crate::{failure, input};

/// Charges usage: from the hold, then from the available amount, and writes off what neither can pay.
pub(crate) fn draw(draw: &Draw, known: Known<'_>) -> Decision<Drawn> {
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
    match known.key {
        None if is_folded(draw, known.folded) => return Err(failure::folded(key)),
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
    let mut change = ChangeBuilder::starting_from(known.balance)?;
    let open_hold = open_hold(draw, known.hold)?;
    let held = open_hold.as_ref().map_or(Money::ZERO, |open| open.held);
    let begins = details.period.map(|period| period.from);
    let spent = change.spent_at(begins);
    let cap_left = daily_cap.map(|cap| (cap - spent).max(Money::ZERO));
    let chargeable = [*at_most, cap_left]
        .into_iter()
        .flatten()
        .fold(*amount, Money::min);
    let from_hold = held.min(chargeable);
    let from_account = change.payable(chargeable - from_hold);
    let charged = from_hold + from_account;
    let written_off = *amount - charged;
    change.spend(begins, charged);
    // The ledger shows the whole usage as charged, and the amount written off as given back.
    change.add(negative(from_account)?, negative(from_hold)?)?;
    change.add_entry(
        key,
        EntryKind::Usage,
        negative(*amount)?,
        negative(from_hold)?,
        details,
    );
    if written_off > Money::ZERO {
        change.add_entry(key, EntryKind::WriteOff, written_off, Money::ZERO, details);
    }
    let mut remaining = held - from_hold;
    if let (Some(hold), Some(open_hold)) = (hold, open_hold) {
        let missing = change.payable((*top_up - remaining).max(Money::ZERO));
        if missing > Money::ZERO {
            change.add(negative(missing)?, missing)?;
            change.add_entry(hold, EntryKind::Hold, Money::ZERO, missing, details);
            remaining += missing;
        }
        change.set_record(
            hold,
            Record::Held {
                user: user.clone(),
                amount: open_hold.amount,
                held: remaining,
                pod: open_hold.pod,
                pod_name: open_hold.pod_name,
                end: None,
            },
        );
    }
    let drawn = Drawn {
        charged,
        written_off,
        held: remaining,
        spent: change.spent_at(begins),
    };
    let record = Record::Drawn {
        user: user.clone(),
        hold: hold.clone(),
        amount: *amount,
        top_up: *top_up,
        drawn,
    };
    change.set_record(key, record);
    Ok(change.finish(drawn))
}

/// Whether a draw repeats a charge that was folded, so that its key is forgotten: the periods of a pod only go forward, and
/// this one is over before the end of the last that was folded.
///
/// Only a process that has slept for days asks for this. It fails, and reads the record of the pod again: a record that is
/// current has a later period, or the newest charge, whose key is kept.
fn is_folded(draw: &Draw, folded: Option<&Record>) -> bool {
    match (folded, draw.details.period) {
        (Some(Record::Folded { user, until }), Some(period)) => *user == draw.user && period.until <= *until,
        _ => false,
    }
}

/// The hold that pays first, if the draw names one.
fn open_hold(draw: &Draw, hold_record: Option<&Record>) -> Result<Option<OpenHold>> {
    match (&draw.hold, hold_record) {
        (None, _) => Ok(None),
        (Some(hold), Some(Record::Held { end: Some(_), .. } | Record::Closed)) => {
            Err(failure::ended(hold, "settled or released"))
        }
        (Some(_), record) => match record.and_then(OpenHold::from_record) {
            Some(open) if open.user == draw.user => Ok(Some(open)),
            _ => Err(failure::gone("hold")),
        },
    }
}
