//! Prices as people write them.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use neuropod::{Money, PriceList};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contract::amount;

/// The prices until an administrator sets others.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Prices {
    /// By GPU type.
    #[schemars(extend("unit" = "currency per hour"))]
    pub gpus: BTreeMap<String, f64>,
    /// For a GPU type without its own price, and for pods without a GPU.
    #[schemars(range(min = 0), extend("unit" = "currency per hour"))]
    pub other_gpu: f64,
    /// For each GB of the container's disk.
    #[schemars(range(min = 0), extend("unit" = "currency per hour"))]
    pub container_disk_gb: f64,
    /// For each GB of the workspace volume.
    #[schemars(range(min = 0), extend("unit" = "currency per hour"))]
    pub volume_disk_gb: f64,
}

impl Default for Prices {
    fn default() -> Self {
        let list = PriceList::default();
        Self {
            gpus: list
                .gpus
                .iter()
                .map(|(id, price)| (id.clone(), price.as_f64()))
                .collect(),
            other_gpu: list.other_gpu.as_f64(),
            container_disk_gb: list.container_disk_gb.as_f64(),
            volume_disk_gb: list.volume_disk_gb.as_f64(),
        }
    }
}

impl Prices {
    /// The price list of the library.
    ///
    /// # Errors
    /// A price that can't be charged.
    pub fn list(&self) -> Result<PriceList> {
        let price = |name: &str, amount: f64| -> Result<Money> {
            amount::exact(amount).with_context(|| format!("prices.{name}: {amount} is no price per hour"))
        };
        let gpus = self
            .gpus
            .iter()
            .map(|(id, amount)| Ok((id.clone(), price(id, *amount)?)));
        Ok(PriceList {
            version: 0,
            gpus: gpus.collect::<Result<_>>()?,
            other_gpu: price("other_gpu", self.other_gpu)?,
            container_disk_gb: price("container_disk_gb", self.container_disk_gb)?,
            volume_disk_gb: price("volume_disk_gb", self.volume_disk_gb)?,
            opening_credit: None,
        })
    }
}
