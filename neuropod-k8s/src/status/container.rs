//! The states of the platform's own container.

use jiff::Timestamp;
use neuropod_core::cluster::Container;

use crate::api::partial::{ContainerState, ContainerStatus, Terminated, Waiting};

/// Whether the container has run in this pod object.
pub(crate) fn was_started(container: &ContainerStatus) -> bool {
    container.state.running.is_some()
        || container.state.terminated.is_some()
        || container.last_state.terminated.is_some()
}

/// The container, while it runs.
pub(super) fn running(container: Option<&ContainerStatus>) -> Option<Container> {
    let container = container?;
    let started_at = container.state.running.as_ref()?.started_at?;
    Some(Container::new(&container.container_id, started_at))
}

/// The earliest start in the status: that of the container before the last restart, if there was one.
pub(super) fn first_start(container: &ContainerStatus) -> Option<Timestamp> {
    let ended = |state: &ContainerState| state.terminated.as_deref()?.started_at;
    let before = ended(&container.last_state);
    let running = container
        .state
        .running
        .as_ref()
        .and_then(|running| running.started_at);
    before.or(ended(&container.state)).or(running)
}

/// The last run of the container that has ended.
pub(super) fn finished(container: Option<&ContainerStatus>) -> Option<&Terminated> {
    let container = container?;
    let terminated = container.state.terminated.as_deref();
    terminated.or(container.last_state.terminated.as_deref())
}

/// Whether a container waits as part of a normal start.
pub(super) fn is_on_its_way(waiting: &Waiting) -> bool {
    matches!(
        waiting.reason.as_str(),
        "" | "ContainerCreating" | "PodInitializing"
    )
}
