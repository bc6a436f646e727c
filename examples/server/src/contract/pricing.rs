//! Prices.

use std::collections::BTreeMap;

use neuropod::cluster::catalogue::{GpuSpecs, GpuType};
use neuropod::cluster::{Catalogue, NodeGpus};
use neuropod::message::Language;
use neuropod::money::Currency;
use neuropod::money::{OpeningCredit, Quote};
use neuropod::pod::Limits;
use neuropod::{Money, PriceList};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// All prices, per hour.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PricingView {
    /// By GPU type.
    pub(crate) gpus: BTreeMap<String, GpuView>,
    /// Disks.
    pub(crate) storage: StorageView,
    /// The maximum sizes.
    pub(crate) limits: LimitsView,
    /// The credit of new users.
    pub(crate) free_tier: FreeTierView,
}

/// A GPU type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GpuView {
    /// Its id.
    pub(crate) id: String,
    /// Its name.
    pub(crate) name: String,
    /// Per hour.
    pub(crate) price: f64,
    /// Whether new pods can have it.
    pub(crate) available: bool,
    /// How many more pods could have it now, each on a node that fits; null if unknown.
    #[serde(default)]
    pub(crate) free: Option<u32>,
    /// The number of GPUs of a pod; 0: a type without GPU.
    #[serde(default)]
    pub(crate) gpu_count: u32,
    /// Its description.
    pub(crate) specs: SpecsView,
}

/// The description of a GPU type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SpecsView {
    /// Its memory; without a GPU, the memory of its pods.
    memory: String,
    /// Its cores; without a GPU, those of its pods.
    cores: u32,
    /// Its purpose.
    performance: String,
    /// The memory of a pod with it, in GB (2^30 bytes).
    #[serde(default)]
    pod_memory_gb: f64,
    /// The processors of a pod with it; 0.5 is half of the time of one.
    #[serde(default)]
    pod_cpus: f64,
}

/// Disks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StorageView {
    /// The container's disk.
    pub(crate) container_disk: DiskView,
    /// The workspace volume.
    pub(crate) volume_disk: DiskView,
}

/// A kind of disk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct DiskView {
    /// Per hour.
    pub(crate) price: f64,
    /// The unit of the price.
    pub(crate) unit: String,
    /// Its description.
    pub(crate) description: String,
}

/// The maximum sizes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "the contract's names")]
pub(crate) struct LimitsView {
    container_disk_max: u32,
    volume_disk_max: u32,
    ports_max: usize,
}

/// The credit of new users. The amount is kept while it is disabled.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FreeTierView {
    /// Whether they get it; otherwise they start with nothing.
    enabled: bool,
    /// In the currency of the platform.
    initial_balance: f64,
}

/// The price of a pod for some hours.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CostView {
    gpu: GpuCost,
    container_disk: DiskCost,
    volume_disk: DiskCost,
    total: f64,
    total_hourly: f64,
    /// As an ISO 4217 code.
    currency: String,
}

/// The price of the GPU.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GpuCost {
    name: String,
    hourly_rate: f64,
    cost: f64,
    hours: f64,
}

/// The price of a disk.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DiskCost {
    /// In GB.
    size: u32,
    hourly_rate: f64,
    cost: f64,
    hours: f64,
}

impl PricingView {
    /// The prices of everything on offer.
    pub(crate) fn of(
        prices: &PriceList,
        (catalogue, limits): (&Catalogue, &Limits),
        nodes: Option<&[NodeGpus]>,
        credit: OpeningCredit,
        language: Language,
    ) -> Self {
        let disk = |price: Money, es: &str, en: &str| DiskView {
            price: price.as_f64(),
            unit: language.pick("GB por hora", "GB per hour").to_owned(),
            description: language.pick(es, en).to_owned(),
        };
        let gpu = |(id, gpu): (&str, &GpuType)| {
            let view = GpuView {
                id: id.to_owned(),
                name: gpu.name.clone(),
                price: prices.gpus.get(id).copied().unwrap_or(prices.other_gpu).as_f64(),
                available: gpu.offered,
                free: nodes.and_then(|nodes| gpu.room_on(nodes)),
                gpu_count: gpu
                    .accelerator
                    .as_ref()
                    .map_or(0, |accelerator| accelerator.count),
                specs: SpecsView::of(gpu, language),
            };
            (id.to_owned(), view)
        };
        Self {
            gpus: catalogue.iter().map(gpu).collect(),
            storage: StorageView {
                container_disk: disk(
                    prices.container_disk_gb,
                    "Disco del contenedor; se vacía al detener el pod",
                    "The container's disk; empty again after a stop",
                ),
                volume_disk: disk(
                    prices.volume_disk_gb,
                    "Volumen de trabajo; se conserva al detener el pod",
                    "The workspace volume; it stays when the pod stops",
                ),
            },
            limits: LimitsView {
                container_disk_max: limits.disk_gb,
                volume_disk_max: limits.volume_gb,
                ports_max: limits.ports,
            },
            free_tier: FreeTierView {
                enabled: credit.enabled,
                initial_balance: credit.amount.as_f64(),
            },
        }
    }
}

impl SpecsView {
    /// The description in the catalogue; for missing fields, the resources of pods of this type.
    fn of(gpu: &GpuType, language: Language) -> Self {
        let GpuSpecs {
            memory,
            cores,
            performance,
        } = &gpu.specs;
        let gib = f64::from(gpu.size.memory_mib) / 1024.0;
        let memory = match memory.trim() {
            "" => language.pick(format!("{gib} GB de RAM"), format!("{gib} GB RAM")),
            text => text.to_owned(),
        };
        let performance = match (performance.trim(), &gpu.accelerator) {
            ("", Some(accelerator)) => format!("{} GPU", accelerator.count),
            ("", None) => language.pick("Sin GPU", "No GPU").to_owned(),
            (text, _) => performance_in(text, language).to_owned(),
        };
        Self {
            memory,
            cores: match cores {
                0 => gpu.size.cpu_millis.div_ceil(1000),
                cores => *cores,
            },
            performance,
            pod_memory_gb: gib,
            pod_cpus: f64::from(gpu.size.cpu_millis) / 1000.0,
        }
    }
}

