//! The event in the cluster, or the time, that a pod waits for, and the start of the wait.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// That a pod waits, and from when its time counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait {
    /// From when, by the platform's own clock: those of the cluster may be off by hours.
    pub since: Timestamp,
    /// For what.
    pub what: Awaited,
}

/// The event that a pod waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
#[non_exhaustive]
pub enum Awaited {
    /// Its pod object gets further on its node.
    Step {
        /// The identity of the pod object.
        uid: String,
        /// Since when it is at its step, in the time of the cluster: another one means that it has got further.
        reached: Option<Timestamp>,
    },
    /// Its container runs on for so long that earlier failures are forgotten.
    Stable {
        /// The container run.
        container: String,
    },
    /// The removal of its pod object: that of an earlier run, or of a stop.
    End {
        /// The identity of the pod object.
        uid: String,
    },
    /// The acceptance of the request to remove it, by the cluster.
    Removal {
        /// Why it did not, in its words.
        detail: String,
    },
    /// A volume, Service, Secret or similar object of the same name that is still being deleted.
    Leftover {
        /// The object, in the words of the cluster.
        detail: String,
    },
}

impl Awaited {
    /// Returns whether this is the same wait, also over stops and starts: of old objects, one may be deleted
    /// before another, and a request may be refused for one cause after another.
    pub(crate) fn goes_on(&self, next: &Self) -> bool {
        let alike = matches!(
            (self, next),
            (Self::Leftover { .. }, Self::Leftover { .. }) | (Self::Removal { .. }, Self::Removal { .. })
        );
        alike || self == next
    }
}
