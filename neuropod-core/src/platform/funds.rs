//! The money of pods: held, charged and released as their meters ask.

use std::sync::Arc;

use super::admission::Admission;
use super::feed::Feed;
use super::records::Records;
use super::rules::Rules;
use crate::clock::SteadyClock;
use crate::error::kind::{Error, ErrorKind, Result};
use crate::money::billing::{AccountKind, Balance, Billing, Draw, Drawn};
use crate::money::meter::{HOLD_SECONDS, Price};
use crate::pod::record::Pod;
use crate::reconcile::{self, Action};

/// Carries out what the meters of pods ask of the billing.
pub(crate) struct Funds {
    pub(crate) billing: Arc<dyn Billing>,
    pub(crate) admission: Arc<Admission>,
    pub(crate) records: Arc<Records>,
    pub(crate) feed: Arc<Feed>,
    pub(crate) rules: Arc<Rules>,
    pub(crate) clock: Arc<SteadyClock>,
}

impl Funds {
    /// Carries out an action on the billing, and returns the record as it should be afterwards; `None`: it stays as it is.
    pub(crate) async fn carry_out(&self, pod: &Pod, action: &Action) -> Result<Option<Pod>> {
        let next = match action {
            Action::Hold(hold) => {
                self.admission.may_be_paid(pod).await?;
                self.billing.hold(hold).await?;
                reconcile::done(pod, action)
            }
            Action::Release { key } => {
                self.billing.release(key).await?;
                reconcile::done(pod, action)
            }
            Action::Draw(draw) => {
                let drawn = self.billing.draw(draw).await?;
                let account = self.balance_after(pod, draw, &drawn).await;
                let grace = self.rules.volume_grace;
                reconcile::drawn(pod, draw, &drawn, account.as_ref(), grace, self.clock.now())
            }
            _ => return Ok(reconcile::done(pod, action)),
        };
        self.feed.publish_account(&pod.owner);
        Ok(next)
    }

    /// The balance after a charge, where it decides about the length of the next period. A balance that can't be read
    /// now leaves that short: the charge itself is done.
    async fn balance_after(&self, pod: &Pod, draw: &Draw, drawn: &Drawn) -> Option<Balance> {
        let decides = draw.hold.is_some() && drawn.held == draw.top_up && !pod.has_cap();
        if !decides {
            return None;
        }
        self.billing.balance(&pod.owner).await.ok()
    }

    /// Holds the money of a pod whose meter requests it, before the driver does, so that its owner learns at
    /// once that the balance is too low. Any other failure is handled by the driver.
    ///
    /// # Errors
    /// With the record as it should be: `InsufficientFunds`; `NotFound` when the owner has no account; `Forbidden` when
    /// they were deleted; `TooManyPods`.
    pub(crate) async fn hold_now(&self, pod: Pod) -> Result<Pod, (Pod, Error)> {
        let now = self.clock.now();
        let Some(hold) = reconcile::next_charge(&pod).filter(|action| matches!(action, Action::Hold(_)))
        else {
            return Ok(pod);
        };
        match self.carry_out(&pod, &hold).await {
            // If this can't be stored now, the driver finds out about the hold again.
            Ok(Some(next)) => Ok(self.records.save(&next).await.unwrap_or(pod)),
            Ok(None) => Ok(pod),
            Err(error) => match reconcile::failed(&pod, &hold, &error, now) {
                Some(refused) => Err((refused, error)),
                None => Ok(pod),
            },
        }
    }

    /// Checks that the owner can pay the first hour, before anything changes, so that a stopped pod stays as it is. The
    /// hold itself, which decides, is the driver's.
    ///
    /// # Errors
    /// `InsufficientFunds`; `NotFound` when the owner has no account.
    pub(crate) async fn can_pay(&self, pod: &Pod, price: Price) -> Result<()> {
        let required = price.hourly.for_seconds(HOLD_SECONDS);
        let balance = self.billing.balance(&pod.owner).await?;
        if balance.kind == AccountKind::Unlimited || balance.available >= required {
            return Ok(());
        }
        let available = balance.available;
        Err(Error::new(
            ErrorKind::InsufficientFunds { required, available },
            "not enough money for an hour",
        ))
    }
}
