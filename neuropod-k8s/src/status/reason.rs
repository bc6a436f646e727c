//! Why a pod is not running, in the words of the scheduler, the kubelet and the container runtime.

use jiff::{SignedDuration, Timestamp};
use neuropod_core::{Reason, ReasonCode};

use super::warnings::{Warning, Warnings};
use crate::slim::{Condition, ContainerStatus, SlimPod, Terminated, Waiting};

/// Why the pod is not running, if anything keeps it from that.
pub(super) fn reason(pod: &SlimPod, warnings: &Warnings) -> Option<Reason> {
    let container = pod.status.container();
    if matches!(pod.status.phase.as_str(), "Failed" | "Succeeded") {
        return Some(ended(pod, container));
    }
    if let Some(lost) = node_lost(pod, warnings) {
        return Some(lost);
    }
    if pod.metadata.is_leaving() {
        return disruption(pod);
    }
    let Some(container) = container else {
        return unscheduled(pod, warnings).or_else(|| setting_up(pod, warnings));
    };
    if container.state.running.is_some() {
        return None;
    }
    if let Some(terminated) = &container.state.terminated {
        return Some(exited(pod, terminated, ReasonCode::ContainerExited));
    }
    match &container.state.waiting {
        Some(waiting) => waits(pod, container, waiting, warnings),
        None => setting_up(pod, warnings),
    }
}

/// Whether a container waits for its image.
pub(super) fn is_pull(reason: &str) -> bool {
    matches!(
        reason,
        "ErrImagePull"
            | "ImagePullBackOff"
            | "ErrImageNeverPull"
            | "InvalidImageName"
            | "RegistryUnavailable"
            | "ImageInspectError"
            | "SignatureValidationFailed"
    )
}

fn waits(
    pod: &SlimPod,
    container: &ContainerStatus,
    waiting: &Waiting,
    warnings: &Warnings,
) -> Option<Reason> {
    let since = since(pod, "Ready");
    let message = waiting.message.as_str();
    let (code, detail) = match waiting.reason.as_str() {
        "" | "ContainerCreating" | "PodInitializing" => {
            return unscheduled(pod, warnings).or_else(|| setting_up(pod, warnings));
        }
        "CrashLoopBackOff" => {
            return Some(match &container.last_state.terminated {
                Some(terminated) => exited(pod, terminated, ReasonCode::CrashLoop),
                None => Reason::new(ReasonCode::CrashLoop, message, since),
            });
        }
        "InvalidImageName" => (ReasonCode::ImageInvalid, message),
        "ErrImageNeverPull" => (ReasonCode::ImageNotFound, message),
        pull if is_pull(pull) => {
            let cause = pull_cause(message, warnings);
            (pull_code(cause), cause)
        }
        "CreateContainerConfigError" => (ReasonCode::ContainerConfig, message),
        _ if is_other_architecture(message) => (ReasonCode::ImageArchitecture, message),
        _ => (ReasonCode::ContainerStart, message),
    };
    let detail = if detail.is_empty() {
        &waiting.reason
    } else {
        detail
    };
    Some(Reason::new(code, detail, since))
}

/// What went wrong with a pull. `ErrImagePull` and `ImagePullBackOff` take turns, the second with the text of the
/// first behind it (older kubelets: without); the reason should not change with them.
fn pull_cause<'a>(message: &'a str, warnings: &'a Warnings) -> &'a str {
    if let Some((_, cause)) = message.split_once("ErrImagePull: ") {
        return cause;
    }
    // `Failed to pull image "…": <cause>`; the same event also says `Error: ErrImagePull`, without a cause.
    let event = warnings.get("Failed").map(|warning| warning.message.as_str());
    match event.and_then(|text| text.strip_prefix("Failed to pull image ")?.split_once("\": ")) {
        Some((_, cause)) if message.starts_with("Back-off") => cause,
        _ => message,
    }
}

