//! The reason why a pod is not running, in the words of the scheduler, the kubelet and the container runtime.

use jiff::SignedDuration;
use neuropod_core::Reason;
use neuropod_core::cluster::ReasonCode;

use super::cause::Cause;
use super::conditions::{is_scheduled, since, transition};
use super::container::is_on_its_way;
use super::disruption::{disruption, node_lost, unkillable};
use super::warnings::{AUTOSCALER, Warning, Warnings};
use super::{ended, pull, runtime, schedule};
use crate::api::partial::{Condition, ContainerStatus, PartialPod, Waiting};

/// How long a pod must be on its node before an unknown warning counts as the cause.
const UNKNOWN_GRACE: SignedDuration = SignedDuration::from_mins(3);

/// The cause if the pod neither runs nor is starting normally.
pub(super) fn cause(pod: &PartialPod, warnings: &Warnings) -> Option<Cause> {
    let container = pod.status.container();
    let over = matches!(pod.status.phase.as_str(), "Failed" | "Succeeded");
    if over && !pod.metadata.is_leaving() {
        return Some(ended::ended(pod, container));
    }
    if let Some(lost) = node_lost(pod, warnings).filter(|_| !over) {
        return Some(lost);
    }
    if pod.metadata.is_leaving() {
        return disruption(pod).or_else(|| unkillable(warnings));
    }
    let Some(container) = container else {
        return not_created(pod, warnings);
    };
    if container.state.running.is_some() {
        return None;
    }
    if let Some(terminated) = container.state.terminated.as_deref() {
        return Some(runtime::exited(pod, terminated, ReasonCode::ContainerExited));
    }
    match container.state.waiting.as_deref() {
        Some(waiting) if !is_on_its_way(waiting) => Some(waiting_cause(pod, container, waiting, warnings)),
        _ => not_created(pod, warnings),
    }
}

/// The reason why the container does not exist yet: its pod has no node, an init container has not finished, or
/// its volume or network is not ready.
fn not_created(pod: &PartialPod, warnings: &Warnings) -> Option<Cause> {
    unscheduled(pod, warnings)
        .or_else(|| initializing(pod))
        .or_else(|| setting_up(pod, warnings))
}

fn waiting_cause(
    pod: &PartialPod,
    container: &ContainerStatus,
    waiting: &Waiting,
    warnings: &Warnings,
) -> Cause {
    let since = since(pod, "Ready");
    let last = container.last_state.terminated.as_deref();
    let (code, node_fault, detail) = match waiting.reason.as_str() {
        "CrashLoopBackOff" => match last {
            Some(terminated) => return runtime::exited(pod, terminated, ReasonCode::CrashLoop),
            None => (ReasonCode::CrashLoop, false, waiting.message.as_str()),
        },
        kind if pull::is_pull(kind) => {
            let cause = pull::cause(&waiting.message, warnings);
            let (code, node_fault) = pull::classify(kind, cause);
            (code, node_fault, cause)
        }
        "CreateContainerConfigError" => {
            let code = runtime::config_failure(&waiting.message);
            (code, false, waiting.message.as_str())
        }
        _ => {
            // `RunContainerError` sometimes has no text, but the state before it has.
            let start = last.filter(|last| waiting.message.is_empty() && last.reason == "StartError");
            let message = start.map_or(waiting.message.as_str(), |last| last.message.as_str());
            let (code, node_fault) = runtime::start_failure(message);
            (code, node_fault, message)
        }
    };
    let detail = if detail.is_empty() {
        &waiting.reason
    } else {
        detail
    };
    Cause::new(code, detail, since).blame_node(node_fault)
}

/// An init container that does not finish. The platform creates none: somebody else added it (a service mesh), and the
/// owner of the pod can do nothing about it.
fn initializing(pod: &PartialPod) -> Option<Cause> {
    let mut containers = pod.status.init_container_statuses.iter();
    let (name, cause) = containers.find_map(|container| {
        let cause = match (
            container.state.waiting.as_deref(),
            container.state.terminated.as_deref(),
        ) {
            (Some(waiting), _) if !is_on_its_way(waiting) => {
                waiting_cause(pod, container, waiting, &Warnings::default())
            }
            (_, Some(terminated)) if terminated.exit_code != 0 => {
                runtime::exited(pod, terminated, ReasonCode::CrashLoop)
            }
            _ => return None,
        };
        Some((container.name.as_str(), cause))
    })?;
    let code = match cause.reason.code {
        ReasonCode::ImageNotFound | ReasonCode::ImageInvalid | ReasonCode::ImagePullFailed => {
            ReasonCode::ImagePullFailed
        }
        _ => ReasonCode::ContainerConfig,
    };
    let detail = format!("init container {name}: {}", cause.reason.detail);
    Some(Cause::new(code, detail, cause.reason.since).blame_node(cause.node_fault))
}

