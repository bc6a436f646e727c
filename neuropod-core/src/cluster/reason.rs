//! Why a pod is not running: a code, whose fault it is, whether it is retried, whether it is billed.

pub(crate) mod refusal;
mod remedy;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::remedy::Remedy;
use crate::money::billing::next_day;

/// What keeps a pod from running. The text for people is in [`crate::message`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ReasonCode {
    /// The image reference is malformed for the container runtime (`InvalidImageName`, a name without its registry), or
    /// the image is of a format that the runtime does not read.
    ImageInvalid,
    /// The image does not exist, or is private and the cluster has no credentials for it (the registry
    /// does not tell which).
    ImageNotFound,
    /// The registry can't be reached or gives up half-way (`ErrImagePull`, `ImagePullBackOff`).
    ImagePullFailed,
    /// The image is for another processor architecture: its registry says so, or the kernel can't run its program (`exec
    /// format error`). The second may be a script that does not name its interpreter, so it is never final at once.
    ImageArchitecture,
    /// The container ends again and again (`CrashLoopBackOff`).
    CrashLoop,
    /// The container ended; it is started again.
    ContainerExited,
    /// The container can't be created from its configuration (`CreateContainerConfigError`), or its node or the runtime
    /// there is at fault.
    ContainerConfig,
    /// The runtime can't start the container (`CreateContainerError`, `RunContainerError`).
    ContainerStart,
    /// The container runs, and its Jupyter server does not accept connections.
    NotAnswering,
    /// The container used more memory than its GPU type comes with (`OOMKilled`).
    OutOfMemory,
    /// No node has a GPU of this type free now.
    NoGpuFree,
    /// No node fits for another cause; the scheduler's text is in the detail.
    Unschedulable,
    /// A cluster quota is used up.
    QuotaExceeded,
    /// The pod used more disk than it asked for and was evicted.
    DiskExceeded,
    /// The node ran short and evicted the pod, or is being drained.
    Evicted,
    /// The node is not responding any more.
    NodeLost,
    /// The workspace volume is not there yet.
    VolumePending,
    /// The workspace volume can't be provided or mounted.
    VolumeFailed,
    /// The cluster refused an object (invalid, or an admission webhook said no).
    Rejected,
    /// An object of somebody else has a name of ours.
    NameTaken,
    /// The namespace, a storage class or an ingress class is missing, or a permission of the platform.
    ClusterSetup,
    /// The cluster can't be reached now.
    ClusterUnavailable,
    /// The account can't pay for the pod.
    InsufficientFunds,
    /// A daily cap is reached: that of the pod, or that of its owner.
    SpendCap,
    /// An administrator has suspended its owner.
    Suspended,
    /// The volume of a stopped pod was not paid for and has been deleted.
    VolumeDeleted,
    /// It should be gone for minutes and is not: its node does not end it, or somebody else in the cluster holds it. A
    /// start waits behind it.
    StopDelayed,
    /// It failed for so long that the platform stopped it, or got no further on its node.
    GaveUp,
}

/// Whose fault it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Blame {
    /// The owner of the pod can repair it: the image, the program, the balance.
    User,
    /// The people who run the platform have to.
    Platform,
    /// Nobody: it passes, or it is a matter of waiting.
    Nobody,
}

impl ReasonCode {
    /// All of them, in the order of their declaration.
    pub const ALL: [Self; 28] = [
        Self::ImageInvalid,
        Self::ImageNotFound,
        Self::ImagePullFailed,
        Self::ImageArchitecture,
        Self::CrashLoop,
        Self::ContainerExited,
        Self::ContainerConfig,
        Self::ContainerStart,
        Self::NotAnswering,
        Self::OutOfMemory,
        Self::NoGpuFree,
        Self::Unschedulable,
        Self::QuotaExceeded,
        Self::DiskExceeded,
        Self::Evicted,
        Self::NodeLost,
        Self::VolumePending,
        Self::VolumeFailed,
        Self::Rejected,
        Self::NameTaken,
        Self::ClusterSetup,
        Self::ClusterUnavailable,
        Self::InsufficientFunds,
        Self::SpendCap,
        Self::Suspended,
        Self::VolumeDeleted,
        Self::StopDelayed,
        Self::GaveUp,
    ];

    /// Its name as it is stored and sent, such as `image_not_found`.
    ///
    /// ```
    /// use neuropod_core::cluster::reason::ReasonCode;
    ///
    /// assert_eq!(ReasonCode::NoGpuFree.name(), "no_gpu_free");
    /// ```
    pub fn name(self) -> String {
        let name = serde_json::to_string(&self).unwrap_or_default();
        name.trim_matches('"').to_owned()
    }

