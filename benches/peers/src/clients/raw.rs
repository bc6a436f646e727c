//! The floor: kube alone creates the same objects, all at once, and does nothing else. There is no check, no deadline
//! and no limit.

use anyhow::{Context, Result};
use data_encoding::BASE64;
use futures::future::try_join_all;
use kube::api::{ApiResource, DynamicObject, PostParams};
use kube::core::GroupVersionKind;
use kube::{Api, Client as KubeClient};
use neuropod_k8s::manifests;
use serde_json::Value;

use super::bundle;
use super::client::Client;
use crate::sample::NAMESPACE;

pub(super) struct Raw(KubeClient);

impl Raw {
    pub(super) fn connect(connection: kube::Config) -> Result<Self> {
        KubeClient::try_from(connection).map(Self).context("connect")
    }

    /// Creates a pod object, and nothing else.
    pub(super) async fn create_pod(&self) -> Result<()> {
        let mut objects = self.plan(1)?;
        objects.retain(|(resource, _)| resource.kind == "Pod");
        self.create(objects).await
    }
}

impl Client for Raw {
    type Bundle = Vec<(ApiResource, DynamicObject)>;

    fn plan(&self, ports: u16) -> Result<Self::Bundle> {
        let workload = bundle::workload(ports);
        let objects = manifests::objects(&workload, &bundle::config());
        // The policy of the whole namespace is there already.
        let of_this_pod = |object: &Value| {
            object["kind"] != "NetworkPolicy"
                || object["metadata"]["name"] == workload.isolation.policy.as_str()
        };
        objects.into_iter().filter(of_this_pod).map(sendable).collect()
    }

    async fn create(&self, objects: Self::Bundle) -> Result<()> {
        let created = objects.iter().map(|(resource, object)| async move {
            let api: Api<DynamicObject> = Api::namespaced_with(self.0.clone(), NAMESPACE, resource);
            let created = api.create(&PostParams::default(), object).await;
            created.with_context(|| format!("create {}", resource.kind))
        });
        try_join_all(created).await.map(drop)
    }
}

fn sendable(mut object: Value) -> Result<(ApiResource, DynamicObject)> {
    if object["kind"] == "Secret"
        && let Some(data) = object["data"].as_object_mut()
    {
        // They are masked.
        for value in data.values_mut() {
            *value = BASE64.encode(bundle::TOKEN.as_bytes()).into();
        }
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (version, kind) = (text(&object["apiVersion"]), text(&object["kind"]));
    let (group, version) = version.split_once('/').unwrap_or(("", &version));
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, &kind));
    let object = serde_json::from_value(object).with_context(|| format!("the body of a {kind}"))?;
    Ok((resource, object))
}
