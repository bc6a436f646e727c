//! Time limits.

use jiff::{SignedDuration, Timestamp};

/// How long a pod may fail without running stably in between before the platform stops it, in seconds:
/// meanwhile it occupies a GPU that nobody pays for.
pub const GIVE_UP_SECONDS: i64 = 30 * 60;
/// How long a container must run before earlier failures are forgotten, in seconds.
pub const STABLE_SECONDS: i64 = 10 * 60;
/// How long a running container may leave its Jupyter port closed before this is reported to the owner, in
/// seconds.
pub const ANSWER_SECONDS: i64 = 60;
/// How long a pod object may stay beyond its grace period before this is reported to the owner, in seconds.
pub const STOP_SECONDS: i64 = 3 * 60;
/// The default of [`Deadlines::start`], in seconds.
pub const START_SECONDS: i64 = 60 * 60;

/// How long the platform waits for a cluster that makes no progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Deadlines {
    /// How long a pod on its node may stay at one step of its start, whatever the reason, before the platform
    /// stops it and frees its GPU; also how long a start waits for leftover objects to be deleted. Large images
    /// take long to pull.
    pub start: SignedDuration,
    /// How long a pod must have been ready before it is reported as ready, because its routes may not know it yet
    /// ([`route_delay`](crate::ClusterBackend::route_delay)).
    pub routes: SignedDuration,
}

impl Default for Deadlines {
    /// An hour.
    fn default() -> Self {
        Self {
            start: SignedDuration::from_secs(START_SECONDS),
            routes: SignedDuration::ZERO,
        }
    }
}

impl Deadlines {
    /// Sets the time for each step of a start and for each leftover.
    #[must_use]
    pub fn with_start(self, start: SignedDuration) -> Self {
        Self { start, ..self }
    }

    /// Sets the time that routes need to learn of a pod that has become ready.
    #[must_use]
    pub fn with_routes(self, routes: SignedDuration) -> Self {
        Self { routes, ..self }
    }
}

/// The time `seconds` after `time`.
pub(super) fn after(time: Timestamp, seconds: i64) -> Timestamp {
    time.saturating_add(SignedDuration::from_secs(seconds))
        .unwrap_or(Timestamp::MAX)
}
