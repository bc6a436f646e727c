//! Whoever owns pods: whether they are there, how many they may have, and what becomes of what they leave.

use super::Inner;
use crate::cluster::workload::VolumePolicy;
use crate::error::kind::{Error, ErrorKind, Result};
use crate::id::{Role, UserId};
use crate::pod::record::{Desired, Pod};
use crate::user::profile::User;

/// What the store says of the owner of a pod.
pub(super) enum Owner {
    /// They are there.
    Known(Box<User>),
    /// They were never made known: the application is responsible for them.
    Unknown,
}

impl Owner {
    pub(super) fn user(&self) -> Option<&User> {
        match self {
            Self::Known(user) => Some(user),
            Self::Unknown => None,
        }
    }

    fn is_client(&self) -> bool {
        self.user().is_none_or(|user| user.role == Role::Client)
    }
}

impl Inner {
    /// The owner of pods.
    ///
    /// # Errors
    /// `Forbidden` when they were deleted, or are being deleted.
    pub(super) async fn owner(&self, id: &UserId) -> Result<Owner> {
        let deleted = || {
            let error = Error::new(ErrorKind::Forbidden, "the user was deleted");
            Err(error.with_context("user", "deleted"))
        };
        match self.store.user(id).await? {
            Some(user) if user.deleted => deleted(),
            Some(user) => Ok(Owner::Known(Box::new(user))),
            None if self.store.was_removed(id).await? => deleted(),
            None => Ok(Owner::Unknown),
        }
    }

    /// Whether this user was deleted, or is being deleted.
    pub(super) async fn is_deleted(&self, id: &UserId) -> Result<bool> {
        match self.owner(id).await {
            Err(error) if *error.kind() == ErrorKind::Forbidden => Ok(true),
            other => other.map(|_| false),
        }
    }

    /// Whether the owner has room for a pod besides these.
    ///
    /// # Errors
    /// `TooManyPods`.
    pub(super) fn has_room(&self, owner: &Owner, others: usize) -> Result<()> {
        let limit = self.max_pods;
        if owner.is_client() && others >= limit as usize {
            return Err(too_many(limit));
        }
        Ok(())
    }

    /// Whether money may be reserved for a pod: its record is stored by now.
    ///
    /// That it is asked here, between the record and the money, is what makes it hold against everything that goes on
    /// at the same time, on any replica and after a crash. An owner's deletion marks the owner first and the pods that
    /// are stored second: the mark is seen here, or the pod is seen there. And of pods that are created side by side
    /// the last one to ask sees all the others; when there is room for one of two, it may be that neither is let in.
    ///
    /// # Errors
    /// `Forbidden` when the owner was deleted; `TooManyPods` when the pod is new and one too many.
    pub(super) async fn may_be_paid(&self, pod: &Pod) -> Result<()> {
        let owner = self.owner(&pod.owner).await?;
        // A pod that was let in once may be started again, even if the limit is lower by now.
        if pod.run == 1 && owner.is_client() {
            let mut others = self.records(Some(&pod.owner), false).await?;
            others.retain(|other| other.id != pod.id);
            self.has_room(&owner, others.len())?;
        }
        Ok(())
    }

    /// Marks everything of a user who is marked as deleted, then removes them. Can be broken off anywhere and repeated.
    pub(super) async fn end_user(&self, user: &UserId) -> Result<()> {
        let now = self.clock.now();
        let gone = Desired::Deleted {
            volume: VolumePolicy::Delete,
        };
        // Those too that are on their way out: their volumes were to be kept for somebody.
        for pod in self.records(Some(user), true).await? {
            self.change_if_there(&pod.id, |pod| {
                if pod.desired != gone {
                    pod.delete(VolumePolicy::Delete);
                    pod.requested_at = now;
                }
            })
            .await?;
        }
        self.store.remove_user(user).await
    }

    /// Goes on with the deletions of users that were broken off.
    pub(super) async fn end_users(&self) {
        let ended = async {
            for user in self.store.users().await? {
                if user.deleted {
                    self.end_user(&user.id).await?;
                }
            }
            Ok::<_, Error>(())
        };
        if let Err(error) = ended.await {
            tracing::warn!(%error, "the users who are being deleted can't be removed now");
        }
    }
}

fn too_many(limit: u32) -> Error {
    Error::new(
        ErrorKind::TooManyPods { limit },
        format!("the owner has {limit} pods and may have no more"),
    )
}
