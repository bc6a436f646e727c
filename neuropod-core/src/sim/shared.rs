//! The lock around the world, and waiting for it to change.

use std::future::pending;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::sleep;

use super::world::World;
use crate::clock::{Clock, TokioClock};

pub(super) struct Shared {
    pub(super) clock: TokioClock,
    world: Mutex<World>,
    changed: watch::Sender<()>,
}

impl Shared {
    pub(super) fn new(world: World) -> Self {
        Self {
            clock: TokioClock::starting_at(world.now),
            world: Mutex::new(world),
            changed: watch::Sender::new(()),
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
        self.changed.send_replace(());
        answer
    }

    /// For a stream that outlives the calls of the cluster.
    pub(super) fn waiting(self: &Arc<Self>) -> Waiting {
        Waiting {
            shared: Arc::downgrade(self),
            clock: self.clock,
            changed: self.changed.subscribe(),
        }
    }
}

/// Waits for the world to change, without keeping it alive.
pub(super) struct Waiting {
    shared: Weak<Shared>,
    clock: TokioClock,
    changed: watch::Receiver<()>,
}

impl Waiting {
    /// Looks at the world; `None`: it is gone.
    pub(super) fn look<R>(&mut self, look: impl FnOnce(&mut World) -> R) -> Option<R> {
        let shared = self.shared.upgrade()?;
        self.changed.mark_unchanged();
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
            // An error says that the world is gone, which the next look finds.
            _ = self.changed.changed() => {}
        }
    }
}
