//! What the log says of watches that break.

use neuropod_core::Error;

/// Whether a watch is broken. Only the beginning and the end of an outage are logged above debug level.
#[derive(Debug, Default)]
pub(crate) struct Outage(bool);

impl Outage {
    /// Logs that the watch on `what` broke; only once, however many attempts fail.
    pub(crate) fn broke(&mut self, what: &'static str, error: &Error) {
        if std::mem::replace(&mut self.0, true) {
            tracing::debug!(%error, "the watch on {what} is still broken");
        } else {
            tracing::warn!(%error, "the watch on {what} broke; it resumes as soon as the API server responds");
        }
    }

    /// Logs that the watch works again.
    pub(crate) fn ended(&mut self, what: &'static str) {
        if std::mem::take(&mut self.0) {
            tracing::info!("the watch on {what} works again");
        }
    }
}
