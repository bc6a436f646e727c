//! Writes to the cluster in place of schedulers, kubelets and people.

use k8s_openapi::api::core::v1::{Event, Pod, Service};
use k8s_openapi::jiff::Timestamp;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use kube::{Api, Client};
use neuropod_core::conformance::cluster::Milestone;
use neuropod_core::sim::{Mishap, ObjectKind};
use serde_json::{Value, from_value, json};

use super::NODE;
use super::status::{failure, progress, warning};

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

    pub(crate) async fn reach(&self, name: &str, milestone: Milestone) {
        if milestone == Milestone::Ended {
            return self.delete(name).await;
        }
        self.bind(name).await;
        let before = self.status(name).await;
        self.write(name, progress(milestone, &before)).await;
    }

    pub(crate) async fn inject(&self, name: &str, mishap: Mishap) {
        let unplaced = [Mishap::NoGpuFree, Mishap::Unschedulable, Mishap::VolumePending];
        if !unplaced.contains(&mishap) {
            self.bind(name).await;
        }
        let before = self.status(name).await;
        if let Some((reason, message)) = warning(mishap) {
            self.warn(name, reason, message).await;
        }
        self.write(name, failure(mishap, &before)).await;
    }

    pub(crate) async fn delete_by_hand(&self, name: &str, kind: ObjectKind) {
        match kind {
            ObjectKind::Pod => self.delete(name).await,
            ObjectKind::Service => self.delete_service(name).await,
            other => panic!("nobody deletes a {other:?} by hand here"),
        }
    }

    async fn status(&self, name: &str) -> Value {
        let pod = self.pods().get(name).await.unwrap();
        serde_json::to_value(pod.status.unwrap_or_default()).unwrap()
    }

    /// Replaces the status of a pod.
    pub(crate) async fn write(&self, name: &str, status: Value) {
        let patch = json!({ "status": status });
        self.pods()
            .patch_status(name, &PatchParams::default(), &Patch::Merge(&patch))
            .await
            .unwrap();
    }

    /// Puts the pod on the node, like the scheduler. Only a pod on a node has a grace period.
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

    async fn warn(&self, name: &str, reason: &str, message: &str) {
        let pod = self.pods().get(name).await.unwrap();
        let uid = pod.metadata.uid.unwrap();
        let now = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let event = json!({
            "metadata": { "generateName": format!("{name}.") },
            "involvedObject": { "kind": "Pod", "name": name, "namespace": self.namespace, "uid": uid },
            "reason": reason,
            "message": message,
            "type": "Warning",
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 2,
        });
        let event: Event = from_value(event).unwrap();
        let events: Api<Event> = Api::namespaced(self.client.clone(), &self.namespace);
        events.create(&PostParams::default(), &event).await.unwrap();
    }

    /// Without a grace period, the pod object is gone at once.
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

    pub(crate) async fn take_name(&self, name: &str) {
        let pod = json!({
            "metadata": { "name": name },
            "spec": { "containers": [{ "name": "other", "image": "other" }] },
        });
        let pod: Pod = from_value(pod).unwrap();
        self.pods().create(&PostParams::default(), &pod).await.unwrap();
    }
}
