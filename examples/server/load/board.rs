//! The changes in progress, and when each client received them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;
use hdrhistogram::Histogram;

/// A change that clients should receive.
#[derive(Clone, Copy)]
pub(crate) struct Change {
    /// Its number among all changes.
    pub(crate) number: u64,
    /// The status that shows it.
    pub(crate) status: &'static str,
    /// When it was requested.
    pub(crate) at: Instant,
}

/// Every pod's last change.
#[derive(Default)]
pub(crate) struct Board {
    changes: Mutex<HashMap<String, Change>>,
    latencies: Mutex<Vec<u64>>,
    count: AtomicU64,
    received: AtomicU64,
}

impl Board {
    /// Announces a change of a pod.
    pub(crate) fn announce(&self, pod: &str, status: &'static str) {
        let change = Change {
            number: self.count.fetch_add(1, Ordering::Relaxed) + 1,
            status,
            at: Instant::now(),
        };
        let mut changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        changes.insert(pod.to_owned(), change);
    }

    /// The number of changes.
    pub(crate) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// Records an update of a pod. Returns the change if it is the one shown by the update.
    pub(crate) fn heard(&self, pod: &str, status: &str) -> Option<Change> {
        self.received.fetch_add(1, Ordering::Relaxed);
        let changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        changes.get(pod).filter(|change| change.status == status).copied()
    }

    /// Records that a client received a change for the first time.
    pub(crate) fn measured(&self, latency: Duration) {
        let mut latencies = self.latencies.lock().unwrap_or_else(PoisonError::into_inner);
        latencies.push(micros(latency));
    }

    pub(crate) fn latencies(&self) -> Result<Histogram<u64>> {
        let mut histogram = crate::histogram::empty()?;
        for latency in self
            .latencies
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
        {
            histogram.saturating_record(*latency);
        }
        Ok(histogram)
    }

    /// The number of updates that all clients received.
    pub(crate) fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }
}

pub(crate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
