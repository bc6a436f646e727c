//! Waiting for a lock that another process holds.

use std::time::Duration;

use backon::ExponentialBuilder;

/// How long an operation waits for a lock of another process, or for a connection.
pub(super) const LOCK_TIMEOUT: Duration = Duration::from_secs(5);

/// The delays between attempts to get a lock. The caller ends them at [`LOCK_TIMEOUT`].
pub(super) fn lock_retries() -> ExponentialBuilder {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(1))
        .with_max_delay(Duration::from_millis(20))
        .without_max_times()
        .with_jitter()
}
