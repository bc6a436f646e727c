//! The programs that the harness starts.

/// A server that the harness starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the program of that name")]
pub enum Program {
    Etcd,
    KubeApiserver,
    KubeControllerManager,
    KubeScheduler,
    Kubelet,
    KubeProxy,
    FerretDb,
    KubeRouter,
    MetricsServer,
    Traefik,
}

impl Program {
    /// The programs of a control plane.
    pub const CONTROL_PLANE: [Self; 3] = [Self::Etcd, Self::KubeApiserver, Self::KubeControllerManager];
    /// The additional programs of a node.
    pub const NODE: [Self; 4] = [
        Self::KubeScheduler,
        Self::Kubelet,
        Self::KubeProxy,
        Self::KubeRouter,
    ];
    /// The surroundings of pods in a real cluster: metrics and routing.
    pub const EDGE: [Self; 2] = [Self::MetricsServer, Self::Traefik];

    /// The file name of the program.
    pub fn name(self) -> &'static str {
        match self {
            Self::Etcd => "etcd",
            Self::KubeApiserver => "kube-apiserver",
            Self::KubeControllerManager => "kube-controller-manager",
            Self::KubeScheduler => "kube-scheduler",
            Self::Kubelet => "kubelet",
            Self::KubeProxy => "kube-proxy",
            Self::FerretDb => "ferretdb",
            Self::KubeRouter => "kube-router",
            Self::MetricsServer => "metrics-server",
            Self::Traefik => "traefik",
        }
    }
}
