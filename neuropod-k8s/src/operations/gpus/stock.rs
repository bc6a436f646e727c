//! The GPUs of nodes, with the pods that use them: a plain function.

use std::collections::BTreeMap;

use neuropod_core::cluster::{GpuHolder, NodeGpus};

use super::node::Node;
use super::tenant::Tenant;
use crate::api::partial::Partial;

/// The GPUs of these nodes, by node and resource, with the pods that use them.
pub(super) fn by_node<'a>(
    nodes: impl IntoIterator<Item = &'a Node>,
    tenants: impl IntoIterator<Item = &'a Tenant>,
    instance: &str,
) -> Vec<NodeGpus> {
    let mut held: BTreeMap<(&str, &str), Vec<GpuHolder>> = BTreeMap::new();
    for tenant in tenants {
        for (resource, &count) in &tenant.gpus {
            let holders = held.entry((&tenant.node_name, resource)).or_default();
            holders.push(tenant.holder(count, instance));
        }
    }
    let mut found = Vec::new();
    for node in nodes {
        for (resource, &total) in &node.gpus {
            let name = node.meta().name.as_str();
            let mut holders = held.remove(&(name, resource)).unwrap_or_default();
            holders.sort_by_cached_key(|holder| {
                let place = (holder.namespace.clone(), holder.name.clone());
                (holder.pod_id.is_none(), place)
            });
            let mut gpus = NodeGpus::new(name, resource, u32::try_from(total).unwrap_or(u32::MAX));
            gpus.model = node.model(resource).map(ToOwned::to_owned);
            gpus.schedulable = node.schedulable;
            gpus.labels = Some(node.labels.clone());
            gpus.taints.clone_from(&node.taints);
            gpus.holders = holders;
            found.push(gpus);
        }
    }
    found.sort_by(|one, other| (&one.node, &one.resource).cmp(&(&other.node, &other.resource)));
    found
}
