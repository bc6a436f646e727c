//! Somebody who writes what schedulers, kubelets and people write.

use k8s_openapi::api::core::v1::{Event, Pod, Service};
use k8s_openapi::jiff::Timestamp;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use kube::{Api, Client};
use neuropod_core::conformance::cluster::Scene;
use serde_json::{Value, from_value, json};

use super::NODE;

/// Plays the part of the cluster for the pods of one namespace.
pub(crate) struct Kubelet {
    client: Client,
    namespace: String,
}

impl Kubelet {
    pub(crate) fn new(client: Client, namespace: &str) -> Self {
        Self {
            client,
            namespace: namespace.to_owned(),
        }
    }

    fn pods(&self) -> Api<Pod> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    pub(crate) async fn play(&self, name: &str, scene: Scene) {
        match scene {
            Scene::NameTaken => return self.take_name(name).await,
            Scene::PodDeleted | Scene::Ended => return self.delete(name).await,
            Scene::ServiceDeleted => return self.delete_service(name).await,
            Scene::NoGpuFree | Scene::Unschedulable | Scene::VolumePending => {}
            _ => self.bind(name).await,
        }
        let pod = self.pods().get(name).await.unwrap();
        let before = serde_json::to_value(pod.status.unwrap_or_default()).unwrap();
        if let Some((reason, message)) = warning(scene) {
            self.warn(name, pod.metadata.uid.as_deref().unwrap(), reason, message)
                .await;
        }
        self.write(name, status(scene, &before)).await;
    }

    /// Replaces the status of a pod.
    pub(crate) async fn write(&self, name: &str, status: Value) {
        let patch = json!({ "status": status });
        self.pods()
            .patch_status(name, &PatchParams::default(), &Patch::Merge(&patch))
            .await
            .unwrap();
    }

    /// Puts the pod on the node, as the scheduler does. Only a pod on a node ends by and by.
    async fn bind(&self, name: &str) {
        let pod = self.pods().get(name).await.unwrap();
        if pod.spec.is_some_and(|spec| spec.node_name.is_some()) {
            return;
        }
        let binding = json!({
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": { "name": name },
            "target": { "kind": "Node", "name": NODE },
        });
        let bound: Result<Value, _> = self
            .pods()
            .create_subresource("binding", name, &PostParams::default(), &binding)
            .await;
        bound.unwrap();
    }

    async fn warn(&self, name: &str, uid: &str, reason: &str, message: &str) {
        let now = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let event = json!({
            "metadata": { "generateName": format!("{name}.") },
            "involvedObject": { "kind": "Pod", "name": name, "namespace": self.namespace, "uid": uid },
            "reason": reason,
            "message": message,
            "type": "Warning",
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        });
        let event: Event = from_value(event).unwrap();
        let events: Api<Event> = Api::namespaced(self.client.clone(), &self.namespace);
        events.create(&PostParams::default(), &event).await.unwrap();
    }

    /// Without time to end, the pod object is gone at once.
    async fn delete(&self, name: &str) {
        let Some(pod) = self.pods().get_opt(name).await.unwrap() else {
            return;
        };
        let now = DeleteParams::default()
            .grace_period(0)
            .preconditions(Preconditions {
                uid: pod.metadata.uid.clone(),
                resource_version: None,
            });
        match self.pods().delete(name, &now).await {
            Ok(_) => {}
            Err(kube::Error::Api(status)) if status.is_not_found() || status.is_conflict() => {}
            Err(error) => panic!("{error}"),
        }
    }

    async fn delete_service(&self, name: &str) {
        let services: Api<Service> = Api::namespaced(self.client.clone(), &self.namespace);
        let service = format!("{name}-8888-service");
        services.delete(&service, &DeleteParams::default()).await.unwrap();
    }

    async fn take_name(&self, name: &str) {
        let pod = json!({
            "metadata": { "name": name },
            "spec": { "containers": [{ "name": "other", "image": "other" }] },
        });
        let pod: Pod = from_value(pod).unwrap();
        self.pods().create(&PostParams::default(), &pod).await.unwrap();
    }
}

/// The warning that comes with a scene.
fn warning(scene: Scene) -> Option<(&'static str, &'static str)> {
    match scene {
        Scene::MountFailing => Some((
            "FailedMount",
            "MountVolume.SetUp failed for volume \"pvc-1\": rpc error: code = Internal desc = not mounted",
        )),
        Scene::NodeLost => Some(("NodeNotReady", "Node is not ready")),
        _ => None,
    }
}

