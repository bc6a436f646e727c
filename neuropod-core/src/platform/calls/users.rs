//! The users of a platform: registering, finding, changing and deleting them.

use crate::error::kind::{Error, ErrorKind, Result};
use crate::error::validation::{Problem, ValidationErrors};
use crate::id::{Actor, Role, UserId};
use crate::money::amount::Money;
use crate::money::billing::{AccountKind, BillingExt, Posting, PostingKind};
use crate::platform::admission::require_client;
use crate::platform::handle::Platform;
use crate::platform::records::MAX_CONFLICTS;
use crate::store::audit::AuditAction;
use crate::user::person::{check_email, check_person_name};
use crate::user::profile::{Identity, User, opening_key};

impl Platform {
    /// Registers a user and opens their account: clients with the opening credit, administrators without limit.
    /// A repeated call for a registered user completes the missing steps, and gives no second credit; the same
    /// holds for a deleted user who registers again under the same id.
    ///
    /// # Errors
    /// `Invalid` when the e-mail address or the name of a new user is not valid (see [`crate::user::person`]);
    /// `AlreadyExists` when another user has the e-mail address or the identity, with the context `field`;
    /// `Forbidden` while they are being deleted.
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
            // A client that registered when there was no credit gets none later either.
            (Role::Client, false) => parts.billing.release(&key).await,
            (Role::Admin, _) => Ok(()),
        };
        match given {
            // It was given with another amount, or a migrated balance replaced it.
            Err(error) if *error.kind() == ErrorKind::Conflict && !error.is_retryable() => {}
            given => given?,
        }
        parts.feed.publish_account(&stored.id);
        Ok(stored)
    }

    /// The user with this id: for clients themselves, for administrators any.
    ///
    /// # Errors
    /// `Forbidden`; `NotFound`.
    pub async fn user(&self, actor: &Actor, id: &UserId) -> Result<User> {
        actor.require_access(id)?;
        self.require_user(id).await
    }

    /// All users, by e-mail address.
    ///
    /// # Errors
    /// `Forbidden` for clients.
    pub async fn users(&self, actor: &Actor) -> Result<Vec<User>> {
        actor.require_admin()?;
        self.0.users.users().await
    }

    /// The user with this e-mail address, in upper or lower case.
    ///
    /// # Errors
    /// `Forbidden` for clients.
    pub async fn user_by_email(&self, actor: &Actor, email: &str) -> Result<Option<User>> {
        actor.require_admin()?;
        self.0.users.user_by_email(email).await
    }

    /// The user with this identity. An application that signs people in calls this as an administrator of its
    /// own, before it knows the user.
    ///
    /// # Errors
    /// `Forbidden` for clients.
    pub async fn user_by_identity(&self, actor: &Actor, identity: &Identity) -> Result<Option<User>> {
        actor.require_admin()?;
        self.0.users.user_by_identity(identity).await
    }

    /// Changes the name, address and identity of a user and the application's data about them, and tries again
    /// while others change them at the same time. It is not recorded in the audit log: applications call it
    /// when people sign in and out.
    ///
    /// # Errors
    /// `Forbidden` for clients; `NotFound`; `Invalid` when a new address or name is not valid; `AlreadyExists`,
    /// with the context `field`, when another user has the address or the identity; `InvalidState`, with the
    /// context `field`, when `change` changes anything else: role, suspension, daily cap and deletion have
    /// methods of their own; `Conflict` when a concurrent change came first every time.
    pub async fn update_user(&self, actor: &Actor, id: &UserId, change: impl Fn(&mut User)) -> Result<User> {
        actor.require_admin()?;
        self.change_user(id, |user| {
            let before = user.clone();
            change(user);
            check_update(&before, user)
        })
        .await
    }

    /// Closes the opening credit of a future user with this id who is to get none: they had it before, under
    /// another id. Returns `false` if it was given already.
    ///
    /// # Errors
    /// `Forbidden` for clients; those of the billing.
    pub async fn close_opening_credit(&self, actor: &Actor, id: &UserId) -> Result<bool> {
        actor.require_admin()?;
        match self.0.billing.release(&opening_key(id)).await {
            Err(error) if *error.kind() == ErrorKind::Conflict && !error.is_retryable() => Ok(false),
            released => released.map(|()| true),
        }
    }

    /// Deletes a user with all their pods and volumes. Their ledger stays. Their late requests are refused, or
    /// ended by the driver, which also finishes an interrupted deletion.
    ///
    /// # Errors
    /// `Forbidden` for clients; `NotFound`; `InvalidState` when they are an administrator.
    pub async fn delete_user(&self, actor: &Actor, user: &UserId) -> Result<()> {
        let action = AuditAction::UserDeleted;
        let entry = self.0.audit.begin_on_user(actor, action, user).await?;
        let done = self.set_deleted_and_remove(actor, user).await;
        entry.finish(done).await
    }

    async fn set_deleted_and_remove(&self, actor: &Actor, user: &UserId) -> Result<()> {
        actor.require_admin()?;
        require_client(&self.require_user(user).await?)?;
        let set_deleted = |user: &mut User| {
            user.deleted = true;
            Ok(())
        };
        // The flag is set first: from here on nothing of the user is paid for, so that nothing starts during
        // the deletion.
        self.change_user(user, set_deleted).await?;
        self.0.departures.finish(user).await
    }

    async fn insert_user(&self, user: &User) -> Result<User> {
        check_names(user, None)?;
        match self.0.users.insert_user(user).await {
            // By a concurrent equal call.
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
            // A concurrent call cleared it, with another amount.
            Err(error) if *error.kind() == ErrorKind::Conflict && !error.is_retryable() => Ok(()),
            posted => posted,
        }
    }

    /// The user with this id.
    ///
    /// # Errors
    /// `NotFound`.
    pub(super) async fn require_user(&self, id: &UserId) -> Result<User> {
        let gone = || Error::new(ErrorKind::NotFound, "there is no such user");
        self.0.users.user(id).await?.ok_or_else(gone)
    }

    /// Changes a user, and tries again while others change them at the same time.
    ///
    /// # Errors
    /// Those of `change`; `NotFound`; `Conflict` when a concurrent change came first every time.
    pub(super) async fn change_user(
        &self,
        id: &UserId,
        change: impl Fn(&mut User) -> Result<()>,
    ) -> Result<User> {
        let mut conflicts = 0;
        loop {
            let mut user = self.require_user(id).await?;
            change(&mut user)?;
            match self.0.users.update_user(&user).await {
                Err(error) if *error.kind() == ErrorKind::Conflict && conflicts < MAX_CONFLICTS => {
                    conflicts += 1;
                }
                other => return other,
            }
        }
    }
}

