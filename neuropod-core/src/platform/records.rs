//! The records of pods: reading them all, and changing them despite concurrent changes.

use std::sync::Arc;

use super::feed::Feed;
use super::wakeups::Wakeups;
use crate::clock::SteadyClock;
use crate::error::kind::{Error, ErrorKind, Result};
use crate::id::{Actor, PodId, UserId};
use crate::pod::record::Pod;
use crate::store::traits::{ListOptions, MAX_LIMIT, Page, PodStore};

/// How often a change is begun anew after a concurrent change came first: a call that never returns is worse
/// than one that fails.
pub(crate) const MAX_CONFLICTS: usize = 100;

/// The records in the store. All changes stored through it are published to subscribers.
pub(crate) struct Records {
    pub(crate) store: Arc<dyn PodStore>,
    pub(crate) clock: Arc<SteadyClock>,
    pub(crate) feed: Arc<Feed>,
    pub(crate) wakeups: Arc<Wakeups>,
}

impl Records {
    /// The record with this id, deleted or not.
    pub(crate) async fn get(&self, id: &PodId) -> Result<Option<Pod>> {
        self.store.get(id).await
    }

    /// The record of a pod that this actor may see.
    ///
    /// # Errors
    /// `NotFound`, also when it is deleted; `Forbidden` when it belongs to another user.
    pub(crate) async fn visible(&self, actor: &Actor, id: &PodId) -> Result<Pod> {
        let pod = self
            .store
            .get(id)
            .await?
            .filter(|pod| !pod.is_deleted())
            .ok_or_else(not_found)?;
        actor.require_access(&pod.owner)?;
        Ok(pod)
    }

    /// A page of records.
    pub(crate) async fn page(&self, options: &ListOptions) -> Result<Page> {
        self.store.list(options).await
    }

    /// All records, or all of one owner, on however many pages.
    pub(crate) async fn all(&self, owner: Option<&UserId>, include_deleted: bool) -> Result<Vec<Pod>> {
        let mut pods = Vec::new();
        let mut options = ListOptions {
            owner: owner.cloned(),
            include_deleted,
            limit: MAX_LIMIT,
            ..ListOptions::default()
        };
        loop {
            let page = self.store.list(&options).await?;
            pods.extend(page.pods);
            if page.next.is_none() {
                return Ok(pods);
            }
            options.after = page.next;
        }
    }

    /// The other pods that have the same volume, as long as that exists.
    pub(crate) async fn sharers(&self, pod: &Pod, include_deleted: bool) -> Result<Vec<Pod>> {
        let mut pods = self.all(Some(&pod.owner), include_deleted).await?;
        pods.retain(|other| {
            other.id != pod.id
                && !other.has_lost_volume()
                && other.volume == pod.volume
                && other.namespace == pod.namespace
        });
        Ok(pods)
    }

    /// Stores a new record. Subscribers get no report yet: whether the pod stays is decided when its money is
    /// held.
    pub(crate) async fn insert(&self, pod: &Pod) -> Result<Pod> {
        self.store.insert(pod).await
    }

    /// Removes a record that is unchanged since it was read.
    pub(crate) async fn remove(&self, pod: &Pod) -> Result<()> {
        self.store.remove(&pod.id, pod.version).await
    }

    /// Stores a changed record and reports it to subscribers.
    pub(crate) async fn save(&self, pod: &Pod) -> Result<Pod> {
        let stored = self
            .store
            .update(&Pod {
                updated_at: self.clock.now(),
                ..pod.clone()
            })
            .await?;
        self.feed.publish(&stored);
        Ok(stored)
    }

    /// Stores a changed record; `None` when it was changed or removed concurrently, so that it has to be read
    /// again.
    pub(crate) async fn save_unless_changed(&self, pod: &Pod) -> Result<Option<Pod>> {
        match self.save(pod).await {
            Ok(stored) => Ok(Some(stored)),
            Err(error) if matches!(error.kind(), ErrorKind::Conflict | ErrorKind::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Changes a record, and tries again while others change it at the same time.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when a concurrent change came first every time.
    pub(crate) async fn change(
        &self,
        id: &PodId,
        mut change: impl FnMut(&mut Pod) -> Result<()>,
    ) -> Result<Pod> {
        let mut conflicts = 0;
        loop {
            let mut pod = self.store.get(id).await?.ok_or_else(not_found)?;
            let before = pod.clone();
            change(&mut pod)?;
            if pod == before {
                return Ok(pod);
            }
            match self.save(&pod).await {
                Err(error) if *error.kind() == ErrorKind::Conflict && conflicts < MAX_CONFLICTS => {
                    conflicts += 1;
                }
                Err(error) if *error.kind() == ErrorKind::NotFound => return Err(not_found()),
                other => return other,
            }
        }
    }

    /// Changes a record if it is still there, and wakes the driver for it.
    pub(crate) async fn change_if_there(&self, id: &PodId, change: impl Fn(&mut Pod)) -> Result<()> {
        let changed = self.change(id, |pod| {
            change(pod);
            Ok(())
        });
        match changed.await {
            Err(error) if *error.kind() == ErrorKind::NotFound => {}
            other => drop(other?),
        }
        self.wakeups.wake(id);
        Ok(())
    }

    /// Changes every pod of a user that is not deleted, and wakes the driver for each.
    pub(crate) async fn change_all(&self, owner: &UserId, change: impl Fn(&mut Pod)) -> Result<()> {
        for pod in self.all(Some(owner), false).await? {
            self.change_if_there(&pod.id, &change).await?;
        }
        Ok(())
    }
}

/// The error for a missing pod.
pub(crate) fn not_found() -> Error {
    Error::new(ErrorKind::NotFound, "there is no such pod")
}