/// The words of the default catalogue in a language; those of other catalogues are not translated.
fn performance_in(text: &str, language: Language) -> &str {
    let spanish = match text {
        "No GPU" => "Sin GPU",
        "Entry" => "Básico",
        "High" => "Alto",
        "Extreme" => "Extremo",
        other => other,
    };
    language.pick(spanish, text)
}

impl CostView {
    /// The price of a pod with this GPU and disks of these sizes (GB) for this many seconds.
    pub(crate) fn of(
        name: String,
        quote: Quote,
        sizes: (u32, u32),
        seconds: i64,
        currency: &Currency,
    ) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "hours, for people")]
        let hours = seconds as f64 / 3600.0;
        let cost = |hourly: Money| hourly.for_seconds(seconds).as_f64();
        let disk = |size: u32, hourly: Money| DiskCost {
            size,
            hourly_rate: hourly.as_f64(),
            cost: cost(hourly),
            hours,
        };
        Self {
            gpu: GpuCost {
                name,
                hourly_rate: quote.gpu.as_f64(),
                cost: cost(quote.gpu),
                hours,
            },
            container_disk: disk(sizes.0, quote.container_disk),
            volume_disk: disk(sizes.1, quote.volume_disk),
            total: cost(quote.hourly()),
            total_hourly: quote.hourly().as_f64(),
            currency: currency.code().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_shows_the_resources_of_its_pods() {
        let catalogue = Catalogue::default();
        for (id, gpus, memory, cpus) in [("cpu", 0, 4.0, 2.0), ("rtx-4090", 1, 48.0, 8.0)] {
            let prices = PriceList::default();
            let view = PricingView::of(
                &prices,
                (&catalogue, &Limits::default()),
                None,
                OpeningCredit::of(Money::ZERO),
                Language::En,
            );
            let gpu = &view.gpus[id];
            let json = serde_json::to_value(gpu).unwrap();
            assert_eq!(json["gpuCount"], gpus, "{id}");
            assert_eq!(json["specs"]["podMemoryGb"], memory, "{id}");
            assert_eq!(json["specs"]["podCpus"], cpus, "{id}");
        }
    }

    #[test]
    fn every_type_says_something_readable_in_both_languages() {
        let specs = |id: &str, language| {
            let catalogue = Catalogue::default();
            let SpecsView {
                memory,
                cores,
                performance,
                ..
            } = SpecsView::of(catalogue.get(id).unwrap(), language);
            format!("{memory}, {cores}, {performance}")
        };
        assert_eq!(specs("cpu", Language::Es), "4 GB de RAM, 2, Sin GPU");
        assert_eq!(specs("cpu", Language::En), "4 GB RAM, 2, No GPU");
        assert_eq!(specs("rtx-4090", Language::Es), "24 GB, 16384, Extremo");
        assert_eq!(specs("rtx-4090", Language::En), "24 GB, 16384, Extreme");
        // A type whose configuration only has the resources of its pods.
        let mut bare = Catalogue::default().get("rtx-4090").unwrap().clone();
        bare.specs = GpuSpecs::default();
        bare.size.memory_mib = 1536;
        let view = SpecsView::of(&bare, Language::En);
        assert_eq!(
            (view.memory.as_str(), view.cores, view.performance.as_str()),
            ("1.5 GB RAM", 8, "1 GPU")
        );
    }

    #[test]
    fn free_gpus_are_those_of_the_model_and_enough_for_a_pod() {
        let catalogue = |count| {
            let mut gpu = Catalogue::default().get("rtx-4090").unwrap().clone();
            gpu.accelerator.as_mut().unwrap().count = count;
            let cpu = Catalogue::default().get("cpu").unwrap().clone();
            Catalogue::new([("gpu".to_owned(), gpu), ("cpu".to_owned(), cpu)])
        };
        let node = |model: Option<&str>, free| {
            let mut node = NodeGpus::new("n1", "nvidia.com/gpu", free);
            node.labels = model.map(|model| [("nvidia.com/gpu.product".to_owned(), model.to_owned())].into());
            node
        };
        let free = |count, nodes: Option<&[NodeGpus]>| {
            let credit = OpeningCredit::of(Money::ZERO);
            let view = PricingView::of(
                &PriceList::default(),
                (&catalogue(count), &Limits::default()),
                nodes,
                credit,
                Language::En,
            );
            (view.gpus["gpu"].free, view.gpus["cpu"].free)
        };
        let mine = node(Some("NVIDIA-GeForce-RTX-4090"), 3);
        let others = node(Some("NVIDIA-GeForce-RTX-4050"), 5);
        assert_eq!(free(1, Some(&[mine.clone(), others.clone()])), (Some(3), None));
        assert_eq!(free(1, Some(&[others])), (Some(0), None));
        assert_eq!(free(1, Some(&[node(None, 2)])), (Some(2), None));
        assert_eq!(free(2, Some(&[mine.clone(), mine.clone()])), (Some(2), None));
        assert_eq!(
            free(4, Some(&[mine.clone(), mine])),
            (Some(0), None),
            "on one node"
        );
        assert_eq!(free(1, Some(&[])), (Some(0), None));
        assert_eq!(free(1, None), (None, None), "the cluster does not report it");
    }
}
