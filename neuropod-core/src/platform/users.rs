//! The people of a platform: their records, their accounts, and what becomes of their pods.

use super::audit::Trail;
use super::{Inner, Platform};
use crate::cluster::reason::{Reason, ReasonCode};
use crate::error::kind::{Error, ErrorKind, Result};
use crate::error::validation::{Problem, ValidationErrors, Violation};
use crate::id::{Actor, Role, UserId};
use crate::money::amount::Money;
use crate::money::billing::{AccountKind, BillingExt, Entry, EntryKind, Posting, PostingKind};
use crate::money::pricing::{OpeningCredit, PriceList};
use crate::pod::record::{Desired, Pod};
use crate::store::audit::{AuditAction, AuditChange};
use crate::user::person::{check_email, check_person_name};
use crate::user::profile::{User, opening_key};

impl Platform {
    /// Makes a user known and opens their account: clients with the opening credit, administrators without limit.
    /// Called again for a user who is known it completes what is missing, and gives nothing twice; so it does for one
    /// who was deleted and comes again under the same id.
    ///
    /// # Errors
    /// `Invalid` when the e-mail address or the name of somebody new is none (see [`crate::user::person`]); `AlreadyExists`
    /// when somebody else has the e-mail address or the identity, with the context `field`; `Forbidden` while they are
    /// being deleted.
    pub async fn register(&self, user: &User) -> Result<User> {
        let platform = &*self.0;
        let stored = match platform.store.user(&user.id).await? {
            Some(known) => known,
            None => platform.insert_user(user).await?,
        };
        if stored.deleted {
            let error = Error::new(ErrorKind::Forbidden, "the user is being deleted");
            return Err(error.with_context("user", "deleted"));
        }
        let (kind, credit) = match stored.role {
            Role::Client => (AccountKind::Prepaid, self.opening_credit().await?.credit()),
            Role::Admin => (AccountKind::Unlimited, Money::ZERO),
        };
        platform.billing.open(&stored.id, kind).await?;
        if stored.role == Role::Client {
            platform.make_up(&stored).await?;
        }
        let key = opening_key(&stored.id);
        let given = match (stored.role, credit > Money::ZERO) {
            (Role::Client, true) => platform.billing.deposit(&key, &stored.id, credit).await,
            // Who came when there was none gets none later either.
            (Role::Client, false) => platform.billing.release(&key).await,
            (Role::Admin, _) => Ok(()),
        };
        match given {
            // It was given when it was another amount, or what another platform knew was brought instead.
            Err(error) if *error.kind() == ErrorKind::Conflict && !error.is_retryable() => {}
            given => given?,
        }
        platform.feed.account(&stored.id);
        Ok(stored)
    }

