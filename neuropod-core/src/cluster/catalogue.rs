//! The GPU types on offer and the resources of their pods: data, to be replaced by each deployment.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::cluster::workload::{Accelerator, Toleration};

/// The GPU types of a platform, by id (`rtx-4090`). Ids are compared as written.
///
/// ```
/// use neuropod_core::cluster::Catalogue;
///
/// let catalogue: Catalogue = serde_json::from_str(r#"{
///     "a100": {
///         "name": "NVIDIA A100",
///         "size": { "cpuMillis": 8000, "memoryMib": 65536 },
///         "accelerator": { "resource": "nvidia.com/gpu", "count": 1 },
///         "nodeSelector": { "nvidia.com/gpu.product": "NVIDIA-A100-SXM4-80GB" }
///     }
/// }"#)?;
/// assert!(catalogue.get("a100").is_some_and(|gpu| gpu.offered));
/// assert!(catalogue.get("A100").is_none());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Catalogue(BTreeMap<String, GpuType>);

impl Catalogue {
    /// A catalogue of these types.
    pub fn new(types: impl IntoIterator<Item = (String, GpuType)>) -> Self {
        Self(types.into_iter().collect())
    }

    /// The type with this id.
    pub fn get(&self, id: &str) -> Option<&GpuType> {
        self.0.get(id)
    }

    /// Adds a type for each of `ids` that is missing, which is not offered: for pods of a removed type, or for
    /// migrated pods. They can be shown, started, stopped and charged like any other, but nobody can create a
    /// new one.
    /// one.
    ///
    /// The resources of such a pod are a guess: one GPU of the kind in this catalogue, on any node that has
    /// one, with the smallest processor and memory; or no GPU, if the id is [`NO_GPU`] or the catalogue has no
    /// GPUs. To define them, add the type to the catalogue with `offered` false.
    ///
    /// ```
    /// use neuropod_core::cluster::Catalogue;
    ///
    /// let catalogue = Catalogue::default().keeping(["rtx-3090", "rtx-4090"]);
    /// let kept = catalogue.get("rtx-3090").expect("it was added");
    /// assert!(!kept.offered && kept.accelerator.is_some() && kept.node_selector.is_empty());
    /// assert!(catalogue.get("rtx-4090").is_some_and(|gpu| gpu.offered), "it was there");
    /// ```
    #[must_use]
    pub fn keeping<'a>(mut self, ids: impl IntoIterator<Item = &'a str>) -> Self {
        let smallest = |with_gpu: bool| {
            let types = self
                .0
                .values()
                .filter(|gpu| gpu.accelerator.is_some() == with_gpu);
            types
                .min_by_key(|gpu| (gpu.size.memory_mib, gpu.size.cpu_millis))
                .cloned()
        };
        let (with, without) = (smallest(true), smallest(false));
        for id in ids {
            if self.0.contains_key(id) {
                continue;
            }
            let like = if id == NO_GPU { &without } else { &with };
            let kept = GpuType::kept(id, like.as_ref());
            self.0.insert(id.to_owned(), kept);
        }
        self
    }

    /// All types, sorted by id.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &GpuType)> {
        self.0.iter().map(|(id, gpu)| (id.as_str(), gpu))
    }
}

/// A GPU type, or the type of pods without one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GpuType {
    /// The displayed name.
    pub name: String,
    /// Processor and memory of its pods.
    pub size: InstanceSize,
    /// The extended resource of the cluster and its count; `None`: no GPU.
    #[serde(default)]
    pub accelerator: Option<Accelerator>,
    /// Labels that a node with this GPU has.
    #[serde(default)]
    pub node_selector: BTreeMap<String, String>,
    /// Taints that nodes with this GPU have.
    #[serde(default)]
    pub tolerations: Vec<Toleration>,
    /// The runtime class that its containers need.
    #[serde(default)]
    pub runtime_class: Option<String>,
    /// Whether new pods can have it.
    #[serde(default = "offered")]
    pub offered: bool,
    /// Its description.
    #[serde(default)]
    pub specs: GpuSpecs,
}

