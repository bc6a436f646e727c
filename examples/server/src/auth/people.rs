//! Finds or creates the user for a profile.

use jiff::Timestamp;
use neuropod::{Role, User, UserId};

use super::access::is_same;
use super::caller::Caller;
use super::ended;
use super::profile::Profile;
use crate::actor::itself;
use crate::app::App;
use crate::contract::failure::Failure;

/// How often a change of a user is retried after a conflict.
const MAX_CONFLICTS: usize = 20;

impl App {
    /// The user of this person; it is created at their first sign-in. Their role follows from the lists and the address
    /// that their issuer has verified now.
    ///
    /// # Errors
    /// 401 when they claim the address of an administrator, and nobody has verified it; 403 when they are on no list; 409
    /// when their address belongs to somebody else; those of the store.
    pub(crate) async fn welcome(&self, profile: &Profile) -> Result<User, Failure> {
        if !profile.email_verified && self.access.is_administrators(&profile.email) {
            tracing::warn!(
                issuer = profile.identity.issuer,
                "somebody with the address of an administrator is not let in: their issuer does not say that it has \
                 verified it. Where it verifies all, set auth.issuer_verifies_addresses"
            );
            return Err(Failure::unauthorized());
        }
        if !self.access.allows(&profile.email, profile.email_verified) {
            tracing::info!(
                issuer = profile.identity.issuer,
                "somebody on no list is not let in"
            );
            return Err(Failure::not_allowed());
        }
        let mut conflicts = 0;
        loop {
            match self.try_welcome(profile).await {
                // They signed in somewhere else at the same time, or went.
                Err(failure)
                    if matches!(failure.code(), "already_exists" | "conflict" | "not_found")
                        && conflicts < MAX_CONFLICTS =>
                {
                    conflicts += 1;
                }
                other => return other,
            }
        }
    }

    async fn try_welcome(&self, profile: &Profile) -> Result<User, Failure> {
        let known = match self
            .platform
            .user_by_identity(&itself(), &profile.identity)
            .await?
        {
            Some(known) => Some(self.follow_address(known, profile).await?),
            None => self.link(profile).await?,
        };
        let Some(known) = known else {
            let role = self.access.role(&profile.email, profile.email_verified);
            return Ok(self.platform.register(&profile.to_user(role)).await?);
        };
        if known.deleted {
            return Err(Failure::leaving());
        }
        let role = self.role_of(&known, profile);
        if known.role == role {
            // A first sign-in that was interrupted is completed now.
            return Ok(self.platform.register(&known).await?);
        }
        tracing::info!(user = %known.id, ?role, "a role follows the lists");
        Ok(self.platform.set_role(&itself(), &known.id, role).await?)
    }

    /// Whether a user is all that a profile says, so that there is nothing to be done.
    pub(super) fn agrees(&self, known: &User, profile: &Profile) -> bool {
        !known.deleted
            && is_same(&known.email, &profile.email)
            && known.email_verified == profile.email_verified
            && known.role == self.role_of(known, profile)
            && self.access.allows(&profile.email, profile.email_verified)
    }

    /// The role of a user, by the address that is theirs here and that their issuer has verified now.
    fn role_of(&self, known: &User, profile: &Profile) -> Role {
        let verified = profile.email_verified && is_same(&known.email, &profile.email);
        self.access.role(&known.email, verified)
    }

    /// The user, with their new address if it has changed at the issuer, is verified and is free.
    async fn follow_address(&self, known: User, profile: &Profile) -> Result<User, Failure> {
        if is_same(&known.email, &profile.email) {
            if known.email_verified == profile.email_verified {
                return Ok(known);
            }
            let verified = profile.email_verified;
            return self
                .change_user(&known.id, |user| user.email_verified = verified)
                .await;
        }
        if !profile.email_verified || !self.is_free(profile).await? {
            return Ok(known);
        }
        let changed = self.change_user(&known.id, |user| {
            user.email.clone_from(&profile.email);
            user.email_verified = true;
        });
        changed.await
    }