    /// Whose fault it is. That of `GaveUp` depends on its cause: see [`Reason::blame`].
    pub fn blame(self) -> Blame {
        match self {
            Self::ImageInvalid
            | Self::ImageNotFound
            | Self::ImageArchitecture
            | Self::CrashLoop
            | Self::ContainerExited
            | Self::ContainerStart
            | Self::NotAnswering
            | Self::OutOfMemory
            | Self::DiskExceeded
            | Self::InsufficientFunds
            | Self::SpendCap
            | Self::VolumeDeleted => Blame::User,
            // An administrator decided it; there is nothing to repair.
            Self::Suspended
            | Self::ContainerConfig
            | Self::QuotaExceeded
            | Self::VolumeFailed
            | Self::Rejected
            | Self::NameTaken
            | Self::StopDelayed
            | Self::ClusterSetup => Blame::Platform,
            Self::ImagePullFailed
            | Self::NoGpuFree
            | Self::Unschedulable
            | Self::Evicted
            | Self::NodeLost
            | Self::VolumePending
            | Self::ClusterUnavailable
            | Self::GaveUp => Blame::Nobody,
        }
    }

    /// Whether the platform or the cluster tries again by itself.
    pub fn is_retryable(self) -> bool {
        !matches!(
            self,
            Self::ImageInvalid
                | Self::DiskExceeded
                | Self::InsufficientFunds
                | Self::SpendCap
                | Self::Suspended
                | Self::VolumeDeleted
                | Self::GaveUp
        )
    }

    /// Whether the time is charged: where the container runs, or has just ended by itself and comes back at once.
    pub fn is_billable(self) -> bool {
        matches!(self, Self::ContainerExited | Self::NotAnswering)
    }

    /// Whether a pod with this reason was stopped by a rule (`stopped`) although nothing of it failed: nobody pays for
    /// it, or its owner may not run it. It does not go on by itself.
    ///
    /// ```
    /// use neuropod_core::cluster::ReasonCode;
    ///
    /// assert!(ReasonCode::SpendCap.is_stop() && !ReasonCode::SpendCap.is_failure());
    /// ```
    pub fn is_stop(self) -> bool {
        matches!(
            self,
            Self::InsufficientFunds | Self::SpendCap | Self::Suspended | Self::VolumeDeleted
        )
    }

    /// Whether a pod with this reason has failed (`error`), rather than being on its way (`creating`) or having been
    /// stopped by a rule (`stopped`, see [`is_stop`](Self::is_stop)).
    pub fn is_failure(self) -> bool {
        !self.is_stop()
            && !matches!(
                self,
                Self::NoGpuFree
                    | Self::Unschedulable
                    | Self::VolumePending
                    | Self::ContainerExited
                    | Self::NotAnswering
                    | Self::ClusterUnavailable
                    | Self::Evicted
                    | Self::NodeLost
                    | Self::StopDelayed
            )
    }
}

/// Why a pod is not running, since when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// What it is.
    pub code: ReasonCode,
    /// The technical text behind it: the scheduler's, the kubelet's or the registry's, in English. May be empty.
    pub detail: String,
    /// Since when.
    pub since: Timestamp,
}

impl Reason {
    /// The longest detail kept, in bytes.
    pub const DETAIL_LIMIT: usize = 1024;
    /// How the detail of `Unschedulable` begins where a queue of the cluster (Kueue) holds the pod back.
    pub const QUEUED: &str = "waits in a queue of the cluster";
    /// How the detail of `StopDelayed` begins where something beside the pod object is still being deleted.
    pub const LEFTOVER: &str = "a leftover does not go";

    /// A reason that holds since `since`; a long detail is cut.
    pub fn new(code: ReasonCode, detail: impl Into<String>, since: Timestamp) -> Self {
        let mut detail = detail.into();
        if detail.len() > Self::DETAIL_LIMIT {
            let end = detail.floor_char_boundary(Self::DETAIL_LIMIT);
            detail.truncate(end);
        }
        Self { code, detail, since }
    }

    /// That this went on for too long: it is kept as the cause.
    pub(crate) fn given_up(&self, now: Timestamp) -> Self {
        let cause = self.code.name();
        let detail = match self.detail.as_str() {
            "" => cause,
            detail => format!("{cause}: {detail}"),
        };
        Self::new(ReasonCode::GaveUp, detail, now)
    }

