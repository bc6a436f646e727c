//! Checks of why a pod does not run.

use super::fixture::{Case, Watching};
use super::{Scene, Stage};
use crate::cluster::observation::{ObservedPod, Phase, Step};
use crate::cluster::reason::ReasonCode;
use crate::cluster::workload::{Accelerator, VolumePolicy};

/// What must be seen of a scene.
struct Expected {
    scene: Scene,
    code: ReasonCode,
    /// Where a pod that has not started is.
    step: Option<Step>,
    /// Where the pod is; `None`: the cluster may or may not know.
    phase: Option<Phase>,
    /// Whether a container has run and ended.
    ended: bool,
}

impl Expected {
    const fn waiting(scene: Scene, code: ReasonCode, step: Step) -> Self {
        Self {
            scene,
            code,
            step: Some(step),
            phase: Some(Phase::Pending),
            ended: false,
        }
    }

    const fn broken(scene: Scene, code: ReasonCode, phase: Phase) -> Self {
        Self {
            scene,
            code,
            step: None,
            phase: Some(phase),
            ended: true,
        }
    }
}

const EXPECTED: [Expected; 14] = [
    Expected::waiting(Scene::NoGpuFree, ReasonCode::NoGpuFree, Step::Scheduling),
    Expected::waiting(Scene::Unschedulable, ReasonCode::Unschedulable, Step::Scheduling),
    Expected::waiting(Scene::VolumePending, ReasonCode::VolumePending, Step::Scheduling),
    Expected::waiting(Scene::MountFailing, ReasonCode::VolumeFailed, Step::Preparing),
    Expected::waiting(
        Scene::PullFailing,
        ReasonCode::ImagePullFailed,
        Step::PullingImage,
    ),
    Expected::waiting(Scene::ImageMissing, ReasonCode::ImageNotFound, Step::PullingImage),
    Expected::waiting(Scene::ImageInvalid, ReasonCode::ImageInvalid, Step::PullingImage),
    Expected::waiting(Scene::ConfigError, ReasonCode::ContainerConfig, Step::Starting),
    Expected::waiting(Scene::StartError, ReasonCode::ContainerStart, Step::Starting),
    Expected::broken(Scene::CrashLoop, ReasonCode::CrashLoop, Phase::Running),
    Expected::broken(Scene::OutOfMemory, ReasonCode::OutOfMemory, Phase::Running),
    Expected::broken(Scene::Evicted, ReasonCode::Evicted, Phase::Ended),
    Expected::broken(Scene::DiskExceeded, ReasonCode::DiskExceeded, Phase::Ended),
    Expected {
        scene: Scene::NodeLost,
        code: ReasonCode::NodeLost,
        step: None,
        phase: None,
        ended: false,
    },
];

/// Every cause that keeps a pod from running is told with its code, by watch and by observe.
pub(super) async fn every_reason_is_told(stage: &dyn Stage) {
    for expected in &EXPECTED {
        let case = new_case(stage, &format!("{:?}", expected.scene));
        let mut watching = Watching::open(stage, &[&case]).await;
        case.apply().await;
        if expected.step.is_none() {
            case.play(Scene::Running { ready: true }).await;
            watching.until(&case, "readiness", |pod| pod.ready).await;
        }
        case.play(expected.scene).await;
        let what = format!("{:?} for {:?}", expected.code, expected.scene);
        let pod = watching
            .until(&case, &what, |pod| tells(pod, expected.code))
            .await;
        check(expected, &pod);
        let seen = case
            .until(&what, |seen| {
                seen.pod.as_ref().is_some_and(|pod| tells(pod, expected.code))
            })
            .await;
        assert_eq!(
            seen.pod.as_ref(),
            Some(&pod),
            "observe and watch say the same of {:?}",
            expected.scene
        );
        case.clear(VolumePolicy::Delete).await;
    }
}

/// A reason is not told any more once the pod runs.
pub(super) async fn a_reason_passes(stage: &dyn Stage) {
    for (scene, code) in [
        (Scene::NoGpuFree, ReasonCode::NoGpuFree),
        (Scene::PullFailing, ReasonCode::ImagePullFailed),
        (Scene::CrashLoop, ReasonCode::CrashLoop),
    ] {
        let case = new_case(stage, &format!("{scene:?} passes"));
        let mut watching = Watching::open(stage, &[&case]).await;
        case.apply().await;
        case.play(scene).await;
        watching.until(&case, "reason", |pod| tells(pod, code)).await;
        case.play(Scene::Running { ready: true }).await;
        let pod = watching.until(&case, "readiness", |pod| pod.ready).await;
        assert_eq!(
            (pod.phase, pod.step, pod.reason),
            (Phase::Running, Step::Ready, None)
        );
        assert!(pod.container.is_some(), "its container runs");
        case.clear(VolumePolicy::Delete).await;
    }
}

fn new_case<'a>(stage: &'a dyn Stage, name: &str) -> Case<'a> {
    let mut case = Case::new(stage, name);
    case.workload.container.resources.accelerator = Some(Accelerator {
        resource: "nvidia.com/gpu".to_owned(),
        count: 1,
    });
    case
}

fn tells(pod: &ObservedPod, code: ReasonCode) -> bool {
    pod.reason.as_ref().is_some_and(|reason| reason.code == code)
}

fn check(expected: &Expected, pod: &ObservedPod) {
    let scene = expected.scene;
    assert!(!pod.ready, "{scene:?}: not ready");
    assert!(
        pod.reason
            .as_ref()
            .is_some_and(|reason| !reason.detail.is_empty()),
        "{scene:?}: the words of the cluster are kept"
    );
    if let Some(phase) = expected.phase {
        assert_eq!(pod.phase, phase, "{scene:?}");
        assert_eq!(pod.container, None, "{scene:?}: no container runs");
    }
    if let Some(step) = expected.step {
        assert_eq!(pod.step, step, "{scene:?}");
        assert_eq!(
            (pod.started_at, pod.finished_at),
            (None, None),
            "{scene:?}: nothing has run"
        );
    }
    if expected.ended {
        assert!(pod.started_at.is_some(), "{scene:?}: it ran");
        assert!(pod.finished_at >= pod.started_at, "{scene:?}: and ended: {pod:?}");
    }
}