/// The status as kubelet 1.34 writes it.
fn status(scene: Scene, before: &Value) -> Value {
    let now = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let restarts = before["containerStatuses"][0]["restartCount"]
        .as_u64()
        .unwrap_or(0);
    let started = before["containerStatuses"][0]["state"]["running"]["startedAt"].as_str();
    let started = started.unwrap_or(&now).to_owned();
    let terminated = |reason: &str, code: i32| {
        json!({ "terminated": {
            "exitCode": code, "reason": reason, "startedAt": started, "finishedAt": now,
            "containerID": "containerd://before",
        }})
    };
    let container = |ready: bool, restarts: u64, state: Value, last: Value| {
        let running = state["running"].is_object();
        json!([{
            "name": "main", "image": "neuropod/test:1", "imageID": "", "ready": ready, "started": ready,
            "restartCount": restarts, "state": state, "lastState": last,
            "containerID": if running { format!("containerd://{restarts}") } else { String::new() },
        }])
    };
    let waiting = |reason: &str, message: &str| {
        container(
            false,
            0,
            json!({ "waiting": { "reason": reason, "message": message } }),
            json!({}),
        )
    };
    let back_off = json!({ "waiting": {
        "reason": "CrashLoopBackOff", "message": "back-off 10s restarting failed container=main",
    }});
    let (phase, ready, containers) = match scene {
        Scene::NoGpuFree => {
            return unscheduled(&now, "0/3 nodes are available: 3 Insufficient nvidia.com/gpu.");
        }
        Scene::Unschedulable => {
            return unscheduled(
                &now,
                "0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector.",
            );
        }
        Scene::VolumePending => {
            return unscheduled(
                &now,
                "0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims.",
            );
        }
        Scene::PullFailing => (
            "Pending",
            false,
            waiting(
                "ImagePullBackOff",
                "Back-off pulling image \"a\": ErrImagePull: failed to do request: dial tcp 192.0.2.1:443: i/o timeout",
            ),
        ),
        Scene::ImageMissing => (
            "Pending",
            false,
            waiting(
                "ErrImagePull",
                "rpc error: code = NotFound desc = failed to pull: docker.io/a:1: not found",
            ),
        ),
        Scene::ImageInvalid => (
            "Pending",
            false,
            waiting(
                "InvalidImageName",
                "Failed to apply default image tag \"A\": couldn't parse image name",
            ),
        ),
        Scene::ConfigError => (
            "Pending",
            false,
            waiting("CreateContainerConfigError", "secret \"a\" not found"),
        ),
        Scene::StartError => (
            "Pending",
            false,
            waiting(
                "RunContainerError",
                "failed to create containerd task: exec: \"a\": not found in $PATH",
            ),
        ),
        Scene::Running { ready } => {
            let last = before["containerStatuses"][0]["lastState"].clone();
            let last = if last.is_null() { json!({}) } else { last };
            let state = json!({ "running": { "startedAt": started } });
            ("Running", ready, container(ready, restarts, state, last))
        }
        Scene::Restarted => {
            let state = json!({ "running": { "startedAt": now } });
            (
                "Running",
                true,
                container(true, restarts + 1, state, terminated("Error", 1)),
            )
        }
        Scene::CrashLoop => (
            "Running",
            false,
            container(false, restarts + 1, back_off, terminated("Error", 1)),
        ),
        Scene::OutOfMemory => (
            "Running",
            false,
            container(false, restarts + 1, back_off, terminated("OOMKilled", 137)),
        ),
        Scene::Evicted | Scene::DiskExceeded => (
            "Failed",
            false,
            container(false, restarts, terminated("Error", 137), json!({})),
        ),
        Scene::NodeLost => ("Running", false, before["containerStatuses"].clone()),
        _ => ("Pending", false, waiting("ContainerCreating", "")),
    };
    let has_sandbox = !matches!(scene, Scene::Scheduled | Scene::MountFailing);
    let mut status = json!({
        "phase": phase,
        "startTime": started,
        "conditions": conditions(&now, has_sandbox, ready),
        "containerStatuses": containers,
    });
    let evicted = match scene {
        Scene::Evicted => {
            Some("The node was low on resource: memory. Threshold quantity: 100Mi, available: 50Mi.")
        }
        Scene::DiskExceeded => {
            Some("Pod ephemeral local storage usage exceeds the total limit of containers 1G.")
        }
        _ => None,
    };
    if let Some(message) = evicted {
        status["reason"] = "Evicted".into();
        status["message"] = message.into();
    }
    status
}

fn unscheduled(now: &str, message: &str) -> Value {
    json!({ "phase": "Pending", "conditions": [{
        "type": "PodScheduled", "status": "False", "reason": "Unschedulable",
        "message": message, "lastTransitionTime": now,
    }]})
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
