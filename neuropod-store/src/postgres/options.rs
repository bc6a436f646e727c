//! What can be chosen when a store is opened.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use neuropod_core::clock::{Clock, SystemClock};

/// How a [`PostgresStore`](super::PostgresStore) connects, and how long it waits.
///
/// ```no_run
/// use std::time::Duration;
///
/// use neuropod_store::{PostgresOptions, PostgresStore};
///
/// # async fn example() -> neuropod_core::Result<()> {
/// let options = PostgresOptions::new("postgres://neuropod@db.example.com/neuropod?sslmode=verify-full")
///     .with_connections(20)
///     .with_timeout(Duration::from_secs(5));
/// let store = PostgresStore::open_with(options).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct PostgresOptions {
    /// May contain a password.
    pub(super) url: String,
    pub(super) connections: u32,
    pub(super) timeout: Duration,
    pub(super) clock: Arc<dyn Clock>,
}

impl PostgresOptions {
    /// The default options for the server at `url`, as [`PostgresStore::open`](super::PostgresStore::open) has them.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            connections: 10,
            timeout: Duration::from_secs(10),
            clock: Arc::new(SystemClock),
        }
    }

    /// Sets the largest number of connections, 10 by default and at least 1. A server allows 100 for all of its clients
    /// by default (`max_connections`).
    pub fn with_connections(self, connections: u32) -> Self {
        Self { connections, ..self }
    }

    /// Sets how long an operation may take, with waiting for a connection and for locks: 10 seconds by default.
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Sets the clock for the times of ledger entries.
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }
}

/// Does not show the address, as it may contain a password.
impl fmt::Debug for PostgresOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresOptions")
            .field("connections", &self.connections)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
