//! Which logs are open: which of those that wait gets a place, and which gives one back. Plain data without waiting,
//! which is the business of `log_queue`.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

/// After so many logs were opened since the cluster refused one, one more may be open at a time.
const RAISED_AFTER: usize = 4;

/// How many logs may be open at a time.
#[derive(Debug, Clone, Copy)]
pub(super) struct LogLimits {
    /// On one node. The logs of pods without a known node count as those of one more node.
    pub(super) node: usize,
    /// In all.
    pub(super) total: usize,
}

/// How urgently a log is read: who is waited for comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// The pod serves, and its link can't be opened before the log was read.
    Awaited,
    /// The link can't be opened yet, because the pod is starting.
    Starting,
    /// The link can be opened; the log only confirms what is known.
    Confirming,
}

/// A log that is to be read.
pub(super) type Ticket = u64;

/// A decision that the reader of a log has to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// The log has a place from now on.
    Granted(Ticket),
    /// The log is asked to give its place back.
    Recalled(Ticket),
}

/// The order of those that wait: by rank, then those with fewer turns so far, then those that came first.
type WaitingOrder = (Rank, u32, u64);
/// The order in which places are taken back: the least urgent first, then those that have been silent longest.
type RestingOrder = (Reverse<Rank>, u64);

/// The state of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It pauses before its next turn. Next: `Waiting`.
    Away,
    /// It waits for a place. Next: `Reading`.
    Waiting(WaitingOrder),
    /// It has a place, and reads what has been written. Next: `Resting`, or `Away`.
    Reading,
    /// It has a place and has been silent: it keeps the place as long as nobody waits. Next: `Recalled`, or `Away`.
    Resting(RestingOrder),
    /// It has a place that it is giving back. Next: `Away`.
    Recalled,
}

#[derive(Debug)]
struct Log {
    node: Option<String>,
    rank: Rank,
    /// How often it has had a place.
    turns: u32,
    state: State,
}

/// The logs of one node.
#[derive(Debug, Default)]
struct Node {
    /// Their number, with or without a place.
    logs: usize,
    open: usize,
    recalled: usize,
    waiting: BTreeMap<WaitingOrder, Ticket>,
    resting: BTreeMap<RestingOrder, Ticket>,
}

/// The places of open logs.
#[derive(Debug)]
pub(super) struct LogPlaces {
    limits: LogLimits,
    /// The places that the cluster has: fewer than `limits.total` after it refused to open a log.
    total: usize,
    opened: usize,
    open: usize,
    recalled: usize,
    logs: HashMap<Ticket, Log>,
    nodes: BTreeMap<Option<String>, Node>,
    /// Counts everything that has an order.
    last: u64,
}

impl LogPlaces {
    pub(super) fn new(limits: LogLimits) -> Self {
        Self {
            limits,
            total: limits.total,
            opened: 0,
            open: 0,
            recalled: 0,
            logs: HashMap::new(),
            nodes: BTreeMap::new(),
            last: 0,
        }
    }

    /// Adds a log, which does not wait for a place yet.
    pub(super) fn add(&mut self, node: Option<String>) -> Ticket {
        let ticket = self.next_number();
        self.nodes.entry(node.clone()).or_default().logs += 1;
        let log = Log {
            node,
            rank: Rank::Confirming,
            turns: 0,
            state: State::Away,
        };
        self.logs.insert(ticket, log);
        ticket
    }

    /// Forgets a log, and its place if it has one.
    pub(super) fn remove(&mut self, ticket: Ticket) {
        self.set_state(ticket, State::Away);
        let Some(log) = self.logs.remove(&ticket) else {
            return;
        };
        if let Some(node) = self.nodes.get_mut(&log.node) {
            node.logs -= 1;
            if node.logs == 0 {
                self.nodes.remove(&log.node);
            }
        }
    }

    /// The log waits for a place from now on.
    pub(super) fn wait(&mut self, ticket: Ticket, rank: Rank) {
        let number = self.next_number();
        if let Some(log) = self.logs.get_mut(&ticket) {
            log.rank = rank;
            let order = (rank, log.turns, number);
            self.set_state(ticket, State::Waiting(order));
        }
    }

    /// The log has been silent: from now on it may be asked to give its place back.
    pub(super) fn rest(&mut self, ticket: Ticket) {
        let number = self.next_number();
        if let Some(log) = self.logs.get(&ticket)
            && log.state == State::Reading
        {
            let order = (Reverse(log.rank), number);
            self.set_state(ticket, State::Resting(order));
        }
    }

