//! Statuses in the format of schedulers and kubelets (1.34).

use k8s_openapi::jiff::Timestamp;
use neuropod_core::conformance::cluster::Milestone;
use neuropod_core::sim::Mishap;
use serde_json::{Value, json};

/// The warning for a mishap: its reason and its message.
pub(crate) fn warning(mishap: Mishap) -> Option<(&'static str, &'static str)> {
    match mishap {
        Mishap::MountFailing => Some((
            "FailedMount",
            "MountVolume.SetUp failed for volume \"pvc-1\": rpc error: code = Internal desc = not mounted",
        )),
        Mishap::MountSlow => Some((
            "FailedMount",
            "MountVolume.WaitForAttach failed for volume \"pvc-1\": volume attachment is being created",
        )),
        Mishap::ServerKilled => Some((
            "Unhealthy",
            "Readiness probe failed: dial tcp 10.42.0.7:8888: connect: connection refused",
        )),
        Mishap::NodeLost => Some(("NodeNotReady", "Node is not ready")),
        _ => None,
    }
}

/// The status of a pod at a milestone, after the status `before`.
pub(crate) fn progress(milestone: Milestone, before: &Value) -> Value {
    let now = now();
    let container = Container::new(before, &now);
    let (phase, ready, containers) = match milestone {
        Milestone::Running { ready } => ("Running", ready, container.running(ready)),
        _ => ("Pending", false, container.waiting(("ContainerCreating", ""))),
    };
    let has_sandbox = milestone != Milestone::Scheduled;
    status(&container, phase, has_sandbox, ready, &containers)
}

/// The status of a pod after a mishap and the status `before`.
pub(crate) fn failure(mishap: Mishap, before: &Value) -> Value {
    let now = now();
    if let Some(message) = not_scheduled(mishap) {
        return json!({ "phase": "Pending", "conditions": [{
            "type": "PodScheduled", "status": "False", "reason": "Unschedulable",
            "message": message, "lastTransitionTime": now,
        }]});
    }
    let container = Container::new(before, &now);
    let (phase, ready, containers) = match mishap {
        Mishap::ServerKilled => ("Running", true, container.running(true)),
        Mishap::Exit => ("Running", true, container.restarted()),
        Mishap::CrashLoop => ("Running", false, container.crashed("Error", 1)),
        Mishap::OutOfMemory => ("Running", false, container.crashed("OOMKilled", 137)),
        Mishap::Evicted | Mishap::DiskExceeded => ("Failed", false, container.ended("Error", 137)),
        Mishap::NodeLost => ("Running", false, before["containerStatuses"].clone()),
        _ => ("Pending", false, container.waiting(waits(mishap))),
    };
    let has_sandbox = !matches!(mishap, Mishap::MountFailing | Mishap::MountSlow);
    let mut status = status(&container, phase, has_sandbox, ready, &containers);
    if let Some(message) = eviction(mishap) {
        status["reason"] = "Evicted".into();
        status["message"] = message.into();
    }
    status
}

fn now() -> String {
    Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn status(
    container: &Container<'_>,
    phase: &str,
    has_sandbox: bool,
    ready: bool,
    containers: &Value,
) -> Value {
    json!({
        "phase": phase,
        "startTime": container.started,
        "conditions": conditions(container.now, has_sandbox, ready),
        "containerStatuses": containers,
    })
}

fn not_scheduled(mishap: Mishap) -> Option<&'static str> {
    match mishap {
        Mishap::NoGpuFree => Some("0/3 nodes are available: 3 Insufficient nvidia.com/gpu."),
        Mishap::Unschedulable => {
            Some("0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector.")
        }
        Mishap::VolumePending => {
            Some("0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims.")
        }
        _ => None,
    }
}