/// Registries answer alike for an image that does not exist and one that is private.
fn pull_code(cause: &str) -> ReasonCode {
    let cause = cause.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| cause.contains(word));
    if has(&["no match for platform", "no matching manifest"]) {
        ReasonCode::ImageArchitecture
    } else if has(&[
        "no such host",
        "network is unreachable",
        "connection refused",
        "timeout",
        "timed out",
    ]) {
        ReasonCode::ImagePullFailed
    } else if has(&[
        "not found",
        "notfound",
        "manifest unknown",
        "name unknown",
        "does not exist",
        "access denied",
        "insufficient_scope",
        "unauthorized",
        "authorization failed",
        "forbidden",
        "authentication required",
        "no basic auth credentials",
    ]) {
        ReasonCode::ImageNotFound
    } else {
        ReasonCode::ImagePullFailed
    }
}

/// A container that has ended. Its last log lines may be in the message: they tell the processor, and are not
/// passed on, as there may be a token in them.
fn exited(pod: &SlimPod, terminated: &Terminated, otherwise: ReasonCode) -> Reason {
    let at = terminated.finished_at.unwrap_or_else(|| since(pod, "Ready"));
    let exit = format!("exit code {}", terminated.exit_code);
    match terminated.reason.as_str() {
        "OOMKilled" => Reason::new(ReasonCode::OutOfMemory, exit, at),
        _ if is_other_architecture(&terminated.message) => {
            Reason::new(ReasonCode::ImageArchitecture, "exec format error", at)
        }
        // The program could not even be started: this message is the runtime's own.
        "StartError" | "ContainerCannotRun" => {
            Reason::new(ReasonCode::ContainerStart, terminated.message.as_str(), at)
        }
        _ => Reason::new(otherwise, exit, at),
    }
}

fn is_other_architecture(message: &str) -> bool {
    message.contains("exec format error")
}

/// A pod that will not run again: evicted, refused by its node, or at its end.
fn ended(pod: &SlimPod, container: Option<&ContainerStatus>) -> Reason {
    let status = &pod.status;
    let terminated = container.and_then(|container| container.state.terminated.as_ref());
    let at = terminated.and_then(|terminated| terminated.finished_at);
    let at = at.unwrap_or_else(|| since(pod, "Ready"));
    let text = if status.message.is_empty() {
        &status.reason
    } else {
        &status.message
    };
    let code = match status.reason.as_str() {
        "" => None,
        "Evicted" if text.contains("exceed") => Some(ReasonCode::DiskExceeded),
        "NodeLost" => Some(ReasonCode::NodeLost),
        "Evicted" | "Terminated" | "NodeShutdown" | "Shutdown" | "Preempting" => Some(ReasonCode::Evicted),
        // The node had less than the scheduler thought: `OutOfcpu`, `OutOfnvidia.com/gpu`, or its device plug-in.
        refused if refused.starts_with("OutOf") && refused.contains('/') => Some(ReasonCode::NoGpuFree),
        "UnexpectedAdmissionError" if text.contains("Allocate failed") => Some(ReasonCode::NoGpuFree),
        refused if refused.starts_with("OutOf") => Some(ReasonCode::Unschedulable),
        "UnexpectedAdmissionError" | "NodeAffinity" | "Taints" | "AdmissionError" => {
            Some(ReasonCode::Unschedulable)
        }
        _ => None,
    };
    match (code, disruption(pod), terminated) {
        (Some(code), _, _) => Reason::new(code, text.as_str(), at),
        (None, Some(disruption), _) => disruption,
        (None, None, Some(terminated)) => exited(pod, terminated, ReasonCode::ContainerExited),
        (None, None, None) => Reason::new(ReasonCode::ContainerExited, text.as_str(), at),
    }
}

/// The condition that tells why somebody else ends the pod (from Kubernetes 1.26).
fn disruption(pod: &SlimPod) -> Option<Reason> {
    let condition = pod.status.condition("DisruptionTarget")?;
    if !condition.is_true() {
        return None;
    }
    let code = match condition.reason.as_str() {
        "DeletionByTaintManager" | "DeletionByPodGC" => ReasonCode::NodeLost,
        _ => ReasonCode::Evicted,
    };
    Some(Reason::new(
        code,
        condition.message.as_str(),
        transition(pod, condition),
    ))
}

