//! The interpretation of reports by kubelets, schedulers and controllers. Shapes and texts are those of
//! Kubernetes 1.34.

mod causes;
mod details;
mod sidecars;
pub(crate) mod trials;

use neuropod_core::cluster::{ObservedPod, Phase, ReasonCode, Step};
use serde_json::{Value, from_value, json};

use super::{Warnings, observed};
use crate::api::partial::{PartialEvent, PartialPod};

const CREATED: &str = "2026-01-02T03:04:05Z";
const CHANGED: &str = "2026-01-02T03:05:00Z";

fn pod(status: &Value) -> PartialPod {
    let pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "lab-abcdefghij", "namespace": "pods", "uid": "u1", "resourceVersion": "7",
            "creationTimestamp": CREATED,
            "labels": { "app.kubernetes.io/managed-by": "neuropod", "neuropod.io/pod-id": "3f9a0c1d2e4b5a68",
                "neuropod.io/run": "2", "people/label": "theirs" },
            "annotations": { "neuropod.io/spec-hash": "abc" },
            "managedFields": [{ "manager": "kubelet", "fieldsV1": { "f:status": {} } }],
        },
        "spec": { "containers": [{ "name": "main", "image": "a" }] },
        "status": status,
    });
    from_value(pod).unwrap()
}

fn seen(status: &Value) -> ObservedPod {
    observed(&pod(status), None)
}

/// A pod on a node.
fn on_node(phase: &str, container: &Value) -> Value {
    let condition =
        |kind: &str, status: &str| json!({ "type": kind, "status": status, "lastTransitionTime": CHANGED });
    json!({
        "phase": phase, "startTime": CREATED, "qosClass": "Guaranteed",
        "conditions": [condition("PodScheduled", "True"), condition("PodReadyToStartContainers", "True"),
            condition("Ready", "False")],
        "containerStatuses": [container],
    })
}

fn waiting(reason: &str, message: &str) -> Value {
    on_node(
        "Pending",
        &json!({
            "name": "main", "ready": false, "restartCount": 0, "image": "a", "imageID": "", "started": false,
            "state": { "waiting": { "reason": reason, "message": message } }, "lastState": {},
        }),
    )
}

fn back_off(terminated: &Value) -> Value {
    on_node(
        "Running",
        &json!({
            "name": "main", "ready": false, "restartCount": 4, "image": "a", "imageID": "b", "started": false,
            "state": { "waiting": { "reason": "CrashLoopBackOff", "message": "back-off 1m20s restarting failed" } },
            "lastState": { "terminated": terminated },
        }),
    )
}

fn terminated(reason: &str, code: i32, message: &str) -> Value {
    json!({ "exitCode": code, "reason": reason, "message": message, "containerID": "containerd://x",
        "startedAt": "2026-01-02T03:04:30Z", "finishedAt": "2026-01-02T03:04:40Z" })
}

#[test]
fn a_running_container_has_no_reason() {
    let mut status = on_node(
        "Running",
        &json!({
            "name": "main", "ready": true, "restartCount": 1, "containerID": "containerd://2",
            "state": { "running": { "startedAt": "2026-01-02T03:06:00Z" } },
            "lastState": { "terminated": terminated("Error", 1, "") },
        }),
    );
    let starting = seen(&status);
    assert_eq!(
        (starting.phase, starting.step, starting.ready),
        (Phase::Running, Step::Starting, false)
    );
    assert_eq!(starting.reason, None);
    status["conditions"][2]["status"] = "True".into();
    let ready = seen(&status);
    assert_eq!(
        (ready.phase, ready.step, ready.ready),
        (Phase::Running, Step::Ready, true)
    );
    assert_eq!(
        (ready.uid.as_str(), ready.run, ready.spec_hash.as_str()),
        ("u1", 2, "abc")
    );
    assert_eq!(
        ready.container.map(|container| container.id).as_deref(),
        Some("containerd://2")
    );
    assert_eq!(
        ready.started_at,
        "2026-01-02T03:04:30Z".parse().ok(),
        "the container before it"
    );
    assert_eq!(ready.restarts, 1);
    assert!(ready.finished_at.is_some(), "when the one before ended");
}

