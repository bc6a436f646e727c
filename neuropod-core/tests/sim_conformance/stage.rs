//! A simulated cluster in which only the stage causes events.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use neuropod_core::ClusterBackend;
use neuropod_core::cluster::{ObservedPod, Step, WorkloadRef};
use neuropod_core::conformance::cluster::{Milestone, Stage};
use neuropod_core::sim::{Mishap, ObjectKey, ObjectKind, Settings, SimCluster};

/// The cluster, and the backend under test, which wraps it.
pub(crate) struct SimStage {
    pub(crate) cluster: SimCluster,
    pub(crate) backend: Arc<dyn ClusterBackend>,
    pub(crate) namespace_per_user: bool,
}

impl SimStage {
    pub(crate) fn new(settings: Settings) -> Self {
        let cluster = SimCluster::new(settings);
        let backend = Arc::new(cluster.clone());
        Self {
            cluster,
            backend,
            namespace_per_user: false,
        }
    }

    /// Steps until `holds` is true for the pod.
    fn step_until(&self, reference: &WorkloadRef, holds: impl Fn(&ObservedPod) -> bool) {
        for _ in 0..8 {
            let pod = self.cluster.pod(&reference.pod_id).expect("a pod");
            if holds(&pod) {
                return;
            }
            self.cluster.step(&reference.pod_id);
        }
        panic!(
            "the pod did not get there: {:?}",
            self.cluster.pod(&reference.pod_id)
        );
    }
}

#[async_trait]
impl Stage for SimStage {
    fn backend(&self) -> Arc<dyn ClusterBackend> {
        Arc::clone(&self.backend)
    }

    async fn reach(&self, reference: &WorkloadRef, milestone: Milestone) {
        match milestone {
            Milestone::Scheduled => self.step_until(reference, |pod| pod.step == Step::Preparing),
            Milestone::Pulling => self.step_until(reference, |pod| pod.step == Step::PullingImage),
            Milestone::Running { ready } => {
                self.cluster.clear_mishaps(&reference.pod_id);
                self.step_until(reference, |pod| pod.container.is_some() && (pod.ready || !ready));
            }
            Milestone::Ended => self.cluster.step(&reference.pod_id),
            other => panic!("this stage can't reach {other:?}"),
        }
    }

    async fn inject(&self, reference: &WorkloadRef, mishap: Mishap) {
        let pod_id = &reference.pod_id;
        self.cluster.inject(pod_id, mishap);
        match mishap {
            Mishap::CrashLoop => {
                self.step_until(reference, |pod| pod.container.is_some());
                self.cluster.inject(pod_id, Mishap::Exit);
            }
            _ if mishap.lasts() => self.step_until(reference, |pod| pod.reason.is_some()),
            _ => {}
        }
    }

    async fn delete_by_hand(&self, reference: &WorkloadRef, kind: ObjectKind) {
        let is_of_the_pod = |key: &ObjectKey| key.kind == kind && key.name.starts_with(&reference.name);
        let mut objects = self.cluster.objects().into_iter();
        let key = objects.find(is_of_the_pod).expect("an object of this kind");
        self.cluster.delete_by_hand(&key);
    }

    async fn take_name(&self, reference: &WorkloadRef) {
        self.cluster.add_foreign(ObjectKey::pod(reference));
    }

    async fn break_watch(&self) {
        self.cluster.break_watch();
    }

    async fn mend_watch(&self) {
        self.cluster.mend_watch();
    }

    fn limit(&self) -> Duration {
        Duration::from_secs(30)
    }

    fn namespace(&self, user_hash: &str) -> Option<String> {
        self.namespace_per_user.then(|| format!("user-{user_hash}"))
    }

    fn image(&self) -> String {
        "jupyter/base-notebook:lab-4".to_owned()
    }
}
