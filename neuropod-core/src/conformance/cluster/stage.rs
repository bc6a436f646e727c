//! The cluster under test, directed by the suite.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::cluster::backend::ClusterBackend;
use crate::cluster::workload::WorkloadRef;
use crate::sim::{Mishap, ObjectKind};

/// A cluster in which the suite can cause events.
#[async_trait]
pub trait Stage: Send + Sync {
    /// The backend under test, always the same.
    fn backend(&self) -> Arc<dyn ClusterBackend>;

    /// Clears every mishap of the pod of `reference`, lets the pod reach `milestone`, and returns when the
    /// cluster shows it.
    ///
    /// Panics if that is impossible.
    async fn reach(&self, reference: &WorkloadRef, milestone: Milestone);

    /// Injects `mishap` into the pod of `reference`, and returns when the cluster shows it. The pod has reached
    /// the state that the mishap needs: it waits for a node, is starting, or runs. The suite uses the mishaps
    /// named in `CHECKS`.
    ///
    /// Panics if that is impossible.
    async fn inject(&self, reference: &WorkloadRef, mishap: Mishap);

    /// Deletes an object of the workload by hand: one of its Services, or the pod object by force, which is
    /// gone at once while all other objects stay.
    async fn delete_by_hand(&self, reference: &WorkloadRef, kind: ObjectKind);

    /// Creates a foreign object with the name of the pod, before anything is applied.
    async fn take_name(&self, reference: &WorkloadRef);

    /// Cuts the connection of [`ClusterBackend::watch`], and every new one until
    /// [`mend_watch`](Self::mend_watch). Other calls of the backend work.
    async fn break_watch(&self);

    /// Lets the watch reconnect. A cluster that can forget its history does so first, so that the backend has
    /// to list again (410 Gone in Kubernetes).
    async fn mend_watch(&self);

    /// The time limit for waiting.
    fn limit(&self) -> Duration;

    /// The image of the pods. The check `logs` needs one that prints at least two lines when it starts, and
    /// keeps running.
    fn image(&self) -> String {
        "neuropod/conformance:1".to_owned()
    }

    /// The namespace of a user's workloads, if the backend is set up with one per user.
    fn namespace(&self, user_hash: &str) -> Option<String> {
        let _ = user_hash;
        None
    }
}

/// A milestone in the life of a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Milestone {
    /// A node is chosen (`PodScheduled` is true), and the kubelet prepares the pod.
    Scheduled,
    /// The kubelet pulls the image (the container waits as `ContainerCreating`).
    Pulling,
    /// A container runs.
    Running {
        /// Whether its readiness probe passes.
        ready: bool,
    },
    /// The container of a pod that is being deleted has ended, and the pod object is gone.
    Ended,
}
