//! The people of a platform: their records, their accounts, and what becomes of their pods.

use crate::audit::{AuditAction, AuditChange};
use crate::billing::{AccountKind, BillingExt, Posting, PostingKind};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{Actor, Role, UserId};
use crate::money::Money;
use crate::person::{check_email, check_person_name};
use crate::platform::admission::require_client;
use crate::platform::audit_trail::PendingEntry;
use crate::platform::handle::Platform;
use crate::pod::Desired;
use crate::reason::{Reason, ReasonCode};
use crate::user::{User, opening_key};
use crate::validation::{Problem, ValidationErrors, Violation};

impl Platform {
    /// Registers a user and opens their account: clients with the opening credit, administrators without limit.
    /// Called again for a registered user it completes what is missing, and gives nothing twice; so it does for a user who
    /// was deleted and comes again under the same id.
    ///
    /// # Errors
    /// `Invalid` when the e-mail address or the name of somebody new is not valid (see [`crate::person`]); `AlreadyExists`
    /// when somebody else has the e-mail address or the identity, with the context `field`; `Forbidden` while they are
    /// being deleted.
    pub async fn register(&self, user: &User) -> Result<User> {
        let parts = &*self.0;
        let stored = match parts.users.user(&user.id).await? {
            Some(known) => known,
            None => self.insert_user(user).await?,
        };
        if stored.deleted {
            let error = Error::new(ErrorKind::Forbidden, "the user is being deleted");
            return Err(error.with_context("user", "deleted"));
        }
        let (kind, credit) = match stored.role {
            Role::Client => (AccountKind::Prepaid, self.opening_credit().await?.credit()),
            Role::Admin => (AccountKind::Unlimited, Money::ZERO),
        };
        parts.billing.open(&stored.id, kind).await?;
        if stored.role == Role::Client {
            self.clear_debt(&stored).await?;
        }
        let key = opening_key(&stored.id);
        let given = match (stored.role, credit > Money::ZERO) {
            (Role::Client, true) => parts.billing.deposit(&key, &stored.id, credit).await,
            // Who registered when there was no credit gets none later either.
            (Role::Client, false) => parts.billing.release(&key).await,
            (Role::Admin, _) => Ok(()),
        };
        match given {
            // It was given when it was another amount, or a migrated balance took its place.
            Err(error) if *error.kind() == ErrorKind::Conflict && !error.is_retryable() => {}
            given => given?,
        }
        parts.feed.publish_account(&stored.id);
        Ok(stored)
    }

    /// Limits what a user may spend on a day (UTC) for all of their pods; `None`: the platform's default holds. It holds for
    /// running pods from their next period on.
    ///
    /// # Errors
    /// `Forbidden` for clients; `NotFound`; `Invalid` when the cap is negative.
    pub async fn set_daily_cap(&self, actor: &Actor, user: &UserId, cap: Option<Money>) -> Result<User> {
        let action = AuditAction::DailyCapSet;
        let mut entry = self.0.audit.begin_on_user(actor, action, user).await?;
        let done = self.store_daily_cap(actor, user, cap, &mut entry).await;
        entry.finish(done).await
    }

    /// Suspends a user: their pods are stopped and say why, and they start none until they are no longer suspended. What
    /// was stopped stays so when that ends; its owner can start it then.
    ///
    /// # Errors
    /// `Forbidden` for clients; `NotFound`; `InvalidState` when an administrator is to be suspended.
    pub async fn suspend(&self, actor: &Actor, user: &UserId, suspended: bool) -> Result<User> {
        let action = if suspended {
            AuditAction::UserSuspended
        } else {
            AuditAction::UserResumed
        };
        let entry = self.0.audit.begin_on_user(actor, action, user).await?;
        let done = self.store_suspension(actor, user, suspended).await;
        entry.finish(done).await
    }

    /// Stops all pods of a user that run or are to run. They may start them again.
    ///
    /// # Errors
    /// `Forbidden` when they are somebody else's.
    pub async fn stop_all(&self, actor: &Actor, owner: &UserId) -> Result<()> {
        if actor.id == *owner {
            return self.stop_pods(actor, owner).await;
        }
        let action = AuditAction::UserPodsStopped;
        let entry = self.0.audit.begin_on_user(actor, action, owner).await?;
        let done = self.stop_pods(actor, owner).await;
        entry.finish(done).await
    }

    /// Makes a user an administrator or a client, and changes the kind of their account. An administrator's account may be
    /// below zero, as the platform pays for what administrators use: the debt is cleared when they become a client.
    ///
    /// Called again it completes what is missing.
    ///
    /// # Errors
    /// `Forbidden` for clients; `NotFound`.
    pub async fn set_role(&self, actor: &Actor, user: &UserId, role: Role) -> Result<User> {
        let action = AuditAction::RoleChanged;
        let mut entry = self.0.audit.begin_on_user(actor, action, user).await?;
        let done = self.store_role(actor, user, role, &mut entry).await;
        entry.finish(done).await
    }

