//! What a [`ClusterBackend`] must do.
//!
//! A backend talks to a cluster whose scheduler and kubelet do things on their own. The suite asks a [`Stage`] to make
//! them do it: one for a real API server writes the status that a kubelet would write, one for a simulated cluster
//! scripts it, one for a real node does it and waits.
//!
//! Every check makes workloads of its own with names that nobody else has, and removes them at the end, so that the
//! suite runs on a shared cluster. [`run`] is the whole suite but for what not every stage can do: [`logs`](fn@logs)
//! needs containers that print, [`quota`](fn@quota) a namespace per user.

mod details;
mod fixture;
mod logs;
mod objects;
mod quota;
mod reasons;
mod removal;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::BoxFuture;

pub use self::{logs::logs, quota::quota};
use crate::cluster::backend::ClusterBackend;
use crate::cluster::workload::WorkloadRef;

/// A cluster on which the suite makes things happen.
#[async_trait]
pub trait Stage: Send + Sync {
    /// The backend under test, always the same.
    fn backend(&self) -> Arc<dyn ClusterBackend>;

    /// Makes `scene` happen to the pod of `reference`, and returns when the cluster shows it.
    ///
    /// Panics when it can't.
    async fn play(&self, reference: &WorkloadRef, scene: Scene);

    /// Cuts the connection of [`ClusterBackend::watch`], and every new one until [`mend_watch`](Self::mend_watch). All
    /// other calls of the backend go on.
    async fn break_watch(&self);

    /// Lets the watch connect again. A cluster that can forget its history forgets it before, so that the backend has
    /// to list anew (410 Gone in Kubernetes).
    async fn mend_watch(&self);

    /// How long to wait for something to be seen.
    fn limit(&self) -> Duration;

    /// The image of the pods. For [`logs`](fn@logs) it is one that prints at least two lines when it starts, and runs on.
    fn image(&self) -> String {
        "neuropod/conformance:1".to_owned()
    }

    /// The namespace of the workloads of one user, where the backend is set up with one per user.
    fn namespace(&self, user_hash: &str) -> Option<String> {
        let _ = user_hash;
        None
    }
}

/// What scheduler, kubelet and people do to a pod. Each follows on any other that it can follow in a real cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scene {
    /// The scheduler finds no node with a GPU free (`PodScheduled` is false: `Insufficient nvidia.com/gpu`).
    NoGpuFree,
    /// The scheduler finds no node that fits, for another cause (`node(s) didn't match Pod's node affinity/selector`).
    Unschedulable,
    /// The scheduler waits for the volume (`pod has unbound immediate PersistentVolumeClaims`).
    VolumePending,
    /// A node is chosen (`PodScheduled` is true), the kubelet prepares the pod.
    Scheduled,
    /// The kubelet can't mount the volume (an event `FailedMount` or `FailedAttachVolume`).
    MountFailing,
    /// The kubelet can't mount the volume for the moment, which may pass by itself (its first event `FailedMount`, just now).
    MountSlow,
    /// The kubelet pulls the image (the container waits as `ContainerCreating`; an event `Pulling`).
    Pulling,
    /// The registry can't be reached (`ErrImagePull` or `ImagePullBackOff`, `i/o timeout`).
    PullFailing,
    /// The registry does not have the image (`ErrImagePull` or `ImagePullBackOff`, `not found`).
    ImageMissing,
    /// The image reference is malformed for the runtime (`InvalidImageName`).
    ImageInvalid,
    /// The container can't be created from its configuration (`CreateContainerConfigError`).
    ConfigError,
    /// The runtime can't start the container (`CreateContainerError` or `RunContainerError`).
    StartError,
    /// No container starts on this node (`RunContainerError`, `driver/library version mismatch`).
    NodeFault,
    /// The container runs.
    Running {
        /// Whether its readiness probe passes.
        ready: bool,
    },
    /// The container ended with an error; another one runs and is ready.
    Restarted,
    /// The server in the container that runs was gone for a moment, and another one is ready (an event `Unhealthy`:
    /// `Readiness probe failed: … connection refused`).
    ServerRestarted,
    /// The container ended with an error again; the kubelet waits before the next one (`CrashLoopBackOff`).
    CrashLoop,
    /// The container was killed for its memory (`OOMKilled`); the kubelet waits before the next one.
    OutOfMemory,
    /// The node was short of something and evicted the pod (phase `Failed`, reason `Evicted`).
    Evicted,
    /// The pod used more disk than its limit and was evicted (`Pod ephemeral local storage usage exceeds …`).
    DiskExceeded,
    /// The node does not answer (reason `NodeLost`).
    NodeLost,
    /// The container of a pod that is being deleted ends, and the pod object goes.
    Ended,
    /// Somebody deletes one Service of the workload by hand.
    ServiceDeleted,
    /// Somebody deletes the pod object by force: it is gone at once, all other objects stay.
    PodDeleted,
    /// Before anything is applied: somebody else has an object with the name of the pod.
    NameTaken,
}

/// One check of the suite, for a test harness that lists them.
pub struct Check {
    /// Its name.
    pub name: &'static str,
    run: for<'a> fn(&'a dyn Stage) -> BoxFuture<'a, ()>,
}

impl Check {
    /// Runs the check.
    ///
    /// # Panics
    /// When the backend does not do what it must.
    pub async fn run(&self, stage: &dyn Stage) {
        (self.run)(stage).await;
    }
}

macro_rules! checks {
    ($($module:ident::$name:ident),* $(,)?) => {
        &[$(Check { name: stringify!($name), run: |stage| Box::pin($module::$name(stage)) }),*]
    };
}

/// All checks but those of logs and quotas.
pub static CHECKS: &[Check] = checks![
    objects::apply_makes_everything,
    objects::apply_again_changes_nothing,
    objects::apply_twice_at_once_makes_one_pod,
    objects::apply_repairs_what_is_missing,
    objects::apply_of_another_run_leaves_the_pod,
    objects::apply_takes_hostile_content,
    objects::apply_refuses_a_name_of_somebody_else,
    objects::a_volume_never_shrinks,
    objects::inventory_lists_what_is_owned,
    objects::a_token_is_never_shown,
    removal::remove_keeps_the_volume,
    removal::remove_deletes_the_volume_when_told,
    removal::remove_of_nothing_is_fine,
    removal::the_next_run_is_another_pod_on_the_same_volume,
    removal::two_workloads_do_not_disturb_each_other,
    watch::watch_begins_with_what_is_there,
    watch::watch_follows_a_life,
    watch::watch_loses_nothing_when_broken,
    watch::watch_sees_a_pod_replaced_while_broken,
    watch::every_watch_sees_everything,
    details::an_end_says_by_when,
    details::apply_waits_for_what_is_being_deleted,
    details::the_fault_of_a_node_is_told_as_such,
    details::a_warning_that_may_pass_says_until_when,
    details::the_last_end_is_told_while_the_next_container_runs,
    details::a_step_says_since_when,
    details::a_closed_port_tells_of_another_server,
    reasons::every_reason_is_told,
    reasons::a_reason_passes,
];

/// Runs all [`CHECKS`], one after the other.
///
/// # Panics
/// When the backend does not do what it must.
pub async fn run(stage: &dyn Stage) {
    for check in CHECKS {
        tracing::info!(check = check.name, "conformance");
        check.run(stage).await;
    }
}
