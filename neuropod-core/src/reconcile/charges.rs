//! The charges that the meter of a pod requires.

use super::action::Action;
use crate::money::amount::Money;
use crate::money::billing::Draw;
use crate::money::meter::{Charged, HoldState, PendingCharge};
use crate::pod::record::Pod;

/// The next action for the money of a pod.
pub(crate) fn next_charge(pod: &Pod) -> Option<Action> {
    let meter = &pod.meter;
    if let Some(pending) = &meter.pending {
        return Some(Action::Draw(draw(pod, pending)));
    }
    match meter.hold_state {
        HoldState::Opening => Some(Action::Hold(meter.to_hold(&charged(pod)))),
        HoldState::Closing => Some(Action::Release {
            key: meter.key(&pod.id),
        }),
        HoldState::None | HoldState::Open => None,
    }
}

/// The charge of a period. Only running time is capped, since a volume can't be stopped.
pub(super) fn draw(pod: &Pod, pending: &PendingCharge) -> Draw {
    let draw = pod.meter.to_draw(pending, &charged(pod));
    if !pending.from_hold {
        return draw;
    }
    let spent = pod
        .spent
        .map_or(Money::ZERO, |spent| spent.at(pending.period.from));
    Draw {
        at_most: pod.options.daily_cap.map(|cap| (cap - spent).max(Money::ZERO)),
        daily_cap: pod.owner_cap,
        ..draw
    }
}

fn charged(pod: &Pod) -> Charged<'_> {
    Charged {
        pod: &pod.id,
        pod_name: &pod.name,
        owner: &pod.owner,
    }
}