    async fn store_role(
        &self,
        actor: &Actor,
        user: &UserId,
        role: Role,
        entry: &mut PendingEntry<'_>,
    ) -> Result<User> {
        actor.require_admin()?;
        let parts = &*self.0;
        let text = |role: Role| {
            Some(match role {
                Role::Admin => "admin".to_owned(),
                Role::Client => "client".to_owned(),
            })
        };
        entry.change = Some(AuditChange::new(
            text(self.require_user(user).await?.role),
            text(role),
        ));
        let stored = self.change_user(user, |user| user.role = role).await?;
        let stored = self.register(&stored).await?;
        let cap = parts.admission.daily_cap(Some(&stored));
        parts.records.change_all(user, |pod| pod.owner_cap = cap).await?;
        Ok(stored)
    }

    /// Deletes a user with all their pods and volumes. Their ledger stays. Late requests of theirs are refused, or ended by
    /// the driver, which also finishes a deletion that was broken off.
    ///
    /// # Errors
    /// `Forbidden` for clients; `NotFound`; `InvalidState` when they are an administrator.
    pub async fn delete_user(&self, actor: &Actor, user: &UserId) -> Result<()> {
        let action = AuditAction::UserDeleted;
        let entry = self.0.audit.begin_on_user(actor, action, user).await?;
        let done = self.mark_and_finish(actor, user).await;
        entry.finish(done).await
    }

    async fn store_daily_cap(
        &self,
        actor: &Actor,
        user: &UserId,
        cap: Option<Money>,
        entry: &mut PendingEntry<'_>,
    ) -> Result<User> {
        actor.require_admin()?;
        if cap.is_some_and(Money::is_negative) {
            return Err(ValidationErrors::from(Problem::new("dailyCap", Violation::Amount)).into());
        }
        let before = self.require_user(user).await?.daily_cap;
        let text = |cap: Option<Money>| cap.map(|cap| cap.to_string());
        entry.change = Some(AuditChange::new(text(before), text(cap)));
        let stored = self.change_user(user, |user| user.daily_cap = cap).await?;
        let cap = self.0.admission.daily_cap(Some(&stored));
        self.0.records.change_all(user, |pod| pod.owner_cap = cap).await?;
        self.0.feed.publish_account(user);
        Ok(stored)
    }

    async fn store_suspension(&self, actor: &Actor, user: &UserId, suspended: bool) -> Result<User> {
        actor.require_admin()?;
        let known = self.require_user(user).await?;
        if suspended {
            require_client(&known)?;
        }
        let stored = self.change_user(user, |user| user.suspended = suspended).await?;
        self.0.feed.publish_account(user);
        let now = self.0.clock.now();
        self.0
            .records
            .change_all(user, |pod| {
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

    async fn stop_pods(&self, actor: &Actor, owner: &UserId) -> Result<()> {
        actor.require_access(owner)?;
        let now = self.0.clock.now();
        self.0
            .records
            .change_all(owner, |pod| {
                if pod.desired == Desired::Running {
                    pod.stop();
                    pod.requested_at = now;
                }
            })
            .await
    }

    async fn mark_and_finish(&self, actor: &Actor, user: &UserId) -> Result<()> {
        actor.require_admin()?;
        require_client(&self.require_user(user).await?)?;
        // Marked first: from here on nothing of theirs is paid for, so that nothing starts while the rest goes.
        self.change_user(user, |user| user.deleted = true).await?;
        self.0.departures.finish(user).await
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
        match self.0.users.insert_user(user).await {
            // By the same call beside this one.
            Err(error)
                if *error.kind() == ErrorKind::AlreadyExists && error.context("field") == Some("id") =>
            {
                self.require_user(&user.id).await
            }
            other => other,
        }
    }

    /// Brings the account of a client to zero where it is below: they were an administrator before.
    async fn clear_debt(&self, user: &User) -> Result<()> {
        let available = self.0.billing.balance(&user.id).await?.available;
        if !available.is_negative() {
            return Ok(());
        }
        let key = format!("role:{}:{}", user.id, user.version);
        let missing = Money::ZERO - available;
        let posting = Posting::new(key, &user.id, PostingKind::Adjustment, missing);
        match self.0.billing.post(&posting).await {
            // Another call cleared it beside this one, when it was another amount.
            Err(error) if *error.kind() == ErrorKind::Conflict && !error.is_retryable() => Ok(()),
            posted => posted,
        }
    }

    async fn require_user(&self, id: &UserId) -> Result<User> {
        let gone = || Error::new(ErrorKind::NotFound, "there is no such user");
        self.0.users.user(id).await?.ok_or_else(gone)
    }

    async fn change_user(&self, id: &UserId, change: impl Fn(&mut User)) -> Result<User> {
        loop {
            let mut user = self.require_user(id).await?;
            change(&mut user);
            match self.0.users.update_user(&user).await {
                Err(error) if *error.kind() == ErrorKind::Conflict => {}
                other => return other,
            }
        }
    }
}
