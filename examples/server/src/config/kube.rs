//! The configuration of the Kubernetes cluster.

use std::collections::BTreeMap;
use std::path::PathBuf;

use neuropod::k8s::{self, ImagePullPolicy};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The Kubernetes cluster. Only with `cluster = "kube"`, except `volume_per_pod`, `namespace_per_user`,
/// `quota`, `same_owner_traffic` and `grace_seconds`, which also apply to the simulated cluster.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
pub struct Kube {
    /// A kubeconfig file. Unless given: `$KUBECONFIG`, `~/.kube/config`, or the cluster that the server runs in.
    #[schemars(extend("allowed" = "the path of a file"))]
    pub kubeconfig: Option<PathBuf>,
    /// The context of that kubeconfig; its current one unless given. Needs `kube.kubeconfig`.
    pub context: Option<String>,
    /// The name of this platform if several share a cluster. Objects with this label and no record in the store
    /// are removed.
    #[schemars(extend("allowed" = "a label value: up to 63 letters, digits, `-`, `_` and `.`"))]
    pub instance: String,
    /// The namespace of the pods. It must exist, and contain only pods: the server itself runs in another.
    #[schemars(extend("allowed" = "the name of a namespace"))]
    pub namespace: String,
    /// Whether each user has their own namespace. A change applies to new pods only.
    pub namespace_per_user: bool,
    /// Limits on the total of each user. Needs `kube.namespace_per_user`.
    pub quota: Option<UserQuota>,
    /// The class of the Ingresses; the default class of the cluster unless given.
    #[schemars(extend("allowed" = "the name of an IngressClass"))]
    pub ingress_class: Option<String>,
    /// Annotations of the Ingresses, in addition to those that ingress-nginx needs for uploads and idle `WebSockets`. One
    /// with the same name replaces those.
    pub ingress_annotations: BTreeMap<String, String>,
    /// A Secret with a wildcard certificate, in the namespace of the pods; the controller's own certificate
    /// unless given. Namespaces of users get copies, which follow changes; no pod is created there while it is
    /// missing.
    #[schemars(extend("allowed" = "the name of a Secret"))]
    pub tls_secret: Option<String>,
    /// A Gateway: with it ports are reached by `HTTPRoute`s instead of Ingresses.
    #[schemars(extend("allowed" = "the name of a Gateway"))]
    pub gateway: Option<String>,
    /// The namespace of the Gateway; that of the pods unless given.
    #[schemars(extend("allowed" = "the name of a namespace"))]
    pub gateway_namespace: Option<String>,
    /// The listener of the Gateway; every one that matches unless given.
    #[schemars(extend("allowed" = "the name of a listener"))]
    pub gateway_listener: Option<String>,
    /// The kind of the Services of ports. Ingress and Gateway controllers send to the pods (`Headless`). Load balancers
    /// that send to nodes need `ClusterIp`, and Traefik has no delay of up to two seconds for the first visitor with
    /// it; in a cluster with thousands of Services each costs the API server much more. A change applies to the next
    /// start of each pod.
    pub services: Services,
    /// The storage class of volumes; the default class of the cluster unless given.
    #[schemars(extend("allowed" = "the name of a StorageClass"))]
    pub storage_class: Option<String>,
    /// Which pods may mount a volume: those of one node, or those of all nodes. The storage class must support
    /// it.
    pub access_mode: AccessMode,
    /// Whether a volume grows when a pod asks for a larger one, if its storage class allows that.
    pub grow_volumes: bool,
    /// Whether each pod has its own workspace volume, instead of one for each user. A change applies to new
    /// pods only.
    pub volume_per_pod: bool,
    /// No root and no capabilities in containers: images that start as root fail.
    pub restricted: bool,
    /// Whether root in a container is an unprivileged user on its node (`hostUsers: false`). Needs Kubernetes
    /// 1.33, and a runtime and file systems with id-mapped mounts.
    pub user_namespaces: bool,
    /// The runtime of all pods whose GPU type has no `runtimeClass`, such as gVisor or Kata; that of the node unless given.
    #[schemars(extend("allowed" = "the name of a RuntimeClass"))]
    pub runtime_class: Option<String>,
    /// Secrets with registry credentials, in the namespace of the pods. Namespaces of users get copies, which
    /// follow changes; no pod is created there while one is missing.
    #[schemars(extend("allowed" = "names of Secrets"))]
    pub image_pull_secrets: Vec<String>,
    /// When a node asks the registry for an image: at every start of a container, so that nobody can use a
    /// private image that somebody else has pulled (`Always`); only if it has no image of that name, for images
    /// that were loaded onto the nodes (`IfNotPresent`); or never.
    pub image_pull_policy: PullPolicy,
    /// How long a container may take to end before it is killed.
    #[schemars(range(min = 0, max = 3600), extend("unit" = "seconds"))]
    pub grace_seconds: u32,
    /// Whether pods of the same user may connect to each other.
    pub same_owner_traffic: bool,
    /// Labels of the ingress controller's namespace. If set, nothing else in the cluster reaches the pods.
    pub ingress_namespace: BTreeMap<String, String>,
    /// Addresses that may reach the pods too: nodes or load balancers, if the ingress controller uses the
    /// network of its node.
    #[schemars(extend("allowed" = RANGES))]
    pub ingress_ranges: Vec<String>,
    /// Public addresses that pods may not reach: the API server and the nodes, if they have any. Private
    /// addresses are always closed.
    #[schemars(extend("allowed" = RANGES))]
    pub blocked_ranges: Vec<String>,
    /// Private addresses that pods may reach: a file server, a package mirror. Inside of a wide range the
    /// loopback and link-local addresses, the cloud's metadata and `kube.blocked_ranges` stay closed. In an
    /// IPv6-only cluster the NAT64 prefix (`64:ff9b::/96`) opens the IPv4 internet, and also the network's
    /// private IPv4 addresses.
    #[schemars(extend("allowed" = RANGES))]
    pub allowed_ranges: Vec<String>,
    /// The DNS servers of pods, in addition to the pods of `kube-system` and `openshift-dns` and 169.254.20.10:
    /// the `nameserver` lines of `/etc/resolv.conf` in a pod, if DNS does not work otherwise.
    #[schemars(extend("allowed" = RANGES))]
    pub dns_ranges: Vec<String>,
    /// Whether the replicas of the server divide the pods among them, by a Lease for each in the namespace of the pods. A
    /// replica that dies is taken over within 15 seconds. Without, each drives all pods.
    pub leases: bool,
    /// How long an operation on the cluster may take before it fails and is retried.
    #[schemars(range(min = 1, max = 300), extend("unit" = "seconds"))]
    pub deadline_seconds: u32,
    /// The maximum number of concurrent writes to the API server.
    #[schemars(range(min = 1, max = 256), extend("unit" = "requests"))]
    pub writes_in_flight: u32,
    /// The maximum number of logs read at the same time, each over its own connection. An eighth is reserved
    /// for administrators, a quarter for the platform itself, and the rest is shared fairly by everybody who
    /// follows logs.
    #[schemars(range(min = 8, max = 1024), extend("unit" = "logs"))]
    pub log_streams: u32,
    /// The addresses of DCGM exporters, which report the use of GPUs.
    #[schemars(extend("allowed" = "URLs that begin with http://"))]
    pub dcgm_urls: Vec<String>,
}

