//! The records of pods: reading them all, and changing them despite concurrent changes.

use std::sync::Arc;

use super::feed::Feed;
use super::wakeups::Wakeups;
use crate::clock::SteadyClock;
use crate::error::kind::{Error, ErrorKind, Result};
use crate::id::{Actor, PodId, UserId};
use crate::naming::Slug;
use crate::pod::record::Pod;
use crate::store::traits::{ListOptions, MAX_LIMIT, Page, PodStore};

/// How often a change is begun anew after a concurrent change came first: a call that never returns is worse
/// than one that fails.
pub(crate) const MAX_CONFLICTS: usize = 100;

/// The pods of a page when one of them is enough.
const FEW: u32 = 10;

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

    /// Whether the store answers, asked for a record that nobody has.
    ///
    /// # Errors
    /// Those of the store.
    pub(crate) async fn check(&self) -> Result<()> {
        self.store.get(&PodId::from_bits(0)).await.map(drop)
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
        let options = ListOptions {
            owner: owner.cloned(),
            include_deleted,
            ..ListOptions::default()
        };
        self.listed(options).await
    }

    /// How many pods an owner has that are not deleted.
    pub(crate) async fn count(&self, owner: &UserId) -> Result<u64> {
        self.store.count(owner).await
    }

    /// Whether an owner has a pod with this slug, deleted or not.
    pub(crate) async fn has_slug(&self, owner: &UserId, slug: &Slug) -> Result<bool> {
        let options = ListOptions::default()
            .with_owner(owner.clone())
            .with_slug(slug.clone());
        let page = self.store.list(&options.with_deleted().with_limit(1)).await?;
        Ok(!page.pods.is_empty())
    }

    /// All records that the options select, on however many pages.
    async fn listed(&self, options: ListOptions) -> Result<Vec<Pod>> {
        let mut options = options.with_limit(MAX_LIMIT);
        let mut pods = Vec::new();
        loop {
            let page = self.store.list(&options).await?;
            pods.extend(page.pods);
            if page.next.is_none() {
                return Ok(pods);
            }
            options.after = page.next;
        }
    }

    /// The other pods that have the same volume, as long as that exists, without deleted ones.
    pub(crate) async fn sharers(&self, pod: &Pod) -> Result<Vec<Pod>> {
        let mut pods = self.listed(with_volume_of(pod)).await?;
        pods.retain(|other| shares_volume(pod, other));
        Ok(pods)
    }

    /// Whether another pod has the same volume, as long as that exists. Reads only until it finds one.
    pub(crate) async fn is_shared(&self, pod: &Pod, include_deleted: bool) -> Result<bool> {
        let mut options = ListOptions {
            include_deleted,
            limit: FEW,
            ..with_volume_of(pod)
        };
        loop {
            let page = self.store.list(&options).await?;
            if page.pods.iter().any(|other| shares_volume(pod, other)) {
                return Ok(true);
            }
            if page.next.is_none() {
                return Ok(false);
            }
            options.after = page.next;
        }
    }

    /// The other pods with the same volume that may take it with them, deleted ones too.
    pub(crate) async fn volume_takers(&self, pod: &Pod) -> Result<Vec<Pod>> {
        let options = with_volume_of(pod).with_may_take_volume().with_deleted();
        let mut pods = self.listed(options).await?;
        pods.retain(|other| shares_volume(pod, other));
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

/// Selects the pods of an owner that have the volume of this one, or one of the same name elsewhere.
fn with_volume_of(pod: &Pod) -> ListOptions {
    ListOptions::default()
        .with_owner(pod.owner.clone())
        .with_volume(&pod.volume)
}

fn shares_volume(pod: &Pod, other: &Pod) -> bool {
    other.id != pod.id
        && !other.has_lost_volume()
        && other.volume == pod.volume
        && other.namespace == pod.namespace
}

/// The error for a missing pod.
pub(crate) fn not_found() -> Error {
    Error::new(ErrorKind::NotFound, "there is no such pod")
}
