//! How the backend lays things out in a cluster: data.

use std::collections::BTreeMap;
use std::time::Duration;

use neuropod_core::cluster::{Catalogue, WorkloadRef};

/// How [`KubeCluster`](crate::KubeCluster) uses a cluster.
///
/// ```
/// use neuropod_k8s::{Exposure, KubeConfig};
///
/// let config = KubeConfig {
///     namespace: "gpu-pods".into(),
///     exposure: Exposure::ingress("nginx"),
///     ..KubeConfig::default()
/// };
/// assert_eq!(config.storage.access_mode, "ReadWriteOnce");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KubeConfig {
    /// Which platform this is: the label `app.kubernetes.io/instance` of everything that it makes, at most 63 letters,
    /// digits, `-`, `_` and `.`. Two platforms in one cluster, each with a store of its own, need different ones: what
    /// has this label and no record in the store is removed.
    pub instance: String,
    /// The namespace of all pods whose [`WorkloadRef`](neuropod_core::cluster::WorkloadRef) names none. It has to exist. It is
    /// for the pods alone: the platform may read every Secret in it, and is itself in another.
    pub namespace: String,
    /// Whether there are pods in other namespaces too (one namespace per user). Such namespaces are made when
    /// needed and never deleted: volumes may be in them. Needs rights in the whole cluster.
    pub namespace_per_user: bool,
    /// How ports are reached from outside.
    pub exposure: Exposure,
    /// Where browsers find pods and the control plane.
    pub domains: Domains,
    /// Workspace volumes.
    pub storage: Storage,
    /// What pods may reach, and who reaches them.
    pub network: NetworkRules,
    /// What containers may do on their node.
    pub security: Security,
    /// The GPU types on offer: [`check_setup`](crate::KubeCluster::check_setup) says which of them no node can take.
    /// `None`: it does not look.
    pub catalogue: Option<Catalogue>,
    /// Whether root in a container is nobody on its node (`hostUsers: false`). Needs Kubernetes 1.33, and a runtime and file
    /// systems with id-mapped mounts.
    pub user_namespaces: bool,
    /// The `RuntimeClass` of all pods whose GPU type names none, such as that of gVisor or Kata; `None`: the runtime of the
    /// node.
    pub runtime_class: Option<String>,
    /// Names of Secrets with registry credentials, in [`namespace`](Self::namespace). Namespaces of users get copies, which
    /// follow changes and go when nothing uses them that this names no longer; a pod there is not made while one of the
    /// Secrets is missing.
    pub image_pull_secrets: Vec<String>,
    /// When the kubelet asks the registry for an image.
    pub image_pull_policy: ImagePullPolicy,
    /// Within this time every operation answers, or fails with [`Timeout`](neuropod_core::ErrorKind::Timeout).
    pub deadline: Duration,
    /// Most write requests at a time. 16 to 32 is what an API server takes well.
    pub writes_in_flight: usize,
    /// Most logs that are read at a time; one more fails with
    /// [`RateLimited`](neuropod_core::ErrorKind::RateLimited). Each holds a connection.
    pub log_streams: usize,
}

impl Default for KubeConfig {
    /// The instance `default` in the namespace `neuropod-pods`, an Ingress of the cluster's default class, the default
    /// storage class, 30 seconds, 24 writes and 64 logs at a time.
    fn default() -> Self {
        Self {
            instance: "default".into(),
            namespace: "neuropod-pods".into(),
            namespace_per_user: false,
            exposure: Exposure::default(),
            domains: Domains::default(),
            storage: Storage::default(),
            network: NetworkRules::default(),
            security: Security::default(),
            catalogue: None,
            user_namespaces: false,
            runtime_class: None,
            image_pull_secrets: Vec::new(),
            image_pull_policy: ImagePullPolicy::default(),
            deadline: Duration::from_secs(30),
            writes_in_flight: 24,
            log_streams: 64,
        }
    }
}

impl KubeConfig {
    /// The namespace of a pod's objects.
    pub(crate) fn namespace_of<'a>(&'a self, reference: &'a WorkloadRef) -> &'a str {
        reference.namespace.as_deref().unwrap_or(&self.namespace)
    }
}

/// How ports are reached from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exposure {
    /// One `Ingress` per port.
    Ingress {
        /// `ingressClassName`; `None`: the default class of the cluster.
        class: Option<String>,
        /// A Secret with a wildcard certificate, in [`KubeConfig::namespace`] and copied like
        /// [`KubeConfig::image_pull_secrets`]; `None`: the controller's own.
        tls_secret: Option<String>,
        /// Annotations for the controller, beside those without which ingress-nginx breaks uploads and silent
        /// `WebSockets`. One of the same name takes their place.
        annotations: BTreeMap<String, String>,
    },
    /// One `HTTPRoute` per port (Gateway API v1). One listener with a wildcard host name serves all of them; it
    /// has to allow routes from the namespace of the pods.
    Gateway {
        /// The name of the Gateway.
        name: String,
        /// Its namespace; `None`: that of the pod.
        namespace: Option<String>,
        /// The name of the listener; `None`: all that fit.
        section: Option<String>,
    },
}

