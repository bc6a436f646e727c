//! Causes: the reasons shown to people, with details for the driver.

use jiff::{SignedDuration, Timestamp};
use neuropod_core::Reason;
use neuropod_core::cluster::ReasonCode;

use super::warnings::Warning;

/// The minimum age of a warning. When a pod arrives on its node, its claim and its network are often not ready
/// yet, and another node may still have its volume. The kubelet retries by itself.
const GRACE: SignedDuration = SignedDuration::from_secs(30);

/// The cause that keeps a pod from running, and who is at fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cause {
    pub(super) reason: Reason,
    /// Whether the node or its runtime is at fault: any pod would fail there.
    pub(super) node_fault: bool,
    /// It may pass until then, and is not reported before.
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
