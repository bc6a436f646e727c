//! Checks of the details that watch and observe report about a pod object.

use jiff::SignedDuration;

use super::fixture::{Case, Watching, pod_of};
use super::stage::{Milestone, Stage};
use crate::cluster::observation::{Observation, ObservedPod, Step};
use crate::cluster::reason::ReasonCode;
use crate::cluster::workload::VolumePolicy;
use crate::error::kind::ErrorKind;
use crate::sim::Mishap;

/// The precision of times in clusters.
const SECOND: SignedDuration = SignedDuration::from_secs(1);

/// A terminating pod object has the time by which it should be gone: its grace period after the request.
pub(super) async fn an_end_says_by_when(stage: &dyn Stage) {
    let case = Case::new(stage, "ending");
    let mut watching = Watching::open(stage, &[&case]).await;
    let running = case.start().await;
    assert_eq!(running.ending, None, "nobody has asked it to go");
    let started = running.started_at.unwrap_or_default();
    let removed = pod_of(&case.remove(VolumePolicy::Keep).await);
    assert!(
        removed.ending.is_some(),
        "remove returns the time of the end: {removed:?}"
    );
    let pod = reported(&case, &mut watching, "end", |pod| pod.ending.is_some()).await;
    assert!(pod.terminating);
    let Some(ending) = pod.ending else { return };
    let grace = SignedDuration::from_secs(case.workload.grace_seconds.into());
    let latest = SignedDuration::try_from(stage.limit()).unwrap_or(SignedDuration::MAX);
    let after_start = ending.by.duration_since(started);
    assert!(
        after_start >= grace - SECOND && after_start <= grace + latest + SECOND,
        "the request, which is after {started}, and {grace}: {ending:?}"
    );
    assert_eq!(ending.held_by, "", "nobody else has to agree");
    case.clear(VolumePolicy::Delete).await;
}

/// An object that is still being deleted can't be created: `apply` returns a retryable error and does not
/// change it.
pub(super) async fn apply_waits_for_what_is_being_deleted(stage: &dyn Stage) {
    let mut case = Case::new(stage, "leftovers");
    let first = case.start().await;
    case.remove(VolumePolicy::Delete).await;
    case.workload.run = 2;
    let error = match case.backend.apply(&case.workload).await {
        Ok(seen) => panic!("a pod that is being deleted was made: {seen:#?}"),
        Err(error) => error,
    };
    assert_eq!(*error.kind(), ErrorKind::Conflict, "{error}");
    assert!(error.is_retryable(), "it passes by itself");
    assert!(!error.message().is_empty(), "it is shown to the owner of the pod");
    let seen = pod_of(&case.observe().await);
    assert_eq!((seen.uid, seen.terminating), (first.uid, true));
    case.clear(VolumePolicy::Delete).await;
}

/// A failure of the node is reported as the node's fault; a failure of the pod is not.
pub(super) async fn the_fault_of_a_node_is_reported_as_such(stage: &dyn Stage) {
    for (mishap, is_of_the_node) in [
        (Mishap::NodeFault, true),
        (Mishap::ConfigError, false),
        (Mishap::ImageMissing, false),
    ] {
        let case = Case::new(stage, &format!("{mishap:?} at fault"));
        let mut watching = Watching::open(stage, &[&case]).await;
        case.apply().await;
        case.inject(mishap).await;
        let pod = reported(&case, &mut watching, "reason", |pod| pod.reason.is_some()).await;
        assert_eq!(pod.node_fault, is_of_the_node, "{mishap:?}: {pod:?}");
        assert!(pod.node.is_some(), "{mishap:?}: which node it is");
        case.clear(VolumePolicy::Delete).await;
    }
}

