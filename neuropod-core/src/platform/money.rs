//! Prices, balances and statements.

use jiff::Timestamp;

use super::{Inner, Platform};
use crate::billing::{Balance, BillingExt, EntryOptions, Spent};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{Actor, Role, UserId};
use crate::meter::{PERIOD_SECONDS, Price};
use crate::money::Money;
use crate::pod::{Desired, Pod, PodSpec};
use crate::pricing::{PriceList, PricePolicy};
use crate::statement::Statement;
use crate::user::User;

impl Platform {
    /// The prices of new starts.
    pub async fn prices(&self) -> Result<PriceList> {
        self.0.current_prices().await
    }

    /// Stores new prices, as the version after that of `prices`. What they mean for pods that run is for the
    /// [`PricePolicy`].
    ///
    /// # Errors
    /// `Forbidden` for clients; `Invalid` when a price can't be charged; `Conflict` when there are newer prices.
    pub async fn set_prices(&self, actor: &Actor, prices: &PriceList) -> Result<PriceList> {
        actor.require_admin()?;
        prices.validate()?;
        let stored = self.0.store.add_prices(prices).await?;
        for pod in self.0.records(None, true).await? {
            if let Err(error) = self.0.reprice(&pod, &stored).await {
                // The prices are stored; it gets its new one when everything is looked at.
                tracing::warn!(pod = %pod.id, %error, "it can't be given its new price now");
            }
        }
        Ok(stored)
    }

    /// What is in the account of a user: one's own, or any for an administrator.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound` when there is no account.
    pub async fn balance(&self, actor: &Actor, user: &UserId) -> Result<Balance> {
        actor.require_access(user)?;
        self.0.billing.balance(user).await
    }

    /// What happened in an account from one time to another, summed by pod and by kind.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound` when there is no account.
    pub async fn statement(
        &self,
        actor: &Actor,
        user: &UserId,
        from: Option<Timestamp>,
        until: Option<Timestamp>,
    ) -> Result<Statement> {
        actor.require_access(user)?;
        let options = EntryOptions {
            from,
            until,
            ..EntryOptions::default()
        };
        Ok(Statement::of(self.0.billing.entries_of(user, &options).await?))
    }
}

impl Inner {
    /// The newest price list; the one the platform was built with until the store has one.
    pub(super) async fn current_prices(&self) -> Result<PriceList> {
        Ok(self
            .store
            .prices(None)
            .await?
            .unwrap_or_else(|| self.prices.clone()))
    }

    /// What a user may spend on a day: what their record says, else for clients what the platform says.
    pub(super) fn cap_of(&self, user: Option<&User>) -> Option<Money> {
        let own = user.and_then(|user| user.daily_cap);
        let client = user.is_none_or(|user| user.role == Role::Client);
        own.or_else(|| self.daily_cap.filter(|_| client))
    }

    /// What a pod costs per hour from now on.
    pub(super) async fn price_of(&self, spec: &PodSpec) -> Result<Price> {
        Ok(price(&self.current_prices().await?, spec))
    }

    /// Gives a pod the price of this list: a stopped one, and where the policy says so a running one too.
    pub(super) async fn reprice(&self, pod: &Pod, prices: &PriceList) -> Result<()> {
        let outdated = |pod: &Pod| {
            let changes = match pod.desired {
                Desired::Running => self.price_policy == PricePolicy::Current,
                // One that has not stopped yet goes on at its price.
                Desired::Stopped => pod.meter.from.is_none(),
                Desired::Deleted { .. } => false,
            };
            changes && pod.price.version < prices.version
        };
        if outdated(pod) {
            let repriced = self
                .change(&pod.id, |pod| {
                    if outdated(pod) {
                        pod.price = price(prices, &pod.spec);
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

/// Whether a daily cap leaves enough for a period: with less a pod would be stopped at once.
///
/// # Errors
/// `SpendCapReached`.
pub(super) fn within_cap(cap: Money, spent: Option<Spent>, price: Price, now: Timestamp) -> Result<()> {
    let spent = spent.map_or(Money::ZERO, |spent| spent.at(now));
    if spent + price.hourly.for_seconds(PERIOD_SECONDS) <= cap {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::SpendCapReached { cap, spent },
        "the daily spend cap is reached",
    ))
}

fn price(prices: &PriceList, spec: &PodSpec) -> Price {
    let quote = prices.quote(&spec.gpu, spec.container_disk_gb, spec.volume_disk_gb);
    Price {
        hourly: quote.hourly(),
        stopped: quote.hourly_stopped(),
        version: prices.version,
    }
}
