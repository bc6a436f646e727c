//! The clock, injected so that tests move it.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// Returns the time of day. Nothing in the library reads the clock in another way, so a test controls all of it.
pub trait Clock: Send + Sync + 'static {
    /// The current time.
    fn now(&self) -> Timestamp;
}

/// The clock of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// A clock that starts at a given moment and moves with tokio's time, so that a test with paused time
/// (`#[tokio::test(start_paused = true)]`) moves the time of day and every timer together.
#[derive(Debug, Clone, Copy)]
pub struct TokioClock {
    epoch: Timestamp,
    started: Instant,
}

impl TokioClock {
    /// A clock that shows `epoch` now.
    pub fn starting_at(epoch: Timestamp) -> Self {
        Self {
            epoch,
            started: Instant::now(),
        }
    }
}

impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        let elapsed =
            jiff::SignedDuration::try_from(self.started.elapsed()).unwrap_or(jiff::SignedDuration::MAX);
        self.epoch.saturating_add(elapsed).unwrap_or(Timestamp::MAX)
    }
}

/// If wall clock and monotonic clock drift apart by more than this between two calls, somebody set the clock.
const DRIFT_TOLERANCE: SignedDuration = SignedDuration::from_secs(30);

/// A wrapper that ignores jumps of the inner clock, so that setting the machine's clock charges no running time that
/// never passed. While the inner clock runs evenly, it returns that time; after a jump it continues by the monotonic
/// clock, until the inner clock agrees again or the process restarts.
pub(crate) struct SteadyClock {
    inner: Arc<dyn Clock>,
    /// The time returned last, and the monotonic time of that call.
    last: Mutex<(Timestamp, Instant)>,
}

impl SteadyClock {
    pub(crate) fn over(inner: Arc<dyn Clock>) -> Self {
        let last = Mutex::new((inner.now(), Instant::now()));
        Self { inner, last }
    }

    /// The current time, without jumps.
    pub(crate) fn now(&self) -> Timestamp {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let instant = Instant::now();
        let elapsed = SignedDuration::try_from(instant - last.1).unwrap_or(SignedDuration::MAX);
        let expected = last.0.saturating_add(elapsed).unwrap_or(Timestamp::MAX);
        let shown = self.inner.now();
        let now = if shown.duration_since(expected).abs() <= DRIFT_TOLERANCE {
            shown
        } else {
            expected
        };
        *last = (now, instant);
        now
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    struct Set(Mutex<SignedDuration>, TokioClock);

    impl Clock for Set {
        fn now(&self) -> Timestamp {
            self.1.now() + *self.0.lock().unwrap()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_steady_clock_follows_drift_and_ignores_jumps() {
        let epoch = Timestamp::from_second(1_800_000_000).unwrap();
        let inner = Arc::new(Set(Mutex::default(), TokioClock::starting_at(epoch)));
        let clock = SteadyClock::over(inner.clone());
        let shows = |seconds: i64| assert_eq!(clock.now().as_second() - epoch.as_second(), seconds);
        tokio::time::advance(Duration::from_secs(10)).await;
        shows(10);
        *inner.0.lock().unwrap() = SignedDuration::from_secs(5);
        shows(15);
        for jump in [SignedDuration::from_hours(24), SignedDuration::from_hours(-24)] {
            *inner.0.lock().unwrap() = jump;
            shows(15);
        }
        tokio::time::advance(Duration::from_secs(10)).await;
        shows(25);
        *inner.0.lock().unwrap() = SignedDuration::ZERO;
        shows(20);
    }
}
