//! The conformance suite of backends, on a simulated cluster in which only the stage makes things happen.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::cluster::ClusterBackend;
use crate::conformance::cluster::{self, Scene, Stage};
use crate::observation::{ObservedPod, Step};
use crate::sim::{Incident, Kind, ObjectKey, Obstacle, Settings, SimCluster};
use crate::workload::WorkloadRef;

struct SimStage(SimCluster);

impl SimStage {
    fn with(settings: Settings) -> Self {
        Self(SimCluster::new(settings))
    }

    fn meet(&self, reference: &WorkloadRef, obstacle: Obstacle) {
        self.0.obstruct(&reference.pod_id, obstacle);
        let code = obstacle.reason("").0;
        self.proceed_until(reference, |pod| {
            pod.reason.as_ref().is_some_and(|reason| reason.code == code)
        });
    }

    fn proceed_until(&self, reference: &WorkloadRef, holds: impl Fn(&ObservedPod) -> bool) {
        for _ in 0..8 {
            let pod = self.0.pod(&reference.pod_id).expect("a pod");
            if holds(&pod) {
                return;
            }
            self.0.proceed(&reference.pod_id);
        }
        panic!("the pod did not come there: {:?}", self.0.pod(&reference.pod_id));
    }

    fn run(&self, reference: &WorkloadRef, ready: bool) {
        self.0.clear_obstacles(&reference.pod_id);
        self.proceed_until(reference, |pod| pod.container.is_some() && (pod.ready || !ready));
    }
}

#[async_trait]
impl Stage for SimStage {
    fn backend(&self) -> Arc<dyn ClusterBackend> {
        Arc::new(self.0.clone())
    }

    async fn play(&self, reference: &WorkloadRef, scene: Scene) {
        let pod_id = &reference.pod_id;
        match scene {
            Scene::NoGpuFree => self.meet(reference, Obstacle::NoGpuFree),
            Scene::Unschedulable => self.meet(reference, Obstacle::Unschedulable),
            Scene::VolumePending => self.meet(reference, Obstacle::VolumePending),
            Scene::MountFailing => self.meet(reference, Obstacle::MountFailing),
            Scene::PullFailing => self.meet(reference, Obstacle::PullFailing),
            Scene::ImageMissing => self.meet(reference, Obstacle::ImageMissing),
            Scene::ImageInvalid => self.meet(reference, Obstacle::ImageInvalid),
            Scene::ConfigError => self.meet(reference, Obstacle::ConfigError),
            Scene::StartError => self.meet(reference, Obstacle::StartError),
            Scene::Scheduled => self.proceed_until(reference, |pod| pod.step == Step::Preparing),
            Scene::Pulling => self.proceed_until(reference, |pod| pod.step == Step::PullingImage),
            Scene::Running { ready } => self.run(reference, ready),
            Scene::Restarted => {
                self.0.strike(pod_id, Incident::Exit);
                self.run(reference, true);
            }
            Scene::CrashLoop => {
                self.0.obstruct(pod_id, Obstacle::CrashLoop);
                self.proceed_until(reference, |pod| pod.container.is_some());
                self.0.strike(pod_id, Incident::Exit);
            }
            Scene::OutOfMemory => self.0.strike(pod_id, Incident::OutOfMemory),
            Scene::Evicted => self.0.strike(pod_id, Incident::Evicted),
            Scene::DiskExceeded => self.0.strike(pod_id, Incident::DiskExceeded),
            Scene::NodeLost => self.0.strike(pod_id, Incident::NodeLost),
            Scene::Ended => self.0.proceed(pod_id),
            Scene::ServiceDeleted => {
                let service =
                    |key: &ObjectKey| key.kind == Kind::Service && key.name.starts_with(&reference.name);
                let key = self.0.objects().into_iter().find(service).expect("a service");
                self.0.delete_by_hand(&key);
            }
            Scene::PodDeleted => self
                .0
                .delete_by_hand(&ObjectKey::of(reference, Kind::Pod, &reference.name)),
            Scene::NameTaken => self
                .0
                .add_foreign(ObjectKey::of(reference, Kind::Pod, &reference.name)),
        }
    }

    async fn break_watch(&self) {
        self.0.break_watch();
    }

    async fn mend_watch(&self) {
        self.0.mend_watch();
    }

    fn limit(&self) -> Duration {
        Duration::from_secs(30)
    }

    fn image(&self) -> String {
        "jupyter/base-notebook:lab-4".to_owned()
    }
}

#[tokio::test(start_paused = true)]
async fn conforms() {
    let stage = SimStage::with(Settings::still());
    cluster::run(&stage).await;
    assert_eq!(
        (stage.0.objects(), stage.0.volumes()),
        (vec![], vec![]),
        "every check cleaned up"
    );
}

#[tokio::test(start_paused = true)]
async fn conforms_when_the_watch_is_slow() {
    cluster::run(&SimStage::with(Settings {
        watch_delay: Duration::from_secs(2),
        ..Settings::still()
    }))
    .await;
}

#[tokio::test(start_paused = true)]
async fn logs_conform() {
    cluster::logs(&SimStage::with(Settings::still())).await;
}
