//! The observed state of a workload.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::cluster::reason::Reason;

/// The observed state of a workload in the cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Observation {
    /// The pod, if it exists.
    pub pod: Option<ObservedPod>,
    /// The other objects of the workload, except the workspace volume.
    pub objects: Objects,
    /// The workspace volume.
    pub volume: ObservedVolume,
    /// Since when the driver has seen that the pod is ready, by the platform's clock; backends leave it empty.
    pub ready_since: Option<Timestamp>,
}

impl Observation {
    /// An observation in which nothing of the workload exists.
    pub fn nothing() -> Self {
        Self {
            pod: None,
            objects: Objects::Absent,
            volume: ObservedVolume::Absent,
            ready_since: None,
        }
    }

    /// Whether nothing of a run remains in the cluster; the volume may stay.
    pub fn is_cleared(&self) -> bool {
        self.pod.is_none() && self.objects == Objects::Absent
    }

    /// The container that runs.
    pub(crate) fn container(&self) -> Option<&Container> {
        self.pod.as_ref()?.container.as_ref()
    }
}

/// Whether the services, routes, policies and secrets of a workload exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Objects {
    /// Not observed: a watch event only reports the pod.
    #[default]
    Unknown,
    /// None.
    Absent,
    /// Some are missing, or are left over from another run.
    Partial,
    /// All objects of this run's workload.
    Complete,
}

/// The state of the workspace volume.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ObservedVolume {
    /// Not observed.
    #[default]
    Unknown,
    /// There is none.
    Absent,
    /// It was requested and does not exist yet.
    Pending,
    /// It exists, with this many GB (10^9 bytes).
    Bound {
        /// Size in GB.
        size_gb: u32,
    },
    /// It is being deleted.
    Terminating,
}

/// The phase of a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Accepted; not scheduled, or its image is being pulled, or its container is starting.
    Pending,
    /// The container was started; it may be restarting.
    Running,
    /// The container has ended for good, successfully or not.
    Ended,
    /// The cluster does not know its state.
    Unknown,
}

/// A pod as reported by the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ObservedPod {
    /// The identity of this pod object; another object with the same name has another one.
    pub uid: String,
    /// The run of the platform's pod for which this object was created.
    pub run: u64,
    /// The hash of the workload from which this object was created.
    pub spec_hash: String,
    /// Its phase.
    pub phase: Phase,
    /// The node chosen for it.
    pub node: Option<String>,
    /// The step that a pending pod has reached.
    pub step: Step,
    /// Whether it is being deleted.
    pub terminating: bool,
    /// Whether its container serves: its readiness probe, or that it runs.
    pub ready: bool,
    /// The container that runs now.
    pub container: Option<Container>,
    /// When the container first started in this pod object.
    pub started_at: Option<Timestamp>,
    /// The end of the last container that ended, even if another runs now.
    pub finished_at: Option<Timestamp>,
    /// The runtime's identity of that container run.
    pub finished_id: Option<String>,
    /// How often the container was restarted.
    pub restarts: u32,
    /// The last time at which its port was found closed, by the clock of the node: a probe was refused, or the
    /// container became unready. Any server at the port has started after that.
    pub closed_at: Option<Timestamp>,
    /// The reason why it is not running.
    pub reason: Option<Reason>,
    /// Until then the reason may pass and is not reported: a warning that is seconds old. `None`: it applies at
    /// once.
    pub passes_until: Option<Timestamp>,
    /// Whether the node or its runtime is at fault: the next pod object should go elsewhere.
    pub node_fault: bool,
    /// When it reached its step, if the cluster reports it.
    pub step_since: Option<Timestamp>,
    /// When it should be gone, if it is being deleted and the cluster reports it.
    pub ending: Option<Ending>,
    /// How the previous container run ended, if another one runs now.
    pub last_end: Option<Reason>,
}

impl ObservedPod {
    /// A pod object that the cluster has accepted, made for this run from the workload with this hash.
    pub fn new(uid: impl Into<String>, run: u64, spec_hash: impl Into<String>) -> Self {
        Self {
            uid: uid.into(),
            run,
            spec_hash: spec_hash.into(),
            phase: Phase::Pending,
            node: None,
            step: Step::Scheduling,
            terminating: false,
            ready: false,
            container: None,
            started_at: None,
            finished_at: None,
            finished_id: None,
            restarts: 0,
            closed_at: None,
            reason: None,
            passes_until: None,
            node_fault: false,
            step_since: None,
            ending: None,
            last_end: None,
        }
    }
}

/// The end of a pod object that is being deleted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Ending {
    /// When its container must have ended: the request plus the grace period.
    pub by: Timestamp,
    /// The finalizers or controllers that delay its end, in the words of the cluster; empty if there are none.
    pub held_by: String,
}

impl Ending {
    /// The end of a pod object that nobody holds.
    pub fn new(by: Timestamp) -> Self {
        Self {
            by,
            held_by: String::new(),
        }
    }
}

/// A container run: a restart creates another one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Container {
    /// The runtime's identity of this container run.
    pub id: String,
    /// When it started.
    pub started_at: Timestamp,
}

impl Container {
    /// A container run.
    pub fn new(id: impl Into<String>, started_at: Timestamp) -> Self {
        Self {
            id: id.into(),
            started_at,
        }
    }
}

/// The steps of a pod until it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// The request is accepted and its hold is being placed.
    Accepted,
    /// The objects exist in the cluster; no node has been chosen.
    Scheduling,
    /// A node is chosen; the volume and the network are being set up.
    Preparing,
    /// The image is being pulled.
    PullingImage,
    /// The container is starting, or does not accept connections yet.
    Starting,
    /// It runs and accepts connections.
    Ready,
    /// It is being stopped.
    Stopping,
    /// Only its volume remains in the cluster.
    Stopped,
}
