//! The parts of Kubernetes objects that the backend needs, decoded straight from the answer.
//!
//! A full pod is some 10 KB of JSON, most of it `spec` and `managedFields`. These types skip both without keeping
//! them, which takes a sixth of the time and a fortieth of the memory of `k8s_openapi`'s `Pod`.

mod lenient;

use jiff::Timestamp;
use neuropod_core::PodId;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use self::lenient::Lenient;
use crate::labels;
use crate::manifests::CONTAINER;

/// `metadata`, without `managedFields`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Meta {
    pub(crate) name: String,
    pub(crate) namespace: String,
    pub(crate) uid: String,
    pub(crate) resource_version: String,
    #[serde(deserialize_with = "time")]
    pub(crate) creation_timestamp: Option<Timestamp>,
    #[serde(deserialize_with = "time")]
    pub(crate) deletion_timestamp: Option<Timestamp>,
    pub(crate) labels: Labels,
    pub(crate) annotations: Annotations,
    /// Who has to agree before a deleted object goes.
    pub(crate) finalizers: Vec<String>,
}

impl Meta {
    /// The pod that this belongs to, where it is an object of the platform.
    pub(crate) fn pod_id(&self) -> Option<PodId> {
        self.is_ours()
            .then(|| self.labels.pod_id.as_deref()?.parse().ok())?
    }

    pub(crate) fn is_ours(&self) -> bool {
        self.labels.managed_by.as_deref() == Some(labels::MANAGER)
    }

    /// The run that this was made for. One without the label is of no run that there could be.
    pub(crate) fn run(&self) -> u64 {
        let run = self.labels.run.as_deref();
        run.and_then(|run| run.parse().ok()).unwrap_or(u64::MAX)
    }

    pub(crate) fn is_leaving(&self) -> bool {
        self.deletion_timestamp.is_some()
    }
}

/// The labels of [`crate::labels`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Labels {
    #[serde(rename = "app.kubernetes.io/managed-by")]
    pub(crate) managed_by: Option<String>,
    #[serde(rename = "app.kubernetes.io/instance")]
    pub(crate) instance: Option<String>,
    #[serde(rename = "app.kubernetes.io/name")]
    pub(crate) name: Option<String>,
    #[serde(rename = "neuropod.io/pod-id")]
    pub(crate) pod_id: Option<String>,
    #[serde(rename = "neuropod.io/user-hash")]
    pub(crate) user_hash: Option<String>,
    #[serde(rename = "neuropod.io/run")]
    pub(crate) run: Option<String>,
    /// Of a namespace.
    #[serde(rename = "pod-security.kubernetes.io/enforce")]
    pub(crate) pod_security: Option<String>,
}

/// The annotations of [`crate::labels`], and those of default classes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Annotations {
    #[serde(rename = "neuropod.io/spec-hash")]
    pub(crate) spec_hash: Option<String>,
    #[serde(rename = "neuropod.io/objects")]
    pub(crate) objects: Option<String>,
    #[serde(rename = "neuropod.io/volume")]
    pub(crate) volume: Option<String>,
    #[serde(rename = "neuropod.io/digest")]
    pub(crate) digest: Option<String>,
    #[serde(rename = "storageclass.kubernetes.io/is-default-class")]
    pub(crate) default_storage_class: Option<String>,
    #[serde(rename = "ingressclass.kubernetes.io/is-default-class")]
    pub(crate) default_ingress_class: Option<String>,
}

/// Any object that has metadata.
pub(crate) trait Slim: serde::de::DeserializeOwned + Clone + Send + 'static {
    fn meta(&self) -> &Meta;
}

/// An object of which only the metadata matters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, remote = "Self")]
pub(crate) struct SlimObject {
    pub(crate) metadata: Meta,
}

/// A network policy, whose rules are compared.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct SlimPolicy {
    pub(crate) metadata: Meta,
    pub(crate) spec: Value,
}

/// A pod.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, remote = "Self")]
pub(crate) struct SlimPod {
    pub(crate) metadata: Meta,
    pub(crate) spec: Placement,
    pub(crate) status: PodStatus,
}

/// Of `spec` of a pod, where it was put, or why it is put nowhere yet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Placement {
    pub(crate) node_name: String,
    /// What the scheduler waits for before it looks for a node.
    pub(crate) scheduling_gates: Vec<Gate>,
}

/// A scheduling gate.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Gate {
    pub(crate) name: String,
}

/// `status` of a pod.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct PodStatus {
    pub(crate) phase: String,
    pub(crate) reason: String,
    pub(crate) message: String,
    #[serde(deserialize_with = "time")]
    pub(crate) start_time: Option<Timestamp>,
    pub(crate) conditions: Vec<Condition>,
    pub(crate) container_statuses: Vec<ContainerStatus>,
    /// Those that run before it, in their order. All of them are put there by others (`istio-init`).
    pub(crate) init_container_statuses: Vec<ContainerStatus>,
}

