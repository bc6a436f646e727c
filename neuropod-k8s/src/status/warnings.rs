//! Events about pods and their claims that say more than the status of the pod.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::api::partial::PartialEvent;
use crate::labels::CONTAINER;

/// Reasons that have one meaning each. [`Warnings::about_setting_up`] leaves them out.
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

/// An autoscaler creates no node for the pod. A `Normal` event.
pub(super) const AUTOSCALER: &str = "NotTriggerScaleUp";
/// The claim can't be bound, as no class provides a volume for it. A `Normal` event.
const CLAIM_UNBOUND: &str = "FailedBinding";
/// A probe failed, which shows that the port was closed.
pub(super) const UNHEALTHY: &str = "Unhealthy";
/// The volume of the claim is gone.
const CLAIM_FAILED: &str = "ClaimLost";

/// Warnings that delay nothing, or that repeat the status of the pod.
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

/// The maximum number of kinds of warnings per pod. Kubelets have about thirty.
const MAX_KINDS: usize = 32;

/// The field selector of warnings about pods. Events have no labels.
pub(crate) const ABOUT_PODS: &str = "involvedObject.kind=Pod,type=Warning";
/// The field selector of pods for which autoscalers create no node.
pub(crate) const ABOUT_NODES: &str = "involvedObject.kind=Pod,reason=NotTriggerScaleUp";
/// The field selector of events about claims. Not only warnings: `Normal` events explain pending claims, too.
pub(crate) const ABOUT_CLAIMS: &str = "involvedObject.kind=PersistentVolumeClaim";

/// A warning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Warning {
    /// The uid of the event. The warning is dropped with the event.
    event: String,
    pub(super) message: String,
    /// When it last happened.
    pub(super) at: Timestamp,
    /// When it first happened.
    pub(super) first: Timestamp,
}

impl Warning {
    /// Whether it says more than that something timed out.
    pub(super) fn is_specific(&self) -> bool {
        const GENERAL: [&str; 4] = [
            "timed out waiting for the condition",
            "context deadline exceeded",
            "DeadlineExceeded",
            "operation with the given Volume ID",
        ];
        !GENERAL.iter().any(|words| self.message.contains(words))
    }
}

/// The most useful warning of each kind about one pod object and its claim, by its reason.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Warnings(BTreeMap<String, Warning>);

impl Warnings {
    /// The warnings about the pod object `uid`.
    pub(crate) fn about<'a>(uid: &str, events: impl IntoIterator<Item = &'a PartialEvent>) -> Self {
        let about = |event: &&PartialEvent| event.involved_object.uid == uid && adds_to_status(event);
        let mut warnings = Self::default();
        events
            .into_iter()
            .filter(about)
            .for_each(|event| warnings.add(event));
        warnings
    }

    /// Adds the warnings about its claim.
    pub(crate) fn and_of_claim<'a>(mut self, events: impl IntoIterator<Item = &'a PartialEvent>) -> Self {
        events
            .into_iter()
            .filter(|event| is_about_a_claim(event) && adds_to_status(event))
            .for_each(|event| self.add(event));
        self
    }

    /// Adds warnings that were collected about its claim.
    pub(crate) fn with(mut self, claim: &Self) -> Self {
        self.0.extend(claim.0.clone());
        self
    }

    /// Keeps an event, unless a more useful one of its kind is kept, or an equally useful later one.
    pub(crate) fn add(&mut self, event: &PartialEvent) {
        let at = event.last_at().unwrap_or(Timestamp::UNIX_EPOCH);
        let mut warning = Warning {
            event: event.metadata.uid.clone(),
            message: event.message.clone(),
            at,
            first: event.first_at().unwrap_or(at),
        };
        let worth = |warning: &Warning| (warning.is_specific(), warning.at);
        let full = self.0.len() >= MAX_KINDS;
        match self.0.get_mut(&event.reason) {
            // A repeated event replaces itself.
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

    /// Drops the warning of this event. The API server deletes events after an hour; a problem that lasts is reported again
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

    /// The warning about the claim that the pod waits for.
    pub(super) fn of_claim(&self) -> Option<&Warning> {
        let mut kinds = ["ProvisioningFailed", CLAIM_FAILED, CLAIM_UNBOUND].into_iter();
        kinds.find_map(|kind| self.get(kind))
    }

    /// The warnings that may explain why the pod is not set up on its node, with their reasons.
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
pub(crate) fn adds_to_status(event: &PartialEvent) -> bool {
    // Kubernetes never counts below zero, so the event is not to be trusted.
    if event.count < 0 || event.reason.is_empty() {
        return false;
    }
    if is_about_a_claim(event) {
        return ["ProvisioningFailed", CLAIM_FAILED, CLAIM_UNBOUND].contains(&event.reason.as_str());
    }
    // Progress that is reported beside warnings (`Scheduled`, `Pulled`, `TriggeredScaleUp`).
    let normal = event.kind == "Normal" && event.reason != AUTOSCALER;
    // There are two events about a failed pull, and only one of them has the cause.
    let empty = event.reason == "Failed" && !event.message.starts_with("Failed to pull image");
    // A refused probe shows that nothing listens. A probe that times out may only show a busy server.
    let busy = event.reason == UNHEALTHY
        && !(event.message.starts_with("Readiness probe failed")
            && event.message.contains("connection refused"));
    let harmless = busy || HARMLESS.contains(&event.reason.as_str());
    !normal && !empty && !harmless && !is_of_another_container(event)
}

/// Whether an event is about a container that is not the platform's own.
fn is_of_another_container(event: &PartialEvent) -> bool {
    let path = event.involved_object.field_path.as_str();
    path.strip_prefix("spec.containers{")
        .or_else(|| path.strip_prefix("spec.initContainers{"))
        .and_then(|name| name.strip_suffix('}'))
        .is_some_and(|name| name != CONTAINER)
}