/// The reason and the message of a waiting container.
fn waits(mishap: Mishap) -> (&'static str, &'static str) {
    match mishap {
        Mishap::PullFailing => (
            "ImagePullBackOff",
            "Back-off pulling image \"a\": ErrImagePull: failed to do request: dial tcp 192.0.2.1:443: i/o timeout",
        ),
        Mishap::ImageMissing => (
            "ErrImagePull",
            "rpc error: code = NotFound desc = failed to pull: docker.io/a:1: not found",
        ),
        Mishap::ImageInvalid => (
            "InvalidImageName",
            "Failed to apply default image tag \"A\": couldn't parse image name",
        ),
        Mishap::ConfigError => ("CreateContainerConfigError", "secret \"a\" not found"),
        Mishap::StartError => (
            "RunContainerError",
            "failed to create containerd task: exec: \"a\": not found in $PATH",
        ),
        Mishap::NodeFault => (
            "RunContainerError",
            "failed to create containerd task: nvidia-container-cli: initialization error: nvml error: \
             driver/library version mismatch: unknown",
        ),
        _ => ("ContainerCreating", ""),
    }
}

fn eviction(mishap: Mishap) -> Option<&'static str> {
    match mishap {
        Mishap::Evicted => {
            Some("The node was low on resource: memory. Threshold quantity: 100Mi, available: 50Mi.")
        }
        Mishap::DiskExceeded => {
            Some("Pod ephemeral local storage usage exceeds the total limit of containers 1G.")
        }
        _ => None,
    }
}

/// A container and its history.
struct Container<'a> {
    now: &'a str,
    /// Since when it runs.
    started: String,
    restarts: u64,
    last: Value,
}

impl<'a> Container<'a> {
    fn new(before: &Value, now: &'a str) -> Self {
        let status = &before["containerStatuses"][0];
        let started = status["state"]["running"]["startedAt"].as_str();
        let last = &status["lastState"];
        Self {
            now,
            started: started.unwrap_or(now).to_owned(),
            restarts: status["restartCount"].as_u64().unwrap_or(0),
            last: if last.is_null() { json!({}) } else { last.clone() },
        }
    }

    fn status(ready: bool, restarts: u64, state: &Value, last: &Value) -> Value {
        let id = format!("containerd://{restarts}");
        let id = if state["running"].is_object() {
            id
        } else {
            String::new()
        };
        json!([{
            "name": "main", "image": "neuropod/test:1", "imageID": "", "ready": ready, "started": ready,
            "restartCount": restarts, "state": state, "lastState": last, "containerID": id,
        }])
    }

    fn terminated(&self, reason: &str, code: i32) -> Value {
        json!({ "terminated": {
            "exitCode": code, "reason": reason, "startedAt": self.started, "finishedAt": self.now,
            "containerID": "containerd://before",
        }})
    }

    fn waiting(&self, (reason, message): (&str, &str)) -> Value {
        let state = json!({ "waiting": { "reason": reason, "message": message } });
        Self::status(false, self.restarts, &state, &self.last)
    }

    fn running(&self, ready: bool) -> Value {
        let state = json!({ "running": { "startedAt": self.started } });
        Self::status(ready, self.restarts, &state, &self.last)
    }

    fn restarted(&self) -> Value {
        let state = json!({ "running": { "startedAt": self.now } });
        Self::status(true, self.restarts + 1, &state, &self.terminated("Error", 1))
    }

    fn crashed(&self, reason: &str, code: i32) -> Value {
        let state = json!({ "waiting": {
            "reason": "CrashLoopBackOff", "message": "back-off 10s restarting failed container=main",
        }});
        Self::status(false, self.restarts + 1, &state, &self.terminated(reason, code))
    }

    fn ended(&self, reason: &str, code: i32) -> Value {
        Self::status(false, self.restarts, &self.terminated(reason, code), &json!({}))
    }
}

fn conditions(now: &str, has_sandbox: bool, ready: bool) -> Value {
    let condition = |kind: &str, holds: bool| {
        let status = if holds { "True" } else { "False" };
        json!({ "type": kind, "status": status, "lastTransitionTime": now })
    };
    json!([
        condition("PodReadyToStartContainers", has_sandbox),
        condition("Initialized", true),
        condition("Ready", ready),
        condition("ContainersReady", ready),
        condition("PodScheduled", true),
    ])
}
