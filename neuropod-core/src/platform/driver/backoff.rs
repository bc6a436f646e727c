//! The waits between attempts that follow each other.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

/// Waits that double from `first` to `longest` and never end, each a little longer by chance, so that what failed at the
/// same time is not retried at the same time.
#[derive(Debug)]
pub(super) struct Backoff {
    waits: ExponentialBackoff,
    longest: Duration,
}

impl Backoff {
    pub(super) fn new(first: Duration, longest: Duration) -> Self {
        let builder = ExponentialBuilder::new()
            .with_min_delay(first)
            .with_max_delay(longest);
        Self {
            waits: builder.with_factor(2.0).with_jitter().without_max_times().build(),
            longest,
        }
    }

    /// The wait before the next attempt.
    pub(super) fn next_wait(&mut self) -> Duration {
        self.waits.next().unwrap_or(self.longest)
    }
}
