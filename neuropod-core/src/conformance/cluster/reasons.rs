//! Checks of the reasons why a pod does not run.

use super::fixture::{Case, Watching};
use super::stage::{Milestone, Stage};
use crate::cluster::observation::{ObservedPod, Phase, Step};
use crate::cluster::reason::ReasonCode;
use crate::cluster::workload::{Accelerator, VolumePolicy};
use crate::sim::Mishap;

/// The expected observation after a mishap.
struct Expected {
    mishap: Mishap,
    code: ReasonCode,
    /// The step of a pod that has not started.
    step: Option<Step>,
    /// The phase; `None`: it depends on the cluster.
    phase: Option<Phase>,
    /// Whether a container ran and ended.
    ended: bool,
}

impl Expected {
    const fn waiting(mishap: Mishap, code: ReasonCode, step: Step) -> Self {
        Self {
            mishap,
            code,
            step: Some(step),
            phase: Some(Phase::Pending),
            ended: false,
        }
    }

    const fn broken(mishap: Mishap, code: ReasonCode, phase: Phase) -> Self {
        Self {
            mishap,
            code,
            step: None,
            phase: Some(phase),
            ended: true,
        }
    }
}

const EXPECTED: [Expected; 14] = [
    Expected::waiting(Mishap::NoGpuFree, ReasonCode::NoGpuFree, Step::Scheduling),
    Expected::waiting(Mishap::Unschedulable, ReasonCode::Unschedulable, Step::Scheduling),
    Expected::waiting(Mishap::VolumePending, ReasonCode::VolumePending, Step::Scheduling),
    Expected::waiting(Mishap::MountFailing, ReasonCode::VolumeFailed, Step::Preparing),
    Expected::waiting(
        Mishap::PullFailing,
        ReasonCode::ImagePullFailed,
        Step::PullingImage,
    ),
    Expected::waiting(
        Mishap::ImageMissing,
        ReasonCode::ImageNotFound,
        Step::PullingImage,
    ),
    Expected::waiting(Mishap::ImageInvalid, ReasonCode::ImageInvalid, Step::PullingImage),
    Expected::waiting(Mishap::ConfigError, ReasonCode::ContainerConfig, Step::Starting),
    Expected::waiting(Mishap::StartError, ReasonCode::ContainerStart, Step::Starting),
    Expected::broken(Mishap::CrashLoop, ReasonCode::CrashLoop, Phase::Running),
    Expected::broken(Mishap::OutOfMemory, ReasonCode::OutOfMemory, Phase::Running),
    Expected::broken(Mishap::Evicted, ReasonCode::Evicted, Phase::Ended),
    Expected::broken(Mishap::DiskExceeded, ReasonCode::DiskExceeded, Phase::Ended),
    Expected {
        mishap: Mishap::NodeLost,
        code: ReasonCode::NodeLost,
        step: None,
        phase: None,
        ended: false,
    },
];

/// Every cause that keeps a pod from running is reported with its code, by watch and by observe.
pub(super) async fn every_reason_is_reported(stage: &dyn Stage) {
    for expected in &EXPECTED {
        let case = new_case(stage, &format!("{:?}", expected.mishap));
        let mut watching = Watching::open(stage, &[&case]).await;
        case.apply().await;
        if expected.step.is_none() {
            case.reach(Milestone::Running { ready: true }).await;
            watching.until(&case, "readiness", |pod| pod.ready).await;
        }
        case.inject(expected.mishap).await;
        let what = format!("{:?} for {:?}", expected.code, expected.mishap);
        let pod = watching
            .until(&case, &what, |pod| has_reason(pod, expected.code))
            .await;
        check(expected, &pod);
        let seen = case
            .until(&what, |seen| {
                seen.pod
                    .as_ref()
                    .is_some_and(|pod| has_reason(pod, expected.code))
            })
            .await;
        assert_eq!(
            seen.pod.as_ref(),
            Some(&pod),
            "observe and watch say the same of {:?}",
            expected.mishap
        );
        case.clear(VolumePolicy::Delete).await;
    }
}

/// A reason is no longer reported once the pod runs.
pub(super) async fn a_reason_passes(stage: &dyn Stage) {
    for (mishap, code) in [
        (Mishap::NoGpuFree, ReasonCode::NoGpuFree),
        (Mishap::PullFailing, ReasonCode::ImagePullFailed),
        (Mishap::CrashLoop, ReasonCode::CrashLoop),
    ] {
        let case = new_case(stage, &format!("{mishap:?} passes"));
        let mut watching = Watching::open(stage, &[&case]).await;
        case.apply().await;
        case.inject(mishap).await;
        watching.until(&case, "reason", |pod| has_reason(pod, code)).await;
        case.reach(Milestone::Running { ready: true }).await;
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

fn has_reason(pod: &ObservedPod, code: ReasonCode) -> bool {
    pod.reason.as_ref().is_some_and(|reason| reason.code == code)
}

fn check(expected: &Expected, pod: &ObservedPod) {
    let mishap = expected.mishap;
    assert!(!pod.ready, "{mishap:?}: not ready");
    assert!(
        pod.reason
            .as_ref()
            .is_some_and(|reason| !reason.detail.is_empty()),
        "{mishap:?}: the words of the cluster are kept"
    );
    if let Some(phase) = expected.phase {
        assert_eq!(pod.phase, phase, "{mishap:?}");
        assert_eq!(pod.container, None, "{mishap:?}: no container runs");
    }
    if let Some(step) = expected.step {
        assert_eq!(pod.step, step, "{mishap:?}");
        assert_eq!(
            (pod.started_at, pod.finished_at),
            (None, None),
            "{mishap:?}: nothing has run"
        );
    }
    if expected.ended {
        assert!(pod.started_at.is_some(), "{mishap:?}: it ran");
        assert!(
            pod.finished_at >= pod.started_at,
            "{mishap:?}: and ended: {pod:?}"
        );
    }
}
