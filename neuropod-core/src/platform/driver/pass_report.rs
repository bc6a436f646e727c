//! What a reconcile pass reports to the controller.

use jiff::Timestamp;

use super::token_capture::Capture;
use crate::cluster::observation::Observation;
use crate::error::kind::Error;
use crate::pod::record::Pod;

/// How a pass ended.
#[derive(Debug)]
pub(super) enum PassEnd {
    /// Nothing remains to be done until the next observation, or the time to requeue.
    Done,
    /// There is no record of this pod: its objects in the cluster are orphans.
    RecordGone,
    /// The cluster has not caught up yet: the pass is repeated soon, and then at growing intervals.
    Waiting,
    /// A call failed: as above.
    Failed(Error),
}

/// The findings of a pass, and its end.
#[derive(Debug)]
pub(super) struct PassReport {
    pub(super) end: PassEnd,
    /// The observations returned by calls of the cluster, in order.
    pub(super) returned: Vec<Observation>,
    /// The uid of the pod object that only calls had shown, and that the cluster no longer has.
    pub(super) gone: Option<String>,
    /// The record as it was read last.
    pub(super) record: Option<Pod>,
    /// A failed call may have changed objects.
    pub(super) status_unknown: bool,
    /// When to make the next pass, even without a new observation.
    pub(super) requeue_at: Option<Timestamp>,
    /// The log to be read.
    pub(super) capture: Option<Capture>,
}

impl PassReport {
    /// A pass that failed before it had any findings.
    pub(super) fn failed(error: Error) -> Self {
        Self::without_findings(PassEnd::Failed(error))
    }

    pub(super) fn without_findings(end: PassEnd) -> Self {
        Self {
            end,
            returned: Vec::new(),
            gone: None,
            record: None,
            status_unknown: false,
            requeue_at: None,
            capture: None,
        }
    }
}
