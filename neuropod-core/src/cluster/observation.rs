//! What a cluster says about one workload.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::cluster::reason::Reason;

/// What is known about one workload in the cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Observation {
    /// The pod, where there is one.
    pub pod: Option<ObservedPod>,
    /// The other objects of the workload, but for the workspace volume.
    pub objects: Objects,
    /// The workspace volume.
    pub volume: ObservedVolume,
}

impl Observation {
    /// Nothing of the workload is there.
    pub fn nothing() -> Self {
        Self {
            pod: None,
            objects: Objects::Absent,
            volume: ObservedVolume::Absent,
        }
    }

    /// Whether nothing of a run is left in the cluster; the volume may stay.
    pub fn is_cleared(&self) -> bool {
        self.pod.is_none() && self.objects == Objects::Absent
    }

    /// The container that runs.
    pub(crate) fn container(&self) -> Option<&Container> {
        self.pod.as_ref()?.container.as_ref()
    }
}

/// Which of the services, routes, policies and secrets of a workload are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Objects {
    /// Not looked at: a watch event tells about the pod only.
    #[default]
    Unknown,
    /// None.
    Absent,
    /// Some are missing, or are left over from another run.
    Partial,
    /// All that the workload of this run asks for.
    Complete,
}

/// The state of the workspace volume.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ObservedVolume {
    /// Not looked at.
    #[default]
    Unknown,
    /// There is none.
    Absent,
    /// It is asked for and not there yet.
    Pending,
    /// It is there, with this many GB (10^9 bytes).
    Bound {
        /// Size in GB.
        size_gb: u32,
    },
    /// It is being deleted.
    Terminating,
}

/// Where the pod is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Accepted; not scheduled, or its image is being pulled, or its container is starting.
    Pending,
    /// The container was started; it may be restarting.
    Running,
    /// The container has ended for good, well or not.
    Ended,
    /// The cluster does not know.
    Unknown,
}

/// A pod as the cluster shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ObservedPod {
    /// The identity of this pod object; another object with the same name has another one.
    pub uid: String,
    /// The run of the platform's pod that this object was made for.
    pub run: u64,
    /// The hash of the workload that this object was made from.
    pub spec_hash: String,
    /// Where it is.
    pub phase: Phase,
    /// The node that was chosen for it.
    pub node: Option<String>,
    /// How far a pending pod has come.
    pub step: Step,
    /// Whether it is being deleted.
    pub terminating: bool,
    /// Whether its container answers: its readiness probe, or that it runs.
    pub ready: bool,
    /// The container that runs now.
    pub container: Option<Container>,
    /// When the container first started in this pod object.
    pub started_at: Option<Timestamp>,
    /// When the last container that ended did, also where another runs now.
    pub finished_at: Option<Timestamp>,
    /// The runtime's identity of that container run.
    pub finished_id: Option<String>,
    /// How often the container was restarted.
    pub restarts: u32,
    /// When its port was last found closed, by the clock of the node: a probe was refused, or it has not been ready since.
    /// Whatever serves there has started after that.
    pub closed_at: Option<Timestamp>,
    /// Why it is not running.
    pub reason: Option<Reason>,
    /// Until then the reason may pass by itself and is not told: a warning that is seconds old. `None`: it counts at once.
    pub passes_until: Option<Timestamp>,
    /// Whether the reason is the fault of the node or its runtime: the next pod object should go elsewhere.
    pub node_fault: bool,
    /// Since when it is at its step, where the cluster tells.
    pub step_since: Option<Timestamp>,
    /// When it should be gone, where it is being deleted and the cluster tells.
    pub ending: Option<Ending>,
    /// How the container run before this one ended, where one runs now.
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

/// The end of a pod object that was asked to go.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ending {
    /// When its container has to have ended: the request and the grace period.
    pub by: Timestamp,
    /// Who has to agree before the object goes, in the words of the cluster; empty where nobody has to.
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

/// One container run: a restart makes another one.
#[derive(Debug, Clone, PartialEq, Eq)]
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

/// How far a pod has come on its way to running.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// The request is accepted and the money is being reserved.
    Accepted,
    /// The objects are at the cluster; no node has been chosen.
    Scheduling,
    /// A node is chosen; the volume and the network are being set up.
    Preparing,
    /// The image is being pulled.
    PullingImage,
    /// The container is starting, or does not answer yet.
    Starting,
    /// It runs and answers.
    Ready,
    /// It is being stopped.
    Stopping,
    /// Nothing of it is in the cluster but its volume.
    Stopped,
}
