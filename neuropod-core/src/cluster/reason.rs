//! The reason why a pod is not running: a code, who is at fault, whether it is retried, whether it is billed.

pub(crate) mod refusal;
mod remedy;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::remedy::Remedy;
use crate::money::billing::next_day;

/// The cause that keeps a pod from running. The text for people is in [`crate::message`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ReasonCode {
    /// The image reference is malformed for the container runtime (`InvalidImageName`, a name without its
    /// registry), or the image has a format that the runtime does not support.
    ImageInvalid,
    /// The image does not exist, or is private and the cluster has no credentials for it (the registry does not
    /// distinguish these).
    ImageNotFound,
    /// The registry can't be reached or fails half-way (`ErrImagePull`, `ImagePullBackOff`).
    ImagePullFailed,
    /// The image is for another processor architecture: its registry says so, or the kernel can't run its program (`exec
    /// format error`). The second may be a script that does not name its interpreter, so it is never final at once.
    ImageArchitecture,
    /// The container ends repeatedly (`CrashLoopBackOff`).
    CrashLoop,
    /// The container ended and is being restarted.
    ContainerExited,
    /// The container can't be created from its configuration (`CreateContainerConfigError`), or its node or the runtime
    /// there is at fault.
    ContainerConfig,
    /// The runtime can't start the container (`CreateContainerError`, `RunContainerError`).
    ContainerStart,
    /// The container runs, but its Jupyter server does not accept connections.
    NotAnswering,
    /// The container used more memory than its GPU type includes (`OOMKilled`).
    OutOfMemory,
    /// No node has a free GPU of this type.
    NoGpuFree,
    /// No node fits for another reason; the detail has the scheduler's message.
    Unschedulable,
    /// A cluster quota is used up.
    QuotaExceeded,
    /// The pod used more disk than requested and was evicted.
    DiskExceeded,
    /// The node ran short and evicted the pod, or is being drained.
    Evicted,
    /// The node has stopped responding.
    NodeLost,
    /// The workspace volume does not exist yet.
    VolumePending,
    /// The workspace volume can't be provided or mounted.
    VolumeFailed,
    /// The cluster refused an object (invalid, or refused by an admission webhook).
    Rejected,
    /// A foreign object has one of our names.
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
    /// The volume of a stopped pod was unpaid and has been deleted.
    VolumeDeleted,
    /// It should have been gone for minutes: its node does not end it, or something else in the cluster delays
    /// it. A start waits for it.
    StopDelayed,
    /// It failed for so long that the platform stopped it, or made no progress on its node.
    GaveUp,
}

/// The side at fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Blame {
    /// The owner of the pod can fix it: the image, the program, the balance.
    User,
    /// Only the operators of the platform can fix it.
    Platform,
    /// Nobody: it passes, or requires waiting.
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

    /// Its name as stored and sent, such as `image_not_found`.
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

    /// The side at fault. For `GaveUp` it depends on the cause: see [`Reason::blame`].
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
            // An administrator decided it; there is nothing to fix.
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

    /// Whether the platform or the cluster retries.
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

    /// Whether the time is charged: the container runs, or has just ended by itself and restarts at once.
    pub fn is_billable(self) -> bool {
        matches!(self, Self::ContainerExited | Self::NotAnswering)
    }

    /// Whether a pod with this reason was stopped by a rule (`stopped`) without a failure: it is unpaid, or its
    /// owner may not run it. It does not continue by itself.
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

    /// Whether a pod with this reason has failed (`error`), rather than starting (`creating`) or having been
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

/// The reason why a pod is not running, and its beginning.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Reason {
    /// The cause.
    pub code: ReasonCode,
    /// The technical message of the scheduler, the kubelet or the registry, in English. May be empty.
    pub detail: String,
    /// Its beginning.
    pub since: Timestamp,
}

impl Reason {
    /// The longest detail kept, in bytes.
    pub const DETAIL_LIMIT: usize = 1024;
    /// The beginning of the detail of `Unschedulable` if a queue of the cluster (Kueue) holds the pod back.
    pub const QUEUED: &str = "waits in a queue of the cluster";
    /// The beginning of the detail of `StopDelayed` if an object other than the pod object is still being
    /// deleted.
    pub const LEFTOVER: &str = "a leftover does not go";

    /// A reason that began at `since`; a long detail is cut off.
    pub fn new(code: ReasonCode, detail: impl Into<String>, since: Timestamp) -> Self {
        let mut detail = detail.into();
        if detail.len() > Self::DETAIL_LIMIT {
            let end = detail.floor_char_boundary(Self::DETAIL_LIMIT);
            detail.truncate(end);
        }
        Self { code, detail, since }
    }

    /// The reason after this went on for too long, with this as its cause.
    pub(crate) fn given_up(&self, now: Timestamp) -> Self {
        let cause = self.code.name();
        let detail = match self.detail.as_str() {
            "" => cause,
            detail => format!("{cause}: {detail}"),
        };
        Self::new(ReasonCode::GaveUp, detail, now)
    }

    /// Whether a queue of the cluster holds the pod back before it is scheduled.
    pub fn is_queued(&self) -> bool {
        self.code == ReasonCode::Unschedulable && self.detail.starts_with(Self::QUEUED)
    }

    /// Whether an object of the same name other than the pod object (a volume, a Service) is still being
    /// deleted, even if a start that waited for it was given up.
    ///
    /// ```
    /// use neuropod_core::cluster::reason::{Reason, ReasonCode};
    ///
    /// let detail = "stop_delayed: a leftover does not go: the volume is being deleted";
    /// assert!(Reason::new(ReasonCode::GaveUp, detail, jiff::Timestamp::UNIX_EPOCH).is_leftover());
    /// ```
    pub fn is_leftover(&self) -> bool {
        self.cause() == ReasonCode::StopDelayed && self.detail.contains(Self::LEFTOVER)
    }

    /// The cause; for a pod that was given up, its cause if known.
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

    /// The side at fault; for a pod that was given up, that of its cause.
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

    /// The earliest time at which its owner can restart the pod, if that only depends on time: after a daily
    /// cap, the next midnight (UTC). `None`: it can be started now, or waits for something else (a payment, an
    /// administrator).
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

    /// Whether `other` has the same cause, ignoring its beginning.
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
            // A new code does not compile here until it is handled: add it to `ALL`.
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
