//! The GPUs of a cluster: what its nodes have, less what the pods on them have asked for.

use std::collections::BTreeMap;

use kube::api::ListParams;
use neuropod_core::{ErrorKind, GpuStock, Result};
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
    #[expect(dead_code, reason = "for Debug output")]
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

/// The GPUs of the cluster, by resource and model; nothing where the platform may not look at nodes and at the
/// pods of others, without which nobody can say what is free.
pub(crate) async fn stock(requests: &Requests) -> Result<Vec<GpuStock>> {
    let running =
        ListParams::default().fields("spec.nodeName!=,status.phase!=Succeeded,status.phase!=Failed");
    let everything = ListParams::default();
    let found = tokio::try_join!(
        requests.list::<Node>(Kind::Node, None, &everything),
        requests.list::<Tenant>(Kind::Pod, None, &running),
    );
    match found {
        Ok((nodes, tenants)) => Ok(count(&nodes, &tenants)),
        Err(error) if *error.kind() == ErrorKind::PermissionDenied => {
            tracing::debug!(%error, "the GPUs of the cluster are not known");
            Ok(Vec::new())
        }
        Err(error) => Err(error),
    }
}

fn count(nodes: &[Node], tenants: &[Tenant]) -> Vec<GpuStock> {
    let mut asked: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for tenant in tenants {
        for (resource, quantity) in tenant.spec.containers.iter().flat_map(|c| &c.resources.requests) {
            *asked.entry((&tenant.spec.node_name, resource)).or_default() +=
                quantity::units(quantity).unwrap_or(0);
        }
    }
    let mut stock: BTreeMap<(&str, Option<&str>), (u64, u64)> = BTreeMap::new();
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
            let used = asked.get(&(node.metadata.name.as_str(), resource.as_str()));
            let free = total.saturating_sub(used.copied().unwrap_or(0));
            let entry = stock.entry((resource, model)).or_default();
            entry.0 += total;
            entry.1 += if node.spec.unschedulable { 0 } else { free };
        }
    }
    let stock = stock
        .into_iter()
        .map(|((resource, model), (total, free))| GpuStock {
            resource: resource.to_owned(),
            model: model.map(ToOwned::to_owned),
            total: u32::try_from(total).unwrap_or(u32::MAX),
            free: u32::try_from(free).unwrap_or(u32::MAX),
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

    use super::count;

    #[test]
    fn free_is_what_no_pod_on_the_node_has_asked_for() {
        let node = |name: &str, model: &str, gpus: &str, cordoned: bool| {
            json!({
                "metadata": { "name": name, "labels": { "nvidia.com/gpu.product": model } },
                "spec": { "unschedulable": cordoned },
                "status": { "allocatable": { "cpu": "8", "nvidia.com/gpu": gpus, "vendor.example/fpga": "1" } },
            })
        };
        let pod = |node: &str, gpus: &str| {
            json!({
                "metadata": { "name": "other" },
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
        let pods = [
            from_value(pod("a", "1")).unwrap(),
            from_value(pod("c", "9")).unwrap(),
        ];
        let stock = |model: &str, total, free| GpuStock {
            resource: "nvidia.com/gpu".into(),
            model: Some(model.into()),
            total,
            free,
        };
        assert_eq!(
            count(&nodes, &pods),
            [stock("A100", 8, 0), stock("RTX-4090", 8, 3)]
        );
    }
}