    /// Whether a queue of the cluster holds the pod back before a node is looked for.
    pub fn is_queued(&self) -> bool {
        self.code == ReasonCode::Unschedulable && self.detail.starts_with(Self::QUEUED)
    }

    /// Whether something of the same name beside the pod object (a volume, a Service) is still being deleted, also where
    /// a start that waited behind it was given up.
    ///
    /// ```
    /// use neuropod_core::cluster::reason::{Reason, ReasonCode};
    ///
    /// let told = "stop_delayed: a leftover does not go: the volume is being deleted";
    /// assert!(Reason::new(ReasonCode::GaveUp, told, jiff::Timestamp::UNIX_EPOCH).is_leftover());
    /// ```
    pub fn is_leftover(&self) -> bool {
        self.cause() == ReasonCode::StopDelayed && self.detail.contains(Self::LEFTOVER)
    }

    /// What it is: for a pod that was given up the cause, where it is known.
    ///
    /// ```
    /// use neuropod_core::cluster::reason::{Reason, ReasonCode};
    ///
    /// let reason = Reason::new(ReasonCode::GaveUp, "crash_loop: back-off 5m0s", jiff::Timestamp::UNIX_EPOCH);
    /// assert_eq!(reason.cause(), ReasonCode::CrashLoop);
    /// ```
    pub fn cause(&self) -> ReasonCode {
        if self.code != ReasonCode::GaveUp {
            return self.code;
        }
        let cause = self.detail.split(':').next().unwrap_or_default();
        serde_json::from_value(cause.into()).unwrap_or(self.code)
    }

    /// Whose fault it is: for a pod that was given up, whose the cause was.
    ///
    /// ```
    /// use neuropod_core::cluster::reason::{Blame, Reason, ReasonCode};
    ///
    /// let reason = Reason::new(ReasonCode::GaveUp, "crash_loop: back-off 5m0s", jiff::Timestamp::UNIX_EPOCH);
    /// assert_eq!(reason.blame(), Blame::User);
    /// ```
    pub fn blame(&self) -> Blame {
        self.cause().blame()
    }

    /// The earliest time at which its owner can start the pod again, where time alone decides: after a daily cap, the
    /// next midnight (UTC). `None`: it can be started now, or waits for something else (a payment, an administrator).
    ///
    /// ```
    /// use neuropod_core::cluster::reason::{Reason, ReasonCode};
    ///
    /// let capped = Reason::new(ReasonCode::SpendCap, "", "2026-11-28T17:20:00Z".parse()?);
    /// assert_eq!(capped.startable_at(), Some("2026-11-29T00:00:00Z".parse()?));
    /// # Ok::<(), jiff::Error>(())
    /// ```
    pub fn startable_at(&self) -> Option<Timestamp> {
        (self.code == ReasonCode::SpendCap).then(|| next_day(self.since))
    }

    /// Whether `other` says the same, whenever it began.
    pub fn says_the_same(&self, other: &Self) -> bool {
        self.code == other.code && self.detail == other.detail
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn all_codes_are_listed_once() {
        let mut seen = HashSet::new();
        for code in ReasonCode::ALL {
            assert!(seen.insert(code), "{code:?} is listed twice");
            // A new code does not compile here before somebody has read this: add it to `ALL`.
            match code {
                ReasonCode::ImageInvalid
                | ReasonCode::ImageNotFound
                | ReasonCode::ImagePullFailed
                | ReasonCode::ImageArchitecture
                | ReasonCode::CrashLoop
                | ReasonCode::ContainerExited
                | ReasonCode::ContainerConfig
                | ReasonCode::ContainerStart
                | ReasonCode::NotAnswering
                | ReasonCode::OutOfMemory
                | ReasonCode::NoGpuFree
                | ReasonCode::Unschedulable
                | ReasonCode::QuotaExceeded
                | ReasonCode::DiskExceeded
                | ReasonCode::Evicted
                | ReasonCode::NodeLost
                | ReasonCode::VolumePending
                | ReasonCode::VolumeFailed
                | ReasonCode::Rejected
                | ReasonCode::NameTaken
                | ReasonCode::ClusterSetup
                | ReasonCode::ClusterUnavailable
                | ReasonCode::InsufficientFunds
                | ReasonCode::SpendCap
                | ReasonCode::Suspended
                | ReasonCode::VolumeDeleted
                | ReasonCode::StopDelayed
                | ReasonCode::GaveUp => {}
            }
        }
    }
}