    /// The user with this address from an earlier version or a migration. The first person who proves that the address is
    /// theirs gets this user. `None`: nobody has it.
    ///
    /// # Errors
    /// 409 when it is somebody else's.
    async fn link(&self, profile: &Profile) -> Result<Option<User>, Failure> {
        if self.is_free(profile).await? {
            return Ok(None);
        }
        let holder = self.platform.user_by_email(&itself(), &profile.email).await?;
        let Some(holder) = holder else { return Ok(None) };
        if holder.identity.as_ref() == Some(&profile.identity) {
            // They signed in somewhere else at the same time, for the first time.
            return Ok(Some(holder));
        }
        let is_theirs = profile.email_verified && is_same(&holder.email, &profile.email);
        if holder.identity.is_some() || !is_theirs {
            tracing::info!(
                issuer = profile.identity.issuer,
                holder = %holder.id,
                "an address belongs to somebody else already"
            );
            return Err(Failure::address_taken());
        }
        // If they are deleted, they come again under the id of their identity: without another opening credit.
        let id = profile.identity.user_id();
        if id != holder.id {
            self.platform.close_opening_credit(&itself(), &id).await?;
        }
        let linked = self.change_user(&holder.id, |user| {
            if user.identity.is_none() {
                user.identity = Some(profile.identity.clone());
                user.email_verified = true;
                for (name, value) in profile.extra() {
                    user.extra.entry(name).or_insert(value);
                }
            }
        });
        let linked = linked.await?;
        if linked.identity.as_ref() == Some(&profile.identity) {
            tracing::info!(user = %linked.id, issuer = profile.identity.issuer, "somebody who was here is known again");
            Ok(Some(linked))
        } else {
            Err(Failure::address_taken())
        }
    }

    /// Whether nobody has the address of a profile. A user whose address was never verified loses it to its proven
    /// owner.
    async fn is_free(&self, profile: &Profile) -> Result<bool, Failure> {
        let Some(holder) = self.platform.user_by_email(&itself(), &profile.email).await? else {
            return Ok(true);
        };
        let proven = holder.email_verified || holder.identity.is_none();
        if proven || !profile.email_verified || holder.identity.as_ref() == Some(&profile.identity) {
            return Ok(false);
        }
        tracing::info!(user = %holder.id, "an address that was not verified goes to its owner");
        let given_up = self.change_user(&holder.id, |user| {
            if !user.email_verified {
                // Nobody has an address below `.invalid` (RFC 2606).
                user.email = format!("{}@unverified.invalid", user.id);
            }
        });
        given_up.await?;
        Ok(self
            .platform
            .user_by_email(&itself(), &profile.email)
            .await?
            .is_none())
    }

    /// The user with their current permissions. Removal from a list takes effect at once; a new administrator becomes one at
    /// their next sign-in.
    ///
    /// # Errors
    /// 401 when they are being deleted; 403 when they are on no list any more; those of the store.
    pub(super) async fn in_force(&self, user: User) -> Result<User, Failure> {
        if user.deleted {
            return Err(Failure::unauthorized());
        }
        let (allowed, role) = self.access.holds(&user);
        if !allowed {
            return Err(Failure::not_allowed());
        }
        if user.role == Role::Admin && role != Role::Admin {
            tracing::info!(user = %user.id, "an administrator who is on the list no longer");
            return Ok(self.platform.set_role(&itself(), &user.id, role).await?);
        }
        Ok(user)
    }

    /// Ends a session: its token does not hold any more, on any server, for as long as it would have.
    ///
    /// # Errors
    /// Those of the store.
    pub(crate) async fn end_session(&self, caller: &Caller) -> Result<(), Failure> {
        let now = Timestamp::now();
        self.change_user(&caller.user.id, |user| {
            ended::note_end(user, &caller.session, now);
        })
        .await?;
        self.sessions.end_one(caller);
        Ok(())
    }

    async fn change_user(&self, id: &UserId, change: impl Fn(&mut User)) -> Result<User, Failure> {
        Ok(self.platform.update_user(&itself(), id, change).await?)
    }
}
