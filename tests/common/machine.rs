//! The clock of a machine, which can be set.

use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use neuropod::clock::Clock;
use neuropod::clock::TokioClock;

use super::World;

/// A clock that follows that of the cluster, ahead by this much.
#[derive(Clone)]
pub(crate) struct MachineClock(TokioClock, Arc<Mutex<SignedDuration>>);

impl MachineClock {
    pub(crate) fn new<S>(world: &World<S>) -> Self {
        Self(world.cluster.clock(), Arc::default())
    }

    pub(crate) fn ahead(&self, by: SignedDuration) {
        *self.1.lock().unwrap() = by;
    }
}

impl Clock for MachineClock {
    fn now(&self) -> Timestamp {
        self.0.now() + *self.1.lock().unwrap()
    }
}
