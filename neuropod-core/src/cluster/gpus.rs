//! The GPUs of a cluster: the nodes that have them, the pods that fit on a node, and the free ones.
//!
//! Plain functions of a backend's reports. The number of free GPUs depends on the type: it has a resource, a
//! count for each pod, labels that a node must have and taints that it tolerates, and a pod runs on a single
//! node.

use std::collections::{BTreeMap, BTreeSet};

use crate::cluster::catalogue::{Catalogue, GpuType};
use crate::cluster::workload::{Accelerator, Toleration};
use crate::id::PodId;

/// The label of a node's GPU model, as NVIDIA's GPU feature discovery sets it.
pub const NVIDIA_MODEL_LABEL: &str = "nvidia.com/gpu.product";
/// The suffix of a model whose GPUs are reported several times each (time-slicing, MPS) under the resource's
/// own name, added by the feature discovery.
const SHARED: &str = "-SHARED";
/// The prefix of labels on nodes of the Google Kubernetes Engine. It adds a toleration for the resource to each
/// pod that requests one (`ExtendedResourceToleration`).
const GKE: &str = "cloud.google.com/gke-";

/// The prefixes of taint keys for a node's temporary state: those of the node controllers (not ready, cordoned,
/// short of memory), of the cloud, and of autoscalers that remove or prepare the node.
const PASSING_TAINTS: [&str; 6] = [
    "node.kubernetes.io/",
    "node.cloudprovider.kubernetes.io/",
    "node.cilium.io/",
    "ToBeDeletedByClusterAutoscaler",
    "karpenter.sh/disrupt",
    "karpenter.sh/unregistered",
];

/// The number of GPUs of one kind in a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct GpuStock {
    /// The extended resource, such as `nvidia.com/gpu`.
    pub resource: String,
    /// The model in the node's labels (`nvidia.com/gpu.product`), if any.
    pub model: Option<String>,
    /// The total number.
    pub total: u32,
    /// The number of GPUs that no pod has requested, on schedulable nodes. Not every type can use all of them:
    /// see [`GpuType::room_on`].
    pub free: u32,
}

impl GpuStock {
    /// GPUs of a resource whose nodes don't say the model.
    pub fn new(resource: impl Into<String>, total: u32, free: u32) -> Self {
        Self {
            resource: resource.into(),
            model: None,
            total,
            free,
        }
    }
}

/// The GPUs of one kind on one node, with the pods that use them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NodeGpus {
    /// The name of the node.
    pub node: String,
    /// The extended resource, such as `nvidia.com/gpu`.
    pub resource: String,
    /// The model in the node's labels, if any.
    pub model: Option<String>,
    /// The total number.
    pub total: u32,
    /// Whether the node is ready and not cordoned. Otherwise it has no free GPUs.
    pub schedulable: bool,
    /// The labels of the node. `None`: the backend has no labels, and every selector matches.
    pub labels: Option<BTreeMap<String, String>>,
    /// Its taints.
    pub taints: Vec<Taint>,
    /// The pods that use them, those of the platform first.
    pub holders: Vec<GpuHolder>,
}

/// A taint, which keeps pods away from a node (Kubernetes).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Taint {
    /// Its key.
    pub key: String,
    /// Its value; often empty.
    pub value: String,
    /// `NoSchedule`, `PreferNoSchedule` or `NoExecute`.
    pub effect: String,
}

impl Taint {
    /// A taint without a value.
    pub fn new(key: impl Into<String>, effect: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            value: String::new(),
            effect: effect.into(),
        }
    }
}

/// A pod that uses GPUs of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct GpuHolder {
    /// The pod of the platform; `None` for foreign pods.
    pub pod_id: Option<PodId>,
    /// The namespace of the pod object; empty if the backend has none.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The number.
    pub count: u32,
}

impl GpuHolder {
    /// A pod object that is not of the platform.
    pub fn new(namespace: impl Into<String>, name: impl Into<String>, count: u32) -> Self {
        Self {
            pod_id: None,
            namespace: namespace.into(),
            name: name.into(),
            count,
        }
    }
}

impl NodeGpus {
    /// The GPUs of a node that accepts new pods: no model, labels or taints are known, and none is in use.
    pub fn new(node: impl Into<String>, resource: impl Into<String>, total: u32) -> Self {
        Self {
            node: node.into(),
            resource: resource.into(),
            model: None,
            total,
            schedulable: true,
            labels: None,
            taints: Vec::new(),
            holders: Vec::new(),
        }
    }

