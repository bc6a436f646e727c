//! The lock around the world, and waiting for it to change.

use std::future::pending;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;
use tokio::time::sleep;

use super::world::World;
use crate::clock::{Clock, TokioClock};

pub(super) struct Shared {
    pub(super) clock: TokioClock,
    world: Mutex<World>,
    /// Wakes those who wait in the order in which they began to, so that a simulation repeats: a `watch` channel does
    /// not.
    changed: Arc<Notify>,
}

impl Shared {
    pub(super) fn new(world: World) -> Self {
        Self {
            clock: TokioClock::starting_at(world.now),
            world: Mutex::new(world),
            changed: Arc::default(),
        }
    }

    /// Looks at the world as it is now, after everything that is due.
    pub(super) fn look<R>(&self, look: impl FnOnce(&mut World) -> R) -> R {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        world.advance(self.clock.now());
        look(&mut world)
    }

    /// Changes the world as it is now, and wakes all who wait.
    pub(super) fn change<R>(&self, change: impl FnOnce(&mut World) -> R) -> R {
        let answer = self.look(change);
        self.changed.notify_waiters();
        answer
    }

    /// For a stream that outlives the calls of the cluster.
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

/// Waits for the world to change, without keeping it alive.
pub(super) struct Waiting {
    shared: Weak<Shared>,
    clock: TokioClock,
    changed: Arc<Notify>,
    /// The next change since the last look.
    change: Pin<Box<OwnedNotified>>,
}

impl Waiting {
    /// Looks at the world; `None`: it is gone.
    pub(super) fn look<R>(&mut self, look: impl FnOnce(&mut World) -> R) -> Option<R> {
        let shared = self.shared.upgrade()?;
        self.change = Box::pin(Arc::clone(&self.changed).notified_owned());
        Some(shared.look(look))
    }

    /// Waits until something is due, or somebody changes the world or drops it.
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
