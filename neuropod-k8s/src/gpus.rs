//! The GPUs of a cluster: what its nodes have, less what the pods on them have asked for.

use std::collections::BTreeMap;

use kube::api::ListParams;
use neuropod_core::cluster::gpus::{NVIDIA_MODEL_LABEL, Taint};
use neuropod_core::cluster::{GpuHolder, NodeGpus};
use neuropod_core::{ErrorKind, Result};
use serde::Deserialize;

use crate::kind::Kind;
use crate::quantity::{self, quantities};
use crate::request::Requests;
use crate::slim::{Condition, Meta, null_as_default};

type Quantities = BTreeMap<String, String>;

/// Labels that tell the model of a node's GPUs, beside [`NVIDIA_MODEL_LABEL`], by what the name of the resource begins
/// with.
const MODEL_LABELS: [(&str, &str); 9] = [
    // AMD's node labeller; Intel's device plug-ins; AWS (Karpenter, EKS).
    ("amd.com/", "amd.com/gpu.product-name"),
    ("gpu.intel.com/", "gpu.intel.com/product"),
    ("nvidia.com/", "karpenter.k8s.aws/instance-gpu-name"),
    ("nvidia.com/", "k8s.amazonaws.com/accelerator"),
    // Google's nodes; Huawei's device plug-in.
    ("nvidia.com/", "cloud.google.com/gke-accelerator"),
    ("google.com/tpu", "cloud.google.com/gke-tpu-accelerator"),
    ("huawei.com/", "node.kubernetes.io/npu.chip.name"),
    ("huawei.com/", "accelerator-type"),
    ("huawei.com/", "accelerator"),
];
/// AMD's labeller counts its GPUs by model in labels of which only the name tells the model.
const AMD_MODEL_PREFIX: &str = "beta.amd.com/gpu.product-name.";

/// Names of extended resources that are GPUs or their like, whole or up to a `*` at the end: by the vendors' device
/// plug-ins.
const GPUS: [&str; 30] = [
    "amd.com/*gpu*",
    "aws.amazon.com/neuron*",
    "baidu.com/*xpu*",
    "birentech.com/gpu*",
    "cambricon.com/*mlu*",
    "denglin.com/gpu*",
    "enflame.com/*gcu*",
    "furiosa.ai/*",
    "google.com/tpu",
    "gpu.intel.com/i915",
    "gpu.intel.com/xe",
    "habana.ai/gaudi*",
    "huawei.com/Ascend*",
    "huawei.com/npu*",
    "hygon.com/*dcu*",
    "iluvatar.*/*gpu*",
    "k8s.amazonaws.com/vgpu",
    "kunlunxin.com/*xpu*",
    "metax-tech.com/*gpu*",
    "mthreads.com/*gpu*",
    "nvidia.com/gpu",
    "nvidia.com/gpu.shared",
    "nvidia.com/mig-*",
    "nvidia.com/pgpu",
    "nvidia.com/vgpu",
    "qualcomm.com/qaic*",
    "rebellions.ai/*",
    "tenstorrent.com/*",
    "vastaitech.com/*gpu*",
    "volcano.sh/vgpu-number",
];

