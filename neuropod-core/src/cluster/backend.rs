//! The trait of cluster backends, and the types that they exchange with the driver.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use jiff::Timestamp;

use crate::cluster::gpus::NodeGpus;
use crate::cluster::observation::{Observation, ObservedPod};
use crate::cluster::workload::{VolumePolicy, Workload, WorkloadRef};
use crate::error::kind::Result;
use crate::id::PodId;

/// A cluster on which workloads run.
///
/// `apply` and `remove` are idempotent: the driver repeats them until the observation agrees. Every method
/// returns within its own deadline or fails with [`ErrorKind::Timeout`](crate::ErrorKind::Timeout). The suite
/// `conformance::cluster` (feature `conformance`) checks implementations.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait ClusterBackend: Send + Sync + 'static {
    /// Creates or repairs all objects of `workload` and returns the resulting observation. Objects that agree
    /// already are not written. A pod object of another run is left alone: the driver removes it first.
    ///
    /// # Errors
    /// `NameTaken` if a foreign object has one of our names; `Rejected`, `QuotaExceeded`, `NotConfigured`,
    /// `PermissionDenied` if the cluster refuses; `Conflict` if a leftover is still being deleted;
    /// `Unavailable`, `RateLimited`, `Timeout` if a retry can help.
    async fn apply(&self, workload: &Workload) -> Result<Observation>;

    /// Requests the deletion of all objects of the pod, whatever their run, and returns those that still exist
    /// (an ending pod is terminating). The volume is deleted only with [`VolumePolicy::Delete`].
    async fn remove(&self, reference: &WorkloadRef, volume: VolumePolicy) -> Result<Observation>;

    /// Observes all objects of one pod.
    async fn observe(&self, reference: &WorkloadRef) -> Result<Observation>;

    /// A stream of changes of all pods of the platform. It resumes by itself after disconnects without losing
    /// or inventing a change; it ends only when the backend is dropped. It begins with the existing pods,
    /// followed by [`ClusterEvent::Synced`].
    ///
    /// A backend that also watches the other objects reports [`ClusterEvent::Altered`] and [`ClusterEvent::Alive`]:
    /// then the driver does not ask for the [`inventory`](Self::inventory) again while nothing changes.
    fn watch(&self) -> BoxStream<'static, ClusterEvent>;

    /// The log of the pod's container, unchanged.
    ///
    /// # Errors
    /// `NotFound` if there is no pod; `InvalidState` if its container has not started, or has no previous run.
    async fn logs(&self, reference: &WorkloadRef, options: LogOptions) -> Result<LogStream>;

    /// The current usage of running pods. Pods without any known figure are missing; an unknown figure is
    /// `None`.
    async fn usage(&self) -> Result<Vec<Usage>>;

    /// All objects of this platform in the cluster.
    async fn inventory(&self) -> Result<Inventory>;

    /// The GPUs of the cluster by node, with the pods that use them, those of others included; sorted by node and
    /// resource. `None` if the cluster does not report it. It is separate from [`inventory`](Self::inventory) because
    /// it requires all pods of the cluster, and the driver never needs it. It is asked for with each quote: a backend for which that
    /// is expensive answers from what it watches.
    async fn gpus(&self) -> Result<Option<Vec<NodeGpus>>>;

    /// How long the routes of a pod may still answer with an error after the pod has become ready: whatever forwards
    /// requests needs this time to learn of it. The driver reports the pod as ready only afterwards.
    fn route_delay(&self) -> Duration {
        Duration::ZERO
    }
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
        /// The pod.
        pod_id: PodId,
        /// Its present state.
        pod: ObservedPod,
    },
    /// A pod object is gone.
    Gone {
        /// The pod.
        pod_id: PodId,
        /// The object that is gone.
        uid: String,
    },
    /// The stream has caught up: every existing pod has been reported since it opened or broke. Changes during
    /// an interruption were reported as `Changed` and `Gone` before this.
    Synced,
    /// An object other than a pod may have been created, changed or deleted: a service, route, secret, policy or volume of
    /// the platform. The next resync lists everything.
    Altered,
    /// The watch is open and has reported every change up to now: of pods at once, of other objects (as `Altered`) within
    /// three minutes. It comes about once a minute, and never from a backend that only watches pods.
    Alive,
}

/// Selects a part of a log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct LogOptions {
    /// Continue with lines that are written from now on.
    pub follow: bool,
    /// Only this many of the last existing lines.
    pub tail: Option<u32>,
    /// Only lines of this last period (in whole seconds; 0 is rounded up to 1).
    pub since: Option<Duration>,
    /// The container run before the last restart.
    pub previous: bool,
    /// Prefix each line with the time at which it was written (RFC 3339) and a space, by the clock of the node,
    /// whatever the program prints.
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

/// The usage of a pod.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Usage {
    /// The pod.
    pub pod_id: PodId,
    /// Processor time in thousandths of a core.
    pub cpu_millis: Option<u64>,
    /// Memory in bytes.
    pub memory_bytes: Option<u64>,
    /// GPU use in percent.
    pub gpu_percent: Option<f32>,
    /// The time of the measurement.
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

/// The objects of a platform in a cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Inventory {
    /// Every pod with any object other than the volume.
    pub workloads: Vec<OwnedWorkload>,
    /// Every workspace volume.
    pub volumes: Vec<OwnedVolume>,
}

/// A pod with objects in the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OwnedWorkload {
    /// Its names; the name of the volume is empty if no object has it.
    pub reference: WorkloadRef,
    /// The observation.
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
    /// The namespace, if there is one per user.
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
