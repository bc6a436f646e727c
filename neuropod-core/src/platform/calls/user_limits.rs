//! Changes of users by administrators: their role, their daily cap, their suspension.

use crate::cluster::reason::{Reason, ReasonCode};
use crate::error::kind::Result;
use crate::error::validation::{Problem, ValidationErrors, Violation};
use crate::id::{Actor, Role, UserId};
use crate::money::amount::Money;
use crate::platform::admission::require_client;
use crate::platform::audit_trail::PendingEntry;
use crate::platform::handle::Platform;
use crate::pod::record::Desired;
use crate::store::audit::{AuditAction, AuditChange};
use crate::user::profile::User;

impl Platform {
    /// Limits the spending of a user on a day (UTC) for all of their pods; `None`: the platform's default
    /// applies. Running pods follow from their next period on.
    ///
    /// # Errors
    /// `Forbidden` for clients; `NotFound`; `Invalid` when the cap is negative.
    pub async fn set_daily_cap(&self, actor: &Actor, user: &UserId, cap: Option<Money>) -> Result<User> {
        let action = AuditAction::DailyCapSet;
        let mut entry = self.0.audit.begin_on_user(actor, action, user).await?;
        let done = self.store_daily_cap(actor, user, cap, &mut entry).await;
        entry.finish(done).await
    }

    /// Suspends a user: their pods are stopped and show the reason, and they can start none until they are no
    /// longer suspended. Stopped pods stay stopped when that ends; their owner can start them then.
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

    /// Stops all pods of a user that run or are starting. They may start them again.
    ///
    /// # Errors
    /// `Forbidden` when they belong to another user.
    pub async fn stop_all(&self, actor: &Actor, owner: &UserId) -> Result<()> {
        if actor.id == *owner {
            return self.stop_pods(actor, owner).await;
        }
        let action = AuditAction::UserPodsStopped;
        let entry = self.0.audit.begin_on_user(actor, action, owner).await?;
        let done = self.stop_pods(actor, owner).await;
        entry.finish(done).await
    }

    /// Makes a user an administrator or a client, and changes the kind of their account. An administrator's
    /// account may be below zero, as the platform pays for the usage of administrators: the debt is cleared
    /// when they become a client.
    ///
    /// A repeated call completes the missing steps.
    ///
    /// # Errors
    /// `Forbidden` for clients; `NotFound`.
    pub async fn set_role(&self, actor: &Actor, user: &UserId, role: Role) -> Result<User> {
        let action = AuditAction::RoleChanged;
        let mut entry = self.0.audit.begin_on_user(actor, action, user).await?;
        let done = self.store_role(actor, user, role, &mut entry).await;
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
        let stored = self
            .change_user(user, |user| {
                user.daily_cap = cap;
                Ok(())
            })
            .await?;
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
        let stored = self
            .change_user(user, |user| {
                user.suspended = suspended;
                Ok(())
            })
            .await?;
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
        let stored = self
            .change_user(user, |user| {
                user.role = role;
                Ok(())
            })
            .await?;
        let stored = self.register(&stored).await?;
        let cap = parts.admission.daily_cap(Some(&stored));
        parts.records.change_all(user, |pod| pod.owner_cap = cap).await?;
        Ok(stored)
    }
}
