//! Prices: the list that holds, changes of it, and quotes.

use std::collections::BTreeMap;

use crate::error::kind::Result;
use crate::error::validation::{Problem, ValidationErrors, Violation};
use crate::id::Actor;
use crate::money::pricing::{OpeningCredit, PriceList, Quote};
use crate::platform::audit_trail::PendingEntry;
use crate::platform::handle::Platform;
use crate::store::audit::{AuditAction, AuditChange, AuditTarget};

impl Platform {
    /// The prices of new starts.
    pub async fn prices(&self) -> Result<PriceList> {
        self.0.price_book.current().await
    }

    /// Stores new prices, as the version after that of `prices`. The [`PricePolicy`](crate::money::pricing::PricePolicy) decides what they
    /// mean for pods that run.
    ///
    /// # Errors
    /// `Forbidden` for clients; `Invalid` when a price can't be charged; `Conflict` when there are newer prices.
    pub async fn set_prices(&self, actor: &Actor, prices: &PriceList) -> Result<PriceList> {
        let action = AuditAction::PricesSet;
        let mut entry = self.0.audit.begin(actor, action, AuditTarget::Prices).await?;
        let done = self.store_prices(actor, prices, &mut entry).await;
        entry.finish(done).await
    }

    /// The credit of new clients: the amount set by administrators with the prices, else that of the platform's
    /// builder.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn opening_credit(&self) -> Result<OpeningCredit> {
        Ok(self.opening_credit_of(&self.prices().await?))
    }

    /// The credit of new clients by this price list.
    pub fn opening_credit_of(&self, prices: &PriceList) -> OpeningCredit {
        let built_with = || OpeningCredit::of(self.0.rules.opening_credit);
        prices.opening_credit.unwrap_or_else(built_with)
    }

    /// The cost per hour of a pod with this GPU type and disks of these sizes (GB).
    ///
    /// # Errors
    /// `Invalid` when the GPU type is unknown or a size is out of range.
    pub async fn quote(&self, gpu: &str, disk_gb: u32, volume_gb: u32) -> Result<Quote> {
        let limits = &self.0.rules.limits;
        let mut problems = Vec::new();
        if self.0.rules.catalogue.get(gpu).is_none() {
            problems.push(Problem::new("gpu", Violation::GpuUnknown));
        }
        let sizes = [
            ("disk_gb", disk_gb, limits.disk_gb),
            ("volume_gb", volume_gb, limits.volume_gb),
        ];
        for (field, size, max) in sizes {
            if !(1..=max).contains(&size) {
                problems.push(Problem::new(field, Violation::OutOfRange { min: 1, max }));
            }
        }
        ValidationErrors::check(problems)?;
        Ok(self.0.price_book.current().await?.quote(gpu, disk_gb, volume_gb))
    }

    async fn store_prices(
        &self,
        actor: &Actor,
        prices: &PriceList,
        entry: &mut PendingEntry<'_>,
    ) -> Result<PriceList> {
        actor.require_admin()?;
        let parts = &*self.0;
        prices.validate()?;
        let before = parts.price_book.current().await?;
        let stored = parts.price_book.add(prices).await?;
        entry.change = Some(differences(&before, &stored));
        for pod in parts.records.all(None, true).await? {
            if let Err(error) = parts.price_book.reprice(&pod, &stored).await {
                // The prices are stored; the pod gets its new one at the next resync.
                tracing::warn!(pod = %pod.id, %error, "the pod can't be given its new price now");
            }
        }
        Ok(stored)
    }
}

/// The differences between two price lists, each price under its name.
fn differences(before: &PriceList, after: &PriceList) -> AuditChange {
    let (before, after) = (named_prices(before), named_prices(after));
    let text = |list: &BTreeMap<String, String>, other: &BTreeMap<String, String>| {
        let changed = list
            .iter()
            .filter(|(name, price)| other.get(*name) != Some(price));
        let changed: Vec<_> = changed.map(|(name, price)| format!("{name} {price}")).collect();
        (!changed.is_empty()).then(|| changed.join(", "))
    };
    AuditChange::new(text(&before, &after), text(&after, &before))
}

/// Every price of a list, by its name.
fn named_prices(prices: &PriceList) -> BTreeMap<String, String> {
    let PriceList {
        version: _,
        gpus,
        other_gpu,
        container_disk_gb,
        volume_disk_gb,
        opening_credit,
    } = prices;
    let opening = opening_credit.map(|opening| ("openingCredit".to_owned(), opening.credit().to_string()));
    let others = [
        ("otherGpu", other_gpu),
        ("containerDiskGb", container_disk_gb),
        ("volumeDiskGb", volume_disk_gb),
    ];
    let gpus = gpus.iter().map(|(id, price)| (id.clone(), price.to_string()));
    let others = others.map(|(name, price)| (name.to_owned(), price.to_string()));
    gpus.chain(others).chain(opening).collect()
}
