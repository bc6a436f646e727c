//! Waiting for a place to read a log, and being asked to give it back. `log_places` decides.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use super::log_places::{Change, LogLimits, LogPlaces, Rank, Ticket};

/// The places of open logs, shared by their readers.
pub(super) struct LogQueue(Mutex<Inner>);

struct Inner {
    places: LogPlaces,
    /// Rung when a reader gets a place, and when it has to give it back.
    bells: HashMap<Ticket, Arc<Notify>>,
}

impl LogQueue {
    pub(super) fn new(limits: LogLimits) -> Self {
        Self(Mutex::new(Inner {
            places: LogPlaces::new(limits),
            bells: HashMap::new(),
        }))
    }

    /// A reader of the log of a pod on this node.
    pub(super) fn reader(&self, node: Option<String>) -> Reader<'_> {
        let bell = Arc::new(Notify::new());
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let ticket = inner.places.add(node);
        inner.bells.insert(ticket, Arc::clone(&bell));
        Reader {
            queue: self,
            ticket,
            bell,
        }
    }

    /// The number of logs without a place.
    pub(super) fn surplus(&self) -> usize {
        self.read(LogPlaces::surplus)
    }

    fn read<R>(&self, read: impl FnOnce(&LogPlaces) -> R) -> R {
        read(&self.0.lock().unwrap_or_else(PoisonError::into_inner).places)
    }

    /// Changes the places, and tells those readers to whom it makes a difference.
    fn change(&self, change: impl FnOnce(&mut LogPlaces)) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut inner.places);
        while let Some(Change::Granted(ticket) | Change::Recalled(ticket)) = inner.places.next_change() {
            if let Some(bell) = inner.bells.get(&ticket) {
                bell.notify_one();
            }
        }
    }
}

/// A log that is to be read, with or without a place. Dropped, it is forgotten.
pub(super) struct Reader<'a> {
    queue: &'a LogQueue,
    ticket: Ticket,
    bell: Arc<Notify>,
}

impl Reader<'_> {
    /// Waits for a place.
    pub(super) async fn place(&self, rank: Rank) -> Place<'_> {
        self.queue.change(|places| places.wait(self.ticket, rank));
        self.until(|places| places.has_place(self.ticket)).await;
        Place(self)
    }

    async fn until(&self, is: impl Fn(&LogPlaces) -> bool) {
        while !self.queue.read(&is) {
            self.bell.notified().await;
        }
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        self.queue.change(|places| places.remove(self.ticket));
        let mut inner = self.queue.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.bells.remove(&self.ticket);
    }
}

/// The right to have a log open. It is given back when it is dropped.
pub(super) struct Place<'a>(&'a Reader<'a>);

impl Place<'_> {
    /// The cluster has opened the log.
    pub(super) fn note_opened(&self) {
        self.0.queue.change(LogPlaces::note_opened);
    }

    /// The cluster did not open the log because too many are open.
    pub(super) fn note_refused(self) {
        self.0.queue.change(|places| places.note_refused(self.0.ticket));
    }

    /// The log is silent: from now on the place may be needed by another.
    pub(super) fn rest(&self) {
        self.0.queue.change(|places| places.rest(self.0.ticket));
    }

    /// Waits until another log needs the place.
    pub(super) async fn recalled(&self) {
        self.0.until(|places| places.is_recalled(self.0.ticket)).await;
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.queue.change(|places| places.give_back(self.0.ticket));
    }
}