#[test]
fn a_container_that_ended_has_no_container_and_an_end() {
    let pod = seen(&back_off(&terminated("Error", 1, "")));
    assert_eq!((pod.phase, pod.container), (Phase::Running, None));
    assert_eq!(pod.finished_at, "2026-01-02T03:04:40Z".parse().ok());
    assert_eq!(pod.finished_id.as_deref(), Some("containerd://x"));
    let reason = pod.reason.unwrap();
    assert_eq!(reason.detail, "exit code 1");
    assert_eq!(Some(reason.since), pod.finished_at);
}

#[test]
fn the_end_of_a_log_is_not_passed_on() {
    let log = "http://127.0.0.1:8888/lab?token=b1726e8fd9c54a7e8b3f0e6a7c9d1e2f3a4b5c6d7e8f9a0b";
    let pod = seen(&back_off(&terminated("Error", 1, log)));
    assert!(!format!("{pod:?}").contains("b1726e8f"));
}

#[test]
fn a_failed_pull_says_the_same_in_both_of_its_states() {
    let cause = "failed to resolve reference: docker.io/library/none:1: not found";
    let failing = seen(&waiting("ErrImagePull", cause)).reason.unwrap();
    let message = format!("Back-off pulling image \"none:1\": ErrImagePull: {cause}");
    let waiting_again = seen(&waiting("ImagePullBackOff", &message)).reason.unwrap();
    assert_eq!(failing, waiting_again);

    // Kubelets before 1.31 report the cause only in the event.
    let event = json!({ "metadata": { "uid": "e1" }, "involvedObject": { "uid": "u1" }, "reason": "Failed",
        "message": format!("Failed to pull image \"none:1\": {cause}"), "lastTimestamp": CHANGED });
    let warnings = Warnings::about("u1", &[from_value(event).unwrap()]);
    let old = pod(&waiting("ImagePullBackOff", "Back-off pulling image \"none:1\""));
    assert_eq!(observed(&old, Some(&warnings)).reason.unwrap(), failing);
}

#[test]
fn the_steps_follow_each_other() {
    let mut status = json!({ "phase": "Pending" });
    assert_eq!(seen(&status).step, Step::Scheduling);
    status["conditions"] = json!([{ "type": "PodScheduled", "status": "True" }]);
    assert_eq!(seen(&status).step, Step::Preparing);
    assert_eq!(seen(&waiting("ContainerCreating", "")).step, Step::PullingImage);
    assert_eq!(
        seen(&waiting("ErrImagePull", "not found")).step,
        Step::PullingImage
    );
    assert_eq!(seen(&waiting("CreateContainerError", "no")).step, Step::Starting);
    let mut leaving = pod(&status);
    leaving.metadata.deletion_timestamp = CHANGED.parse().ok();
    let leaving = observed(&leaving, None);
    assert_eq!(
        (leaving.step, leaving.terminating, leaving.reason),
        (Step::Stopping, true, None)
    );
}

#[test]
fn warnings_explain_why_a_pod_is_not_set_up() {
    let event = |reason: &str, at: &str| {
        let event = json!({ "metadata": { "uid": reason }, "involvedObject": { "uid": "u1" }, "reason": reason,
            "message": format!("{reason} it is"), "lastTimestamp": at, "count": 2 });
        from_value::<PartialEvent>(event).unwrap()
    };
    let events = [
        event("FailedMount", CHANGED),
        event("Unhealthy", CHANGED),
        event("FailedScheduling", CREATED),
    ];
    let warnings = Warnings::about("u1", &events);
    let mut status = json!({ "phase": "Pending", "conditions": [{ "type": "PodScheduled", "status": "True" }],
        "containerStatuses": [{ "name": "main", "state": { "waiting": { "reason": "ContainerCreating" } } }] });
    let reason = observed(&pod(&status), Some(&warnings)).reason.unwrap();
    assert_eq!(
        (reason.code, reason.detail.as_str()),
        (ReasonCode::VolumeFailed, "FailedMount it is")
    );

    let sandbox = json!({ "type": "PodReadyToStartContainers", "status": "True" });
    status["conditions"].as_array_mut().unwrap().push(sandbox);
    assert_eq!(
        observed(&pod(&status), Some(&warnings)).reason,
        None,
        "it was mounted after all"
    );
    assert_eq!(Warnings::about("another", &events), Warnings::default());
}

