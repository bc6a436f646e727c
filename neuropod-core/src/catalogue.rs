//! The GPU types on offer and what a pod gets with each of them: data, to be replaced by each deployment.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::workload::{Accelerator, Toleration};

/// The GPU types of a platform, by id (`rtx-4090`). Ids are compared as written.
///
/// ```
/// use neuropod_core::Catalogue;
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

    /// All types, sorted by id.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &GpuType)> {
        self.0.iter().map(|(id, gpu)| (id.as_str(), gpu))
    }
}

/// A GPU type, or the type of pods that have none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GpuType {
    /// The name that is shown.
    pub name: String,
    /// Processor and memory that come with it.
    pub size: InstanceSize,
    /// The extended resource of the cluster and how many of it; `None`: no GPU.
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
    /// What is told about it.
    #[serde(default)]
    pub specs: GpuSpecs,
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

/// What is told about a GPU type.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct GpuSpecs {
    /// Its memory, such as `24 GB`.
    #[serde(default)]
    pub memory: String,
    /// Its cores.
    #[serde(default)]
    pub cores: u32,
    /// What it is good for.
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