/// The reason why the pod has no node.
fn unscheduled(pod: &PartialPod, warnings: &Warnings) -> Option<Cause> {
    let condition = pod.status.condition("PodScheduled");
    if is_scheduled(pod) {
        return None;
    }
    let reported = condition.filter(|condition| !condition.message.is_empty());
    let reported = reported.map(|condition| (condition.message.as_str(), transition(pod, condition)));
    let warned = || {
        let warning = warnings.get("FailedScheduling")?;
        Some((warning.message.as_str(), warning.at))
    };
    let claim = warnings.of_claim().map(|warning| {
        let missing = warning.message.contains("storageclass") && warning.message.contains("not found");
        let code = if missing {
            ReasonCode::ClusterSetup
        } else {
            ReasonCode::VolumeFailed
        };
        Cause::of_warning(code, warning)
    });
    let autoscaler = warnings.get(AUTOSCALER);
    let Some((message, at)) = reported.or_else(warned) else {
        return claim.or_else(|| Some(Cause::of_warning(ReasonCode::Unschedulable, autoscaler?)));
    };
    if condition.is_some_and(|condition| condition.reason == "SchedulingGated") {
        let gates: Vec<_> = pod
            .spec
            .scheduling_gates
            .iter()
            .map(|gate| gate.name.as_str())
            .collect();
        let detail = format!("{} {}: {message}", Reason::QUEUED, gates.join(", "));
        return Some(Cause::new(ReasonCode::Unschedulable, detail, at));
    }
    let code = schedule::classify(message);
    match (code, claim, autoscaler) {
        (ReasonCode::VolumePending, Some(claim), _) => Some(claim),
        (_, _, Some(autoscaler)) => {
            let detail = format!("{message} Autoscaler: {}", autoscaler.message);
            Some(Cause::new(code, detail, at))
        }
        _ => Some(Cause::new(code, message, at)),
    }
}

/// The reason why a pod on its node has no container yet: its volume or its network may not be ready.
fn setting_up(pod: &PartialPod, warnings: &Warnings) -> Option<Cause> {
    // A warning may arrive before the assignment to the node that it comes from.
    if !is_scheduled(pod) {
        return None;
    }
    // Once the sandbox exists, volumes are mounted and the network works, so older warnings no longer hold.
    let sandbox = pod.status.condition("PodReadyToStartContainers");
    if sandbox.is_some_and(Condition::is_true) {
        return None;
    }
    let known = |reason: &str| match reason {
        "FailedMount" | "FailedAttachVolume" | "FailedMapVolume" => Some((ReasonCode::VolumeFailed, false)),
        "FailedCreatePodSandBox" | "FailedCreatePodContainer" | "NetworkNotReady" => {
            Some((ReasonCode::ContainerConfig, true))
        }
        _ => None,
    };
    // A warning about the holder of the volume is more useful than one about a time-out; among equals the
    // latest.
    let worth =
        |(reason, warning): &(&str, &Warning)| (known(reason).is_some(), warning.is_specific(), warning.at);
    let (reason, warning) = warnings.about_setting_up().max_by_key(worth)?;
    if let Some((code, node_fault)) = known(reason) {
        return Some(Cause::of_warning(code, warning).blame_node(node_fault));
    }
    let on_node = since(pod, "PodScheduled").checked_add(UNKNOWN_GRACE).ok();
    let cause = Cause::of_warning(ReasonCode::ContainerConfig, warning);
    let detail = format!("{reason}: {}", warning.message);
    Some(Cause {
        reason: Reason::new(ReasonCode::ContainerConfig, detail, warning.at),
        passes_until: cause.passes_until.max(on_node),
        ..cause
    })
}
