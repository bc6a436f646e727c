//! The actions that a pod needs.

use jiff::Timestamp;

use crate::cluster::workload::VolumePolicy;
use crate::money::billing::{Draw, Hold};
use crate::pod::record::Pod;

/// A single action for a pod.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Store this record, then reconcile again.
    Save(Box<Pod>),
    /// Place a hold on the money of the owner.
    Hold(Hold),
    /// Charge a period.
    Draw(Draw),
    /// Release the hold.
    Release {
        /// Its key.
        key: String,
    },
    /// Fetch the objects of the pod from the cluster.
    Observe,
    /// Create all objects of this run.
    Apply,
    /// Remove all objects, and the volume if the policy says so.
    Remove {
        /// Whether the volume stays or goes.
        volume: VolumePolicy,
    },
    /// Read the log of this container run until it shows the token.
    ReadToken {
        /// The container run.
        container: String,
        /// Read only lines written since then, if the server was restarted inside the container.
        since: Option<Timestamp>,
    },
    /// Remove the record.
    Forget,
    /// Reconcile again at this time, even if no event arrives before.
    RequeueAt {
        /// The time.
        at: Timestamp,
    },
}
