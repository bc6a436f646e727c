//! What a platform has left in a cluster.

use std::collections::BTreeMap;
use std::fmt::Debug;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod, Secret, Service};
use k8s_openapi::api::networking::v1::{Ingress, NetworkPolicy};
use kube::api::ListParams;
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;

use crate::error::Result;

/// The labels of everything of a platform that belongs to somebody. The network policy of all pods of a namespace does
/// not: it stays.
pub const SELECTOR: &str = "app.kubernetes.io/managed-by=neuropod,neuropod.io/user-hash";

/// How many objects of users there are in a namespace, by kind; the volumes too.
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
