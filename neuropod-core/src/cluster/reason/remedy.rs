//! The remedy for a pod's reason, as data: pages turn it into a button.

use serde::{Deserialize, Serialize};

use super::refusal::Refusal;
use super::{Reason, ReasonCode};

/// The next step of a pod's owner. The text for people is in [`crate::message::remedy_of`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Remedy {
    /// Wait: it passes, or somebody else is working on it.
    Wait,
    /// Choose another image or fix this one.
    ChangeImage,
    /// Read the logs: the program explains it there.
    ReadLogs,
    /// Choose a GPU type with more memory.
    ChooseMoreMemory,
    /// Request more disk, or keep large files on the volume.
    ChooseMoreDisk,
    /// Wait, or choose a free GPU type.
    ChooseAnotherGpu,
    /// Choose another GPU type, or a volume or disk of another size: the cluster does not allow this one.
    ChooseAnotherSize,
    /// Choose another name.
    ChooseAnotherName,
    /// Stop another pod, which uses a resource that this one needs: a quota, the volume.
    StopAnotherPod,
    /// Add money.
    AddFunds,
    /// Restart it.
    StartAgain,
    /// Restart it at [`Reason::startable_at`].
    StartLater,
    /// Contact the operators of the platform.
    ContactSupport,
}

impl ReasonCode {
    fn remedy(self) -> Remedy {
        match self {
            Self::ImageInvalid | Self::ImageNotFound | Self::ImageArchitecture | Self::ContainerStart => {
                Remedy::ChangeImage
            }
            Self::CrashLoop | Self::ContainerExited | Self::NotAnswering => Remedy::ReadLogs,
            Self::OutOfMemory => Remedy::ChooseMoreMemory,
            Self::DiskExceeded => Remedy::ChooseMoreDisk,
            Self::NoGpuFree => Remedy::ChooseAnotherGpu,
            Self::NameTaken => Remedy::ChooseAnotherName,
            Self::QuotaExceeded => Remedy::StopAnotherPod,
            Self::InsufficientFunds | Self::VolumeDeleted => Remedy::AddFunds,
            Self::SpendCap => Remedy::StartLater,
            Self::ContainerConfig
            | Self::ClusterSetup
            | Self::Rejected
            | Self::Suspended
            | Self::VolumeFailed => Remedy::ContactSupport,
            Self::ImagePullFailed
            | Self::Unschedulable
            | Self::Evicted
            | Self::NodeLost
            | Self::VolumePending
            | Self::ClusterUnavailable
            | Self::StopDelayed => Remedy::Wait,
            Self::GaveUp => Remedy::StartAgain,
        }
    }
}

impl Reason {
    /// The next step of the pod's owner; for a pod that was given up, for its cause. Waiting does not help
    /// there, so it is replaced by a restart.
    ///
    /// ```
    /// use neuropod_core::cluster::reason::{Reason, ReasonCode, Remedy};
    ///
    /// let reason = |code, detail| Reason::new(code, detail, jiff::Timestamp::UNIX_EPOCH);
    /// assert_eq!(reason(ReasonCode::OutOfMemory, "exit code 137").remedy(), Remedy::ChooseMoreMemory);
    /// assert_eq!(reason(ReasonCode::GaveUp, "crash_loop: exit code 1").remedy(), Remedy::ReadLogs);
    /// assert_eq!(reason(ReasonCode::GaveUp, "node_lost: no answer").remedy(), Remedy::StartAgain);
    /// ```
    pub fn remedy(&self) -> Remedy {
        if self.is_volume_in_use() || self.is_volume_on_full_node() {
            return Remedy::StopAnotherPod;
        }
        match self.refusal() {
            Some(Refusal::UsedUp(_)) => return Remedy::StopAnotherPod,
            Some(Refusal::Size(_)) => return Remedy::ChooseAnotherSize,
            Some(Refusal::Unset) => return Remedy::ContactSupport,
            None => {}
        }
        match (self.code, self.cause().remedy()) {
            (ReasonCode::GaveUp, Remedy::Wait) => Remedy::StartAgain,
            (_, remedy) => remedy,
        }
    }

    /// Whether another pod has the volume on another node, or exclusively, in the words of the attach
    /// controller and of the scheduler.
    pub fn is_volume_in_use(&self) -> bool {
        let phrases = ["Multi-Attach", "ReadWriteOncePod"];
        self.cause() == ReasonCode::VolumeFailed && phrases.iter().any(|words| self.detail.contains(words))
    }

    /// Whether the pod has to run on the node of another pod, which has its volume, and there is no room for
    /// it, in the words of the scheduler. Nothing else binds pods to others. The text after `preemption:` is
    /// about other pods.
    pub fn is_volume_on_full_node(&self) -> bool {
        let causes = self.detail.split("preemption:").next().unwrap_or_default();
        matches!(self.cause(), ReasonCode::NoGpuFree | ReasonCode::Unschedulable)
            && causes.contains("didn't match pod affinity")
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::cluster::reason::Blame;

    fn reason(code: ReasonCode, detail: &str) -> Reason {
        Reason::new(code, detail, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn fault_and_remedy_agree() {
        for code in ReasonCode::ALL {
            let reason = reason(code, "");
            if reason.blame() == Blame::User {
                assert!(
                    !matches!(reason.remedy(), Remedy::Wait | Remedy::ContactSupport),
                    "{code:?}: its owner can do something"
                );
            }
            let stopped = !code.is_retryable();
            assert!(
                !(stopped && reason.remedy() == Remedy::Wait),
                "{code:?} does not pass by itself"
            );
        }
    }

    #[test]
    fn a_given_up_start_has_the_remedy_of_its_cause() {
        for code in ReasonCode::ALL {
            let of_cause = reason(code, "as the cluster says").remedy();
            let given_up = reason(code, "as the cluster says").given_up(Timestamp::UNIX_EPOCH);
            let expected = match of_cause {
                Remedy::Wait => Remedy::StartAgain,
                other => other,
            };
            assert_eq!(given_up.remedy(), expected, "{code:?}");
        }
        let unknown = reason(
            ReasonCode::GaveUp,
            "no progress on node a for 60 minutes, and nothing said why",
        );
        assert_eq!(unknown.remedy(), Remedy::StartAgain);
    }

    #[test]
    fn a_wait_for_the_volume_of_another_pod_suggests_stopping_it() {
        let taken = reason(
            ReasonCode::VolumeFailed,
            "Multi-Attach error for volume \"pvc-1\"",
        );
        assert_eq!(taken.remedy(), Remedy::StopAnotherPod);
        let given_up = taken.given_up(Timestamp::UNIX_EPOCH);
        assert_eq!(given_up.remedy(), Remedy::StopAnotherPod);
        let words = "0/2 nodes are available: 1 Insufficient nvidia.com/gpu, 1 node(s) didn't match pod affinity rules.";
        for code in [ReasonCode::NoGpuFree, ReasonCode::Unschedulable] {
            let full = reason(code, words);
            assert!(full.is_volume_on_full_node());
            assert_eq!(full.remedy(), Remedy::StopAnotherPod);
        }
        // Others are kept apart, which is not about a volume.
        let apart = reason(
            ReasonCode::Unschedulable,
            "1 node(s) didn't match pod anti-affinity rules.",
        );
        assert_eq!(apart.remedy(), Remedy::Wait);
        let broken = reason(ReasonCode::VolumeFailed, "exit status 32");
        assert_eq!(broken.remedy(), Remedy::ContactSupport);
    }
}
