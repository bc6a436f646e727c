//! What will happen when, if nothing else happens before.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::mishap::Mishap;
use crate::id::PodId;

/// A place in the agenda: its time, and a number that grows with each entry.
pub(super) type Turn = (Timestamp, u64);

/// What happens at a turn.
pub(super) enum SimEvent {
    /// A pod takes its next step.
    Step(PodId),
    /// A mishap hits the container with this id.
    Inject(PodId, String, Mishap),
    /// The container with this id prints a line.
    Chatter(PodId, String),
    /// The watches connect again.
    MendWatch,
}

/// The agenda of a cluster: events of one moment come in the order in which they were entered.
#[derive(Default)]
pub(super) struct Agenda {
    events: BTreeMap<Turn, SimEvent>,
    entered: u64,
}

impl Agenda {
    pub(super) fn enter(&mut self, due: Timestamp, event: SimEvent) -> Turn {
        self.entered += 1;
        let turn = (due, self.entered);
        self.events.insert(turn, event);
        turn
    }

    pub(super) fn cancel(&mut self, turn: &Turn) {
        self.events.remove(turn);
    }

    /// When the next event is due.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.events.keys().next().map(|(due, _)| *due)
    }

    /// Removes the next event that is due by `now`, and returns it with its time.
    pub(super) fn pop_due(&mut self, now: Timestamp) -> Option<(Timestamp, SimEvent)> {
        let next = self.events.first_entry()?;
        let due = next.key().0;
        (due <= now).then(|| (due, next.remove()))
    }
}
