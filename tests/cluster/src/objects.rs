//! The objects of a platform in a cluster.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::Duration;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod, Secret, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::api::networking::v1::{Ingress, NetworkPolicy};
use kube::api::{ApiResource, DynamicObject, ListParams, Patch, PatchParams};
use kube::core::GroupVersionKind;
use kube::{Api, Client, Resource};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::api;
use crate::error::Result;

/// The labels of all objects that belong to somebody. The network policy of all pods of a namespace does not:
/// it stays.
pub const SELECTOR: &str = "app.kubernetes.io/managed-by=neuropod,neuropod.io/user-hash";

const ENDPOINT: Duration = Duration::from_mins(1);

/// The number of objects of users in a namespace, by kind, including volumes.
pub async fn count_objects(client: &Client, namespace: &str) -> Result<BTreeMap<String, usize>> {
    let counts = [
        count::<Pod>(client, namespace).await?,
        count::<Service>(client, namespace).await?,
        count::<Ingress>(client, namespace).await?,
        count::<Secret>(client, namespace).await?,
        count::<NetworkPolicy>(client, namespace).await?,
        count::<PersistentVolumeClaim>(client, namespace).await?,
    ];
    Ok(counts.into_iter().filter(|(_, count)| *count > 0).collect())
}

async fn count<K>(client: &Client, namespace: &str) -> Result<(String, usize)>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()> + Clone + DeserializeOwned + Debug,
{
    let api: Api<K> = Api::namespaced(client.clone(), namespace);
    let ours = ListParams::default().labels(SELECTOR);
    let list = api.list(&ours).await?;
    Ok((K::kind(&()).into_owned(), list.items.len()))
}

/// The address at which a Service is reached: its own, or that of its pod if it is headless, once it is known.
pub async fn service_address(client: &Client, namespace: &str, name: &str) -> Result<String> {
    let services: Api<Service> = Api::namespaced(client.clone(), namespace);
    let own = services.get(name).await?.spec.and_then(|spec| spec.cluster_ip);
    if let Some(own) = own.filter(|own| own != "None") {
        return Ok(own);
    }
    let slices: Api<EndpointSlice> = Api::namespaced(client.clone(), namespace);
    let of_service = ListParams::default().labels(&format!("kubernetes.io/service-name={name}"));
    api::wait_until("the pod of a headless Service", ENDPOINT, async || {
        let slices = slices
            .list(&of_service)
            .await
            .map_err(|error| error.to_string())?;
        let mut endpoints = slices.items.into_iter().flat_map(|slice| slice.endpoints);
        let address = endpoints.find_map(|endpoint| endpoint.addresses.into_iter().next());
        address.ok_or_else(|| "no endpoint yet".into())
    })
    .await
}

/// The documents of a YAML text.
pub fn documents(text: &str) -> Result<Vec<Value>> {
    serde_yaml_ng::Deserializer::from_str(text)
        .map(|document| Ok(Value::deserialize(document)?))
        .collect()
}

/// Applies an object like `kubectl apply --server-side`; unknown fields are errors. A dry run changes nothing.
pub async fn apply(client: &Client, object: &Value, dry_run: bool) -> Result<()> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (version, kind) = (text(&object["apiVersion"]), text(&object["kind"]));
    let (group, version) = version.split_once('/').unwrap_or(("", &version));
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, &kind));
    let api: Api<DynamicObject> = match object["metadata"]["namespace"].as_str() {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    };
    let mut parameters = PatchParams::apply("test").force().validation_strict();
    parameters.dry_run = dry_run;
    let name = text(&object["metadata"]["name"]);
    api.patch(&name, &parameters, &Patch::Apply(object)).await?;
    Ok(())
}
