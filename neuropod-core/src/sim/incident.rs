use std::time::Duration;

use jiff::Timestamp;

use crate::cluster::reason::ReasonCode;
use crate::error::kind::{Error, ErrorKind};

/// What stands in the way of a pod until it is taken away; the pods made later under the same id meet it too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Obstacle {
    /// The scheduler finds no free GPU, whatever the stock says.
    NoGpuFree,
    /// The scheduler finds no node that fits.
    Unschedulable,
    /// The scheduler waits for the volume.
    VolumePending,
    /// The volume can't be mounted.
    MountFailing,
    /// The volume can't be mounted for the moment: a warning that counts once it is half a minute old.
    MountSlow,
    /// The registry can't be reached.
    PullFailing,
    /// The registry does not have the image.
    ImageMissing,
    /// The runtime does not understand the image reference.
    ImageInvalid,
    /// The container can't be created from its configuration.
    ConfigError,
    /// The runtime can't start the container.
    StartError,
    /// The image is for another processor architecture.
    WrongArchitecture,
    /// Its node is set up wrongly: the driver of the GPU does not fit, and no container starts there.
    NodeFault,
    /// It is on its node and gets no further, and nobody says why.
    Hanging,
    /// Its node refuses it before anything of it runs: the pod object ends, and is made anew.
    NodeRefuses,
    /// Nothing ends it: its program hangs in a driver and can't be killed.
    Unkillable,
    /// Every container ends a second after it starts.
    CrashLoop,
    /// The server hangs: it never accepts a connection nor prints its token.
    NeverReady,
    /// The container ends only when its grace period is over.
    IgnoresTermination,
    /// The API server refuses the pod: a quota is used up.
    QuotaUsedUp,
    /// The API server refuses the pod: an admission webhook counts, and its quota is used up.
    QuotaOfWebhook,
    /// The API server refuses the pod: one pod may not have so many processors.
    SizeNotAllowed,
    /// The API server refuses the pod: a quota asks for a limit that the platform does not set.
    LimitNotSet,
    /// The API server refuses the pod: an admission webhook says no.
    AdmissionDenied,
    /// The API server refuses the pod: something that it needs is missing in the cluster.
    NotSetUp,
    /// The API server does not answer when the pod is to be made.
    ApiUnavailable,
    /// Something of the same name as an object of the pod is still being deleted, and nothing of the pod is made.
    Leftover,
}

impl Obstacle {
    /// The reason a cluster gives, and its words.
    pub(super) fn reason(self, image: &str) -> (ReasonCode, String) {
        let (code, text) = match self {
            Self::NoGpuFree => return (ReasonCode::NoGpuFree, insufficient(1, "nvidia.com/gpu")),
            Self::Unschedulable => (
                ReasonCode::Unschedulable,
                "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.",
            ),
            Self::VolumePending => (
                ReasonCode::VolumePending,
                "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.",
            ),
            Self::MountFailing => (
                ReasonCode::VolumeFailed,
                "MountVolume.SetUp failed for volume \"workspace\": rpc error: code = Internal",
            ),
            Self::MountSlow => (
                ReasonCode::VolumeFailed,
                "MountVolume.WaitForAttach failed for volume \"workspace\": volume attachment is being created",
            ),
            Self::PullFailing => {
                let text = format!("failed to pull and unpack image \"{image}\": dial tcp: i/o timeout");
                return (ReasonCode::ImagePullFailed, text);
            }
            Self::ImageMissing => {
                let text = format!("failed to resolve reference \"{image}\": {image}: not found");
                return (ReasonCode::ImageNotFound, text);
            }
            Self::ImageInvalid => {
                let text =
                    format!("Failed to apply default image tag \"{image}\": couldn't parse image name");
                return (ReasonCode::ImageInvalid, text);
            }
            Self::ConfigError => (ReasonCode::ContainerConfig, "secret \"token\" not found"),
            Self::StartError => (
                ReasonCode::ContainerStart,
                "failed to create containerd task: exec: \"start\": executable file not found in $PATH",
            ),
            Self::WrongArchitecture => (
                ReasonCode::ImageArchitecture,
                "exec /usr/local/bin/start: exec format error",
            ),
            Self::NodeFault => (
                ReasonCode::ContainerConfig,
                "nvidia-container-cli: initialization error: nvml error: driver/library version mismatch: unknown",
            ),
            // Nobody says anything.
            Self::Hanging | Self::Unkillable => (ReasonCode::StopDelayed, ""),
            Self::NodeRefuses => (
                ReasonCode::Unschedulable,
                "Pod was rejected: Resources cannot be allocated with Topology locality",
            ),
            Self::CrashLoop => (
                ReasonCode::CrashLoop,
                "back-off restarting failed container; last exit code 1",
            ),
            Self::NeverReady => (
                ReasonCode::NotAnswering,
                "Readiness probe failed: connection refused",
            ),
            // Nothing hangs for it: it shows in the time only.
            Self::IgnoresTermination => (ReasonCode::ContainerExited, "exit code 137"),
            Self::QuotaUsedUp => (
                ReasonCode::QuotaExceeded,
                "exceeded quota: pods, requested: pods=1, used: pods=20, limited: pods=20",
            ),
            Self::QuotaOfWebhook => (
                ReasonCode::QuotaExceeded,
                "admission webhook \"pods.projectcapsule.dev\" denied the request: tenant quota for requests.nvidia.com/gpu \
                 exceeded",
            ),
            Self::SizeNotAllowed => (
                ReasonCode::QuotaExceeded,
                "pods \"lab\" is forbidden: maximum cpu usage per Pod is 4, but limit is 8",
            ),
            Self::LimitNotSet => (
                ReasonCode::ClusterSetup,
                "pods \"lab\" is forbidden: failed quota: team: must specify limits.cpu for: istio-proxy",
            ),
            Self::AdmissionDenied => (
                ReasonCode::Rejected,
                "admission webhook \"policy.example.com\" denied the request: images come from ghcr.io only",
            ),
            Self::NotSetUp => (
                ReasonCode::ClusterSetup,
                "storageclass.storage.k8s.io \"fast\" not found",
            ),
            Self::ApiUnavailable => (ReasonCode::ClusterUnavailable, "etcdserver: request timed out"),
            Self::Leftover => (
                ReasonCode::StopDelayed,
                "a leftover of the same name is still being deleted (kind: Service, finalizers: example.com/load-balancer)",
            ),
        };
        (code, text.to_owned())
    }