    /// What new clients get now: what administrators have set with the prices, else what the platform was built with.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn opening_credit(&self) -> Result<OpeningCredit> {
        Ok(self.opening_credit_of(&self.prices().await?))
    }

    /// What new clients get by this price list.
    pub fn opening_credit_of(&self, prices: &PriceList) -> OpeningCredit {
        let built_with = || OpeningCredit::of(self.0.opening_credit);
        prices.opening_credit.unwrap_or_else(built_with)
    }

    /// Corrects an account so that `available` can be spent, by one adjustment in its ledger. Once for each key, however
    /// often it is repeated; what is charged at the same moment comes on top.
    ///
    /// # Errors
    /// `Forbidden` for clients; `NotFound`; `Invalid` when the amount is negative or out of range; `InvalidState` when
    /// the account is an administrator's, which has no limit.
    pub async fn set_balance(&self, actor: &Actor, user: &UserId, available: Money, key: &str) -> Result<()> {
        let platform = &*self.0;
        let action = AuditAction::BalanceSet;
        let mut trail = platform.trail_on_user(actor, action, user).await?;
        let done = platform
            .set_balance(actor, user, available, key, &mut trail)
            .await;
        trail.end(done).await
    }

    /// Limits what a user may spend on a day (UTC) for all of their pods; `None`: to what the platform says. Pods that
    /// run are held to it from their next period on.
    ///
    /// # Errors
    /// `Forbidden` for clients; `NotFound`; `Invalid` when the cap is negative.
    pub async fn set_daily_cap(&self, actor: &Actor, user: &UserId, cap: Option<Money>) -> Result<User> {
        let platform = &*self.0;
        let action = AuditAction::DailyCapSet;
        let mut trail = platform.trail_on_user(actor, action, user).await?;
        let done = platform.set_daily_cap(actor, user, cap, &mut trail).await;
        trail.end(done).await
    }

    /// Suspends a user: their pods are stopped and say why, and they start none until they are no longer suspended. What
    /// was stopped stays so when that ends; its owner can start it then.
    ///
    /// # Errors
    /// `Forbidden` for clients; `NotFound`; `InvalidState` when an administrator is to be suspended.
    pub async fn suspend(&self, actor: &Actor, user: &UserId, suspended: bool) -> Result<User> {
        let platform = &*self.0;
        let action = if suspended {
            AuditAction::UserSuspended
        } else {
            AuditAction::UserResumed
        };
        let trail = platform.trail_on_user(actor, action, user).await?;
        let done = platform.suspend(actor, user, suspended).await;
        trail.end(done).await
    }

    /// Stops all pods of a user that run or are to run, and nothing more: they may start them again.
    ///
    /// # Errors
    /// `Forbidden` when they are somebody else's.
    pub async fn stop_all(&self, actor: &Actor, owner: &UserId) -> Result<()> {
        let platform = &*self.0;
        if actor.id == *owner {
            return platform.stop_all(actor, owner).await;
        }
        let action = AuditAction::UserPodsStopped;
        let trail = platform.trail_on_user(actor, action, owner).await?;
        let done = platform.stop_all(actor, owner).await;
        trail.end(done).await
    }

    /// Makes a user an administrator or a client, and their account what it is for them. An administrator's account may
    /// be below zero: what administrators use is the platform's own, so that is made up for when they become a client.
    ///
    /// Called again it completes what is missing.
    ///
    /// # Errors
    /// `Forbidden` for clients; `NotFound`.
    pub async fn set_role(&self, actor: &Actor, user: &UserId, role: Role) -> Result<User> {
        let platform = &*self.0;
        let action = AuditAction::RoleChanged;
        let mut trail = platform.trail_on_user(actor, action, user).await?;
        let done = self.change_role(actor, user, role, &mut trail).await;
        trail.end(done).await
    }

    async fn change_role(
        &self,
        actor: &Actor,
        user: &UserId,
        role: Role,
        trail: &mut Trail<'_>,
    ) -> Result<User> {
        actor.require_admin()?;
        let platform = &*self.0;
        let text = |role: Role| {
            Some(match role {
                Role::Admin => "admin".to_owned(),
                Role::Client => "client".to_owned(),
            })
        };
        trail.change = Some(AuditChange::new(
            text(platform.user(user).await?.role),
            text(role),
        ));
        let stored = platform.change_user(user, |user| user.role = role).await?;
        let stored = self.register(&stored).await?;
        let cap = platform.cap_of(Some(&stored));
        platform.for_all_pods(user, |pod| pod.owner_cap = cap).await?;
        Ok(stored)
    }

    /// Deletes a user with all their pods and volumes. Their ledger stays. What they asked for and comes late is
    /// refused, or ended by the driver; a deletion that is broken off is finished by it.
    ///
    /// # Errors
    /// `Forbidden` for clients; `NotFound`; `InvalidState` when they are an administrator.
    pub async fn delete_user(&self, actor: &Actor, user: &UserId) -> Result<()> {
        let platform = &*self.0;
        let action = AuditAction::UserDeleted;
        let trail = platform.trail_on_user(actor, action, user).await?;
        let done = platform.delete_user(actor, user).await;
        trail.end(done).await
    }
}

/// Administrators manage, and are not managed: who should be suspended, deleted or given money has to be a client first.
fn require_client(user: &User) -> Result<()> {
    match user.role {
        Role::Client => Ok(()),
        Role::Admin => Err(is_administrator()),
    }
}

pub(super) fn is_administrator() -> Error {
    Error::new(ErrorKind::InvalidState, "the account is an administrator's")
        .with_context("user", "administrator")
}

impl Inner {
    async fn set_balance(
        &self,
        actor: &Actor,
        user: &UserId,
        available: Money,
        key: &str,
        trail: &mut Trail<'_>,
    ) -> Result<()> {
        actor.require_admin()?;
        if available.is_negative() {
            return Err(ValidationErrors::from(Problem::new("balance", Violation::Amount)).into());
        }
        if let Some(user) = self.store.user(user).await? {
            require_client(&user)?;
        }
        let billing = &self.billing;
        let balance = billing.balance(user).await?;
        if balance.kind == AccountKind::Unlimited {
            return Err(is_administrator());
        }
        let amounts = [balance.available, available].map(|amount| Some(amount.to_string()));
        let [before, after] = amounts;
        trail.change = Some(AuditChange::new(before, after));
        let by = available - balance.available;
        let posting = Posting::new(key, user, PostingKind::Adjustment, by);
        let posted = billing.post(&posting).await;
        self.feed.account(user);
        match posted {
            // The same again is another amount: the first one has changed the balance.
            Err(error) if *error.kind() == ErrorKind::Conflict => {
                let entries = billing.all_entries(user).await?;
                let done = |entry: &Entry| entry.key == key && entry.kind == EntryKind::Adjustment;
                if entries.iter().any(done) {
                    Ok(())
                } else {
                    Err(error)
                }
            }
            other => other,
        }
    }

