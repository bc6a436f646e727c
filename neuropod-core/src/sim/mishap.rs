//! Every failure of a pod in a cluster: one list, for the simulation and for the conformance suite.

use std::time::Duration;

use crate::cluster::reason::ReasonCode;
use crate::error::kind::{Error, ErrorKind};

/// The scheduler's message if no node fits a pod.
pub(super) const NO_NODE_FITS: &str =
    "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.";

/// A failure of a pod.
///
/// Most mishaps [last](Self::lasts): they block the pod until they are cleared, and also affect pods created
/// later under the same id. The others happen once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Mishap {
    /// Lasts: the scheduler finds no free GPU, whatever the stock.
    NoGpuFree,
    /// Lasts: the scheduler finds no node that fits.
    Unschedulable,
    /// Lasts: the scheduler waits for the volume.
    VolumePending,
    /// Lasts: the volume can't be mounted.
    MountFailing,
    /// Lasts: mounting the volume is slow. The warning applies once it is half a minute old.
    MountSlow,
    /// Lasts: the registry can't be reached.
    PullFailing,
    /// Lasts: the registry does not have the image.
    ImageMissing,
    /// Lasts: the runtime does not understand the image reference.
    ImageInvalid,
    /// Lasts: the container can't be created from its configuration.
    ConfigError,
    /// Lasts: the runtime can't start the container.
    StartError,
    /// Lasts: the image is for another processor architecture.
    WrongArchitecture,
    /// Lasts: the GPU driver on the pod's node is incompatible, so no container starts there.
    NodeFault,
    /// Lasts: the pod makes no progress on its node, and no reason is given.
    Hanging,
    /// Lasts: the node refuses the pod before it runs. The pod object ends and is recreated.
    NodeRefuses,
    /// Lasts: the program hangs in a driver and can't be killed, so the pod never ends.
    Unkillable,
    /// Lasts: every container ends a second after it starts.
    CrashLoop,
    /// Lasts: the server hangs. It neither accepts a connection nor prints its token.
    NeverReady,
    /// Lasts: the container ends only when its grace period is over.
    IgnoresTermination,
    /// Lasts: the API server refuses the pod because a quota is used up.
    QuotaUsedUp,
    /// Lasts: the API server refuses the pod because the quota of an admission webhook is used up.
    QuotaOfWebhook,
    /// Lasts: the API server refuses the pod because it has too many processors for a single pod.
    SizeNotAllowed,
    /// Lasts: the API server refuses the pod because a quota requires a limit that the platform does not set.
    LimitNotSet,
    /// Lasts: the API server refuses the pod because of an admission webhook.
    AdmissionDenied,
    /// Lasts: the API server refuses the pod because it depends on an object that is missing in the cluster.
    NotSetUp,
    /// Lasts: the API server does not respond when the pod is created.
    ApiUnavailable,
    /// Lasts: an object with the name of one of the pod's is still being deleted, so none of the pod's objects
    /// are created.
    Leftover,
    /// The container ends with an error and is restarted: at once the first time, after 10 seconds the second,
    /// 20 the third, up to five minutes, as by the kubelet.
    Exit,
    /// The container is killed for its memory use and restarted after 10 seconds.
    OutOfMemory,
    /// The server is killed inside the container and restarted there, as by a supervisor: its port is closed
    /// for a moment, and it generates another token.
    ServerKilled,
    /// The node is short of memory and evicts the pod: the pod object ends for good.
    Evicted,
    /// The pod used more disk than its limit: the pod object ends for good.
    DiskExceeded,
    /// The node stops responding. A minute later it is removed, together with the pod object.
    NodeLost,
}

impl Mishap {
    /// Whether it blocks the pod until it is cleared; otherwise it happens once.
    pub fn lasts(self) -> bool {
        !matches!(
            self,
            Self::Exit
                | Self::OutOfMemory
                | Self::ServerKilled
                | Self::Evicted
                | Self::DiskExceeded
                | Self::NodeLost
        )
    }

    /// The reason for it in the cluster's words, if the cluster reports one.
    pub(super) fn reason(self, image: &str) -> Option<(ReasonCode, String)> {
        let (code, text) = match self {
            Self::Hanging | Self::Unkillable | Self::IgnoresTermination | Self::ServerKilled => return None,
            Self::NoGpuFree => return Some((ReasonCode::NoGpuFree, insufficient(1, "nvidia.com/gpu"))),
            Self::PullFailing => {
                let text = format!("failed to pull and unpack image \"{image}\": dial tcp: i/o timeout");
                return Some((ReasonCode::ImagePullFailed, text));
            }
            Self::ImageMissing => {
                let text = format!("failed to resolve reference \"{image}\": {image}: not found");
                return Some((ReasonCode::ImageNotFound, text));
            }
            Self::ImageInvalid => {
                let text =
                    format!("Failed to apply default image tag \"{image}\": couldn't parse image name");
                return Some((ReasonCode::ImageInvalid, text));
            }
            Self::Unschedulable => (ReasonCode::Unschedulable, NO_NODE_FITS),
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
            Self::Exit => (ReasonCode::ContainerExited, "exit code 1"),
            Self::OutOfMemory => (
                ReasonCode::OutOfMemory,
                "the container used more memory than its limit (OOMKilled, exit code 137)",
            ),
            Self::Evicted => (
                ReasonCode::Evicted,
                "The node was low on resource: memory. Threshold quantity: 100Mi, available: 96Mi.",
            ),
            Self::DiskExceeded => (
                ReasonCode::DiskExceeded,
                "Pod ephemeral local storage usage exceeds the total limit of containers.",
            ),
            Self::NodeLost => (
                ReasonCode::NodeLost,
                "Node which was running the pod is unresponsive",
            ),
            _ => self.api_reason()?,
        };
        Some((code, text.to_owned()))
    }

    /// The reason and the message of an API server that does not create the pod.
    fn api_reason(self) -> Option<(ReasonCode, &'static str)> {
        Some(match self {
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
            _ => return None,
        })
    }

    /// How long the reason may still pass.
    pub(super) fn may_pass_for(self) -> Option<Duration> {
        (self == Self::MountSlow).then_some(Duration::from_secs(30))
    }

    /// Whether the node is at fault, whatever pod it runs.
    pub(super) fn is_of_the_node(self) -> bool {
        matches!(self, Self::NodeFault | Self::NodeRefuses)
    }

    /// The error for creating a pod with this mishap; `None` if the pod is created and affected later.
    pub(super) fn api_error(self) -> Option<Error> {
        let kind = match self {
            Self::QuotaUsedUp | Self::SizeNotAllowed => ErrorKind::QuotaExceeded,
            Self::AdmissionDenied | Self::QuotaOfWebhook | Self::LimitNotSet => ErrorKind::Rejected,
            Self::NotSetUp => ErrorKind::NotConfigured,
            Self::ApiUnavailable => ErrorKind::Unavailable,
            Self::Leftover => ErrorKind::Conflict,
            _ => return None,
        };
        let (_, text) = self.api_reason()?;
        Some(Error::new(kind, text))
    }
}

/// The scheduler's message if a resource is used up.
pub(super) fn insufficient(nodes: usize, resource: &str) -> String {
    format!(
        "0/{nodes} nodes are available: {nodes} Insufficient {resource}. preemption: 0/{nodes} nodes are available: \
         {nodes} No preemption victims found for incoming pod."
    )
}
