//! The prices that hold now, and what a change of them means for pods.

use std::sync::Arc;

use super::records::Records;
use super::rules::Rules;
use crate::error::kind::{ErrorKind, Result};
use crate::money::meter::Price;
use crate::money::pricing::{PriceList, PricePolicy};
use crate::pod::options::PodOptions;
use crate::pod::record::{Desired, Pod};
use crate::store::traits::PriceStore;

/// The price lists in the store, with the list that the platform was built with below them.
pub(crate) struct PriceBook {
    pub(crate) store: Arc<dyn PriceStore>,
    pub(crate) records: Arc<Records>,
    pub(crate) rules: Arc<Rules>,
}

impl PriceBook {
    /// The newest price list; the one the platform was built with until the store has one.
    pub(crate) async fn current(&self) -> Result<PriceList> {
        Ok(self
            .store
            .prices(None)
            .await?
            .unwrap_or_else(|| self.rules.prices.clone()))
    }

    /// Stores a price list as the next version.
    ///
    /// # Errors
    /// `Conflict` when there is a newer one.
    pub(crate) async fn add(&self, prices: &PriceList) -> Result<PriceList> {
        self.store.add_prices(prices).await
    }

    /// The cost per hour of a pod from now on.
    pub(crate) async fn price_of(&self, options: &PodOptions) -> Result<Price> {
        Ok(price(&self.current().await?, options))
    }

    /// Gives a pod the price of this list: a stopped one, and where the policy says so a running one too.
    pub(crate) async fn reprice(&self, pod: &Pod, prices: &PriceList) -> Result<()> {
        let outdated = |pod: &Pod| {
            let changes = match pod.desired {
                Desired::Running => self.rules.price_policy == PricePolicy::Current,
                // A pod that has not stopped yet keeps its price until it has.
                Desired::Stopped => pod.meter.from.is_none(),
                Desired::Deleted { .. } => false,
            };
            changes && pod.price.version < prices.version
        };
        if outdated(pod) {
            let repriced = self
                .records
                .change(&pod.id, |pod| {
                    if outdated(pod) {
                        pod.price = price(prices, &pod.options);
                    }
                    Ok(())
                })
                .await;
            match repriced {
                // It has just gone.
                Err(error) if *error.kind() == ErrorKind::NotFound => {}
                other => drop(other?),
            }
        }
        Ok(())
    }
}

fn price(prices: &PriceList, options: &PodOptions) -> Price {
    let quote = prices.quote(options.gpu(), options.disk_gb(), options.volume_gb());
    Price {
        hourly: quote.hourly(),
        stopped: quote.hourly_stopped(),
        version: prices.version,
    }
}
