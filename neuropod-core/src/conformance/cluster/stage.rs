//! The cluster under test, which the suite directs.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::cluster::backend::ClusterBackend;
use crate::cluster::workload::WorkloadRef;
use crate::sim::{Mishap, ObjectKind};

/// A cluster on which the suite makes things happen.
#[async_trait]
pub trait Stage: Send + Sync {
    /// The backend under test, always the same.
    fn backend(&self) -> Arc<dyn ClusterBackend>;

    /// Clears every mishap of the pod of `reference`, lets it get to `milestone`, and returns when the cluster shows it.
    ///
    /// Panics when it can't.
    async fn reach(&self, reference: &WorkloadRef, milestone: Milestone);

    /// Makes `mishap` happen to the pod of `reference`, and returns when the cluster shows it. The pod has got as far as
    /// the mishap needs: it waits for a node, is on its way, or runs. The suite uses those mishaps that `CHECKS` name.
    ///
    /// Panics when it can't.
    async fn inject(&self, reference: &WorkloadRef, mishap: Mishap);

    /// Deletes an object of the workload by hand: one Service of it, or the pod object by force, which is gone at once and
    /// leaves all other objects.
    async fn delete_by_hand(&self, reference: &WorkloadRef, kind: ObjectKind);

    /// Makes an object with the name of the pod that is not one of the platform's, before anything is applied.
    async fn take_name(&self, reference: &WorkloadRef);

    /// Cuts the connection of [`ClusterBackend::watch`], and every new one until [`mend_watch`](Self::mend_watch). All
    /// other calls of the backend go on.
    async fn break_watch(&self);

    /// Lets the watch connect again. A cluster that can forget its history forgets it before, so that the backend has
    /// to list anew (410 Gone in Kubernetes).
    async fn mend_watch(&self);

    /// How long to wait for something to be seen.
    fn limit(&self) -> Duration;

    /// The image of the pods. For the check `logs` it is one that prints at least two lines when it starts, and runs on.
    fn image(&self) -> String {
        "neuropod/conformance:1".to_owned()
    }

    /// The namespace of the workloads of one user, where the backend is set up with one per user.
    fn namespace(&self, user_hash: &str) -> Option<String> {
        let _ = user_hash;
        None
    }
}

/// How far a pod gets.
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
