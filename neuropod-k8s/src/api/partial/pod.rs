//! Pods: their node and their status.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::fields::time;
use super::lenient::lenient;
use super::metadata::Meta;
use super::object::Partial;
use crate::labels::CONTAINER;

/// A pod.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, remote = "Self")]
pub(crate) struct PartialPod {
    pub(crate) metadata: Meta,
    pub(crate) spec: Placement,
    pub(crate) status: PodStatus,
}

/// From `spec` of a pod: its node, or its scheduling gates.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Placement {
    pub(crate) node_name: String,
    /// The scheduler chooses a node only when all gates are removed.
    pub(crate) scheduling_gates: Vec<Gate>,
}

/// A scheduling gate.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Gate {
    pub(crate) name: String,
}

/// `status` of a pod.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct PodStatus {
    pub(crate) phase: String,
    pub(crate) reason: String,
    pub(crate) message: String,
    #[serde(deserialize_with = "time")]
    pub(crate) start_time: Option<Timestamp>,
    pub(crate) conditions: Vec<Condition>,
    pub(crate) container_statuses: Vec<ContainerStatus>,
    /// The init containers, in their order. None is the platform's; others add them (`istio-init`).
    pub(crate) init_container_statuses: Vec<ContainerStatus>,
}

impl PodStatus {
    /// The condition of this type, if the cluster has set it.
    pub(crate) fn condition(&self, kind: &str) -> Option<&Condition> {
        self.conditions.iter().find(|condition| condition.kind == kind)
    }

    /// The status of the platform's own container. It need not be the first: kubelets sort by name, and admission webhooks
    /// add sidecars (`istio-proxy`, `linkerd-proxy`).
    pub(crate) fn container(&self) -> Option<&ContainerStatus> {
        let mut containers = self.container_statuses.iter();
        containers.find(|container| container.name == CONTAINER)
    }
}

/// A condition of a pod.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Condition {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) status: String,
    pub(crate) reason: String,
    pub(crate) message: String,
    #[serde(deserialize_with = "time")]
    pub(crate) last_transition_time: Option<Timestamp>,
}

impl Condition {
    pub(crate) fn is_true(&self) -> bool {
        self.status == "True"
    }
}

/// The status of a container.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ContainerStatus {
    pub(crate) name: String,
    pub(crate) ready: bool,
    /// Whether it has passed its start-up probe.
    pub(crate) started: bool,
    pub(crate) restart_count: u32,
    #[serde(rename = "containerID")]
    pub(crate) container_id: String,
    pub(crate) state: ContainerState,
    pub(crate) last_state: ContainerState,
}

/// The state of a container. At most one of the fields is set. What a container at rest does not have takes no space.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ContainerState {
    pub(crate) waiting: Option<Box<Waiting>>,
    pub(crate) running: Option<RunningState>,
    pub(crate) terminated: Option<Box<Terminated>>,
}

/// A container that waits for its first or next start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Waiting {
    pub(crate) reason: String,
    pub(crate) message: String,
}

/// A container that runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct RunningState {
    #[serde(deserialize_with = "time")]
    pub(crate) started_at: Option<Timestamp>,
}

/// A container that has ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Terminated {
    pub(crate) exit_code: i32,
    pub(crate) reason: String,
    pub(crate) message: String,
    #[serde(deserialize_with = "time")]
    pub(crate) started_at: Option<Timestamp>,
    #[serde(deserialize_with = "time")]
    pub(crate) finished_at: Option<Timestamp>,
    #[serde(rename = "containerID")]
    pub(crate) container_id: String,
}

impl Partial for PartialPod {
    fn meta(&self) -> &Meta {
        &self.metadata
    }
}

lenient!(PartialPod);