impl Exposure {
    /// An Ingress of this class, with the controller's own certificate.
    pub fn ingress(class: impl Into<String>) -> Self {
        Self::Ingress {
            class: Some(class.into()),
            tls_secret: None,
            annotations: BTreeMap::new(),
        }
    }
}

impl Default for Exposure {
    /// An Ingress of the cluster's default class.
    fn default() -> Self {
        Self::Ingress {
            class: None,
            tls_secret: None,
            annotations: BTreeMap::new(),
        }
    }
}

/// Where browsers find pods and the control plane. They have to be two sites (domains that can be registered, one below a
/// public suffix): a page of a pod could else set cookies for the other, and its requests would count as the other's own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Domains {
    /// The domain below which pods get their host names, as [`Naming`](neuropod_core::Naming) has it; empty: it is not
    /// checked.
    pub pods: String,
    /// The hosts of what people are signed in to: dashboards, the API.
    pub control_plane: Vec<String>,
    /// One site for both is meant.
    pub allow_same_site: bool,
}

/// What workspace volumes are made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Storage {
    /// The storage class; `None`: the default class of the cluster.
    pub class: Option<String>,
    /// `ReadWriteOnce` (all pods of a volume on one node, where they are put together) or `ReadWriteMany`.
    pub access_mode: String,
    /// Whether a volume is grown when a pod asks for more than it has. The class has to allow it
    /// (`allowVolumeExpansion`); if it does not, the volume stays as it is.
    pub grow: bool,
}

impl Storage {
    /// Whether all pods of a volume have to be on one node.
    pub(crate) fn is_of_one_node(&self) -> bool {
        self.access_mode == "ReadWriteOnce"
    }
}

impl Default for Storage {
    fn default() -> Self {
        Self {
            class: None,
            access_mode: "ReadWriteOnce".into(),
            grow: false,
        }
    }
}

/// The network policies of the pods. They do something only where the network plug-in of the cluster enforces them.
///
/// One policy for all pods of a namespace is there before the first pod and stays after the last; no pod runs without
/// it. A pod may reach the names service, the public internet and, where the platform says so, some private addresses
/// and other pods of its owner. It is reached at its public ports, by everything that is not a pod of this platform;
/// that is opened by a policy of its own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NetworkRules {
    /// Labels of the ingress controller's namespace. With them nobody else in the cluster reaches the pods.
    pub ingress_namespace: Option<BTreeMap<String, String>>,
    /// Address ranges (CIDR) that reach the pods too: nodes or load balancers, where the controller uses the
    /// network of its node.
    pub ingress_ranges: Vec<String>,
    /// Address ranges (CIDR) that pods may not reach, beside those that are never public: the API server and the nodes,
    /// where they have public addresses.
    pub blocked_ranges: Vec<String>,
    /// Address ranges (CIDR) that pods may reach although they are not public: a file server, a mirror of packages. Of a
    /// wide range the loopback and link-local addresses and the cloud's metadata stay closed, and what
    /// [`blocked_ranges`](Self::blocked_ranges) has inside of it; whoever means those names them. In a cluster of IPv6
    /// alone the internet of IPv4 is behind the NAT64 prefix (`64:ff9b::/96`), and with it all of the network's private
    /// addresses of IPv4.
    pub allowed_ranges: Vec<String>,
    /// Address ranges (CIDR) at which pods are told names (port 53), beside the pods of `kube-system` and
    /// `openshift-dns` and `NodeLocal DNSCache` at 169.254.20.10: the `nameserver` lines of `/etc/resolv.conf` in a pod,
    /// where names can't be had otherwise.
    pub dns_ranges: Vec<String>,
}

/// What containers may do on their node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Security {
    /// What ordinary images need that start as root: the Pod Security level `baseline`.
    #[default]
    Baseline,
    /// No root and no capabilities: the Pod Security level `restricted`. Images that start as root fail.
    Restricted,
}

/// When the kubelet asks the registry for an image (`imagePullPolicy`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ImagePullPolicy {
    /// At every start of a container. Layers that are on the node are not downloaded again, but whoever may not pull the
    /// image, or has the credentials no more, does not get it from the node either; and a tag is always the newest. While
    /// the registry does not answer, nothing starts. What Kubernetes' admission plug-in `AlwaysPullImages` does.
    #[default]
    Always,
    /// Only when no image of the name is on the node. Everybody can use every image that anybody has pulled there, private
    /// ones included. For images that were loaded onto the nodes, and for clusters that lose their registries.
    IfNotPresent,
    /// Never: what is not on the node does not start.
    Never,
}

impl ImagePullPolicy {
    /// As Kubernetes calls it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Always => "Always",
            Self::IfNotPresent => "IfNotPresent",
            Self::Never => "Never",
        }
    }
}
