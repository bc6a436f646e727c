//! The lock around the state, and waiting for the state to change.

use std::future::pending;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;
use tokio::time::sleep;

use super::advance::advance;
use super::state::ClusterState;
use crate::clock::{Clock, TokioClock};

pub(super) struct Shared {
    pub(super) clock: TokioClock,
    state: Mutex<ClusterState>,
    /// Wakes waiting tasks in the order in which they began to wait, so that a simulation is repeatable. A
    /// `watch` channel does not.
    changed: Arc<Notify>,
}

impl Shared {
    pub(super) fn new(world: ClusterState) -> Self {
        Self {
            clock: TokioClock::starting_at(world.now),
            state: Mutex::new(world),
            changed: Arc::default(),
        }
    }

    /// Reads the current state, after processing all due events. Wakes no waiting tasks.
    pub(super) fn read<R>(&self, read: impl FnOnce(&mut ClusterState) -> R) -> R {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        advance(&mut state, self.clock.now());
        read(&mut state)
    }

    /// Changes the current state, and wakes all waiting tasks.
    pub(super) fn change<R>(&self, change: impl FnOnce(&mut ClusterState) -> R) -> R {
        let result = self.read(change);
        self.changed.notify_waiters();
        result
    }

    /// A handle for a stream, which outlives the calls of the cluster.
    pub(super) fn waiting(self: &Arc<Self>) -> Waiting {
        Waiting {
            shared: Arc::downgrade(self),
            clock: self.clock,
            changed: Arc::clone(&self.changed),
            change: Box::pin(Arc::clone(&self.changed).notified_owned()),
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.changed.notify_waiters();
    }
}

/// Waits for the state to change, without keeping the cluster alive.
pub(super) struct Waiting {
    shared: Weak<Shared>,
    clock: TokioClock,
    changed: Arc<Notify>,
    /// The next change since the last read.
    change: Pin<Box<OwnedNotified>>,
}

impl Waiting {
    /// Reads the state; `None`: the cluster was dropped.
    pub(super) fn read<R>(&mut self, read: impl FnOnce(&mut ClusterState) -> R) -> Option<R> {
        let shared = self.shared.upgrade()?;
        self.change = Box::pin(Arc::clone(&self.changed).notified_owned());
        Some(shared.read(read))
    }

    /// Waits until an event is due, or until the state is changed or the cluster dropped.
    pub(super) async fn until(&mut self, due: Option<Timestamp>) {
        let now = self.clock.now();
        let wait = due.map(|due| Duration::try_from(due.duration_since(now)).unwrap_or_default());
        let arrive = async {
            match wait {
                Some(wait) => sleep(wait).await,
                None => pending().await,
            }
        };
        tokio::select! {
            () = arrive => {}
            () = &mut self.change => {}
        }
    }
}
