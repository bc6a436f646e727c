//! A simulated cluster in which only the stage makes things happen.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use neuropod_core::ClusterBackend;
use neuropod_core::cluster::{ObservedPod, Step, WorkloadRef};
use neuropod_core::conformance::cluster::{Scene, Stage};
use neuropod_core::sim::{Incident, Kind, ObjectKey, Obstacle, Settings, SimCluster};

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

    /// Lets the pod go on until it hangs.
    fn meet(&self, reference: &WorkloadRef, obstacle: Obstacle) {
        self.cluster.obstruct(&reference.pod_id, obstacle);
        self.proceed_until(reference, |pod| pod.reason.is_some());
    }

    fn proceed_until(&self, reference: &WorkloadRef, holds: impl Fn(&ObservedPod) -> bool) {
        for _ in 0..8 {
            let pod = self.cluster.pod(&reference.pod_id).expect("a pod");
            if holds(&pod) {
                return;
            }
            self.cluster.proceed(&reference.pod_id);
        }
        panic!(
            "the pod did not come there: {:?}",
            self.cluster.pod(&reference.pod_id)
        );
    }

    fn run(&self, reference: &WorkloadRef, ready: bool) {
        self.cluster.clear_obstacles(&reference.pod_id);
        self.proceed_until(reference, |pod| pod.container.is_some() && (pod.ready || !ready));
    }
}

#[async_trait]
impl Stage for SimStage {
    fn backend(&self) -> Arc<dyn ClusterBackend> {
        Arc::clone(&self.backend)
    }

    async fn play(&self, reference: &WorkloadRef, scene: Scene) {
        let pod_id = &reference.pod_id;
        match scene {
            Scene::NoGpuFree => self.meet(reference, Obstacle::NoGpuFree),
            Scene::Unschedulable => self.meet(reference, Obstacle::Unschedulable),
            Scene::VolumePending => self.meet(reference, Obstacle::VolumePending),
            Scene::MountFailing => self.meet(reference, Obstacle::MountFailing),
            Scene::MountSlow => self.meet(reference, Obstacle::MountSlow),
            Scene::PullFailing => self.meet(reference, Obstacle::PullFailing),
            Scene::ImageMissing => self.meet(reference, Obstacle::ImageMissing),
            Scene::ImageInvalid => self.meet(reference, Obstacle::ImageInvalid),
            Scene::ConfigError => self.meet(reference, Obstacle::ConfigError),
            Scene::StartError => self.meet(reference, Obstacle::StartError),
            Scene::NodeFault => self.meet(reference, Obstacle::NodeFault),
            Scene::Scheduled => self.proceed_until(reference, |pod| pod.step == Step::Preparing),
            Scene::Pulling => self.proceed_until(reference, |pod| pod.step == Step::PullingImage),
            Scene::Running { ready } => self.run(reference, ready),
            Scene::Restarted => {
                self.cluster.strike(pod_id, Incident::Exit);
                self.run(reference, true);
            }
            Scene::ServerRestarted => self.cluster.strike(pod_id, Incident::ServerKilled),
            Scene::CrashLoop => {
                self.cluster.obstruct(pod_id, Obstacle::CrashLoop);
                self.proceed_until(reference, |pod| pod.container.is_some());
                self.cluster.strike(pod_id, Incident::Exit);
            }
            Scene::OutOfMemory => self.cluster.strike(pod_id, Incident::OutOfMemory),
            Scene::Evicted => self.cluster.strike(pod_id, Incident::Evicted),
            Scene::DiskExceeded => self.cluster.strike(pod_id, Incident::DiskExceeded),
            Scene::NodeLost => self.cluster.strike(pod_id, Incident::NodeLost),
            Scene::Ended => self.cluster.proceed(pod_id),
            Scene::ServiceDeleted => {
                let service =
                    |key: &ObjectKey| key.kind == Kind::Service && key.name.starts_with(&reference.name);
                let key = self
                    .cluster
                    .objects()
                    .into_iter()
                    .find(service)
                    .expect("a service");
                self.cluster.delete_by_hand(&key);
            }
            Scene::PodDeleted => {
                self.cluster
                    .delete_by_hand(&ObjectKey::of(reference, Kind::Pod, &reference.name));
            }
            Scene::NameTaken => {
                self.cluster
                    .add_foreign(ObjectKey::of(reference, Kind::Pod, &reference.name));
            }
            other => panic!("this stage can't play {other:?}"),
        }
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
