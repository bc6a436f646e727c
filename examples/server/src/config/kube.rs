//! The configuration of the Kubernetes cluster.

use std::collections::BTreeMap;
use std::path::PathBuf;

use neuropod::k8s::ImagePullPolicy;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The Kubernetes cluster. Only with `cluster = "kube"`, but for `volume_per_pod`, `namespace_per_user`, `quota`,
/// `same_owner_traffic` and `grace_seconds`, which the simulated cluster follows too.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
pub struct Kube {
    /// A kubeconfig file. Unless given: `$KUBECONFIG`, `~/.kube/config`, or the cluster that the server runs in.
    #[schemars(extend("allowed" = "the path of a file"))]
    pub kubeconfig: Option<PathBuf>,
    /// The context of that kubeconfig; its current one unless given. Needs `kube.kubeconfig`.
    pub context: Option<String>,
    /// The name of this platform where several share a cluster. Objects with this label and no record in the store are
    /// removed.
    #[schemars(extend("allowed" = "a label value: up to 63 letters, digits, `-`, `_` and `.`"))]
    pub instance: String,
    /// The namespace of the pods. It must exist, and is for pods alone: the server itself runs in another.
    #[schemars(extend("allowed" = "the name of a namespace"))]
    pub namespace: String,
    /// Whether each user has a namespace of their own. A change applies to new pods only.
    pub namespace_per_user: bool,
    /// Limits on all that one user has. Needs `kube.namespace_per_user`.
    pub quota: Option<UserQuota>,
    /// The class of the Ingresses; the default class of the cluster unless given.
    #[schemars(extend("allowed" = "the name of an IngressClass"))]
    pub ingress_class: Option<String>,
    /// Annotations of the Ingresses, in addition to those that ingress-nginx needs for uploads and idle `WebSockets`. One
    /// with the same name replaces those.
    pub ingress_annotations: BTreeMap<String, String>,
    /// A Secret with a wildcard certificate, in the namespace of the pods; the controller's own certificate unless given.
    /// Namespaces of users get copies, which follow changes; no pod is made there while it is missing.
    #[schemars(extend("allowed" = "the name of a Secret"))]
    pub tls_secret: Option<String>,
    /// A Gateway: with it ports are reached by `HTTPRoute`s instead of Ingresses.
    #[schemars(extend("allowed" = "the name of a Gateway"))]
    pub gateway: Option<String>,
    /// The namespace of the Gateway; that of the pods unless given.
    #[schemars(extend("allowed" = "the name of a namespace"))]
    pub gateway_namespace: Option<String>,
    /// The listener of the Gateway; all that fit unless given.
    #[schemars(extend("allowed" = "the name of a listener"))]
    pub gateway_listener: Option<String>,
    /// The storage class of volumes; the default class of the cluster unless given.
    #[schemars(extend("allowed" = "the name of a StorageClass"))]
    pub storage_class: Option<String>,
    /// Who may mount a volume: the pods of one node, or the pods of all nodes. The storage class must support it.
    pub access_mode: AccessMode,
    /// Whether a volume is grown when a pod asks for more than it has, where its storage class allows that.
    pub grow_volumes: bool,
    /// Whether pods have a workspace volume each, instead of one for each user. A change applies to new pods only.
    pub volume_per_pod: bool,
    /// No root and no capabilities in containers: images that start as root fail.
    pub restricted: bool,
    /// Whether root in a container is nobody on its node (`hostUsers: false`). Needs Kubernetes 1.33, and a runtime and file
    /// systems with id-mapped mounts.
    pub user_namespaces: bool,
    /// The runtime of all pods whose GPU type has no `runtimeClass`, such as gVisor or Kata; that of the node unless given.
    #[schemars(extend("allowed" = "the name of a RuntimeClass"))]
    pub runtime_class: Option<String>,
    /// Secrets with registry credentials, in the namespace of the pods. Namespaces of users get copies, which follow changes;
    /// no pod is made there while one is missing.
    #[schemars(extend("allowed" = "names of Secrets"))]
    pub image_pull_secrets: Vec<String>,
    /// When a node asks the registry for an image: at every start of a container, so that nobody gets a private image that
    /// somebody else has pulled (`Always`); only when it has none of the name, for images that were loaded onto the nodes
    /// (`IfNotPresent`); or never.
    pub image_pull_policy: PullPolicy,
    /// How long a container may take to end before it is killed.
    #[schemars(range(min = 0, max = 3600), extend("unit" = "seconds"))]
    pub grace_seconds: u32,
    /// Whether pods of one user may talk to each other.
    pub same_owner_traffic: bool,
    /// Labels of the ingress controller's namespace. With them nobody else in the cluster reaches the pods.
    pub ingress_namespace: BTreeMap<String, String>,
    /// Addresses that reach the pods too: nodes or load balancers, where the ingress controller uses the network of its
    /// node.
    #[schemars(extend("allowed" = RANGES))]
    pub ingress_ranges: Vec<String>,
    /// Public addresses that pods may not reach: the API server and the nodes, where they have some. Private ones they
    /// never reach.
    #[schemars(extend("allowed" = RANGES))]
    pub blocked_ranges: Vec<String>,
    /// Private addresses that pods may reach although they are not public: a file server, a mirror of packages. Of a wide
    /// range the loopback and link-local addresses and the cloud's metadata stay closed, and what `kube.blocked_ranges`
    /// has inside of it. In a cluster of IPv6 alone the NAT64 prefix (`64:ff9b::/96`) leads to the internet of IPv4, and
    /// to the network's private addresses of IPv4 too.
    #[schemars(extend("allowed" = RANGES))]
    pub allowed_ranges: Vec<String>,
    /// The DNS servers of pods, in addition to the pods of `kube-system` and `openshift-dns` and 169.254.20.10: the
    /// `nameserver` lines of `/etc/resolv.conf` in a pod, where names can't be had otherwise.
    #[schemars(extend("allowed" = RANGES))]
    pub dns_ranges: Vec<String>,
    /// How long an operation on the cluster may take before it fails and is retried.
    #[schemars(range(min = 1, max = 300), extend("unit" = "seconds"))]
    pub deadline_seconds: u32,
    /// The most writes to the API server at a time.
    #[schemars(range(min = 1, max = 256), extend("unit" = "requests"))]
    pub writes_in_flight: u32,
    /// Most logs that are read at a time, each over a connection of its own. An eighth is for administrators, a quarter
    /// for the platform itself, and the rest is shared fairly by those who follow logs.
    #[schemars(range(min = 8, max = 1024), extend("unit" = "logs"))]
    pub log_streams: u32,
    /// The addresses of DCGM exporters, which report the use of GPUs.
    #[schemars(extend("allowed" = "URLs that begin with http://"))]
    pub dcgm_urls: Vec<String>,
}

