//! The GPUs of a cluster: what its nodes have, less what the pods on them have asked for.

use std::collections::BTreeMap;

use kube::api::ListParams;
use neuropod_core::{ErrorKind, GpuHolder, GpuStock, NodeGpus, Result};
use serde::Deserialize;

use crate::kind::Kind;
use crate::quantity;
use crate::request::Requests;
use crate::slim::{Meta, null_as_default};

type Quantities = BTreeMap<String, String>;

#[derive(Debug, Deserialize)]
struct Node {
    metadata: NodeMeta,
    #[serde(default)]
    spec: NodeSpec,
    #[serde(default)]
    status: NodeStatus,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct NodeMeta {
    name: String,
    labels: NodeLabels,
}

/// The labels that tell the model of a GPU.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct NodeLabels {
    /// NVIDIA's GPU feature discovery.
    #[serde(rename = "nvidia.com/gpu.product")]
    nvidia: Option<String>,
    /// AMD's node labeller.
    #[serde(rename = "amd.com/gpu.product-name")]
    amd: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct NodeSpec {
    /// Cordoned: nothing new is put on it.
    unschedulable: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct NodeStatus {
    allocatable: Quantities,
}

/// A pod on a node, with what it asks for.
#[derive(Debug, Deserialize)]
struct Tenant {
    metadata: Meta,
    spec: TenantSpec,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct TenantSpec {
    #[serde(default)]
    node_name: String,
    #[serde(default, deserialize_with = "null_as_default")]
    containers: Vec<TenantContainer>,
}

#[derive(Debug, Deserialize)]
struct TenantContainer {
    #[serde(default)]
    resources: TenantResources,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct TenantResources {
    requests: Quantities,
}

/// The GPUs of the cluster, node by node, and who holds them; nothing where the platform may not look at nodes and at the
/// pods of others, without which nobody can say what is free.
pub(crate) async fn find(requests: &Requests, instance: &str) -> Result<Vec<NodeGpus>> {
    let running =
        ListParams::default().fields("spec.nodeName!=,status.phase!=Succeeded,status.phase!=Failed");
    let everything = ListParams::default();
    let found = tokio::try_join!(
        requests.list::<Node>(Kind::Node, None, &everything),
        requests.list::<Tenant>(Kind::Pod, None, &running),
    );
    match found {
        Ok((nodes, tenants)) => Ok(by_node(&nodes, &tenants, instance)),
        Err(error) if *error.kind() == ErrorKind::PermissionDenied => {
            tracing::debug!(%error, "the GPUs of the cluster are not known");
            Ok(Vec::new())
        }
        Err(error) => Err(error),
    }
}

fn by_node(nodes: &[Node], tenants: &[Tenant], instance: &str) -> Vec<NodeGpus> {
    let mut held: BTreeMap<(&str, &str), Vec<GpuHolder>> = BTreeMap::new();
    for tenant in tenants {
        for (resource, count) in tenant.gpus() {
            let holders = held.entry((&tenant.spec.node_name, resource)).or_default();
            holders.push(tenant.holder(count, instance));
        }
    }
    let mut found = Vec::new();
    for node in nodes {
        let labels = &node.metadata.labels;
        for (resource, quantity) in &node.status.allocatable {
            let total = quantity::units(quantity).unwrap_or(0);
            if total == 0 || !is_gpu(resource) {
                continue;
            }
            let model = match resource.split('/').next() {
                Some("nvidia.com") => labels.nvidia.as_deref(),
                Some("amd.com") => labels.amd.as_deref(),
                _ => None,
            };
            let name = node.metadata.name.as_str();
            let mut holders = held.remove(&(name, resource)).unwrap_or_default();
            holders.sort_by_cached_key(|holder| {
                let place = (holder.namespace.clone(), holder.name.clone());
                (holder.pod_id.is_none(), place)
            });
            found.push(NodeGpus {
                node: name.to_owned(),
                resource: resource.clone(),
                model: model.map(ToOwned::to_owned),
                total: u32::try_from(total).unwrap_or(u32::MAX),
                schedulable: !node.spec.unschedulable,
                holders,
            });
        }
    }
    found.sort_by(|one, other| (&one.node, &one.resource).cmp(&(&other.node, &other.resource)));
    found
}

impl Tenant {
    /// How many GPUs of each resource it asks for.
    fn gpus(&self) -> BTreeMap<&str, u64> {
        let mut asked = BTreeMap::new();
        for (resource, quantity) in self.spec.containers.iter().flat_map(|c| &c.resources.requests) {
            let count = quantity::units(quantity).unwrap_or(0);
            if count > 0 && is_gpu(resource) {
                *asked.entry(resource.as_str()).or_default() += count;
            }
        }
        asked
    }

    fn holder(&self, count: u64, instance: &str) -> GpuHolder {
        let meta = &self.metadata;
        let ours = meta.labels.instance.as_deref() == Some(instance);
        GpuHolder {
            pod_id: meta.pod_id().filter(|_| ours),
            namespace: meta.namespace.clone(),
            name: meta.name.clone(),
            count: u32::try_from(count).unwrap_or(u32::MAX),
        }
    }
}

/// The same by resource and model.
pub(crate) fn by_model(nodes: &[NodeGpus]) -> Vec<GpuStock> {
    let mut stock: BTreeMap<(&str, Option<&str>), (u32, u32)> = BTreeMap::new();
    for node in nodes {
        let (total, free) = stock.entry((&node.resource, node.model.as_deref())).or_default();
        *total = total.saturating_add(node.total);
        *free = free.saturating_add(node.free());
    }
    let stock = stock
        .into_iter()
        .map(|((resource, model), (total, free))| GpuStock {
            resource: resource.to_owned(),
            model: model.map(ToOwned::to_owned),
            total,
            free,
        });
    stock.collect()
}

/// Device plug-ins name resources freely: `nvidia.com/gpu`, `nvidia.com/mig-1g.5gb`, `amd.com/gpu`,
/// `gpu.intel.com/i915`.
fn is_gpu(resource: &str) -> bool {
    resource.contains('/') && (resource.starts_with("nvidia.com/") || resource.contains("gpu"))
}

#[cfg(test)]
mod tests {
    use neuropod_core::GpuStock;
    use serde_json::{from_value, json};

    use super::{by_model, by_node};

    #[test]
    fn free_is_what_no_pod_on_the_node_has_asked_for() {
        let node = |name: &str, model: &str, gpus: &str, cordoned: bool| {
            json!({
                "metadata": { "name": name, "labels": { "nvidia.com/gpu.product": model } },
                "spec": { "unschedulable": cordoned },
                "status": { "allocatable": { "cpu": "8", "nvidia.com/gpu": gpus, "vendor.example/fpga": "1" } },
            })
        };
        let pod = |node: &str, gpus: &str, labels: serde_json::Value| {
            json!({
                "metadata": { "name": "other", "namespace": "lab", "labels": labels },
                "spec": { "nodeName": node, "containers": [
                    { "resources": { "requests": { "cpu": "1", "nvidia.com/gpu": gpus } } }, { "resources": {} },
                ]},
            })
        };
        let nodes = [
            from_value(node("a", "RTX-4090", "4", false)).unwrap(),
            from_value(node("b", "RTX-4090", "4", true)).unwrap(),
            from_value(node("c", "A100", "8", false)).unwrap(),
            from_value(node("d", "A100", "0", false)).unwrap(),
        ];
        let ours = |instance: &str| {
            json!({
                "app.kubernetes.io/managed-by": "neuropod",
                "app.kubernetes.io/instance": instance,
                "neuropod.io/pod-id": "3f9a0c1d2e4b5a68",
            })
        };
        let pods = [
            from_value(pod("a", "1", json!({}))).unwrap(),
            from_value(pod("a", "1", ours("mine"))).unwrap(),
            from_value(pod("a", "1", ours("another"))).unwrap(),
            from_value(pod("c", "9", json!({}))).unwrap(),
        ];
        let found = by_node(&nodes, &pods, "mine");
        let stock = |model: &str, total, free| GpuStock {
            resource: "nvidia.com/gpu".into(),
            model: Some(model.into()),
            total,
            free,
        };
        assert_eq!(by_model(&found), [stock("A100", 8, 0), stock("RTX-4090", 8, 1)]);
        let figures = found
            .iter()
            .map(|node| (node.node.as_str(), node.total, node.used(), node.free()));
        assert_eq!(
            figures.collect::<Vec<_>>(),
            [("a", 4, 3, 1), ("b", 4, 0, 0), ("c", 8, 9, 0)]
        );
        let holders = found[0].holders.iter();
        let holders = holders.map(|holder| (holder.pod_id.as_ref().map(ToString::to_string), holder.count));
        assert_eq!(
            holders.collect::<Vec<_>>(),
            [(Some("3f9a0c1d2e4b5a68".into()), 1), (None, 1), (None, 1)],
            "the pods of the platform first; those of another platform are somebody else's"
        );
    }
}
