//! The kind of the Services of ports.

use std::time::Duration;

/// The kind of the Service of each port.
///
/// Who needs [`ClusterIp`](Self::ClusterIp):
/// - load balancers outside of the cluster that send to nodes instead of pods: Ingresses of GKE without container-native
///   load balancing, AWS Load Balancer Controller with `target-type: instance`, Azure Application Gateway for
///   Kubernetes with `ClusterIP` backends;
/// - pods that must be reported as ready the very moment their port opens. Traefik (`providersThrottleDuration`) and
///   ingress-nginx take up to two or three seconds to learn of a new pod, while they send to the address of a Service from
///   the beginning. So a pod with headless Services is reported as ready three seconds after it is;
/// - service meshes that only route cluster IPs.
///
/// A Service that exists keeps its kind, because Kubernetes does not change it. The next run of its pod has the new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Services {
    /// Without an address of its own (`clusterIP: None`). Ingress and Gateway controllers send to the pod itself, and
    /// the name of the Service resolves to the address of the pod. The API server checks the address of every other
    /// Service before it gives one: with 24,000 Services in the cluster, creating one with an address takes 36 to 40 ms
    /// of its processor (Kubernetes 1.34), and creating a headless one 2 ms.
    #[default]
    Headless,
    /// With an address of its own, which kube-proxy or its replacement forwards to the pod.
    ClusterIp,
}

/// How long controllers may take to learn of the address of a pod that has become ready: two seconds and their requests.
const LEARNING: Duration = Duration::from_secs(3);

impl Services {
    /// How long the routes may answer with an error after a pod has become ready.
    pub(crate) fn route_delay(self) -> Duration {
        match self {
            Self::Headless => LEARNING,
            Self::ClusterIp => Duration::ZERO,
        }
    }
}