#[test]
fn the_pods_of_a_node_that_does_not_respond_are_lost() {
    let running = json!({ "name": "main", "ready": true, "containerID": "containerd://1",
        "state": { "running": { "startedAt": CREATED } } });
    let status = on_node("Running", &running);
    let warning = |at: &str| {
        let event = json!({ "metadata": { "uid": "e" }, "involvedObject": { "uid": "u1" }, "reason": "NodeNotReady",
            "message": "Node is not ready", "lastTimestamp": at });
        Warnings::about("u1", &[from_value(event).unwrap()])
    };
    let lost = observed(&pod(&status), Some(&warning(CHANGED)));
    assert_eq!(lost.reason.map(|reason| reason.code), Some(ReasonCode::NodeLost));
    assert_eq!((lost.phase, lost.ready), (Phase::Unknown, false));
    let back = observed(&pod(&status), Some(&warning(CREATED)));
    assert_eq!(
        (back.phase, back.reason),
        (Phase::Running, None),
        "that was before it last changed"
    );
}

#[test]
fn an_empty_status_is_a_new_pod() {
    let pod = seen(&json!({}));
    assert_eq!(
        (pod.phase, pod.step, pod.ready),
        (Phase::Pending, Step::Scheduling, false)
    );
    assert_eq!((pod.container, pod.reason), (None, None));
    let null = seen(&json!({ "phase": "Pending", "conditions": null, "containerStatuses": null }));
    assert_eq!(null.phase, Phase::Pending);
}

#[test]
fn a_port_was_closed_when_a_probe_was_refused_or_the_pod_is_not_ready() {
    let running = json!({ "name": "main", "ready": true, "containerID": "containerd://1",
        "state": { "running": { "startedAt": CREATED } } });
    let closed_at = |message: &str, ready: Value| {
        let event = json!({ "metadata": { "uid": "e" }, "involvedObject": { "uid": "u1" }, "reason": "Unhealthy",
            "message": message, "lastTimestamp": CHANGED });
        let warnings = Warnings::about("u1", &[from_value::<PartialEvent>(event).unwrap()]);
        let mut status = on_node("Running", &running);
        status["conditions"]
            .as_array_mut()
            .unwrap()
            .retain(|condition| condition["type"] != "Ready");
        status["conditions"].as_array_mut().unwrap().push(ready);
        let seen = observed(&pod(&status), Some(&warnings));
        assert_eq!(seen.reason, None, "{message}");
        seen.closed_at
    };
    let ready = || json!({ "type": "Ready", "status": "True", "lastTransitionTime": CREATED });
    let refused = "Readiness probe failed: dial tcp 10.244.1.7:8888: connect: connection refused";
    assert_eq!(closed_at(refused, ready()), CHANGED.parse().ok());
    for busy in [
        "Readiness probe failed: dial tcp 10.244.1.7:8888: i/o timeout",
        "Liveness probe failed: dial tcp 10.244.1.7:8888: connect: connection refused",
        "Readiness probe errored: rpc error: code = NotFound",
    ] {
        assert_eq!(closed_at(busy, ready()), None, "{busy}");
    }
    let unready = json!({ "type": "Ready", "status": "False", "lastTransitionTime": CREATED });
    assert_eq!(closed_at("", unready), CREATED.parse().ok());
}
