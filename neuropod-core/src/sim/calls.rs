//! The calls to the cluster, and the errors that are injected into them.

use std::time::Duration;

use jiff::Timestamp;

use crate::error::kind::{Error, ErrorKind};

/// The `Retry-After` of an overloaded API server.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The methods of a cluster backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// `apply`.
    Apply,
    /// `remove`.
    Remove,
    /// `observe`.
    Observe,
    /// `watch`, when it is opened.
    Watch,
    /// `logs`.
    Logs,
    /// `usage`.
    Usage,
    /// `inventory`.
    Inventory,
    /// `gpus`.
    Gpus,
    /// `renew` of [`Replicas`](crate::cluster::Replicas).
    Renew,
    /// `give_up` of [`Replicas`](crate::cluster::Replicas).
    GiveUp,
}

/// A call to the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedCall {
    /// When it took effect.
    pub at: Timestamp,
    /// The method.
    pub method: Method,
    /// The name of the pod that it concerned; `None` if it concerned no single pod.
    pub name: Option<String>,
}

/// Makes calls fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallError {
    /// The method that fails; `None`: any.
    pub method: Option<Method>,
    /// How many of the next calls fail.
    pub times: u32,
    /// The error they fail with; [`ErrorKind::RateLimited`] asks to wait a second.
    pub kind: ErrorKind,
    /// Whether the call takes effect all the same, and only its result is lost.
    pub after_effect: bool,
}

impl CallError {
    /// The error that a call of `method` gets.
    pub(super) fn error(&self, method: Method) -> Error {
        let text = format!("the cluster was told to fail {method:?}");
        let error = Error::new(self.kind.clone(), text);
        if self.kind == ErrorKind::RateLimited {
            error.with_retry_after(RETRY_AFTER)
        } else {
            error
        }
    }
}

/// Every call so far, and the errors still to be injected.
#[derive(Default)]
pub(super) struct Calls {
    pub(super) recorded: Vec<RecordedCall>,
    errors: Vec<CallError>,
}

impl Calls {
    pub(super) fn record(&mut self, at: Timestamp, method: Method, name: Option<String>) {
        self.recorded.push(RecordedCall { at, method, name });
    }

    pub(super) fn inject_error(&mut self, error: CallError) {
        self.errors.push(error);
    }

    pub(super) fn clear_errors(&mut self) {
        self.errors.clear();
    }

    /// The error injected into this call; reduces the remaining count.
    pub(super) fn next_error(&mut self, method: Method) -> Option<CallError> {
        self.errors.retain(|error| error.times > 0);
        let concerns = |error: &&mut CallError| error.method.is_none_or(|failing| failing == method);
        let error = self.errors.iter_mut().find(concerns)?;
        error.times -= 1;
        Some(error.clone())
    }
}