/// Checks the name and the address of a user, as far as they differ from those of `before`: stored ones may be
/// older than the checks.
fn check_names(user: &User, before: Option<&User>) -> Result<()> {
    let mut problems = Vec::new();
    if before.is_none_or(|before| before.email != user.email)
        && let Err(violation) = check_email(&user.email)
    {
        problems.push(Problem::new("email", violation));
    }
    if before.is_none_or(|before| before.name != user.name)
        && let Err(violation) = check_person_name(&user.name)
    {
        problems.push(Problem::new("name", violation));
    }
    Ok(ValidationErrors::check(problems)?)
}

/// Checks that only the fields open to applications were changed. Every field is named, so that each new one
/// needs a decision.
fn check_update(before: &User, after: &User) -> Result<()> {
    let User {
        id,
        email: _,
        name: _,
        role,
        identity: _,
        email_verified: _,
        suspended,
        deleted,
        daily_cap,
        extra: _,
        registration_date,
        version,
    } = before;
    let fixed = [
        ("id", *id != after.id),
        ("role", *role != after.role),
        ("suspended", *suspended != after.suspended),
        ("deleted", *deleted != after.deleted),
        ("dailyCap", *daily_cap != after.daily_cap),
        ("registrationDate", *registration_date != after.registration_date),
        ("version", *version != after.version),
    ];
    if let Some((field, _)) = fixed.into_iter().find(|(_, changed)| *changed) {
        let error = Error::new(
            ErrorKind::InvalidState,
            "this is not changed by an update of a user",
        );
        return Err(error.with_context("field", field));
    }
    check_names(after, Some(before))
}
