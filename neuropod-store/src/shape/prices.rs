//! Price lists.

use std::collections::BTreeMap;
use std::fmt;

use neuropod_core::money::OpeningCredit;
use neuropod_core::{Money, PriceList};
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::layout::Layout;
use super::stored::Stored;
use super::tree::{Tree, move_field};

/// The document of a price list. Amounts are in micro-euros.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PricesShape {
    #[serde(default)]
    layout: Layout<2>,
    #[serde(rename = "_id")]
    version: u64,
    /// A list, because names of GPUs may be invalid as field names in MongoDB.
    #[serde(deserialize_with = "gpus")]
    gpus: Vec<GpuShape>,
    other_gpu: Money,
    container_disk_gb: Money,
    volume_disk_gb: Money,
    /// Absent in lists of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    opening_credit: Option<OpeningCredit>,
}

#[derive(Serialize, Deserialize)]
struct GpuShape {
    id: String,
    price: Money,
}

impl Stored for PriceList {
    type Shape = PricesShape;

    fn to_shape(&self) -> PricesShape {
        let Self {
            version,
            gpus,
            other_gpu,
            container_disk_gb,
            volume_disk_gb,
            opening_credit,
        } = self.clone();
        PricesShape {
            layout: Layout,
            version,
            gpus: gpus
                .into_iter()
                .map(|(id, price)| GpuShape { id, price })
                .collect(),
            other_gpu,
            container_disk_gb,
            volume_disk_gb,
            opening_credit,
        }
    }

    fn from_shape(shape: PricesShape) -> Self {
        let PricesShape {
            layout: _,
            version,
            gpus,
            other_gpu,
            container_disk_gb,
            volume_disk_gb,
            opening_credit,
        } = shape;
        let gpus: BTreeMap<_, _> = gpus
            .into_iter()
            .map(|GpuShape { id, price }| (id, price))
            .collect();
        Self {
            version,
            gpus,
            other_gpu,
            container_disk_gb,
            volume_disk_gb,
            opening_credit,
        }
    }

    fn upgrade<T: Tree>(document: &mut T) {
        move_field(document, "version", "_id");
    }
}

/// Reads a list, or a map as layout 1 has it in SQLite.
fn gpus<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<GpuShape>, D::Error> {
    deserializer.deserialize_any(Gpus)
}

struct Gpus;

impl<'de> Visitor<'de> for Gpus {
    type Value = Vec<GpuShape>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("prices of GPUs")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut gpus = Vec::new();
        while let Some(gpu) = items.next_element()? {
            gpus.push(gpu);
        }
        Ok(gpus)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
        let mut gpus = Vec::new();
        while let Some((id, price)) = fields.next_entry()? {
            gpus.push(GpuShape { id, price });
        }
        Ok(gpus)
    }
}