impl GpuType {
    /// A type that is not offered, with a known id and the resources of `like`.
    fn kept(id: &str, like: Option<&Self>) -> Self {
        let size = InstanceSize {
            cpu_millis: 2000,
            memory_mib: 4096,
        };
        Self {
            name: id.to_uppercase().replace('-', " "),
            size: like.map_or(size, |like| like.size),
            accelerator: like.and_then(|like| like.accelerator.clone()),
            // The labels of another model would prevent the pod from ever being placed.
            node_selector: BTreeMap::new(),
            tolerations: like.map(|like| like.tolerations.clone()).unwrap_or_default(),
            runtime_class: like.and_then(|like| like.runtime_class.clone()),
            offered: false,
            specs: GpuSpecs {
                memory: "—".into(),
                cores: 0,
                performance: "—".into(),
            },
        }
    }
}

/// Processor time and memory of a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InstanceSize {
    /// Processor time in thousandths of a core.
    pub cpu_millis: u32,
    /// Memory in MiB (2^20 bytes).
    pub memory_mib: u32,
}

/// The description of a GPU type.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct GpuSpecs {
    /// Its memory, such as `24 GB`.
    #[serde(default)]
    pub memory: String,
    /// Its cores.
    #[serde(default)]
    pub cores: u32,
    /// Its purpose.
    #[serde(default)]
    pub performance: String,
}

fn offered() -> bool {
    true
}

/// The id of the type without GPU in the default catalogue.
pub const NO_GPU: &str = "cpu";

impl Default for Catalogue {
    /// Three consumer GPUs on the NVIDIA device plugin, and pods without GPU.
    fn default() -> Self {
        let size = |cores: u32, memory_gib: u32| InstanceSize {
            cpu_millis: cores * 1000,
            memory_mib: memory_gib * 1024,
        };
        let plain = GpuType {
            name: "CPU".into(),
            size: size(2, 4),
            accelerator: None,
            node_selector: BTreeMap::new(),
            tolerations: Vec::new(),
            runtime_class: None,
            offered: true,
            specs: GpuSpecs {
                performance: "No GPU".into(),
                ..GpuSpecs::default()
            },
        };
        let rtx = |model: u32, size: InstanceSize, memory: &str, cores: u32, performance: &str| {
            let gpu = GpuType {
                name: format!("NVIDIA RTX {model}"),
                size,
                accelerator: Some(Accelerator {
                    resource: "nvidia.com/gpu".into(),
                    count: 1,
                }),
                node_selector: BTreeMap::from([(
                    "nvidia.com/gpu.product".to_owned(),
                    format!("NVIDIA-GeForce-RTX-{model}"),
                )]),
                tolerations: vec![Toleration {
                    key: "nvidia.com/gpu".into(),
                    value: None,
                    effect: Some("NoSchedule".into()),
                }],
                specs: GpuSpecs {
                    memory: memory.into(),
                    cores,
                    performance: performance.into(),
                },
                ..plain.clone()
            };
            (format!("rtx-{model}"), gpu)
        };
        Self::new([
            rtx(4050, size(4, 16), "6 GB", 2560, "Entry"),
            rtx(4070, size(6, 24), "12 GB", 5888, "High"),
            rtx(4090, size(8, 48), "24 GB", 16384, "Extreme"),
            (NO_GPU.to_owned(), plain),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_of_existing_pods_are_kept_but_not_offered() {
        let before = Catalogue::default();
        let kept = before
            .clone()
            .keeping(["rtx-3090", "cpu", "rtx-4050", "rtx-3090"]);
        assert_eq!(kept.iter().count(), before.iter().count() + 1);
        for (id, gpu) in before.iter() {
            assert_eq!(kept.get(id), Some(gpu), "{id} stays as it is");
        }
        let gpu = kept.get("rtx-3090").unwrap();
        assert_eq!((gpu.name.as_str(), gpu.offered), ("RTX 3090", false));
        let smallest = before.get("rtx-4050").unwrap();
        assert_eq!(
            (&gpu.accelerator, gpu.size, &gpu.tolerations),
            (&smallest.accelerator, smallest.size, &smallest.tolerations)
        );
        assert!(gpu.node_selector.is_empty());
    }

    #[test]
    fn an_empty_catalogue_offers_no_gpus() {
        for id in [NO_GPU, "rtx-3090"] {
            let kept = Catalogue::new([]).keeping([id]);
            let gpu = kept.get(id).unwrap();
            assert!(!gpu.offered && gpu.accelerator.is_none(), "{id}");
        }
        // If there are only GPU types, a pod without GPU gets none.
        let (id, gpu) = ("rtx-4090", Catalogue::default().get("rtx-4090").cloned().unwrap());
        let kept = Catalogue::new([(id.to_owned(), gpu)]).keeping([NO_GPU]);
        assert!(kept.get(NO_GPU).unwrap().accelerator.is_none());
    }
}