impl PodStatus {
    /// The condition of this type, where the cluster has said anything about it.
    pub(crate) fn condition(&self, kind: &str) -> Option<&Condition> {
        self.conditions.iter().find(|condition| condition.kind == kind)
    }

    /// The status of the platform's own container. Kubelets sort by name, and admission webhooks put containers of
    /// their own beside it (`istio-proxy`, `linkerd-proxy`): the first one may be anybody's.
    pub(crate) fn container(&self) -> Option<&ContainerStatus> {
        let mut containers = self.container_statuses.iter();
        containers.find(|container| container.name == CONTAINER)
    }
}

/// A condition of a pod.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
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
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
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

/// At most one of them is there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct ContainerState {
    pub(crate) waiting: Option<Waiting>,
    pub(crate) running: Option<RunningState>,
    pub(crate) terminated: Option<Terminated>,
}

/// A container that is not started yet, or not again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Waiting {
    pub(crate) reason: String,
    pub(crate) message: String,
}

/// A container that runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct RunningState {
    #[serde(deserialize_with = "time")]
    pub(crate) started_at: Option<Timestamp>,
}

/// A container that has ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
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

/// A volume claim.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, remote = "Self")]
pub(crate) struct SlimClaim {
    pub(crate) metadata: Meta,
    pub(crate) spec: ClaimSpec,
    pub(crate) status: ClaimStatus,
}

/// `spec` of a claim.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct ClaimSpec {
    pub(crate) resources: ClaimResources,
}

/// What a claim asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct ClaimResources {
    pub(crate) requests: Space,
}

/// `status` of a claim.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct ClaimStatus {
    pub(crate) phase: String,
    pub(crate) capacity: Space,
}

/// A size, as a quantity.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Space {
    pub(crate) storage: String,
}

/// An event about a pod or a claim (`v1`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default, remote = "Self")]
pub(crate) struct SlimEvent {
    pub(crate) metadata: Meta,
    pub(crate) involved_object: Involved,
    /// `Normal` or `Warning`.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) reason: String,
    pub(crate) message: String,
    #[serde(deserialize_with = "time")]
    pub(crate) first_timestamp: Option<Timestamp>,
    #[serde(deserialize_with = "time")]
    pub(crate) last_timestamp: Option<Timestamp>,
    /// When it first happened, where the reporter writes events of the newer kind, which count in `series`.
    #[serde(deserialize_with = "time")]
    pub(crate) event_time: Option<Timestamp>,
    pub(crate) series: Series,
    /// How often it happened; below zero in an event that no reporter of Kubernetes has written.
    pub(crate) count: i64,
}

/// The repetitions of an event of the newer kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Series {
    #[serde(deserialize_with = "time")]
    pub(crate) last_observed_time: Option<Timestamp>,
}

impl SlimEvent {
    /// When it last happened.
    pub(crate) fn at(&self) -> Option<Timestamp> {
        let last = self.last_timestamp.max(self.series.last_observed_time);
        last.or(self.event_time).or(self.metadata.creation_timestamp)
    }

    /// When it first happened.
    pub(crate) fn first_at(&self) -> Option<Timestamp> {
        let first = self.first_timestamp.or(self.event_time);
        first.or(self.metadata.creation_timestamp).or(self.at())
    }
}

/// What an event is about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Involved {
    pub(crate) kind: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) uid: String,
    /// Which part of the object: `spec.containers{main}`; empty for all of it.
    pub(crate) field_path: String,
}

/// A page of a list.
#[derive(Debug, Deserialize)]
#[serde(bound = "T: Deserialize<'de>")]
pub(crate) struct List<T> {
    #[serde(default)]
    pub(crate) metadata: ListMeta,
    /// Go writes an empty list as `null` now and then.
    #[serde(default, deserialize_with = "null_as_default")]
    pub(crate) items: Vec<T>,
}

/// `metadata` of a list.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ListMeta {
    pub(crate) resource_version: String,
    /// Where the next page begins; empty at the last.
    #[serde(rename = "continue")]
    pub(crate) next: String,
}

macro_rules! slim {
    ($($kind:ty),*) => {
        $(impl Slim for $kind {
            fn meta(&self) -> &Meta {
                &self.metadata
            }
        }

        impl<'de> Deserialize<'de> for $kind {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                // The derived function, which is not the trait's: `remote = "Self"`.
                Self::deserialize(Lenient(deserializer))
            }
        })*
    };
}

slim!(SlimObject, SlimPod, SlimClaim, SlimEvent);

pub(crate) fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// The year before which there was no Kubernetes: Go writes the zero time (of the year 1), or that of Unix, for what has
/// not happened.
const FIRST_YEAR: Timestamp = Timestamp::constant(1_388_534_400, 0);

/// A time; `None` where it is absent, is none, or has not come.
fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    let time = text.and_then(|text| text.parse().ok());
    Ok(time.filter(|time| *time >= FIRST_YEAR))
}
