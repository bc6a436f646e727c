//! The actions that a pod needs.

use jiff::Timestamp;

use crate::cluster::workload::VolumePolicy;
use crate::money::billing::{Draw, Hold};
use crate::pod::record::Pod;

/// One thing to do for a pod.
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
    /// Make all objects of this run.
    Apply,
    /// Remove all objects, and the volume if the policy says so.
    Remove {
        /// What becomes of the volume.
        volume: VolumePolicy,
    },
    /// Read the log of this container run until it shows the token.
    ReadToken {
        /// The container run.
        container: String,
        /// Read only what was written since then, when the server was started again inside the container.
        since: Option<Timestamp>,
    },
    /// Remove the record.
    Forget,
    /// Reconcile again at this time, even if nothing was seen until then.
    RequeueAt {
        /// When.
        at: Timestamp,
    },
}
