//! The details of a reason beside its code: which of several texts, its time, and who is at fault.

use jiff::{SignedDuration, Timestamp};
use neuropod_core::Reason;
use neuropod_core::cluster::{ReasonCode, Step};
use serde_json::{Value, from_value, json};

use super::{CHANGED, CREATED, back_off, observed, on_node, pod, seen, terminated, waiting};
use crate::api::partial::PartialEvent;
use crate::status::Warnings;

fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

/// A warning with these times of its first and last occurrence.
fn event(uid: &str, reason: &str, message: &str, [first, last]: [&str; 2]) -> PartialEvent {
    let event = json!({ "metadata": { "uid": uid }, "involvedObject": { "uid": "u1" }, "type": "Warning", "reason": reason,
        "message": message, "count": 1, "firstTimestamp": first, "lastTimestamp": last });
    from_value(event).unwrap()
}

/// A pod on its node whose sandbox does not exist yet.
fn setting_up() -> Value {
    json!({ "phase": "Pending", "startTime": CREATED,
        "conditions": [{ "type": "PodScheduled", "status": "True", "lastTransitionTime": CREATED }],
        "containerStatuses": [{ "name": "main", "state": { "waiting": { "reason": "ContainerCreating" } } }] })
}

const MULTI_ATTACH: &str =
    "Multi-Attach error for volume \"pvc-1\" Volume is already used by pod(s) first-abcdefghij";
const TIMED_OUT: &str =
    "Unable to attach or mount volumes: unmounted volumes=[workspace]: timed out waiting for the condition";

#[test]
fn a_warning_counts_by_its_age_and_not_by_its_count() {
    let once = event("e", "FailedMount", "no", ["2026-01-02T03:05:00Z"; 2]);
    let repeated = PartialEvent {
        count: 40,
        last_timestamp: Some(at("2026-01-02T03:09:00Z")),
        ..once.clone()
    };
    for warning in [once, repeated] {
        let seen = observed(&pod(&setting_up()), Some(&Warnings::about("u1", [&warning])));
        assert_eq!(seen.reason.unwrap().code, ReasonCode::VolumeFailed);
        assert_eq!(
            seen.passes_until,
            Some(at("2026-01-02T03:05:30Z")),
            "since it was first said"
        );
    }
}

#[test]
fn a_warning_that_is_seen_before_the_node_waits_for_it() {
    let warning = event("e", "FailedMount", "no", ["2026-01-02T03:05:00Z"; 2]);
    let warnings = Warnings::about("u1", [&warning]);
    let seen = observed(&pod(&json!({ "phase": "Pending" })), Some(&warnings));
    assert_eq!((seen.step, seen.reason), (Step::Scheduling, None));
}

#[test]
fn the_holder_of_the_volume_is_reported_rather_than_a_time_out() {
    let attach = event(
        "a",
        "FailedAttachVolume",
        MULTI_ATTACH,
        ["2026-01-02T03:05:00Z"; 2],
    );
    let late = event(
        "b",
        "FailedMount",
        TIMED_OUT,
        ["2026-01-02T03:07:00Z", "2026-01-02T03:40:00Z"],
    );
    for events in [vec![&attach, &late], vec![&late, &attach]] {
        let seen = observed(&pod(&setting_up()), Some(&Warnings::about("u1", events)));
        assert_eq!(seen.reason.unwrap().detail, MULTI_ATTACH);
    }
    // The same within one kind, in whatever order they come.
    let telling = event(
        "c",
        "FailedMount",
        "mount failed: exit status 32",
        ["2026-01-02T03:06:00Z"; 2],
    );
    for events in [vec![&telling, &late], vec![&late, &telling]] {
        let seen = observed(&pod(&setting_up()), Some(&Warnings::about("u1", events)));
        assert_eq!(seen.reason.unwrap().detail, "mount failed: exit status 32");
        assert_eq!(seen.passes_until, Some(at("2026-01-02T03:06:30Z")));
    }
}

#[test]
fn an_unknown_warning_counts_after_minutes_on_the_node_with_its_reason() {
    let strange = event(
        "e",
        "FailedPrepareDynamicResources",
        "no",
        ["2026-01-02T03:04:10Z"; 2],
    );
    let seen = observed(&pod(&setting_up()), Some(&Warnings::about("u1", [&strange])));
    let reason = seen.reason.unwrap();
    assert_eq!(reason.detail, "FailedPrepareDynamicResources: no");
    let minutes = SignedDuration::from_mins(3);
    assert_eq!(seen.passes_until, Some(at(CREATED).checked_add(minutes).unwrap()));
    // A warning with a known reason is more useful.
    let known = event("k", "NetworkNotReady", "no network", ["2026-01-02T03:04:06Z"; 2]);
    let both = Warnings::about("u1", [&strange, &known]);
    assert_eq!(
        observed(&pod(&setting_up()), Some(&both)).reason.unwrap().detail,
        "no network"
    );
}

#[test]
fn a_negative_count_drops_the_event_and_an_invalid_one_does_not() {
    let mut warning = event("e", "FailedMount", "no", [CHANGED; 2]);
    warning.count = 0;
    assert!(!Warnings::about("u1", [&warning]).is_empty());
    warning.count = -1;
    assert!(Warnings::about("u1", [&warning]).is_empty());
}

