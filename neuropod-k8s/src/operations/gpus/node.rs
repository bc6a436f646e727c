//! A node, with the models of its GPUs.

use std::collections::BTreeMap;

use neuropod_core::cluster::gpus::{NVIDIA_MODEL_LABEL, Taint};
use serde::Deserialize;

use super::names::is_gpu;
use crate::api::partial::fields::null_as_default;
use crate::api::partial::{Condition, Meta, Partial};
use crate::api::quantity::{self, quantities};

/// Labels with the model of a node's GPUs, in addition to [`NVIDIA_MODEL_LABEL`], by the prefix of the
/// resource.
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
/// AMD's labeller counts GPUs by model, in labels whose name contains the model.
const AMD_MODEL_PREFIX: &str = "beta.amd.com/gpu.product-name.";

/// A node, as far as its GPUs are concerned.
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "WholeNode")]
pub(super) struct Node {
    meta: Meta,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) taints: Vec<Taint>,
    /// Whether it takes new pods: it is not cordoned, and its kubelet reports ready, or has not reported yet.
    pub(super) schedulable: bool,
    /// The number of GPUs of each resource, none of which is 0.
    pub(super) gpus: BTreeMap<String, u64>,
}

#[derive(Deserialize)]
struct WholeNode {
    metadata: NodeMeta,
    #[serde(default, deserialize_with = "null_as_default")]
    spec: NodeSpec,
    #[serde(default, deserialize_with = "null_as_default")]
    status: NodeStatus,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct NodeMeta {
    name: String,
    uid: String,
    resource_version: String,
    #[serde(deserialize_with = "null_as_default")]
    labels: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct NodeSpec {
    /// Cordoned: the scheduler puts no new pod on it.
    #[serde(deserialize_with = "null_as_default")]
    unschedulable: bool,
    #[serde(deserialize_with = "null_as_default")]
    taints: Vec<NodeTaint>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct NodeTaint {
    key: String,
    #[serde(deserialize_with = "null_as_default")]
    value: String,
    effect: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct NodeStatus {
    #[serde(deserialize_with = "quantities")]
    allocatable: BTreeMap<String, String>,
    #[serde(deserialize_with = "null_as_default")]
    conditions: Vec<Condition>,
}

impl From<WholeNode> for Node {
    fn from(whole: WholeNode) -> Self {
        let WholeNode {
            metadata,
            spec,
            status,
        } = whole;
        let ready = status
            .conditions
            .iter()
            .find(|condition| condition.kind == "Ready");
        let schedulable = !spec.unschedulable && ready.is_none_or(Condition::is_true);
        let gpus = status.allocatable.into_iter().filter_map(|(resource, quantity)| {
            let count = quantity::units(&quantity).unwrap_or(0);
            (count > 0 && is_gpu(&resource)).then_some((resource, count))
        });
        Self {
            gpus: gpus.collect(),
            meta: Meta {
                name: metadata.name,
                uid: metadata.uid,
                resource_version: metadata.resource_version,
                ..Meta::default()
            },
            labels: metadata.labels,
            taints: spec.taints.into_iter().map(Taint::from).collect(),
            schedulable,
        }
    }
}

impl From<NodeTaint> for Taint {
    fn from(taint: NodeTaint) -> Self {
        let mut found = Self::new(&taint.key, &taint.effect);
        found.value = taint.value;
        found
    }
}

impl Partial for Node {
    fn meta(&self) -> &Meta {
        &self.meta
    }

    fn is_relevant(&self) -> bool {
        !self.gpus.is_empty()
    }
}

impl Node {
    /// The model of the GPUs behind a resource.
    pub(super) fn model(&self, resource: &str) -> Option<&str> {
        let labels = &self.labels;
        let of_vendor = |vendor: &str| resource.starts_with(vendor);
        // A slice with its own resource has its own model, too (MIG, strategy `mixed`).
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
