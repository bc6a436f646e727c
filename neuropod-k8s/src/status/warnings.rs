//! Warning events about pods and their claims: those that say more than the status of the pod.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::api::partial::PartialEvent;
use crate::labels::CONTAINER;

/// The reasons of warnings that are read for one thing each, elsewhere than in [`Warnings::latest`].
const SPECIAL: [&str; 10] = [
    AUTOSCALER,
    CLAIM_FAILED,
    CLAIM_UNBOUND,
    "ExceededGracePeriod",
    "Failed",
    "FailedKillPod",
    "FailedScheduling",
    "NodeNotReady",
    "ProvisioningFailed",
    UNHEALTHY,
];

/// What an autoscaler says that makes no node for the pod. It is no warning.
pub(super) const AUTOSCALER: &str = "NotTriggerScaleUp";
/// The claim can't be bound, as no class makes a volume for it. It is no warning.
const CLAIM_UNBOUND: &str = "FailedBinding";
/// A probe failed: it tells when the port was closed.
pub(super) const UNHEALTHY: &str = "Unhealthy";
/// The volume of the claim is gone.
const CLAIM_FAILED: &str = "ClaimLost";

/// Warnings that hold nothing up, or that the status of the pod says better.
const HARMLESS: [&str; 14] = [
    "BackOff",
    "CheckLimitsForResolvConf",
    "DNSConfigForming",
    "Evicted",
    "FailedPreStopHook",
    "FailedToRetrieveImagePullSecret",
    "InspectFailed",
    "InvalidEnvironmentVariableNames",
    "MissingClusterDNS",
    "PolicyViolation",
    "PossibleMemoryBackedVolumesOnDisk",
    "Preempted",
    "Preempting",
    "ProbeWarning",
];

/// Different kinds of warnings that are kept of one pod; kubelets have about thirty.
const MAX_KINDS: usize = 32;

/// Selects warnings about pods, as a field selector. Events have no labels.
pub(crate) const ABOUT_PODS: &str = "involvedObject.kind=Pod,type=Warning";
/// Selects what autoscalers say of pods that they make no node for.
pub(crate) const ABOUT_NODES: &str = "involvedObject.kind=Pod,reason=NotTriggerScaleUp";
/// Selects what is said about claims: some of what keeps them pending is no warning.
pub(crate) const ABOUT_CLAIMS: &str = "involvedObject.kind=PersistentVolumeClaim";

/// A warning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Warning {
    /// The uid of the event, which ends with it.
    event: String,
    pub(super) message: String,
    /// When it last happened.
    pub(super) at: Timestamp,
    /// When it first happened.
    pub(super) first: Timestamp,
}

impl Warning {
    /// Whether it says more than that something took too long.
    pub(super) fn is_telling(&self) -> bool {
        const GENERAL: [&str; 4] = [
            "timed out waiting for the condition",
            "context deadline exceeded",
            "DeadlineExceeded",
            "operation with the given Volume ID",
        ];
        !GENERAL.iter().any(|words| self.message.contains(words))
    }
}

/// The most telling warning of each kind about one pod object and its claim, by its reason.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Warnings(BTreeMap<String, Warning>);