    /// For how long the reason may pass by itself.
    pub(super) fn may_pass_for(self) -> Option<Duration> {
        (self == Self::MountSlow).then_some(Duration::from_secs(30))
    }

    /// Whether it is the fault of the node, whoever's pod is there.
    pub(super) fn is_of_the_node(self) -> bool {
        matches!(self, Self::NodeFault | Self::NodeRefuses)
    }

    /// The error of the call that makes a pod with this in its way; `None`: the pod is made, and meets it later.
    pub(super) fn refusal(self) -> Option<Error> {
        let kind = match self {
            Self::QuotaUsedUp | Self::SizeNotAllowed => ErrorKind::QuotaExceeded,
            Self::AdmissionDenied | Self::QuotaOfWebhook | Self::LimitNotSet => ErrorKind::Rejected,
            Self::NotSetUp => ErrorKind::NotConfigured,
            Self::ApiUnavailable => ErrorKind::Unavailable,
            Self::Leftover => ErrorKind::Conflict,
            _ => return None,
        };
        Some(Error::new(kind, self.reason("").1))
    }
}

/// The words of the scheduler when a resource is used up.
pub(super) fn insufficient(nodes: usize, resource: &str) -> String {
    format!(
        "0/{nodes} nodes are available: {nodes} Insufficient {resource}. preemption: 0/{nodes} nodes are available: \
         {nodes} No preemption victims found for incoming pod."
    )
}

/// What happens to a pod once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Incident {
    /// Its container ends with an error and is started again: at once the first time, after 10 seconds the second, 20
    /// the third, up to five minutes, as the kubelet does.
    Exit,
    /// Its container is killed for its memory and is started again after 10 seconds.
    OutOfMemory,
    /// Its server is killed inside the container and started again there, as by a supervisor: its port is closed for a
    /// moment, and it makes another token.
    ServerKilled,
    /// Its node is short of memory and evicts it: the pod object ends for good.
    Evicted,
    /// It used more disk than its limit: the pod object ends for good.
    DiskExceeded,
    /// Its node does not answer any more. A minute later the node, and with it the pod object, is removed.
    NodeLost,
}

/// Calls that fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Which; `None`: whatever comes.
    pub method: Option<Method>,
    /// The next so many.
    pub times: u32,
    /// With which error; [`ErrorKind::RateLimited`] asks to wait a second.
    pub kind: ErrorKind,
    /// Whether the call takes effect all the same, and only its answer is lost.
    pub after_effect: bool,
}

/// The methods of a cluster backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// `apply`.
    Apply,
    /// `remove`.
    Remove,
    /// `observe`.
    Observe,
    /// `watch`, when it is opened.
    Watch,
    /// `logs`.
    Logs,
    /// `usage`.
    Usage,
    /// `inventory`.
    Inventory,
}

/// A call that the cluster got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// When.
    pub at: Timestamp,
    /// What.
    pub method: Method,
    /// The name of the pod that it was about, where it was about one.
    pub name: Option<String>,
}

/// The wait before a container is started the `restarts`th time, as the kubelet's `CrashLoopBackOff`.
pub(super) fn back_off(restarts: u32) -> Duration {
    let factor = 1 << restarts.saturating_sub(1).min(5);
    (Duration::from_secs(10) * factor).min(Duration::from_mins(5))
}
