//! Signals from calls to the driver of the same process: the pods to reconcile now.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

use crate::id::PodId;

/// Pods that were changed by a call, or whose log said something, since the driver last drained them.
#[derive(Default)]
pub(crate) struct Wakeups {
    pods: Mutex<BTreeSet<PodId>>,
    notify: Notify,
}

impl Wakeups {
    /// Wakes the driver for this pod. Never waits.
    pub(crate) fn wake(&self, id: &PodId) {
        self.pods
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id.clone());
        self.notify.notify_one();
    }

    /// Waits until there is at least one pod, and removes and returns them all.
    pub(crate) async fn drain(&self) -> BTreeSet<PodId> {
        loop {
            let drained = std::mem::take(&mut *self.pods.lock().unwrap_or_else(PoisonError::into_inner));
            if !drained.is_empty() {
                return drained;
            }
            self.notify.notified().await;
        }
    }
}
