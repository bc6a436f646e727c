//! Checks of `watch`.

use super::fixture::{Case, Watching, pod_of};
use super::stage::{Milestone, Stage};
use crate::cluster::observation::{Phase, Step};
use crate::cluster::reason::ReasonCode;
use crate::cluster::workload::VolumePolicy;
use crate::sim::Mishap;

/// Existing pods are reported before `Synced`.
pub(super) async fn watch_begins_with_what_is_there(stage: &dyn Stage) {
    let case = Case::new(stage, "already there");
    let pod = case.start().await;
    let watching = Watching::open(stage, &[&case]).await;
    assert_eq!(
        watching.pod(&case),
        Some(&pod),
        "before Synced, as observe sees it"
    );
    case.clear(VolumePolicy::Delete).await;
}

/// Every step from creation to the end is reported, with the details that the driver needs.
pub(super) async fn watch_follows_a_life(stage: &dyn Stage) {
    let case = Case::new(stage, "life");
    let mut watching = Watching::open(stage, &[&case]).await;
    assert_eq!(watching.pod(&case), None, "nothing is there yet");
    let uid = pod_of(&case.apply().await).uid;
    let pod = watching
        .until(&case, "pod", |pod| pod.phase == Phase::Pending)
        .await;
    assert_eq!((&pod.uid, pod.run), (&uid, 1));
    assert_eq!(pod.spec_hash, case.workload.spec_hash());

    case.reach(Milestone::Scheduled).await;
    watching
        .until(&case, "node", |pod| pod.step == Step::Preparing)
        .await;
    case.reach(Milestone::Pulling).await;
    watching
        .until(&case, "pull", |pod| pod.step == Step::PullingImage)
        .await;

    case.reach(Milestone::Running { ready: false }).await;
    let pod = watching
        .until(&case, "container", |pod| pod.container.is_some())
        .await;
    assert_eq!(
        (pod.phase, pod.step, pod.ready),
        (Phase::Running, Step::Starting, false)
    );
    assert_eq!(pod.finished_at, None);
    assert!(
        pod.reason.is_none_or(|reason| !reason.code.is_failure()),
        "starting is no failure"
    );
    let first = pod
        .container
        .map(|container| (container.id, container.started_at));
    assert_eq!(
        pod.started_at,
        first.as_ref().map(|(_, at)| *at),
        "the first container"
    );

    case.reach(Milestone::Running { ready: true }).await;
    let pod = watching.until(&case, "readiness", |pod| pod.ready).await;
    assert_eq!((pod.phase, pod.step), (Phase::Running, Step::Ready));
    assert!(pod.node.is_some(), "a pod that runs says on which node");
    assert_eq!(
        (pod.reason, pod.restarts, pod.started_at.is_some()),
        (None, 0, true)
    );
    assert_eq!(
        pod.container.map(|container| container.id),
        first.as_ref().map(|(id, _)| id.clone())
    );
    let started_at = pod.started_at;

    case.restart().await;
    let pod = watching
        .until(&case, "restart", |pod| pod.ready && pod.restarts == 1)
        .await;
    assert_eq!(
        (pod.phase, pod.uid),
        (Phase::Running, uid.clone()),
        "the same pod object"
    );
    assert_ne!(
        pod.container.map(|container| container.id),
        first.map(|(id, _)| id),
        "another container"
    );
    assert_eq!(pod.started_at, started_at, "since when the pod runs");
    assert!(
        pod.finished_at >= started_at && pod.finished_at.is_some(),
        "when the container before ended: {:?}",
        pod.finished_at
    );

    case.remove(VolumePolicy::Keep).await;
    watching.until(&case, "termination", |pod| pod.terminating).await;
    case.reach(Milestone::Ended).await;
    watching.until_gone(&case, &uid).await;
    case.clear(VolumePolicy::Delete).await;
}

/// Changes during an interruption are reported after it, and nothing else is.
pub(super) async fn watch_loses_nothing_when_broken(stage: &dyn Stage) {
    let [same, changed, gone] = ["same", "changed", "gone"].map(|name| Case::new(stage, name));
    for case in [&same, &changed, &gone] {
        case.start().await;
    }
    let uid = gone
        .remove(VolumePolicy::Keep)
        .await
        .pod
        .map(|pod| pod.uid)
        .unwrap_or_default();
    let mut watching = Watching::open(stage, &[&same, &changed, &gone]).await;
    let before = watching.pod(&same).cloned();
    watching.until(&gone, "termination", |pod| pod.terminating).await;

    stage.break_watch().await;
    changed.inject(Mishap::CrashLoop).await;
    gone.reach(Milestone::Ended).await;
    stage.mend_watch().await;

    let crashed = |code| code == ReasonCode::CrashLoop;
    watching
        .until(&changed, "crash", |pod| {
            pod.reason.as_ref().is_some_and(|reason| crashed(reason.code))
        })
        .await;
    if watching.pod(&gone).is_some() {
        watching.until_gone(&gone, &uid).await;
    }
    assert_eq!(watching.pod(&same).cloned(), before, "nothing happened to it");
    changed.reach(Milestone::Running { ready: true }).await;
    watching.until(&changed, "recovery", |pod| pod.ready).await;
    for case in [&same, &changed, &gone] {
        case.clear(VolumePolicy::Delete).await;
    }
}

/// A pod object that was replaced during an interruption is reported as an end and a start.
pub(super) async fn watch_sees_a_pod_replaced_while_broken(stage: &dyn Stage) {
    let mut case = Case::new(stage, "replaced");
    let first = case.start().await;
    let mut watching = Watching::open(stage, &[&case]).await;
    stage.break_watch().await;
    case.clear(VolumePolicy::Keep).await;
    case.workload.run = 2;
    let second = pod_of(&case.apply().await);
    stage.mend_watch().await;
    if watching.pod(&case).is_some_and(|pod| pod.uid == first.uid) {
        watching.until_gone(&case, &first.uid).await;
    }
    let pod = watching
        .until(&case, "new pod", |pod| pod.uid == second.uid)
        .await;
    assert_eq!(pod.run, 2);
    case.clear(VolumePolicy::Delete).await;
}

/// Two watches at once each see everything.
pub(super) async fn every_watch_sees_everything(stage: &dyn Stage) {
    let case = Case::new(stage, "two watches");
    let mut one = Watching::open(stage, &[&case]).await;
    let mut other = Watching::open(stage, &[&case]).await;
    let pod = case.start().await;
    case.clear(VolumePolicy::Delete).await;
    for watching in [&mut one, &mut other] {
        watching.until(&case, "readiness", |pod| pod.ready).await;
        watching.until_gone(&case, &pod.uid).await;
    }
}