/// A node that does not answer. Its pods keep the status that it reported last, but for `Ready`, which the node
/// controller takes back with a warning.
fn node_lost(pod: &SlimPod, warnings: &Warnings) -> Option<Reason> {
    if pod.status.reason == "NodeLost" {
        let at = since(pod, "Ready");
        return Some(Reason::new(ReasonCode::NodeLost, pod.status.message.as_str(), at));
    }
    if let Some(disruption) = disruption(pod).filter(|reason| reason.code == ReasonCode::NodeLost) {
        return Some(disruption);
    }
    let ready = pod.status.condition("Ready").filter(|ready| !ready.is_true())?;
    let warning = warnings.get("NodeNotReady")?;
    let at = transition(pod, ready);
    // Both are written at once, with whole seconds.
    let belongs = warning.at.duration_since(at) > SignedDuration::from_secs(-5);
    belongs.then(|| Reason::new(ReasonCode::NodeLost, warning.message.as_str(), at))
}

/// A pod without a node.
fn unscheduled(pod: &SlimPod, warnings: &Warnings) -> Option<Reason> {
    let condition = pod.status.condition("PodScheduled");
    if condition.is_some_and(Condition::is_true) {
        return None;
    }
    let (message, at) = match condition {
        Some(condition) if !condition.message.is_empty() => {
            (condition.message.as_str(), transition(pod, condition))
        }
        _ => {
            let Warning { message, at, .. } = warnings.get("FailedScheduling")?;
            (message.as_str(), *at)
        }
    };
    Some(Reason::new(scheduling_code(message), message, at))
}

fn scheduling_code(message: &str) -> ReasonCode {
    // Extended resources have a domain in their name; processors, memory and disk have none.
    let lacks_device = || {
        let lacking = message.split("Insufficient ").skip(1);
        let mut names =
            lacking.filter_map(|rest| rest.split([',', '.', ' ']).next().map(|_| first_word(rest)));
        names.any(|name| name.contains('/'))
    };
    if message.contains("storageclass") && message.contains("not found") {
        ReasonCode::ClusterSetup
    } else if message.contains("unbound immediate PersistentVolumeClaims")
        || (message.contains("persistentvolumeclaim") && message.contains("not found"))
        || message.contains("waiting for ephemeral volume controller")
    {
        ReasonCode::VolumePending
    } else if lacks_device() {
        ReasonCode::NoGpuFree
    } else {
        ReasonCode::Unschedulable
    }
}

fn first_word(text: &str) -> &str {
    text.split([',', ' ']).next().unwrap_or_default()
}

/// A pod on its node whose container is not made yet: its volume or its network may be in the way.
fn setting_up(pod: &SlimPod, warnings: &Warnings) -> Option<Reason> {
    // Once the sandbox is there, volumes are mounted and the network works: older warnings are over.
    let sandbox = pod.status.condition("PodReadyToStartContainers");
    if sandbox.is_some_and(Condition::is_true) {
        return None;
    }
    let causes = [
        ("FailedMount", ReasonCode::VolumeFailed),
        ("FailedAttachVolume", ReasonCode::VolumeFailed),
        ("FailedMapVolume", ReasonCode::VolumeFailed),
        ("FailedCreatePodSandBox", ReasonCode::ContainerConfig),
        ("FailedCreatePodContainer", ReasonCode::ContainerConfig),
    ];
    let found = causes
        .iter()
        .filter_map(|(reason, code)| warnings.get(reason).map(|warning| (*code, warning)));
    let (code, warning) = found.max_by_key(|(_, warning)| warning.at)?;
    Some(Reason::new(code, warning.message.as_str(), warning.at))
}

/// Since when a condition is as it is; without it, since the pod is there.
fn since(pod: &SlimPod, condition: &str) -> Timestamp {
    let condition = pod.status.condition(condition);
    let changed = condition.and_then(|condition| condition.last_transition_time);
    changed
        .or(pod.status.start_time)
        .or(pod.metadata.creation_timestamp)
        .unwrap_or(Timestamp::UNIX_EPOCH)
}

fn transition(pod: &SlimPod, condition: &Condition) -> Timestamp {
    condition
        .last_transition_time
        .unwrap_or_else(|| since(pod, "Ready"))
}
