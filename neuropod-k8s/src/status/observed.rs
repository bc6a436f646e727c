//! A pod in the driver's terms.

use jiff::Timestamp;
use neuropod_core::Reason;
use neuropod_core::cluster::{Ending, ObservedPod, Phase, ReasonCode, Step};

use super::conditions::is_true;
use super::container::{finished, first_start, running, was_started};
use super::warnings::{self, Warnings};
use super::{pull, reason, runtime};
use crate::api::partial::{ContainerStatus, PartialPod};

/// The pod in the driver's terms. `warnings` are those of its events, if they were fetched.
pub(crate) fn observed(pod: &PartialPod, warnings: Option<&Warnings>) -> ObservedPod {
    let none = Warnings::default();
    let cause = reason::cause(pod, warnings.unwrap_or(&none));
    let container = pod.status.container();
    let lost = cause
        .as_ref()
        .is_some_and(|cause| cause.reason.code == ReasonCode::NodeLost);
    let phase = match pod.status.phase.as_str() {
        "Succeeded" | "Failed" => Phase::Ended,
        // The container's status is only the node's last report.
        _ if lost => Phase::Unknown,
        "Unknown" => Phase::Unknown,
        _ if container.is_some_and(was_started) => Phase::Running,
        _ => Phase::Pending,
    };
    let running = running(container);
    let finished = finished(container);
    let ready = phase == Phase::Running && is_serving(pod, container);
    let hash = pod.metadata.annotations.spec_hash.clone().unwrap_or_default();
    let mut observed = ObservedPod::new(&pod.metadata.uid, pod.metadata.run(), hash);
    observed.node = Some(pod.spec.node_name.clone()).filter(|node| !node.is_empty());
    observed.phase = phase;
    observed.step = step(pod, container, ready);
    observed.terminating = pod.metadata.is_leaving();
    observed.ready = ready;
    observed.started_at = container.and_then(first_start);
    observed.finished_at = finished.and_then(|finished| finished.finished_at);
    observed.finished_id = finished.map(|finished| finished.container_id.clone());
    observed.container = running;
    observed.restarts = container.map_or(0, |container| container.restart_count);
    observed.closed_at = closed_at(pod, warnings.unwrap_or(&none));
    observed.step_since = step_since(pod);
    observed.ending = ending(pod);
    observed.last_end = last_end(pod, container);
    observed.node_fault = cause.as_ref().is_some_and(|cause| cause.node_fault);
    observed.passes_until = cause.as_ref().and_then(|cause| cause.passes_until);
    observed.reason = cause.map(|cause| cause.reason);
    observed
}

/// Whether events about nodes and claims may explain the state of the pod: it isn't ready, or does not stay.
pub(crate) fn is_unready(pod: &PartialPod) -> bool {
    pod.metadata.is_leaving() || !is_serving(pod, pod.status.container())
}

/// Whether the container runs and is ready.
fn is_serving(pod: &PartialPod, container: Option<&ContainerStatus>) -> bool {
    running(container).is_some() && is_true(pod, "Ready")
}

/// When the port of the container was last known to be closed: its probe was refused, or the pod became unready.
fn closed_at(pod: &PartialPod, warnings: &Warnings) -> Option<Timestamp> {
    let refused = warnings.get(warnings::UNHEALTHY).map(|warning| warning.at);
    let ready = pod.status.condition("Ready").filter(|ready| !ready.is_true());
    refused.max(ready.and_then(|ready| ready.last_transition_time))
}

/// When the pod reached its step.
fn step_since(pod: &PartialPod) -> Option<Timestamp> {
    let reached = ["PodScheduled", "PodReadyToStartContainers", "Initialized"]
        .into_iter()
        .filter_map(|kind| pod.status.condition(kind).filter(|condition| condition.is_true()))
        .filter_map(|condition| condition.last_transition_time);
    reached
        .max()
        .or(pod.status.start_time)
        .or(pod.metadata.creation_timestamp)
}

/// When a pod that is being deleted should be gone, and what may delay it.
fn ending(pod: &PartialPod) -> Option<Ending> {
    // The deletion timestamp already includes the grace period.
    let by = pod.metadata.deletion_timestamp?;
    let finalizers = pod.metadata.finalizers.join(", ");
    let held_by = match finalizers.as_str() {
        "" => String::new(),
        finalizers => format!("finalizers: {finalizers}"),
    };
    let mut ending = Ending::new(by);
    ending.held_by = held_by;
    Some(ending)
}

/// How the previous run of a running container ended.
fn last_end(pod: &PartialPod, container: Option<&ContainerStatus>) -> Option<Reason> {
    let container = container.filter(|container| container.state.running.is_some())?;
    let ended = container.last_state.terminated.as_deref()?;
    Some(runtime::exited(pod, ended, ReasonCode::ContainerExited).reason)
}

fn step(pod: &PartialPod, container: Option<&ContainerStatus>, ready: bool) -> Step {
    let waiting = container.and_then(|container| container.state.waiting.as_deref());
    let waiting = waiting.map_or("", |waiting| waiting.reason.as_str());
    if pod.metadata.is_leaving() {
        Step::Stopping
    } else if ready {
        Step::Ready
    } else if container.is_some_and(was_started) {
        Step::Starting
    } else if !is_true(pod, "PodScheduled") {
        Step::Scheduling
    } else if pull::is_pull(waiting) {
        Step::PullingImage
    } else if !matches!(waiting, "" | "ContainerCreating" | "PodInitializing") {
        // It has its image, and can't be created or started.
        Step::Starting
    // The sandbox with its network exists (reported from Kubernetes 1.29), so the image is next.
    } else if is_true(pod, "PodReadyToStartContainers") {
        Step::PullingImage
    } else {
        Step::Preparing
    }
}
