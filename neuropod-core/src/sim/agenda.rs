//! The coming events and their times.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::mishap::Mishap;
use crate::id::PodId;

/// The position of an event: its time, and a number that grows with each event.
pub(super) type Turn = (Timestamp, u64);

/// An event of the simulation.
pub(super) enum SimEvent {
    /// A pod takes its next step.
    Step(PodId),
    /// A mishap hits the container with this id.
    Inject(PodId, String, Mishap),
    /// The container with this id prints a line.
    Chatter(PodId, String),
    /// The watches reconnect.
    MendWatch,
}

/// The agenda of a cluster: events of the same moment come in the order in which they were added.
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
