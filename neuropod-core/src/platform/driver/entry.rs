//! What the driver keeps of one pod.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use tokio::task::AbortHandle;
use tokio::time::Instant;
use tokio_util::time::delay_queue;

use super::super::round::{Again, Follow};
use super::super::view::View;
use crate::id::PodId;

/// The first and the longest wait before a look is repeated.
const RETRY: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));
/// How long to wait when trying again does not help until somebody repairs something.
const REPAIR: Duration = Duration::from_secs(30);

#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct Entry {
    pub(super) view: View,
    /// When the cluster was last asked for the container that is in the view.
    pub(super) confirmed_at: Instant,
    /// A look has ended since everything was last asked for.
    pub(super) looked: bool,
    /// The version of the record that was seen last.
    pub(super) version: u64,
    /// It is in the queue.
    pub(super) queued: bool,
    /// A worker looks at it.
    pub(super) busy: bool,
    /// Something happened while it did.
    pub(super) touched_again: bool,
    pub(super) timer: Option<delay_queue::Key>,
    /// The waits that follow each other, while looks have to be repeated.
    backoff: Option<ExponentialBackoff>,
    follower: Option<Follower>,
}

struct Follower {
    follow: Follow,
    task: AbortHandle,
}

impl Entry {
    /// Of a pod that was just heard of; the news is of any time after `asked_at`.
    pub(super) fn new(asked_at: Instant) -> Self {
        Self {
            view: View::default(),
            confirmed_at: asked_at,
            looked: false,
            version: 0,
            queued: false,
            busy: false,
            touched_again: false,
            timer: None,
            backoff: None,
            follower: None,
        }
    }

    /// How long to wait before the next look, where this one has to be repeated.
    pub(super) fn retry_after(&mut self, id: &PodId, again: Option<Again>) -> Option<Duration> {
        let Some(again) = again else {
            self.backoff = None;
            return None;
        };
        let is_first = self.backoff.is_none();
        let backoff = self.backoff.get_or_insert_with(|| {
            let (first, longest) = RETRY;
            let builder = ExponentialBuilder::new()
                .with_min_delay(first)
                .with_max_delay(longest);
            builder.with_factor(2.0).with_jitter().without_max_times().build()
        });
        let wait = backoff.next().unwrap_or(RETRY.1);
        Some(match again {
            Again::Waiting => wait,
            Again::Failed(error) => {
                let retryable = error.is_retryable();
                // Once for all attempts that fail: an outage does not fill the log.
                if is_first {
                    tracing::warn!(pod = %id, %error, retryable, "a reconcile pass failed; it is retried");
                } else {
                    tracing::debug!(pod = %id, %error, retryable, "a reconcile pass failed again; it is retried");
                }
                let least = if error.is_retryable() {
                    Duration::ZERO
                } else {
                    REPAIR
                };
                wait.max(least).max(error.retry_after().unwrap_or_default())
            }
        })
    }

    /// Whether this log is being read, or has been to its end.
    pub(super) fn follows(&self, follow: &Follow) -> bool {
        self.follower
            .as_ref()
            .is_some_and(|follower| follower.follow == *follow)
    }

    /// Notes who reads the log. The reader of another container run's is stopped.
    pub(super) fn followed_by(&mut self, follow: Follow, task: AbortHandle) {
        self.follower = Some(Follower { follow, task });
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.task.abort();
    }
}
