//! A node, with the models of its GPUs.

use std::collections::BTreeMap;

use neuropod_core::cluster::gpus::NVIDIA_MODEL_LABEL;
use serde::Deserialize;

use crate::api::partial::Condition;
use crate::api::partial::fields::null_as_default;
use crate::api::quantity::quantities;

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

#[derive(Debug, Deserialize)]
pub(super) struct Node {
    pub(super) metadata: NodeMeta,
    #[serde(default, deserialize_with = "null_as_default")]
    pub(super) spec: NodeSpec,
    #[serde(default, deserialize_with = "null_as_default")]
    pub(super) status: NodeStatus,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct NodeMeta {
    pub(super) name: String,
    #[serde(deserialize_with = "null_as_default")]
    pub(super) labels: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct NodeSpec {
    /// Cordoned: the scheduler puts no new pod on it.
    #[serde(deserialize_with = "null_as_default")]
    pub(super) unschedulable: bool,
    #[serde(deserialize_with = "null_as_default")]
    pub(super) taints: Vec<NodeTaint>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct NodeTaint {
    pub(super) key: String,
    #[serde(deserialize_with = "null_as_default")]
    pub(super) value: String,
    pub(super) effect: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct NodeStatus {
    #[serde(deserialize_with = "quantities")]
    pub(super) allocatable: BTreeMap<String, String>,
    #[serde(deserialize_with = "null_as_default")]
    pub(super) conditions: Vec<Condition>,
}

impl Node {
    /// Whether the node takes new pods: it is not cordoned, and its kubelet reports ready, or has not reported yet.
    pub(super) fn is_schedulable(&self) -> bool {
        let ready = self
            .status
            .conditions
            .iter()
            .find(|condition| condition.kind == "Ready");
        !self.spec.unschedulable && ready.is_none_or(Condition::is_true)
    }

    /// The model of the GPUs behind a resource.
    pub(super) fn model(&self, resource: &str) -> Option<&str> {
        let labels = &self.metadata.labels;
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