    /// The number in use.
    pub fn used(&self) -> u32 {
        self.holders
            .iter()
            .fold(0, |sum, holder| sum.saturating_add(holder.count))
    }

    /// The number available to a new pod, if it can be placed on this node at all.
    pub fn free(&self) -> u32 {
        if self.schedulable {
            self.total.saturating_sub(self.used())
        } else {
            0
        }
    }

    /// The taints that a pod of this type does not tolerate.
    fn not_tolerated(&self, gpu: &GpuType) -> impl Iterator<Item = &Taint> {
        let mut labels = self.labels.iter().flat_map(BTreeMap::keys);
        let added = labels.any(|label| label.starts_with(GKE));
        self.taints.iter().filter(move |taint| {
            let mut tolerations = gpu.tolerations.iter();
            let tolerated = tolerations.any(|toleration| toleration.tolerates(taint));
            let is_added = added && taint.key == self.resource;
            taint.effect != "PreferNoSchedule" && !tolerated && !is_added
        })
    }
}

impl Taint {
    /// Whether it describes a temporary state of the node.
    fn passes(&self) -> bool {
        PASSING_TAINTS.iter().any(|start| self.key.starts_with(start))
    }
}

/// The same by resource and model.
pub fn by_model(nodes: &[NodeGpus]) -> Vec<GpuStock> {
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

impl Toleration {
    /// Whether a pod with it may run on a node with this taint.
    ///
    /// ```
    /// use neuropod_core::cluster::gpus::Taint;
    /// use neuropod_core::cluster::workload::Toleration;
    ///
    /// let any = Toleration { key: "nvidia.com/gpu".into(), value: None, effect: None };
    /// let taint = Taint::new("nvidia.com/gpu", "NoSchedule");
    /// assert!(any.tolerates(&taint));
    /// ```
    pub fn tolerates(&self, taint: &Taint) -> bool {
        // Without a key it tolerates all (`operator: Exists`).
        (self.key == taint.key || (self.key.is_empty() && self.value.is_none()))
            && self.value.as_ref().is_none_or(|value| *value == taint.value)
            && self.effect.as_ref().is_none_or(|effect| *effect == taint.effect)
    }
}

/// The label values that match `wanted` in a node selector: itself, and for a model of NVIDIA's also the
/// model's name for time-sliced GPUs.
pub fn label_values(label: &str, wanted: &str) -> Vec<String> {
    let mut values = vec![wanted.to_owned()];
    if label == NVIDIA_MODEL_LABEL && !wanted.ends_with(SHARED) {
        values.push(format!("{wanted}{SHARED}"));
    }
    values
}

/// Whether a node with these labels matches the selector.
fn is_selected(labels: &BTreeMap<String, String>, label: &str, wanted: &str) -> bool {
    let found = labels.get(label);
    found.is_some_and(|found| label_values(label, wanted).contains(found))
}

impl GpuType {
    /// How many more pods of this type fit, each on a single node that is ready, has the type's labels and no
    /// taint that it does not tolerate. `None` if the type has no GPU.
    pub fn room_on(&self, nodes: &[NodeGpus]) -> Option<u32> {
        let accelerator = self.accelerator.as_ref()?;
        let room = nodes
            .iter()
            .filter(|node| {
                self.misfit(accelerator, node).is_none() && node.not_tolerated(self).next().is_none()
            })
            .map(|node| node.free().checked_div(accelerator.count).unwrap_or(0));
        Some(room.fold(0, u32::saturating_add))
    }

    /// The reason why no pod of this type can ever run on this node, whatever uses its GPUs now and whatever
    /// the node's state.
    fn misfit(&self, accelerator: &Accelerator, node: &NodeGpus) -> Option<Misfit> {
        if node.resource != accelerator.resource {
            return Some(Misfit::Resource {
                found: BTreeSet::from([node.resource.clone()]),
            });
        }
        if let Some(labels) = &node.labels {
            let mut selector = self.node_selector.iter();
            let lacking = selector.find(|(label, wanted)| !is_selected(labels, label, wanted));
            if let Some((label, wanted)) = lacking {
                return Some(Misfit::Label {
                    label: label.clone(),
                    wanted: wanted.clone(),
                    found: labels.get(label).cloned().into_iter().collect(),
                });
            }
        }
        if let Some(taint) = node.not_tolerated(self).find(|taint| !taint.passes()) {
            return Some(Misfit::Taint(taint.clone()));
        }
        (node.total < accelerator.count).then_some(Misfit::Count {
            wanted: accelerator.count,
            most: node.total,
        })
    }
}

/// Whether an extended resource is a GPU, or another accelerator. Device plug-ins name them freely; others
/// offer FUSE, network cards or KVM in the same way.
///
/// ```
/// use neuropod_core::cluster::gpus::is_accelerator;
///
/// assert!(is_accelerator("nvidia.com/mig-1g.5gb") && is_accelerator("requests.habana.ai/gaudi"));
/// assert!(!is_accelerator("devices.kubevirt.io/kvm"));
/// ```
pub fn is_accelerator(resource: &str) -> bool {
    const PARTS: [&str; 24] = [
        "nvidia.com/",
        "gpu",
        "mig-",
        "i915",
        "/xe",
        "xpu",
        "/tpu",
        "tpus.",
        "/npu",
        "npu.",
        "gaudi",
        "ascend",
        "neuron",
        "mlu",
        "dcu",
        "gcu",
        "vcuda",
        "accelerator",
        "huawei.com/",
        "furiosa.ai/",
        "rebellions.ai/",
        "tenstorrent.com/",
        "qaic",
        "denglin.com/",
    ];
    let name = resource.to_lowercase();
    name.contains('/') && PARTS.iter().any(|part| name.contains(part))
}

/// A GPU type on offer that no node of the cluster can take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnmatchedGpu {
    /// Its id in the catalogue.
    pub id: String,
    /// The reason on the nodes that match best.
    pub misfit: Misfit,
}

