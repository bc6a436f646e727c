//! Pods that will not run again: evicted, refused by their node, or at their end.

use neuropod_core::cluster::ReasonCode;
use neuropod_core::cluster::gpus::is_accelerator;

use super::cause::Cause;
use super::conditions::since;
use super::container::was_started;
use super::disruption::disruption;
use super::runtime;
use crate::api::partial::{ContainerStatus, PartialPod};

/// Why a pod object has ended.
pub(super) fn ended(pod: &PartialPod, container: Option<&ContainerStatus>) -> Cause {
    let status = &pod.status;
    let terminated = container.and_then(|container| container.state.terminated.as_deref());
    let at = terminated.and_then(|terminated| terminated.finished_at);
    let at = at.unwrap_or_else(|| since(pod, "Ready"));
    let text = if status.message.is_empty() {
        &status.reason
    } else {
        &status.message
    };
    let ran = container.is_some_and(was_started);
    let code = match status.reason.as_str() {
        "NodeLost" => Some(ReasonCode::NodeLost),
        "Evicted" => Some(eviction(text)),
        // Ended by the node, or by a time limit that somebody else set. The pod is not at fault.
        "DeadlineExceeded" | "Terminated" | "NodeShutdown" | "Shutdown" | "Preempting" => {
            Some(ReasonCode::Evicted)
        }
        _ => None,
    };
    if let Some(code) = code {
        return Cause::new(code, text.as_str(), at);
    }
    // The kubelet checks before it starts anything: `OutOfcpu`, `TopologyAffinityError`, `UnexpectedAdmissionError`.
    let rejected = text.contains("was rejected") || (!status.reason.is_empty() && !ran);
    match (rejected, disruption(pod), terminated) {
        (true, ..) => Cause::new(rejection(&status.reason, text), text.as_str(), at).blame_node(true),
        (false, Some(disruption), _) => disruption,
        (false, None, Some(terminated)) => runtime::exited(pod, terminated, ReasonCode::ContainerExited),
        (false, None, None) => Cause::new(ReasonCode::ContainerExited, text.as_str(), at),
    }
}

/// Why a node evicted the pod. The pod is at fault only if it exceeded its own limits: when a node runs short, old kubelets
/// write "exceeds its request" about every pod that they evict.
fn eviction(text: &str) -> ReasonCode {
    let short = text.contains("was low on resource") || text.contains("had condition");
    if !short && text.contains("exceed") {
        ReasonCode::DiskExceeded
    } else {
        ReasonCode::Evicted
    }
}

/// Why a node refused the pod: it lacks something that the scheduler believed it had.
fn rejection(reason: &str, text: &str) -> ReasonCode {
    let mut named = text
        .split([' ', ','])
        .filter(|word| word.contains('/'))
        .peekable();
    let device = match reason.strip_prefix("OutOf") {
        Some(resource) => is_accelerator(resource),
        None if named.peek().is_some() => named.any(is_accelerator),
        None => true,
    };
    let allocation = reason.starts_with("OutOf") || text.contains("Allocate failed");
    if allocation && device {
        ReasonCode::NoGpuFree
    } else {
        ReasonCode::Unschedulable
    }
}