/// A warning that may pass has the time until which it may; a certain reason applies at once.
pub(super) async fn a_warning_that_may_pass_says_until_when(stage: &dyn Stage) {
    for (mishap, code, may_pass) in [
        (Mishap::MountSlow, ReasonCode::VolumeFailed, true),
        (Mishap::ImageMissing, ReasonCode::ImageNotFound, false),
        (Mishap::NoGpuFree, ReasonCode::NoGpuFree, false),
    ] {
        let case = Case::new(stage, &format!("{mishap:?} may pass"));
        let mut watching = Watching::open(stage, &[&case]).await;
        case.apply().await;
        case.inject(mishap).await;
        let pod = reported(&case, &mut watching, "reason", |pod| has_reason(pod, code)).await;
        assert_eq!(pod.passes_until.is_some(), may_pass, "{mishap:?}: {pod:?}");
        let since = pod.reason.map(|reason| reason.since);
        assert!(
            pod.passes_until.is_none_or(|until| Some(until) > since),
            "{mishap:?}: it is some time from {since:?} on"
        );
        case.clear(VolumePolicy::Delete).await;
    }
}

/// The end of the previous container is reported while the next one runs.
pub(super) async fn the_last_end_is_reported_while_the_next_container_runs(stage: &dyn Stage) {
    let case = Case::new(stage, "last end");
    let mut watching = Watching::open(stage, &[&case]).await;
    let first = case.start().await;
    assert_eq!(first.last_end, None, "it is the first one");
    case.inject(Mishap::OutOfMemory).await;
    let killed = |pod: &ObservedPod| has_reason(pod, ReasonCode::OutOfMemory);
    let pod = reported(&case, &mut watching, "kill", killed).await;
    assert_eq!(pod.last_end, None, "none runs: that is the reason");
    case.reach(Milestone::Running { ready: true }).await;
    let pod = reported(&case, &mut watching, "next container", |pod| pod.ready).await;
    let last_end = pod.last_end.map(|reason| reason.code);
    assert_eq!((pod.reason, last_end), (None, Some(ReasonCode::OutOfMemory)));
    case.clear(VolumePolicy::Delete).await;
}

/// A pod on its node has the time at which it reached its step, which stays the same until the next step.
pub(super) async fn a_step_says_since_when(stage: &dyn Stage) {
    let case = Case::new(stage, "since when");
    let mut watching = Watching::open(stage, &[&case]).await;
    case.apply().await;
    case.reach(Milestone::Scheduled).await;
    let preparing = reported(&case, &mut watching, "node", |pod| pod.step == Step::Preparing).await;
    assert!(preparing.step_since.is_some(), "{preparing:?}");
    let again = pod_of(&case.observe().await);
    assert_eq!(again.step_since, preparing.step_since, "it is at the same step");
    case.reach(Milestone::Pulling).await;
    let pulling = reported(&case, &mut watching, "pull", |pod| pod.step == Step::PullingImage).await;
    assert!(
        pulling.step_since >= preparing.step_since,
        "it has got further: {pulling:?}"
    );
    case.clear(VolumePolicy::Delete).await;
}

/// A server restarted inside its container is noticed by its closed port; the time is reported.
pub(super) async fn a_closed_port_reveals_another_server(stage: &dyn Stage) {
    let case = Case::new(stage, "closed port");
    let mut watching = Watching::open(stage, &[&case]).await;
    let before = case.start().await;
    let open = reported(&case, &mut watching, "readiness", |pod| pod.ready).await;
    case.inject(Mishap::ServerKilled).await;
    let closed = |pod: &ObservedPod| pod.closed_at > open.closed_at;
    let pod = reported(&case, &mut watching, "closed port", closed).await;
    assert!(
        pod.closed_at >= pod.started_at,
        "after the container started: {pod:?}"
    );
    assert_eq!(
        (pod.container, pod.restarts),
        (before.container, before.restarts),
        "it is the same container"
    );
    case.clear(VolumePolicy::Delete).await;
}

/// Waits until observe returns a pod for which `holds` is true, and the watch reports the same.
async fn reported(
    case: &Case<'_>,
    watching: &mut Watching,
    what: &str,
    holds: impl Fn(&ObservedPod) -> bool,
) -> ObservedPod {
    let is_there = |seen: &Observation| seen.pod.as_ref().is_some_and(&holds);
    let seen = pod_of(&case.until(what, is_there).await);
    watching.until(case, what, |pod| *pod == seen).await
}

fn has_reason(pod: &ObservedPod, code: ReasonCode) -> bool {
    pod.reason.as_ref().is_some_and(|reason| reason.code == code)
}