#[derive(Debug, Deserialize)]
struct Node {
    metadata: NodeMeta,
    #[serde(default, deserialize_with = "null_as_default")]
    spec: NodeSpec,
    #[serde(default, deserialize_with = "null_as_default")]
    status: NodeStatus,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct NodeMeta {
    name: String,
    #[serde(deserialize_with = "null_as_default")]
    labels: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct NodeSpec {
    /// Cordoned: nothing new is put on it.
    #[serde(deserialize_with = "null_as_default")]
    unschedulable: bool,
    #[serde(deserialize_with = "null_as_default")]
    taints: Vec<NodeTaint>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct NodeTaint {
    key: String,
    #[serde(deserialize_with = "null_as_default")]
    value: String,
    effect: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct NodeStatus {
    #[serde(deserialize_with = "quantities")]
    allocatable: Quantities,
    #[serde(deserialize_with = "null_as_default")]
    conditions: Vec<Condition>,
}

impl Node {
    /// Whether the node takes new pods: it is not cordoned, and its kubelet says that it is ready, or nothing yet.
    fn is_schedulable(&self) -> bool {
        let ready = self
            .status
            .conditions
            .iter()
            .find(|condition| condition.kind == "Ready");
        !self.spec.unschedulable && ready.is_none_or(Condition::is_true)
    }

    /// The model of the GPUs that this resource stands for.
    fn model(&self, resource: &str) -> Option<&str> {
        let labels = &self.metadata.labels;
        let of_vendor = |vendor: &str| resource.starts_with(vendor);
        // A slice that has a name of its own has a model of its own too (MIG, strategy `mixed`).
        let slice = labels.get(&format!("{resource}.product"));
        let whole = || {
            labels
                .get(NVIDIA_MODEL_LABEL)
                .filter(|_| of_vendor("nvidia.com/"))
        };
        let named = || {
            let mut known = MODEL_LABELS.iter().filter(|(vendor, _)| of_vendor(vendor));
            known.find_map(|(_, label)| labels.get(*label))
        };
        let counted = || {
            let mut models = labels
                .keys()
                .filter_map(|label| label.strip_prefix(AMD_MODEL_PREFIX));
            models.next().filter(|_| of_vendor("amd.com/"))
        };
        slice
            .or_else(whole)
            .or_else(named)
            .map(String::as_str)
            .or_else(counted)
    }
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
    #[serde(default, deserialize_with = "null_as_default")]
    init_containers: Vec<TenantContainer>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct TenantContainer {
    #[serde(default, deserialize_with = "null_as_default")]
    resources: TenantResources,
    /// `Always` makes a sidecar of an init container: it runs beside the others.
    #[serde(default, deserialize_with = "null_as_default")]
    restart_policy: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct TenantResources {
    #[serde(deserialize_with = "quantities")]
    requests: Quantities,
    #[serde(deserialize_with = "quantities")]
    limits: Quantities,
}

impl TenantContainer {
    /// How many of a resource it asks for. Of an extended resource request and limit are the same, and one stands for
    /// the other.
    fn asks(&self, resource: &str) -> u64 {
        let TenantResources { requests, limits } = &self.resources;
        let quantity = requests.get(resource).or_else(|| limits.get(resource));
        quantity
            .and_then(|quantity| quantity::units(quantity))
            .unwrap_or(0)
    }
}

/// The GPUs of the cluster, node by node, and who holds them. `None` where the platform may not look at nodes and at the
/// pods of others, without which nobody can say what is free.
pub(crate) async fn find(requests: &Requests, instance: &str) -> Result<Option<Vec<NodeGpus>>> {
    let running =
        ListParams::default().fields("spec.nodeName!=,status.phase!=Succeeded,status.phase!=Failed");
    let everything = ListParams::default();
    let found = tokio::try_join!(
        requests.list::<Node>(Kind::Node, None, &everything),
        requests.list::<Tenant>(Kind::Pod, None, &running),
    );
    match found {
        Ok((nodes, tenants)) => Ok(Some(by_node(&nodes, &tenants, instance))),
        Err(error) if *error.kind() == ErrorKind::PermissionDenied => {
            tracing::debug!(%error, "the GPUs of the cluster are not known");
            Ok(None)
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
        for (resource, quantity) in &node.status.allocatable {
            let total = quantity::units(quantity).unwrap_or(0);
            if total == 0 || !is_gpu(resource) {
                continue;
            }
            let name = node.metadata.name.as_str();
            let mut holders = held.remove(&(name, resource)).unwrap_or_default();
            holders.sort_by_cached_key(|holder| {
                let place = (holder.namespace.clone(), holder.name.clone());
                (holder.pod_id.is_none(), place)
            });
            let taint = |taint: &NodeTaint| Taint {
                key: taint.key.clone(),
                value: taint.value.clone(),
                effect: taint.effect.clone(),
            };
            found.push(NodeGpus {
                node: name.to_owned(),
                resource: resource.clone(),
                model: node.model(resource).map(ToOwned::to_owned),
                total: u32::try_from(total).unwrap_or(u32::MAX),
                schedulable: node.is_schedulable(),
                labels: Some(node.metadata.labels.clone()),
                taints: node.spec.taints.iter().map(taint).collect(),
                holders,
            });
        }
    }
    found.sort_by(|one, other| (&one.node, &one.resource).cmp(&(&other.node, &other.resource)));
    found
}

impl Tenant {
    /// How many GPUs of each resource are kept for it: what its containers and sidecars ask for together, or what one of
    /// its init containers asks for beside the sidecars that run by then, whichever is more.
    fn gpus(&self) -> BTreeMap<&str, u64> {
        let TenantSpec {
            containers,
            init_containers,
            ..
        } = &self.spec;
        let all = containers.iter().chain(init_containers);
        let names = all.flat_map(|container| {
            let TenantResources { requests, limits } = &container.resources;
            requests.keys().chain(limits.keys())
        });
        let mut asked = BTreeMap::new();
        for resource in names.filter(|resource| is_gpu(resource)) {
            let (mut sidecars, mut start) = (0_u64, 0_u64);
            for container in init_containers {
                let count = container.asks(resource);
                if container.restart_policy == "Always" {
                    sidecars = sidecars.saturating_add(count);
                    start = start.max(sidecars);
                } else {
                    start = start.max(sidecars.saturating_add(count));
                }
            }
            let running = containers.iter().map(|container| container.asks(resource));
            let count = running.fold(sidecars, u64::saturating_add).max(start);
            if count > 0 {
                asked.insert(resource.as_str(), count);
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

/// Whether a resource is a GPU, or the like, that a container can have one of. Shares of one (`nvidia.com/gpumem`,
/// `gpu.intel.com/millicores`) and other devices of the same vendors (`nvidia.com/hostdev`) are none.
fn is_gpu(resource: &str) -> bool {
    let Some((vendor, name)) = resource.split_once('/') else {
        return false;
    };
    // Of vendors that nobody knew when this was written.
    let gpu = ["gpu", "vgpu"].contains(&name) || name.starts_with("gpu.") || name.starts_with("mig-");
    let share = ["mem", "cores", "vcore", "-core", "percent", "monitoring", "tile"]
        .iter()
        .any(|word| name.to_ascii_lowercase().contains(word));
    let known = GPUS.iter().any(|pattern| {
        let (of, device) = pattern.split_once('/').unwrap_or((pattern, ""));
        matches(of, vendor) && matches(device, name)
    });
    !share && (gpu || known)
}

/// Whether a text is like a pattern, in which `*` is any text.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(text) = text.strip_prefix(start) else {
        return false;
    };
    // Few and short: every place is tried.
    (0..=text.len()).any(|at| text.get(at..).is_some_and(|text| matches(rest, text)))
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod trials;
