//! Why a pod is not running, in the words of the scheduler, the kubelet and the container runtime.

use jiff::{SignedDuration, Timestamp};
use neuropod_core::Reason;
use neuropod_core::cluster::ReasonCode;

use super::warnings::{AUTOSCALER, Warning, Warnings};
use super::{ended, pull, runtime, schedule};
use crate::slim::{Condition, ContainerStatus, SlimPod, Waiting};

/// How old a warning has to be before it counts. When a pod comes to its node, the node's rights to its claim and its
/// network are often late, and another node takes its time to let go of a volume; the kubelet tries again by itself.
const GRACE: SignedDuration = SignedDuration::from_secs(30);

/// How long a pod has to be on its node before a warning counts that nobody here has heard of: it is likely to be why.
const UNKNOWN_GRACE: SignedDuration = SignedDuration::from_mins(3);

/// What keeps a pod from running, and whose doing it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cause {
    pub(super) reason: Reason,
    /// The node or its runtime is at fault, whoever runs the pod there.
    pub(super) node_fault: bool,
    /// Until then it may pass, and is not told.
    pub(super) passes_until: Option<Timestamp>,
}

impl Cause {
    pub(super) fn new(code: ReasonCode, detail: impl Into<String>, since: Timestamp) -> Self {
        Self {
            reason: Reason::new(code, detail, since),
            node_fault: false,
            passes_until: None,
        }
    }

    pub(super) fn blame_node(mut self, node_fault: bool) -> Self {
        self.node_fault = node_fault;
        self
    }

    fn of_warning(code: ReasonCode, warning: &Warning) -> Self {
        Self {
            passes_until: warning.first.checked_add(GRACE).ok(),
            ..Self::new(code, warning.message.as_str(), warning.at)
        }
    }
}

/// Why the pod is not running, if anything keeps it from that.
pub(super) fn cause(pod: &SlimPod, warnings: &Warnings) -> Option<Cause> {
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
        return not_made(pod, warnings);
    };
    if container.state.running.is_some() {
        return None;
    }
    if let Some(terminated) = &container.state.terminated {
        return Some(runtime::exited(pod, terminated, ReasonCode::ContainerExited));
    }
    match &container.state.waiting {
        Some(waiting) if !is_on_its_way(waiting) => Some(waits(pod, container, waiting, warnings)),
        _ => not_made(pod, warnings),
    }
}

/// Whether a container waits for something that is expected to come.
pub(super) fn is_on_its_way(waiting: &Waiting) -> bool {
    matches!(
        waiting.reason.as_str(),
        "" | "ContainerCreating" | "PodInitializing"
    )
}

/// Why the container is not made yet: its pod has no node, or another container comes first, or its volume or network
/// is in the way.
fn not_made(pod: &SlimPod, warnings: &Warnings) -> Option<Cause> {
    unscheduled(pod, warnings)
        .or_else(|| initializing(pod))
        .or_else(|| setting_up(pod, warnings))
}

fn waits(pod: &SlimPod, container: &ContainerStatus, waiting: &Waiting, warnings: &Warnings) -> Cause {
    let since = since(pod, "Ready");
    let last = container.last_state.terminated.as_ref();
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
            // `RunContainerError` comes without a text now and then, and the state before it has one.
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

/// A container that runs before the platform's own, and does not get to its end. The platform makes none: it was put
/// there by somebody else (a service mesh), and the owner of the pod can do nothing about it.
fn initializing(pod: &SlimPod) -> Option<Cause> {
    let mut containers = pod.status.init_container_statuses.iter();
    let (name, cause) = containers.find_map(|container| {
        let cause = match (&container.state.waiting, &container.state.terminated) {
            (Some(waiting), _) if !is_on_its_way(waiting) => {
                waits(pod, container, waiting, &Warnings::default())
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

/// The condition that tells why somebody else ends the pod (from Kubernetes 1.26).
pub(super) fn disruption(pod: &SlimPod) -> Option<Cause> {
    let condition = pod.status.condition("DisruptionTarget")?;
    if !condition.is_true() {
        return None;
    }
    let code = match condition.reason.as_str() {
        "DeletionByTaintManager" | "DeletionByPodGC" => ReasonCode::NodeLost,
        _ => ReasonCode::Evicted,
    };
    let at = transition(pod, condition);
    Some(Cause::new(code, condition.message.as_str(), at))
}

/// A node that does not end the pod, though it is asked to: a program that hangs in a driver can't be killed.
fn unkillable(warnings: &Warnings) -> Option<Cause> {
    let mut kinds = ["FailedKillPod", "ExceededGracePeriod"].into_iter();
    let warning = kinds.find_map(|kind| warnings.get(kind))?;
    let cause = Cause::of_warning(ReasonCode::NodeLost, warning);
    Some(cause.blame_node(true))
}

/// A node that does not answer. Its pods keep the status that it reported last, but for `Ready`, which the node
/// controller takes back with a warning.
fn node_lost(pod: &SlimPod, warnings: &Warnings) -> Option<Cause> {
    if pod.status.reason == "NodeLost" {
        let at = since(pod, "Ready");
        return Some(Cause::new(ReasonCode::NodeLost, pod.status.message.as_str(), at));
    }
    if let Some(disruption) = disruption(pod).filter(|cause| cause.reason.code == ReasonCode::NodeLost) {
        return Some(disruption);
    }
    let ready = pod.status.condition("Ready").filter(|ready| !ready.is_true())?;
    let warning = warnings.get("NodeNotReady")?;
    let at = transition(pod, ready);
    // Both are written at once, with whole seconds.
    let belongs = warning.at.duration_since(at) > SignedDuration::from_secs(-5);
    belongs.then(|| Cause::new(ReasonCode::NodeLost, warning.message.as_str(), at))
}

/// A pod without a node.
fn unscheduled(pod: &SlimPod, warnings: &Warnings) -> Option<Cause> {
    let condition = pod.status.condition("PodScheduled");
    if is_scheduled(pod) {
        return None;
    }
    let said = condition.filter(|condition| !condition.message.is_empty());
    let said = said.map(|condition| (condition.message.as_str(), transition(pod, condition)));
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
    let Some((message, at)) = said.or_else(warned) else {
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
    let code = schedule::code(message);
    match (code, claim, autoscaler) {
        (ReasonCode::VolumePending, Some(claim), _) => Some(claim),
        (_, _, Some(autoscaler)) => {
            let detail = format!("{message} Autoscaler: {}", autoscaler.message);
            Some(Cause::new(code, detail, at))
        }
        _ => Some(Cause::new(code, message, at)),
    }
}

/// A pod on its node whose container is not made yet: its volume or its network may be in the way.
fn setting_up(pod: &SlimPod, warnings: &Warnings) -> Option<Cause> {
    // A warning may be seen before the node that it comes from.
    if !is_scheduled(pod) {
        return None;
    }
    // Once the sandbox is there, volumes are mounted and the network works: older warnings are over.
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
    // Who has the volume says more than that it did not come in time; of what says as much, the latest.
    let worth =
        |(reason, warning): &(&str, &Warning)| (known(reason).is_some(), warning.is_telling(), warning.at);
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

fn is_scheduled(pod: &SlimPod) -> bool {
    let condition = pod.status.condition("PodScheduled");
    condition.is_some_and(Condition::is_true) || !pod.spec.node_name.is_empty()
}

/// Since when a condition is as it is; without it, since the pod is there.
pub(super) fn since(pod: &SlimPod, condition: &str) -> Timestamp {
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
