//! A workload: pure data that says what should exist in the cluster for one run of one pod.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, Serializer};

use crate::id::PodId;
use crate::pod::environment::Environment;

/// The names by which everything of one pod is found in the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct WorkloadRef {
    /// The pod.
    pub pod_id: PodId,
    /// The hash of the owner, in every label and name.
    pub user_hash: String,
    /// The namespace, where the platform uses one per user; `None`: the one the backend is set up with.
    pub namespace: Option<String>,
    /// The name of the pod object, `<slug>-<hash>`.
    pub name: String,
    /// The name of the workspace volume.
    pub volume: String,
}

/// What happens to the workspace volume when a workload is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VolumePolicy {
    /// It stays, with all data.
    #[default]
    Keep,
    /// It is deleted with all data. Only ever because the owner asked for it.
    Delete,
}

/// Everything that should exist for one run of a pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Workload {
    /// Its names.
    pub reference: WorkloadRef,
    /// The run: every start of the pod has the next number.
    pub run: u64,
    /// The container.
    pub container: ContainerSpec,
    /// The workspace volume.
    pub volume: VolumeSpec,
    /// One for every port.
    pub endpoints: Vec<EndpointSpec>,
    /// What keeps the pod away from others and from the cluster.
    pub isolation: Isolation,
    /// The environment variables whose values are for the container alone; `None`: there are none.
    pub secret: Option<SecretSpec>,
    /// How long the container gets to end by itself, in seconds.
    pub grace_seconds: u32,
}

impl Workload {
    /// A digest of everything but the values of secret variables (BLAKE3, the first 128 bits in hexadecimal): what was
    /// applied with this digest need not be applied again. People who may not read Secrets can read the digest, and could
    /// guess a short value from it; another value comes with another run, which is in the digest.
    ///
    /// # Panics
    /// Never: see the comment inside.
    pub fn spec_hash(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        #[expect(
            clippy::expect_used,
            reason = "only maps with keys that are no text fail to serialize"
        )]
        serde_json::to_writer(&mut hasher, self).expect("a workload is plain data");
        hasher.finalize().to_hex()[..32].to_owned()
    }
}

/// The container of a workload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ContainerSpec {
    /// The image reference.
    pub image: String,
    /// The platform's own environment variables, sorted by name; everybody who may read pods can read them. Those of the
    /// owner are in [`Workload::secret`].
    pub environment: BTreeMap<String, String>,
    /// The port that has to accept connections before the pod counts as ready; `None`: it is ready once it runs.
    pub ready_port: Option<u16>,
    /// What it gets.
    pub resources: Resources,
    /// Labels that the node must have.
    pub node_selector: BTreeMap<String, String>,
    /// Taints of nodes that it tolerates.
    pub tolerations: Vec<Toleration>,
    /// The runtime class of GPU containers, where the cluster needs one.
    pub runtime_class: Option<String>,
    /// Nodes that were at fault when the pod failed on them: others are preferred. Not part of the digest, as it matters
    /// when a pod object is made and never after.
    #[serde(skip)]
    pub avoid_nodes: Vec<String>,
}

impl ContainerSpec {
    /// A container of an image, which goes to any node and is ready once it runs.
    pub fn new(image: impl Into<String>, resources: Resources) -> Self {
        Self {
            image: image.into(),
            environment: BTreeMap::new(),
            ready_port: None,
            resources,
            node_selector: BTreeMap::new(),
            tolerations: Vec::new(),
            runtime_class: None,
            avoid_nodes: Vec::new(),
        }
    }
}

/// What a container gets: these are requests and limits at once, so that nobody takes from others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Resources {
    /// Processor time in thousandths of a core.
    pub cpu_millis: u32,
    /// Memory in MiB (2^20 bytes).
    pub memory_mib: u32,
    /// The container's own disk in GB (10^9 bytes): its writable layer, logs and temporary files.
    pub disk_gb: u32,
    /// Its GPU, where it has one.
    pub accelerator: Option<Accelerator>,
}

/// An extended resource of the cluster, such as a GPU.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Accelerator {
    /// The name of the resource, such as `nvidia.com/gpu`.
    pub resource: String,
    /// How many.
    pub count: u32,
}

/// A taint that a pod tolerates (a Kubernetes toleration).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Toleration {
    /// The key of the taint.
    pub key: String,
    /// Its value; `None`: any (`operator: Exists`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Its effect (`NoSchedule`, `PreferNoSchedule`, `NoExecute`); `None`: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<String>,
}

/// The workspace volume of a workload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VolumeSpec {
    /// Size in GB (10^9 bytes). A volume that is there already is grown to it where the cluster allows, never shrunk.
    pub size_gb: u32,
    /// Where the container finds it.
    pub mount_path: String,
}

/// One public port: a Service and a route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EndpointSpec {
    /// The port of the container and of the Service.
    pub port: u16,
    /// The name of the Service.
    pub service: String,
    /// The name of the Ingress or `HTTPRoute`.
    pub route: String,
    /// The public host name.
    pub host: String,
}

/// What keeps a pod away from others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Isolation {
    /// The name of the network policy that opens the ports of the pod. What keeps all pods of a namespace closed is of
    /// no single one.
    pub policy: String,
    /// Whether pods of the same owner may talk to each other.
    pub same_owner: bool,
    /// Limits on all pods of the owner together, in a namespace of the owner's own.
    pub quota: Option<Quota>,
}

/// Limits on all that one user has, where the platform uses one namespace per user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quota {
    /// Most pods at a time.
    pub pods: u32,
    /// Most processor time together, in thousandths of a core.
    pub cpu_millis: u32,
    /// Most memory together, in MiB.
    pub memory_mib: u32,
    /// Most volume space together, in GB.
    pub volume_gb: u32,
    /// Most GPUs together, by the name of their resource (`nvidia.com/gpu`); one that is not named has no limit.
    #[serde(default)]
    pub gpus: BTreeMap<String, u32>,
}

/// Environment variables whose values are in a Secret, and nowhere else in the cluster: all of the owner's, since nobody
/// knows which of them are secret, and the access token that the platform injects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SecretSpec {
    /// The name of the Secret.
    pub name: String,
    /// The variables; only their names are serialized.
    #[serde(serialize_with = "names")]
    pub variables: Environment,
}

fn names<S: Serializer>(variables: &Environment, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(variables.0.keys())
}