/// How ranges of addresses are written.
const RANGES: &str = "address ranges (CIDR) such as `203.0.113.0/24` or `2001:db8::/32`";

impl Default for Kube {
    fn default() -> Self {
        Self {
            kubeconfig: None,
            context: None,
            instance: "server".into(),
            namespace: "neuropod-pods".into(),
            namespace_per_user: false,
            quota: None,
            ingress_class: None,
            ingress_annotations: BTreeMap::new(),
            tls_secret: None,
            gateway: None,
            gateway_namespace: None,
            gateway_listener: None,
            storage_class: None,
            access_mode: AccessMode::ReadWriteOnce,
            grow_volumes: false,
            volume_per_pod: false,
            restricted: false,
            user_namespaces: false,
            runtime_class: None,
            image_pull_secrets: Vec::new(),
            image_pull_policy: PullPolicy::Always,
            grace_seconds: 30,
            same_owner_traffic: false,
            ingress_namespace: BTreeMap::new(),
            ingress_ranges: Vec::new(),
            blocked_ranges: Vec::new(),
            allowed_ranges: Vec::new(),
            dns_ranges: Vec::new(),
            deadline_seconds: 30,
            writes_in_flight: 24,
            log_streams: 64,
            dcgm_urls: Vec::new(),
        }
    }
}

/// Who may mount a volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum AccessMode {
    /// The pods of one node at a time.
    ReadWriteOnce,
    /// Pods on any node.
    ReadWriteMany,
}

impl AccessMode {
    /// As Kubernetes calls it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::ReadWriteOnce => "ReadWriteOnce",
            Self::ReadWriteMany => "ReadWriteMany",
        }
    }
}

/// When a node asks the registry for an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum PullPolicy {
    /// At every start of a container.
    Always,
    /// Only when no image of the name is on the node.
    IfNotPresent,
    /// Never.
    Never,
}

impl From<PullPolicy> for ImagePullPolicy {
    fn from(policy: PullPolicy) -> Self {
        match policy {
            PullPolicy::Always => Self::Always,
            PullPolicy::IfNotPresent => Self::IfNotPresent,
            PullPolicy::Never => Self::Never,
        }
    }
}

/// Limits on all that one user has, where each has a namespace. All but `gpus` are needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UserQuota {
    /// Most pods of a user at a time.
    #[schemars(range(min = 1), extend("unit" = "pods"))]
    pub pods: u32,
    /// Most processor time of a user's pods together.
    #[schemars(range(min = 1), extend("unit" = "thousandths of a core"))]
    pub cpu_millis: u32,
    /// Most memory of a user's pods together.
    #[schemars(range(min = 1), extend("unit" = "MiB"))]
    pub memory_mib: u32,
    /// Most volume space of a user together.
    #[schemars(range(min = 1), extend("unit" = "GB"))]
    pub volume_gb: u32,
    /// Most GPUs of a user's pods together, of each kind of resource that the catalogue has; no limit unless given.
    #[schemars(range(min = 0), extend("unit" = "GPUs"))]
    #[serde(default)]
    pub gpus: Option<u32>,
}