impl Warnings {
    /// The warnings about the pod object `uid`.
    pub(crate) fn about<'a>(uid: &str, events: impl IntoIterator<Item = &'a PartialEvent>) -> Self {
        let about = |event: &&PartialEvent| event.involved_object.uid == uid && is_telling(event);
        let mut warnings = Self::default();
        events
            .into_iter()
            .filter(about)
            .for_each(|event| warnings.add(event));
        warnings
    }

    /// With those about its claim.
    pub(crate) fn and_of_claim<'a>(mut self, events: impl IntoIterator<Item = &'a PartialEvent>) -> Self {
        events
            .into_iter()
            .filter(|event| is_about_a_claim(event) && is_telling(event))
            .for_each(|event| self.add(event));
        self
    }

    /// With those that are known of its claim.
    pub(crate) fn with(mut self, claim: &Self) -> Self {
        self.0.extend(claim.0.clone());
        self
    }

    /// Keeps a telling event, unless one of its kind is there that says more, or as much and later.
    pub(crate) fn add(&mut self, event: &PartialEvent) {
        let at = event.at().unwrap_or(Timestamp::UNIX_EPOCH);
        let mut warning = Warning {
            event: event.metadata.uid.clone(),
            message: event.message.clone(),
            at,
            first: event.first_at().unwrap_or(at),
        };
        let worth = |warning: &Warning| (warning.is_telling(), warning.at);
        let full = self.0.len() >= MAX_KINDS;
        match self.0.get_mut(&event.reason) {
            // An event that is repeated replaces itself.
            Some(kept) if kept.event != warning.event && worth(kept) > worth(&warning) => {
                kept.first = kept.first.min(warning.first);
            }
            Some(kept) => {
                warning.first = kept.first.min(warning.first);
                *kept = warning;
            }
            None if full => {}
            None => drop(self.0.insert(event.reason.clone(), warning)),
        }
    }

    /// Drops what this event said. The API server forgets events after an hour; what still goes wrong is said again
    /// before that.
    pub(crate) fn remove(&mut self, event: &PartialEvent) {
        if self
            .0
            .get(&event.reason)
            .is_some_and(|kept| kept.event == event.metadata.uid)
        {
            self.0.remove(&event.reason);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn get(&self, reason: &str) -> Option<&Warning> {
        self.0.get(reason)
    }

    /// What is said of the claim that the pod waits for.
    pub(super) fn of_claim(&self) -> Option<&Warning> {
        let mut kinds = ["ProvisioningFailed", CLAIM_FAILED, CLAIM_UNBOUND].into_iter();
        kinds.find_map(|kind| self.get(kind))
    }

    /// What may keep the pod from being set up on its node, by reason.
    pub(super) fn about_setting_up(&self) -> impl Iterator<Item = (&str, &Warning)> {
        let all = self.0.iter().map(|(reason, warning)| (reason.as_str(), warning));
        all.filter(|(reason, _)| !SPECIAL.contains(reason))
    }
}

/// Whether an event is about a volume claim.
fn is_about_a_claim(event: &PartialEvent) -> bool {
    event.involved_object.kind == "PersistentVolumeClaim"
}

/// Whether an event says more than the status of the pod.
pub(crate) fn is_telling(event: &PartialEvent) -> bool {
    // No reporter of Kubernetes counts below zero: nobody knows who wrote it, and what else is wrong with it.
    if event.count < 0 || event.reason.is_empty() {
        return false;
    }
    if is_about_a_claim(event) {
        return ["ProvisioningFailed", CLAIM_FAILED, CLAIM_UNBOUND].contains(&event.reason.as_str());
    }
    // What the scheduler and autoscalers report beside warnings (`Scheduled`, `Pulled`, `TriggeredScaleUp`).
    let normal = event.kind == "Normal" && event.reason != AUTOSCALER;
    // Of the two events about a failed pull only one says why.
    let empty = event.reason == "Failed" && !event.message.starts_with("Failed to pull image");
    // A server that is busy lets a probe wait; nothing listens where one is refused.
    let busy = event.reason == UNHEALTHY
        && !(event.message.starts_with("Readiness probe failed")
            && event.message.contains("connection refused"));
    let harmless = busy || HARMLESS.contains(&event.reason.as_str());
    !normal && !empty && !harmless && !is_of_another_container(event)
}

/// Whether an event is about one container of the pod, and that one is not the platform's own.
fn is_of_another_container(event: &PartialEvent) -> bool {
    let path = event.involved_object.field_path.as_str();
    path.strip_prefix("spec.containers{")
        .or_else(|| path.strip_prefix("spec.initContainers{"))
        .and_then(|name| name.strip_suffix('}'))
        .is_some_and(|name| name != CONTAINER)
}
