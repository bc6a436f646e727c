//! Checks of the owners of pods: whether they may have, start and pay for them.

use std::sync::Arc;

use super::records::Records;
use super::rules::Rules;
use crate::clock::SteadyClock;
use crate::cluster::reason::{Reason, ReasonCode};
use crate::error::kind::{Error, ErrorKind, Result};
use crate::id::{Role, UserId};
use crate::money::amount::Money;
use crate::money::billing::{Billing, Spent};
use crate::money::meter::{PERIOD_SECONDS, Price};
use crate::pod::record::{Desired, Pod};
use crate::store::traits::UserStore;
use crate::user::profile::User;

/// The owner of a pod, as the store of users knows them.
pub(crate) enum Owner {
    /// They have a record.
    Known(Box<User>),
    /// Never registered: the application is responsible for them.
    Unknown,
}

impl Owner {
    /// Their record, if there is one.
    pub(crate) fn user(&self) -> Option<&User> {
        match self {
            Self::Known(user) => Some(user),
            Self::Unknown => None,
        }
    }

    fn is_client(&self) -> bool {
        self.user().is_none_or(|user| user.role == Role::Client)
    }
}

/// Checks owners against the limits of the platform and their own.
pub(crate) struct Admission {
    pub(crate) users: Arc<dyn UserStore>,
    pub(crate) billing: Arc<dyn Billing>,
    pub(crate) records: Arc<Records>,
    pub(crate) rules: Arc<Rules>,
    pub(crate) clock: Arc<SteadyClock>,
}

impl Admission {
    /// The owner with this id.
    ///
    /// # Errors
    /// `Forbidden` when they were deleted, or are being deleted.
    pub(crate) async fn owner(&self, id: &UserId) -> Result<Owner> {
        let deleted = || {
            let error = Error::new(ErrorKind::Forbidden, "the user was deleted");
            Err(error.with_context("user", "deleted"))
        };
        match self.users.user(id).await? {
            Some(user) if user.deleted => deleted(),
            Some(user) => Ok(Owner::Known(Box::new(user))),
            None if self.users.was_removed(id).await? => deleted(),
            None => Ok(Owner::Unknown),
        }
    }

    /// Whether this user was deleted, or is being deleted.
    pub(crate) async fn is_deleted(&self, id: &UserId) -> Result<bool> {
        match self.owner(id).await {
            Err(error) if *error.kind() == ErrorKind::Forbidden => Ok(true),
            other => other.map(|_| false),
        }
    }

    /// Checks that the owner may have one more pod than those in the store, of which the last `new` are not counted.
    ///
    /// # Errors
    /// `TooManyPods`; those of the store.
    pub(crate) async fn has_room(&self, id: &UserId, owner: &Owner, new: u64) -> Result<()> {
        let limit = self.rules.max_pods;
        if !owner.is_client() {
            return Ok(());
        }
        let others = self.records.count(id).await?.saturating_sub(new);
        if others >= u64::from(limit) {
            return Err(too_many(limit));
        }
        Ok(())
    }

    /// Checks that a user may start a pod at this price, and returns their daily cap.
    ///
    /// # Errors
    /// `Forbidden` when they are suspended; `SpendCapReached`.
    pub(crate) async fn may_start(
        &self,
        owner: &UserId,
        known: &Owner,
        price: Price,
    ) -> Result<Option<Money>> {
        if known.user().is_some_and(|user| user.suspended) {
            let error = Error::new(ErrorKind::Forbidden, "the user is suspended");
            return Err(error.with_context("user", "suspended"));
        }
        let cap = self.daily_cap(known.user());
        if let Some(cap) = cap {
            // A missing account is reported when the money is held.
            let spent = match self.billing.balance(owner).await {
                Err(error) if *error.kind() == ErrorKind::NotFound => None,
                balance => balance?.spent,
            };
            self.within_cap(cap, spent, price)?;
        }
        Ok(cap)
    }

    /// Checks that a daily cap leaves enough for one period: with less the pod would be stopped at once.
    ///
    /// # Errors
    /// `SpendCapReached`.
    pub(crate) fn within_cap(&self, cap: Money, spent: Option<Spent>, price: Price) -> Result<()> {
        let now = self.clock.now();
        let spent = spent.map_or(Money::ZERO, |spent| spent.at(now));
        if spent + price.hourly.for_seconds(PERIOD_SECONDS) <= cap {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::SpendCapReached { cap, spent },
            "the daily spend cap is reached",
        ))
    }

    /// The daily cap of a user: the one in their record, else, for clients, that of the platform.
    pub(crate) fn daily_cap(&self, user: Option<&User>) -> Option<Money> {
        let own = user.and_then(|user| user.daily_cap);
        let client = user.is_none_or(|user| user.role == Role::Client);
        own.or_else(|| self.rules.daily_cap.filter(|_| client))
    }

    /// Checks that money may be held for a pod whose record is stored by now.
    ///
    /// The check comes between storing the record and holding the money, which makes it hold against all
    /// concurrent calls, on any replica and after a crash. The deletion of an owner first sets the flag of the
    /// owner and then changes the stored pods: either the flag is seen here, or the pod is seen there. Of pods
    /// that are created concurrently, the last to be checked sees all others; with room for one of two, it is
    /// possible that neither is admitted.
    ///
    /// # Errors
    /// `Forbidden` when the owner was deleted; `TooManyPods` when the pod is new and one too many.
    pub(crate) async fn may_be_paid(&self, pod: &Pod) -> Result<()> {
        let owner = self.owner(&pod.owner).await?;
        // A pod that was admitted once may be started again, even if the limit is lower by now.
        if pod.run == 1 {
            // A pod deleted meanwhile is not among those counted. It gets no money anyway: its record has changed.
            self.has_room(&pod.owner, &owner, 1).await?;
        }
        Ok(())
    }

    /// Applies concurrent changes of the owner to a pod that was just created or started: the pod was not yet
    /// among those that were changed when its owner got another cap or was suspended.
    pub(crate) async fn apply_owner_state(&self, pod: Pod) -> Result<Pod> {
        let owner = self.users.user(&pod.owner).await?;
        let cap = self.daily_cap(owner.as_ref());
        let suspended = owner.is_some_and(|owner| owner.suspended);
        if cap == pod.owner_cap && !suspended {
            return Ok(pod);
        }
        let now = self.clock.now();
        let changed = self.records.change(&pod.id, |pod| {
            pod.owner_cap = cap;
            if suspended && pod.desired == Desired::Running {
                pod.stop_because(Reason::new(ReasonCode::Suspended, "", now));
            }
            Ok(())
        });
        let changed = changed.await?;
        self.records.wakeups.wake(&changed.id);
        Ok(changed)
    }
}

fn too_many(limit: u32) -> Error {
    Error::new(
        ErrorKind::TooManyPods { limit },
        format!("the owner has {limit} pods and may have no more"),
    )
}

/// Checks that a user is a client. Administrators can't be suspended, deleted or given money, unless they
/// become clients first.
///
/// # Errors
/// `InvalidState`.
pub(crate) fn require_client(user: &User) -> Result<()> {
    match user.role {
        Role::Client => Ok(()),
        Role::Admin => Err(is_administrator()),
    }
}

/// The error for a refused change of an administrator or their account.
pub(crate) fn is_administrator() -> Error {
    Error::new(ErrorKind::InvalidState, "the account is an administrator's")
        .with_context("user", "administrator")
}