    async fn set_daily_cap(
        &self,
        actor: &Actor,
        user: &UserId,
        cap: Option<Money>,
        trail: &mut Trail<'_>,
    ) -> Result<User> {
        actor.require_admin()?;
        if cap.is_some_and(Money::is_negative) {
            return Err(ValidationErrors::from(Problem::new("dailyCap", Violation::Amount)).into());
        }
        let before = self.user(user).await?.daily_cap;
        let text = |cap: Option<Money>| cap.map(|cap| cap.to_string());
        trail.change = Some(AuditChange::new(text(before), text(cap)));
        let stored = self.change_user(user, |user| user.daily_cap = cap).await?;
        let cap = self.cap_of(Some(&stored));
        self.for_all_pods(user, |pod| pod.owner_cap = cap).await?;
        self.feed.account(user);
        Ok(stored)
    }

    async fn suspend(&self, actor: &Actor, user: &UserId, suspended: bool) -> Result<User> {
        actor.require_admin()?;
        let known = self.user(user).await?;
        if suspended {
            require_client(&known)?;
        }
        let stored = self.change_user(user, |user| user.suspended = suspended).await?;
        self.feed.account(user);
        let now = self.clock.now();
        self.for_all_pods(user, |pod| {
            if suspended && pod.desired == Desired::Running {
                pod.stop_because(Reason::new(ReasonCode::Suspended, "", now));
                pod.requested_at = now;
            } else if !suspended && pod.is_suspended() {
                pod.reason = None;
            }
        })
        .await?;
        Ok(stored)
    }

    async fn stop_all(&self, actor: &Actor, owner: &UserId) -> Result<()> {
        actor.require_access(owner)?;
        let now = self.clock.now();
        self.for_all_pods(owner, |pod| {
            if pod.desired == Desired::Running {
                pod.stop();
                pod.requested_at = now;
            }
        })
        .await
    }

    async fn delete_user(&self, actor: &Actor, user: &UserId) -> Result<()> {
        actor.require_admin()?;
        require_client(&self.user(user).await?)?;
        // Marked first: from here on nothing of theirs is paid for, so that nothing starts while the rest goes.
        self.change_user(user, |user| user.deleted = true).await?;
        self.end_user(user).await
    }

    async fn insert_user(&self, user: &User) -> Result<User> {
        let checks = [
            ("email", check_email(&user.email)),
            ("name", check_person_name(&user.name)),
        ];
        let problems = checks.into_iter().filter_map(|(field, check)| {
            let violation = check.err()?;
            Some(Problem::new(field, violation))
        });
        ValidationErrors::check(problems.collect())?;
        match self.store.insert_user(user).await {
            // By the same call beside this one.
            Err(error)
                if *error.kind() == ErrorKind::AlreadyExists && error.context("field") == Some("id") =>
            {
                self.user(&user.id).await
            }
            other => other,
        }
    }

    /// Brings the account of a client to zero where it is below: they were an administrator before.
    async fn make_up(&self, user: &User) -> Result<()> {
        let available = self.billing.balance(&user.id).await?.available;
        if !available.is_negative() {
            return Ok(());
        }
        let key = format!("role:{}:{}", user.id, user.version);
        let missing = Money::ZERO - available;
        let posting = Posting::new(key, &user.id, PostingKind::Adjustment, missing);
        match self.billing.post(&posting).await {
            // It was made up for beside this, when it was another amount.
            Err(error) if *error.kind() == ErrorKind::Conflict && !error.is_retryable() => Ok(()),
            posted => posted,
        }
    }

    async fn user(&self, id: &UserId) -> Result<User> {
        let gone = || Error::new(ErrorKind::NotFound, "there is no such user");
        self.store.user(id).await?.ok_or_else(gone)
    }

    async fn change_user(&self, id: &UserId, change: impl Fn(&mut User)) -> Result<User> {
        loop {
            let mut user = self.user(id).await?;
            change(&mut user);
            match self.store.update_user(&user).await {
                Err(error) if *error.kind() == ErrorKind::Conflict => {}
                other => return other,
            }
        }
    }

    /// Changes every pod of a user.
    async fn for_all_pods(&self, owner: &UserId, change: impl Fn(&mut Pod)) -> Result<()> {
        for pod in self.records(Some(owner), false).await? {
            self.change_if_there(&pod.id, &change).await?;
        }
        Ok(())
    }
}
