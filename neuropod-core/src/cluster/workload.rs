//! A workload: pure data about the objects that should exist in the cluster for one run of one pod.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, Serializer};

use crate::id::PodId;
use crate::pod::environment::Environment;

/// The names by which all objects of a pod are found in the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct WorkloadRef {
    /// The pod.
    pub pod_id: PodId,
    /// The hash of the owner, in every label and name.
    pub user_hash: String,
    /// The namespace, if the platform uses one per user; `None`: the backend's own.
    pub namespace: Option<String>,
    /// The name of the pod object, `<slug>-<hash>`.
    pub name: String,
    /// The name of the workspace volume.
    pub volume: String,
    /// The names of the other objects, if they are known. With them a backend can fetch these objects, which is much
    /// cheaper in a large namespace than a search by label; it must still remove whatever has the labels of the pod.
    #[serde(skip)]
    pub objects: Option<ObjectNames>,
}

/// The names of the objects of a pod beside the pod object and the volume.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ObjectNames {
    /// The Services, one for each port.
    pub services: Vec<String>,
    /// The routes (Ingresses or `HTTPRoute`s), one for each port.
    pub routes: Vec<String>,
    /// The Secret.
    pub secret: String,
}

/// The fate of the workspace volume when a workload is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VolumePolicy {
    /// It stays, with all data.
    #[default]
    Keep,
    /// It is deleted with all data. Only on the owner's request, or when it is unpaid.
    Delete,
}

/// The objects that should exist for one run of a pod.
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
    /// One for each port.
    pub endpoints: Vec<EndpointSpec>,
    /// The isolation of the pod from others and from the cluster.
    pub isolation: Isolation,
    /// The environment variables whose values only the container may see, if there are any.
    pub secret: Option<SecretSpec>,
    /// How long the container may take to end, in seconds.
    pub grace_seconds: u32,
}

impl Workload {
    /// A digest of everything except the values of secret variables (BLAKE3, the first 128 bits in
    /// hexadecimal): an object applied with the same digest need not be applied again. People who may not read
    /// Secrets can read the digest, and could guess a short value from it; a new value comes with a new run,
    /// which is in the digest.
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
    /// The platform's own environment variables, sorted by name; everybody who may read pods can read them. The
    /// owner's variables are in [`Workload::secret`].
    pub environment: BTreeMap<String, String>,
    /// The port that must accept connections before the pod counts as ready; `None`: it is ready once it runs.
    pub ready_port: Option<u16>,
    /// Its resources.
    pub resources: Resources,
    /// Labels that the node must have.
    pub node_selector: BTreeMap<String, String>,
    /// Taints of nodes that it tolerates.
    pub tolerations: Vec<Toleration>,
    /// The runtime class of GPU containers, if the cluster needs one.
    pub runtime_class: Option<String>,
    /// Nodes that were at fault when the pod failed on them: others are preferred. Not part of the digest,
    /// because it only matters when a pod object is created.
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

/// The resources of a container: both requests and limits, so that it uses no more than its share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Resources {
    /// Processor time in thousandths of a core.
    pub cpu_millis: u32,
    /// Memory in MiB (2^20 bytes).
    pub memory_mib: u32,
    /// The container's own disk in GB (10^9 bytes): its writable layer, logs and temporary files.
    pub disk_gb: u32,
    /// Its GPU, if it has one.
    pub accelerator: Option<Accelerator>,
}

/// An extended resource of the cluster, such as a GPU.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Accelerator {
    /// The name of the resource, such as `nvidia.com/gpu`.
    pub resource: String,
    /// The count.
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
    /// Size in GB (10^9 bytes). An existing volume grows to it if the cluster allows that, and never shrinks.
    pub size_gb: u32,
    /// Its path in the container.
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

/// The isolation of a pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Isolation {
    /// The name of the network policy that opens the pod's ports. The policy that isolates all pods of a
    /// namespace belongs to none of them.
    pub policy: String,
    /// Whether pods of the same owner may connect to each other.
    pub same_owner: bool,
    /// Limits on all pods of the owner together, in the owner's namespace.
    pub quota: Option<Quota>,
}

/// Limits on the total of a user, if the platform uses one namespace per user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quota {
    /// The maximum number of pods.
    pub pods: u32,
    /// The maximum processor time together, in thousandths of a core.
    pub cpu_millis: u32,
    /// The maximum memory together, in MiB.
    pub memory_mib: u32,
    /// The maximum volume space together, in GB.
    pub volume_gb: u32,
    /// The maximum number of GPUs together, by the name of their resource (`nvidia.com/gpu`); a resource
    /// without an entry has no limit.
    #[serde(default)]
    pub gpus: BTreeMap<String, u32>,
}

/// Environment variables whose values are in a Secret, and nowhere else in the cluster: all of the owner's,
/// since it is unknown which of them are secret, and the access token that the platform injects.
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