/// The notation of address ranges.
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
            services: Services::Headless,
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
            leases: false,
            deadline_seconds: 30,
            writes_in_flight: 24,
            log_streams: 64,
            dcgm_urls: Vec::new(),
        }
    }
}

/// Which pods may mount a volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum AccessMode {
    /// The pods of one node at a time.
    ReadWriteOnce,
    /// Pods on any node.
    ReadWriteMany,
}

impl AccessMode {
    /// The name that Kubernetes uses.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::ReadWriteOnce => "ReadWriteOnce",
            Self::ReadWriteMany => "ReadWriteMany",
        }
    }
}

/// The kind of the Services of ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum Services {
    /// Without an address of its own.
    Headless,
    /// With an address that kube-proxy forwards to the pod.
    ClusterIp,
}

impl From<Services> for k8s::Services {
    fn from(services: Services) -> Self {
        match services {
            Services::Headless => Self::Headless,
            Services::ClusterIp => Self::ClusterIp,
        }
    }
}

/// When a node asks the registry for an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum PullPolicy {
    /// At every start of a container.
    Always,
    /// Only if the node has no image of that name.
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

/// Limits on the total of each user, if each has a namespace. All but `gpus` are required.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UserQuota {
    /// The maximum number of a user's pods.
    #[schemars(range(min = 1), extend("unit" = "pods"))]
    pub pods: u32,
    /// The maximum processor time of a user's pods together.
    #[schemars(range(min = 1), extend("unit" = "thousandths of a core"))]
    pub cpu_millis: u32,
    /// The maximum memory of a user's pods together.
    #[schemars(range(min = 1), extend("unit" = "MiB"))]
    pub memory_mib: u32,
    /// The maximum volume space of a user.
    #[schemars(range(min = 1), extend("unit" = "GB"))]
    pub volume_gb: u32,
    /// The maximum number of GPUs of a user's pods together, for each resource in the catalogue; no limit
    /// unless given.
    #[schemars(range(min = 0), extend("unit" = "GPUs"))]
    #[serde(default)]
    pub gpus: Option<u32>,
}