    /// The log gives its place back.
    pub(super) fn give_back(&mut self, ticket: Ticket) {
        self.set_state(ticket, State::Away);
    }

    /// The cluster has opened a log.
    pub(super) fn note_opened(&mut self) {
        self.opened += 1;
        if self.opened >= RAISED_AFTER && self.total < self.limits.total {
            self.total += 1;
            self.opened = 0;
        }
    }

    /// The cluster did not open this log because others are open, by whomever. A quarter of the places in use is left to
    /// the others, such as people who follow a log, until more are opened again.
    pub(super) fn note_refused(&mut self, ticket: Ticket) {
        self.set_state(ticket, State::Away);
        self.total = self.total.min(self.open - self.open / 4).max(1);
        self.opened = 0;
    }

    /// Whether this log has a place.
    pub(super) fn has_place(&self, ticket: Ticket) -> bool {
        self.state(ticket).is_some_and(is_open)
    }

    /// Whether this log is to give its place back.
    pub(super) fn is_recalled(&self, ticket: Ticket) -> bool {
        self.state(ticket) == Some(State::Recalled)
    }

    /// The number of logs without a place.
    pub(super) fn surplus(&self) -> usize {
        self.logs.len() - self.open
    }

    /// The next decision; the caller repeats the call until there is none.
    pub(super) fn next_change(&mut self) -> Option<Change> {
        if let Some(ticket) = self.next_to_grant() {
            self.set_state(ticket, State::Reading);
            return Some(Change::Granted(ticket));
        }
        let ticket = self.next_to_recall()?;
        self.set_state(ticket, State::Recalled);
        Some(Change::Recalled(ticket))
    }

    /// The first that waits, on a node that has a place.
    fn next_to_grant(&self) -> Option<Ticket> {
        if self.open >= self.total {
            return None;
        }
        let nodes = self.nodes.values().filter(|node| node.open < self.limits.node);
        let first = nodes.filter_map(|node| node.waiting.first_key_value()).min();
        first.map(|(_, ticket)| *ticket)
    }

    /// A silent log whose place is needed by one that waits. On a full node it has to be one of that node.
    fn next_to_recall(&self) -> Option<Ticket> {
        let needs_own = |node: &&Node| node.open >= self.limits.node && node.waiting.len() > node.recalled;
        let mut full = self.nodes.values().filter(needs_own);
        if let Some(ticket) = full.find_map(|node| node.resting.values().next()) {
            return Some(*ticket);
        }
        let left = |node: &Node| (self.limits.node + node.recalled).saturating_sub(node.open);
        let needed = |node: &Node| node.waiting.len().min(left(node));
        let needed: usize = self.nodes.values().map(needed).sum();
        if self.open < self.total || needed <= self.recalled {
            return None;
        }
        let resting = self
            .nodes
            .values()
            .filter_map(|node| node.resting.first_key_value());
        resting.min().map(|(_, ticket)| *ticket)
    }

    fn state(&self, ticket: Ticket) -> Option<State> {
        self.logs.get(&ticket).map(|log| log.state)
    }

    /// Changes the state of a log, and everything that is counted by it.
    fn set_state(&mut self, ticket: Ticket, state: State) {
        let Some(log) = self.logs.get_mut(&ticket) else {
            return;
        };
        let before = std::mem::replace(&mut log.state, state);
        let Some(node) = self.nodes.get_mut(&log.node) else {
            return;
        };
        match before {
            State::Waiting(order) => {
                node.waiting.remove(&order);
            }
            State::Resting(order) => {
                node.resting.remove(&order);
            }
            State::Recalled => {
                node.recalled -= 1;
                self.recalled -= 1;
            }
            State::Away | State::Reading => {}
        }
        match state {
            State::Waiting(order) => {
                node.waiting.insert(order, ticket);
            }
            State::Resting(order) => {
                node.resting.insert(order, ticket);
            }
            State::Recalled => {
                node.recalled += 1;
                self.recalled += 1;
            }
            State::Away | State::Reading => {}
        }
        match (is_open(before), is_open(state)) {
            (false, true) => {
                log.turns += 1;
                node.open += 1;
                self.open += 1;
            }
            (true, false) => {
                node.open -= 1;
                self.open -= 1;
            }
            _ => {}
        }
    }

    fn next_number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }
}

fn is_open(state: State) -> bool {
    matches!(state, State::Reading | State::Resting(_) | State::Recalled)
}

#[cfg(test)]
mod tests;
