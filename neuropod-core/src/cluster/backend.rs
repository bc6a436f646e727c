//! The trait of cluster backends, and what they exchange with the driver.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use jiff::Timestamp;

use crate::cluster::gpus::{GpuStock, NodeGpus};
use crate::cluster::observation::{Observation, ObservedPod};
use crate::cluster::workload::{VolumePolicy, Workload, WorkloadRef};
use crate::error::kind::Result;
use crate::id::PodId;

/// A place where workloads run.
///
/// `apply` and `remove` are idempotent: the driver repeats them until the observation agrees. Every method answers
/// within its own deadline or fails with [`ErrorKind::Timeout`](crate::ErrorKind::Timeout). The suite
/// `conformance::cluster` (feature `conformance`) says what an implementation must do.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait ClusterBackend: Send + Sync + 'static {
    /// Makes everything of `workload` exist and answers what is there then. What agrees already is not written.
    /// A pod object of another run is left as it is: the driver removes it first.
    ///
    /// # Errors
    /// `NameTaken` when an object of somebody else has a name of ours; `Rejected`, `QuotaExceeded`, `NotConfigured`,
    /// `PermissionDenied` when the cluster says no; `Conflict` when a leftover is still being deleted;
    /// `Unavailable`, `RateLimited`, `Timeout` when trying again helps.
    async fn apply(&self, workload: &Workload) -> Result<Observation>;

    /// Asks for everything of the pod to go, whatever its run, and answers what is still there (a pod that is
    /// ending shows as terminating). The volume goes only with [`VolumePolicy::Delete`].
    async fn remove(&self, reference: &WorkloadRef, volume: VolumePolicy) -> Result<Observation>;

    /// Looks at everything of one pod.
    async fn observe(&self, reference: &WorkloadRef) -> Result<Observation>;

    /// One stream of changes of all pods of the platform. It resumes by itself after disconnects without losing or
    /// inventing a change; it ends only when the backend is dropped. It begins with
    /// [`ClusterEvent::Synced`] for what is there when it opens.
    fn watch(&self) -> BoxStream<'static, ClusterEvent>;

    /// The log of the pod's container, as it was written.
    ///
    /// # Errors
    /// `NotFound` when there is no pod; `InvalidState` when its container has not started, or has no previous run.
    async fn logs(&self, reference: &WorkloadRef, options: LogOptions) -> Result<LogStream>;

    /// What the running pods use now. A pod of which nothing is known is missing; an unknown figure is `None`.
    async fn usage(&self) -> Result<Vec<Usage>>;

    /// Everything of this platform that is in the cluster, and its GPUs.
    async fn inventory(&self) -> Result<Inventory>;
}

/// The bytes of a log; a broken connection is an error item, after which the stream ends.
pub type LogStream = BoxStream<'static, Result<Bytes>>;

/// A change in the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
#[expect(clippy::large_enum_variant, reason = "nearly all events are of the big kind")]
pub enum ClusterEvent {
    /// A pod is new or has changed.
    Changed {
        /// Whose it is.
        pod_id: PodId,
        /// How it is now.
        pod: ObservedPod,
    },
    /// A pod object is gone.
    Gone {
        /// Whose it was.
        pod_id: PodId,
        /// The object that is gone.
        uid: String,
    },
    /// The stream has caught up: everything that is there has been reported since it opened or broke. What changed
    /// in a gap has come as `Changed` and `Gone` before this.
    Synced,
}

/// Which part of a log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct LogOptions {
    /// Go on with what is written from now on.
    pub follow: bool,
    /// Only the last so many lines of what is there.
    pub tail: Option<u32>,
    /// Only what was written within this time before now (whole seconds; 0 is rounded up to 1).
    pub since: Option<Duration>,
    /// The container run before the last restart.
    pub previous: bool,
    /// Before each line the time at which it was written (RFC 3339) and a space: by the clock of the node, not by what
    /// the program says.
    pub timestamps: bool,
}

impl LogOptions {
    /// Goes on with what is written from now on.
    pub fn with_follow(mut self) -> Self {
        self.follow = true;
        self
    }

    /// Only the last so many lines of what is there.
    pub fn with_tail(mut self, lines: u32) -> Self {
        self.tail = Some(lines);
        self
    }

    /// Only what was written within this time before now.
    pub fn with_since(mut self, time: Duration) -> Self {
        self.since = Some(time);
        self
    }

    /// The container run before the last restart.
    pub fn with_previous(mut self) -> Self {
        self.previous = true;
        self
    }

    /// The time before each line.
    pub fn with_timestamps(mut self) -> Self {
        self.timestamps = true;
        self
    }
}

/// What one pod uses.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Usage {
    /// Which pod.
    pub pod_id: PodId,
    /// Processor time in thousandths of a core.
    pub cpu_millis: Option<u64>,
    /// Memory in bytes.
    pub memory_bytes: Option<u64>,
    /// GPU use in percent.
    pub gpu_percent: Option<f32>,
    /// When it was measured.
    pub at: Timestamp,
}

impl Usage {
    /// The use of a pod that was measured then, with no figure known yet.
    pub fn new(pod_id: PodId, at: Timestamp) -> Self {
        Self {
            pod_id,
            cpu_millis: None,
            memory_bytes: None,
            gpu_percent: None,
            at,
        }
    }
}

/// What a platform owns in a cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Inventory {
    /// Every pod of which any object (but for the volume) is there.
    pub workloads: Vec<OwnedWorkload>,
    /// Every workspace volume.
    pub volumes: Vec<OwnedVolume>,
    /// The GPUs of the cluster.
    pub gpus: Vec<GpuStock>,
    /// The same, node by node, and who holds them; sorted by node and resource. `None`: the cluster does not tell.
    pub nodes: Option<Vec<NodeGpus>>,
}

/// A pod with objects in the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OwnedWorkload {
    /// Its names; those of the volume are empty where no object tells.
    pub reference: WorkloadRef,
    /// What is there.
    pub observation: Observation,
}

impl OwnedWorkload {
    /// A pod with objects in the cluster.
    pub fn new(reference: WorkloadRef, observation: Observation) -> Self {
        Self {
            reference,
            observation,
        }
    }
}

/// A workspace volume in the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OwnedVolume {
    /// Its name.
    pub name: String,
    /// The namespace, where there is one per user.
    pub namespace: Option<String>,
    /// The hash of its owner.
    pub user_hash: String,
    /// Size in GB (10^9 bytes).
    pub size_gb: u32,
}

impl OwnedVolume {
    /// A volume of the namespace that all users share.
    pub fn new(name: impl Into<String>, user_hash: impl Into<String>, size_gb: u32) -> Self {
        Self {
            name: name.into(),
            namespace: None,
            user_hash: user_hash.into(),
            size_gb,
        }
    }
}
