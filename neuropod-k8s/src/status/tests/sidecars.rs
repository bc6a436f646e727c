//! Containers that admission webhooks add to a pod. Kubelets sort by name, so they may come before the platform's own.

use neuropod_core::cluster::{Phase, ReasonCode, Step};
use serde_json::{Value, from_value, json};

use super::{CHANGED, Warnings, back_off, observed, on_node, pod, seen, terminated, waiting};

/// The same status, with a sidecar in this state before the platform's container.
fn beside(sidecar: &Value, mut status: Value) -> Value {
    let containers = status["containerStatuses"].as_array_mut();
    containers.unwrap().insert(0, sidecar.clone());
    status
}

/// `istio-proxy` sorts before `main`.
fn sidecar(ready: bool, restarts: u32, state: &Value, last: &Value) -> Value {
    json!({ "name": "istio-proxy", "ready": ready, "restartCount": restarts, "image": "proxy", "imageID": "p",
        "containerID": "containerd://proxy", "state": state, "lastState": last })
}

fn running_sidecar() -> Value {
    let state = json!({ "running": { "startedAt": "2026-01-02T03:04:10Z" } });
    sidecar(true, 0, &state, &json!({}))
}

fn crashing_sidecar() -> Value {
    let state = json!({ "waiting": { "reason": "CrashLoopBackOff", "message": "back-off" } });
    let last = json!({ "terminated": terminated("OOMKilled", 137, "") });
    sidecar(false, 9, &state, &last)
}

fn running() -> Value {
    let mut status = on_node(
        "Running",
        &json!({ "name": "main", "ready": true, "restartCount": 0, "containerID": "containerd://1",
            "state": { "running": { "startedAt": "2026-01-02T03:06:00Z" } }, "lastState": {} }),
    );
    status["conditions"][2]["status"] = "True".into();
    status
}

#[test]
fn a_sidecar_does_not_change_the_observation() {
    let statuses = [
        running(),
        waiting("ContainerCreating", ""),
        waiting("ErrImagePull", "docker.io/a:1: not found"),
        waiting("CreateContainerConfigError", "secret \"a\" not found"),
        back_off(&terminated("Error", 1, "")),
        back_off(&terminated("OOMKilled", 137, "")),
    ];
    for status in statuses {
        let alone = seen(&status);
        for other in [running_sidecar(), crashing_sidecar()] {
            assert_eq!(
                seen(&beside(&other, status.clone())),
                alone,
                "{other} beside {status}"
            );
        }
    }
}

#[test]
fn a_sidecar_that_runs_is_not_the_container() {
    let pod = seen(&beside(
        &running_sidecar(),
        waiting("ImagePullBackOff", "Back-off"),
    ));
    assert_eq!(
        (pod.phase, pod.step, pod.started_at),
        (Phase::Pending, Step::PullingImage, None),
        "it would be charged from the sidecar's start"
    );
    assert_eq!(
        pod.reason.map(|reason| reason.code),
        Some(ReasonCode::ImagePullFailed)
    );
}

#[test]
fn a_sidecar_that_crashes_is_not_the_container() {
    let pod = seen(&beside(&crashing_sidecar(), running()));
    assert_eq!((pod.phase, pod.reason, pod.restarts), (Phase::Running, None, 0));
    assert_eq!((pod.finished_at, pod.finished_id), (None, None));
    let container = pod.container.map(|container| container.id);
    assert_eq!(container.as_deref(), Some("containerd://1"));
}

#[test]
fn a_sidecar_alone_is_no_container_yet() {
    let mut status = on_node("Pending", &running_sidecar());
    let pod = seen(&status);
    assert_eq!((pod.phase, pod.container), (Phase::Pending, None));
    status["phase"] = "Failed".into();
    status["containerStatuses"][0] = crashing_sidecar();
    let ended = seen(&status).reason.unwrap();
    assert_eq!(ended.code, ReasonCode::ContainerExited);
}

#[test]
fn a_failed_pull_of_a_sidecar_is_not_the_cause() {
    let failed = |container: &str, cause: &str| {
        let event = json!({ "metadata": { "uid": container }, "reason": "Failed", "lastTimestamp": CHANGED,
            "involvedObject": { "uid": "u1", "fieldPath": format!("spec.containers{{{container}}}") },
            "message": format!("Failed to pull image \"x:1\": {cause}") });
        from_value(event).unwrap()
    };
    // Kubelets before 1.31 report the cause only in the event.
    let pod = pod(&waiting("ImagePullBackOff", "Back-off pulling image \"a:1\""));
    let why = |events: &[crate::api::partial::PartialEvent]| {
        let warnings = Warnings::about("u1", events);
        observed(&pod, Some(&warnings)).reason.map(|reason| reason.code)
    };
    let ours = failed("main", "docker.io/a:1: not found");
    let theirs = failed("istio-proxy", "dial tcp 192.0.2.1:443: i/o timeout");
    assert_eq!(why(&[ours, theirs.clone()]), Some(ReasonCode::ImageNotFound));
    let init = failed("istio-init", "not found");
    assert_eq!(
        why(&[theirs, init]),
        Some(ReasonCode::ImagePullFailed),
        "nobody says why"
    );
}
