//! Prices, balances and statements.

use std::collections::BTreeMap;

use futures::StreamExt;
use futures::stream::{self, BoxStream};
use jiff::Timestamp;
use tokio::sync::broadcast::error::RecvError;

use super::audit::Trail;
use super::{Inner, Platform};
use crate::error::kind::{Error, ErrorKind, Result};
use crate::id::{Actor, Role, UserId};
use crate::money::amount::Money;
use crate::money::billing::{Balance, BillingExt, Entry, EntryOptions, Spent};
use crate::money::meter::{PERIOD_SECONDS, Price};
use crate::money::pricing::{PriceList, PricePolicy};
use crate::money::standing::Standing;
use crate::money::statement::Statement;
use crate::pod::record::{Desired, Pod, PodSpec};
use crate::store::audit::{AuditAction, AuditChange, AuditTarget};
use crate::user::profile::User;

/// That something has changed in an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccountChange {
    /// In the account of this user.
    Changed(UserId),
    /// In any account: so many changes were missed, because they were not taken in time.
    Missed(u64),
}

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
        let platform = &*self.0;
        let action = AuditAction::PricesSet;
        let mut trail = platform.trail(actor, action, AuditTarget::Prices).await?;
        let done = platform.set_prices(actor, prices, &mut trail).await;
        trail.end(done).await
    }

    /// What is in the account of a user: one's own, or any for an administrator.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound` when there is no account.
    pub async fn balance(&self, actor: &Actor, user: &UserId) -> Result<Balance> {
        actor.require_access(user)?;
        self.0.billing.balance(user).await
    }

    /// What happened in an account, summed by day, pod and kind: from `from` on and before `until`, by the times at
    /// which it was booked.
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
        let mut statement = Statement::default();
        self.0
            .billing
            .for_each_entry(user, &options, |entry| statement.add(&entry))
            .await?;
        Ok(statement)
    }

    /// A page of the entries of an account, oldest first.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound` when there is no account; `Invalid` when the limit is 0 or more than
    /// [`MAX_ENTRIES`](crate::money::billing::MAX_ENTRIES).
    pub async fn entries(&self, actor: &Actor, user: &UserId, options: &EntryOptions) -> Result<Vec<Entry>> {
        actor.require_access(user)?;
        self.0.billing.entries(user, options).await
    }

    /// How the account of a user stands: what is in it, what its pods cost, and whether it runs low.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound` when there is no account.
    pub async fn standing(&self, actor: &Actor, user: &UserId) -> Result<Standing> {
        actor.require_access(user)?;
        let platform = &*self.0;
        let balance = platform.billing.balance(user).await?;
        let record = platform.store.user(user).await?;
        let pods = platform.records(Some(user), false).await?;
        let mut standing = Standing::of(balance, &pods, &platform.low_balance_marks);
        standing.suspended = record.as_ref().is_some_and(|user| user.suspended);
        standing.daily_cap = platform.cap_of(record.as_ref());
        standing.spent_today = balance
            .spent
            .map_or(Money::ZERO, |spent| spent.at(platform.clock.now()));
        Ok(standing)
    }

    /// Tells whose account has changed: its money, what its pods cost, or what it may do. Many changes of an account may
    /// be told as one or as several; how it is then is told by [`standing`](Self::standing). Clients hear of their own
    /// account, administrators of all.
    ///
    /// The stream never ends. Changes by other processes on the same store are not told, nor what is posted to
    /// [`Billing`](crate::Billing) without the platform: whoever has to know of them asks from time to time.
    pub fn account_changes(&self, actor: &Actor) -> BoxStream<'static, AccountChange> {
        let actor = actor.clone();
        let changes = stream::unfold(self.0.feed.accounts(), |mut accounts| async {
            let change = match accounts.recv().await {
                Ok(user) => AccountChange::Changed(user),
                Err(RecvError::Lagged(missed)) => AccountChange::Missed(missed),
                Err(RecvError::Closed) => return None,
            };
            Some((change, accounts))
        });
        let heard = move |change: &AccountChange| {
            std::future::ready(match change {
                AccountChange::Changed(user) => actor.may_touch(user),
                AccountChange::Missed(_) => true,
            })
        };
        changes.filter(heard).boxed()
    }
}

impl Inner {
    async fn set_prices(
        &self,
        actor: &Actor,
        prices: &PriceList,
        trail: &mut Trail<'_>,
    ) -> Result<PriceList> {
        actor.require_admin()?;
        prices.validate()?;
        let before = self.current_prices().await?;
        let stored = self.store.add_prices(prices).await?;
        trail.change = Some(differences(&before, &stored));
        for pod in self.records(None, true).await? {
            if let Err(error) = self.reprice(&pod, &stored).await {
                // The prices are stored; it gets its new one when everything is looked at.
                tracing::warn!(pod = %pod.id, %error, "it can't be given its new price now");
            }
        }
        Ok(stored)
    }

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

/// What differs between two price lists, each price under its name.
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
