//! The prices of pods.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::validation::{Problem, ValidationErrors, Violation};
use crate::money::amount::Money;

/// Prices per hour: data, to be replaced by each deployment. Amounts are in the currency of the platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PriceList {
    /// Its version: 1 for the first list in a store, then counted up; 0 before it is stored.
    #[serde(default)]
    pub version: u64,
    /// By GPU type.
    pub gpus: BTreeMap<String, Money>,
    /// For a GPU type without its own price.
    pub other_gpu: Money,
    /// For each GB of the container's disk.
    pub container_disk_gb: Money,
    /// For each GB of the workspace volume.
    pub volume_disk_gb: Money,
    /// The credit of new clients; `None`: that of
    /// [`PlatformBuilder::opening_credit`](crate::PlatformBuilder::opening_credit).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opening_credit: Option<OpeningCredit>,
}

/// The credit of new clients. The amount is kept while it is disabled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OpeningCredit {
    /// Whether they get it; otherwise they start with nothing.
    pub enabled: bool,
    /// The amount.
    pub amount: Money,
}

impl OpeningCredit {
    /// This amount; disabled if it is zero.
    pub fn of(amount: Money) -> Self {
        Self {
            enabled: amount > Money::ZERO,
            amount,
        }
    }

    /// The effective credit of a new client.
    pub fn credit(&self) -> Money {
        if self.enabled { self.amount } else { Money::ZERO }
    }
}

/// The highest price per hour, and the highest opening credit: a million.
const HIGHEST: Money = Money::from_cents(100_000_000);

impl PriceList {
    /// The price of a pod per hour.
    ///
    /// ```
    /// use neuropod_core::{Money, PriceList};
    ///
    /// let quote = PriceList::default().quote("rtx-4090", 20, 30);
    /// assert_eq!(quote.hourly(), Money::from_cents(300));
    /// assert_eq!(quote.volume_disk, Money::from_cents(30));
    /// ```
    pub fn quote(&self, gpu: &str, container_disk_gb: u32, volume_disk_gb: u32) -> Quote {
        Quote {
            gpu: self.gpus.get(gpu).copied().unwrap_or(self.other_gpu),
            container_disk: self.container_disk_gb.times(container_disk_gb),
            volume_disk: self.volume_disk_gb.times(volume_disk_gb),
        }
    }

    /// Checks that every price and the opening credit are valid.
    ///
    /// # Errors
    /// Lists the amounts that are negative or above a million.
    pub fn validate(&self) -> Result<(), ValidationErrors> {
        let fields = [
            ("otherGpu", self.other_gpu),
            ("containerDiskGb", self.container_disk_gb),
            ("volumeDiskGb", self.volume_disk_gb),
        ];
        let credit = self.opening_credit.map(|credit| ("openingCredit", credit.amount));
        let gpus = self.gpus.values().map(|price| ("gpus", *price));
        let wrong = |(_, price): &(&'static str, Money)| price.is_negative() || *price > HIGHEST;
        let problems = gpus
            .chain(fields)
            .chain(credit)
            .filter(wrong)
            .map(|(field, _)| Problem::new(field, Violation::Amount));
        ValidationErrors::check(problems.collect())
    }
}

impl Default for PriceList {
    /// The price list of the HTTP contract.
    fn default() -> Self {
        let gpus = [("rtx-4050", 50), ("rtx-4070", 100), ("rtx-4090", 250)];
        Self {
            version: 0,
            gpus: gpus
                .map(|(id, cents)| (id.to_owned(), Money::from_cents(cents)))
                .into(),
            other_gpu: Money::from_cents(30),
            container_disk_gb: Money::from_cents(1),
            volume_disk_gb: Money::from_cents(1),
            opening_credit: None,
        }
    }
}

/// The effect of a change of prices on running pods. A stopped pod pays the new price of its volume from the
/// next period on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PricePolicy {
    /// They keep the price quoted at their start.
    #[default]
    Quoted,
    /// They pay the new price from the next period on.
    Current,
}

/// The price of a pod per hour, part by part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Quote {
    /// The GPU type with its processor and memory.
    pub gpu: Money,
    /// The container's disk.
    pub container_disk: Money,
    /// The workspace volume.
    pub volume_disk: Money,
}

impl Quote {
    /// The price while it runs.
    pub fn hourly(&self) -> Money {
        self.gpu + self.container_disk + self.volume_disk
    }

    /// The price while it is stopped: that of the volume only.
    pub fn hourly_stopped(&self) -> Money {
        self.volume_disk
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_an_earlier_version_has_no_opening_credit() {
        let stored = r#"{"version":3,"gpus":{"rtx-4090":2500000},"otherGpu":300000,"containerDiskGb":10000,"volumeDiskGb":10000}"#;
        let list: PriceList = serde_json::from_str(stored).unwrap();
        assert_eq!((list.version, list.opening_credit), (3, None));
        assert_eq!(
            serde_json::to_string(&list).unwrap(),
            stored,
            "and is written back as it was"
        );
    }

    #[test]
    fn a_disabled_opening_credit_is_zero_but_its_amount_must_be_valid() {
        let with = |enabled, cents| PriceList {
            opening_credit: Some(OpeningCredit {
                enabled,
                amount: Money::from_cents(cents),
            }),
            ..PriceList::default()
        };
        let credit = |enabled| with(enabled, 500).opening_credit.unwrap().credit();
        assert_eq!(
            (credit(true), credit(false)),
            (Money::from_cents(500), Money::ZERO)
        );
        assert!(with(true, 0).validate().is_ok());
        for (enabled, cents) in [(true, -1), (false, -1), (true, 100_000_001)] {
            let wrong = with(enabled, cents).validate().unwrap_err();
            assert_eq!(wrong.problems()[0].field, "openingCredit");
        }
    }
}
