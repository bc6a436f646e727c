//! A cause: the reason that people see, and what the driver makes of it.

use jiff::{SignedDuration, Timestamp};
use neuropod_core::Reason;
use neuropod_core::cluster::ReasonCode;

use super::warnings::Warning;

/// How old a warning has to be before it counts. When a pod comes to its node, the node's rights to its claim and its
/// network are often late, and another node takes its time to let go of a volume; the kubelet tries again by itself.
const GRACE: SignedDuration = SignedDuration::from_secs(30);

/// What keeps a pod from running, and whose doing it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cause {
    pub(super) reason: Reason,
    /// The node or its runtime is at fault, whoever runs the pod there.
    pub(super) node_fault: bool,
    /// Until then it may pass, and is not told.
    pub(super) passes_until: Option<Timestamp>,
}

impl Cause {
    pub(super) fn new(code: ReasonCode, detail: impl Into<String>, since: Timestamp) -> Self {
        Self {
            reason: Reason::new(code, detail, since),
            node_fault: false,
            passes_until: None,
        }
    }

    pub(super) fn blame_node(mut self, node_fault: bool) -> Self {
        self.node_fault = node_fault;
        self
    }

    pub(super) fn of_warning(code: ReasonCode, warning: &Warning) -> Self {
        Self {
            passes_until: warning.first.checked_add(GRACE).ok(),
            ..Self::new(code, warning.message.as_str(), warning.at)
        }
    }
}
