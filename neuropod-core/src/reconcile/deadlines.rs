//! How long things may take.

use jiff::{SignedDuration, Timestamp};

/// How long a pod may fail without a stable time in between before the platform stops it, in seconds: it holds a GPU that
/// nobody pays for.
pub const GIVE_UP_SECONDS: i64 = 30 * 60;
/// How long a container must run before earlier failures are forgotten, in seconds.
pub const STABLE_SECONDS: i64 = 10 * 60;
/// How long a running container may leave its Jupyter port closed before its owner is told, in seconds.
pub const ANSWER_SECONDS: i64 = 60;
/// How long a pod object may stay beyond its grace period before its owner is told, in seconds.
pub const STOP_SECONDS: i64 = 3 * 60;
/// The default of [`Deadlines::start`], in seconds.
pub const START_SECONDS: i64 = 60 * 60;

/// How long the platform waits for a cluster that reports no progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Deadlines {
    /// How long a pod may stay at one step on its node without starting, with or without a reason, before the platform stops
    /// it and frees its GPU; and how long a start waits for a leftover that is still being deleted. Big images take long.
    pub start: SignedDuration,
}

impl Default for Deadlines {
    /// An hour.
    fn default() -> Self {
        Self {
            start: SignedDuration::from_secs(START_SECONDS),
        }
    }
}

impl Deadlines {
    /// Sets the time for each step of a start and for each leftover.
    #[must_use]
    pub fn with_start(self, start: SignedDuration) -> Self {
        Self { start, ..self }
    }
}

/// The time this many seconds after another.
pub(super) fn after(time: Timestamp, seconds: i64) -> Timestamp {
    time.saturating_add(SignedDuration::from_secs(seconds))
        .unwrap_or(Timestamp::MAX)
}