/// The reason why no node can take pods of a GPU type. Later ones match better.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Misfit {
    /// No node has the resource.
    Resource {
        /// The resources that they have.
        found: BTreeSet<String>,
    },
    /// Nodes with the resource lack a label.
    Label {
        /// The label.
        label: String,
        /// The value that the type asks for.
        wanted: String,
        /// The values that nodes have.
        found: BTreeSet<String>,
    },
    /// Nodes with the labels have a taint that the type does not tolerate.
    Taint(Taint),
    /// No node has as many as a pod gets.
    Count {
        /// The number for each pod.
        wanted: u32,
        /// The highest number on a node.
        most: u32,
    },
}

impl Misfit {
    /// How well it matches.
    fn nearness(&self) -> u8 {
        match self {
            Self::Resource { .. } => 0,
            Self::Label { .. } => 1,
            Self::Taint(_) => 2,
            Self::Count { .. } => 3,
        }
    }

    /// The better match, or both if they have the same reason on two nodes.
    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Resource { mut found }, Self::Resource { found: more }) => {
                found.extend(more);
                Self::Resource { found }
            }
            (
                Self::Label {
                    label,
                    wanted,
                    mut found,
                },
                Self::Label {
                    label: same,
                    found: more,
                    ..
                },
            ) if label == same => {
                found.extend(more);
                Self::Label { label, wanted, found }
            }
            (Self::Count { wanted, most }, Self::Count { most: other, .. }) => Self::Count {
                wanted,
                most: most.max(other),
            },
            (one, other) if other.nearness() > one.nearness() => other,
            (one, _) => one,
        }
    }
}

/// The GPU types on offer that no node can take, now or when it is free: the catalogue uses other names than
/// the nodes, or the nodes are only created on demand (an autoscaler from zero).
pub fn unmatched(catalogue: &Catalogue, nodes: &[NodeGpus]) -> Vec<UnmatchedGpu> {
    let mut unmatched = Vec::new();
    for (id, gpu) in catalogue.iter().filter(|(_, gpu)| gpu.offered) {
        let Some(accelerator) = &gpu.accelerator else {
            continue;
        };
        let none = Misfit::Resource {
            found: BTreeSet::new(),
        };
        let misfit = nodes.iter().try_fold(none, |nearest, node| {
            Some(nearest.or(gpu.misfit(accelerator, node)?))
        });
        unmatched.extend(misfit.map(|misfit| UnmatchedGpu {
            id: id.to_owned(),
            misfit,
        }));
    }
    unmatched
}

#[cfg(test)]
mod tests;