#[test]
fn failures_of_the_node_are_its_fault() {
    let cdi = "failed to inject CDI devices: unresolvable CDI devices nvidia.com/gpu=0";
    let rejected = json!({ "phase": "Failed", "reason": "TopologyAffinityError",
        "message": "Pod was rejected: Resources cannot be allocated with Topology locality" });
    let of_the_node = [
        back_off(&terminated("StartError", 128, cdi)),
        waiting("CreateContainerError", "context deadline exceeded"),
        waiting(
            "ErrImagePull",
            "failed to extract layer: write /var/lib/x: no space left on device",
        ),
        waiting(
            "ErrImagePull",
            "failed to get reader: content digest sha256:51f5: not found",
        ),
        rejected,
    ];
    for status in of_the_node {
        assert!(seen(&status).node_fault, "{status}");
    }
    let of_the_pod = [
        back_off(&terminated("Error", 1, cdi)),
        waiting("RunContainerError", "exec: \"/nvml/cgroup\": permission denied"),
        waiting("ErrImagePull", "docker.io/library/none:1: not found"),
        waiting(
            "RunContainerError",
            "nvidia-container-cli: requirement error: unsatisfied condition: cuda>=12.8",
        ),
    ];
    for status in of_the_pod {
        assert!(!seen(&status).node_fault, "{status}");
    }
}

#[test]
fn the_end_of_the_last_run_is_kept_while_the_next_one_runs() {
    let running = |last: Value| {
        let container = json!({ "name": "main", "ready": true, "restartCount": 1, "containerID": "containerd://2",
            "state": { "running": { "startedAt": "2026-01-02T03:06:00Z" } }, "lastState": last });
        seen(&on_node("Running", &container))
    };
    let again = running(json!({ "terminated": terminated("OOMKilled", 137, "token=secret") }));
    assert_eq!(again.reason, None);
    let last = again.last_end.unwrap();
    assert_eq!(last.code, ReasonCode::OutOfMemory);
    assert!(!last.detail.contains("secret"));
    assert_eq!(running(json!({})).last_end, None);
    assert_eq!(
        seen(&back_off(&terminated("OOMKilled", 137, ""))).last_end,
        None,
        "it is the reason itself"
    );
}

#[test]
fn a_pod_that_is_being_deleted_reports_by_when_and_who_holds_it() {
    let mut leaving = pod(&setting_up());
    leaving.metadata.deletion_timestamp = CHANGED.parse().ok();
    leaving.metadata.finalizers = vec!["kueue.x-k8s.io/managed".into()];
    let ending = observed(&leaving, None).ending.unwrap();
    assert_eq!(ending.by, at(CHANGED), "the API server adds the grace period");
    assert_eq!(ending.held_by, "finalizers: kueue.x-k8s.io/managed");
    assert_eq!(observed(&pod(&setting_up()), None).ending, None);
}

#[test]
fn the_time_of_a_step_is_when_it_was_reached() {
    assert_eq!(observed(&pod(&setting_up()), None).step_since, Some(at(CREATED)));
    let pulling = seen(&waiting("ContainerCreating", ""));
    assert_eq!(
        pulling.step_since,
        Some(at(CHANGED)),
        "since its sandbox is there"
    );
}

#[test]
fn a_queued_pod_differs_from_one_that_fits_nowhere() {
    let status = json!({ "phase": "Pending", "conditions": [{ "type": "PodScheduled", "status": "False",
        "reason": "SchedulingGated", "message": "Scheduling is blocked", "lastTransitionTime": CHANGED }] });
    let mut gated = pod(&status);
    gated.spec = from_value(json!({ "schedulingGates": [{ "name": "kueue.x-k8s.io/admission" }] })).unwrap();
    let reason = observed(&gated, None).reason.unwrap();
    assert!(reason.is_queued(), "{reason:?}");
    assert!(reason.detail.contains("kueue.x-k8s.io/admission"), "{reason:?}");
    let full = Reason::new(ReasonCode::Unschedulable, "0/1 nodes are available", at(CHANGED));
    assert!(!full.is_queued());
}

#[test]
fn the_reports_of_scheduler_and_autoscaler_are_joined() {
    let status = json!({ "phase": "Pending", "conditions": [{ "type": "PodScheduled", "status": "False",
        "reason": "Unschedulable", "message": "0/5 nodes are available: 5 Insufficient nvidia.com/gpu." }] });
    let mut note = event(
        "n",
        "NotTriggerScaleUp",
        "1 max node group size reached",
        [CHANGED; 2],
    );
    note.kind = "Normal".into();
    let seen = observed(&pod(&status), Some(&Warnings::about("u1", [&note])));
    let reason = seen.reason.unwrap();
    assert_eq!(reason.code, ReasonCode::NoGpuFree);
    assert!(
        reason
            .detail
            .ends_with("Autoscaler: 1 max node group size reached"),
        "{reason:?}"
    );
}

#[test]
fn events_of_the_claim_of_another_pod_are_ignored() {
    let mut failed = event("p", "ProvisioningFailed", "quota exceeded", [CHANGED; 2]);
    failed.involved_object.kind = "PersistentVolumeClaim".into();
    failed.involved_object.uid = "claim".into();
    failed.involved_object.name = "workspace".into();
    failed.involved_object.namespace = "pods".into();
    let status = json!({ "phase": "Pending", "conditions": [{ "type": "PodScheduled", "status": "False",
        "message": "0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims." }] });
    let mut waits = pod(&status);
    let code = |pod: &crate::api::partial::PartialPod| {
        crate::operations::observe::pod_with(pod, std::slice::from_ref(&failed))
            .reason
            .unwrap()
            .code
    };
    assert_eq!(code(&waits), ReasonCode::VolumePending, "it mounts no such claim");
    waits.metadata.annotations.volume = Some("workspace".into());
    assert_eq!(code(&waits), ReasonCode::VolumeFailed);
    waits.metadata.namespace = "others".into();
    assert_eq!(code(&waits), ReasonCode::VolumePending);
}
