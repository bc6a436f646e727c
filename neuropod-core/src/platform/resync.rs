//! Looking at everything at once: at the start, after the watch broke, and from time to time. It finds what nobody
//! reports: objects that were deleted by hand, orphans, and changes by other processes on the same store.

use std::collections::{BTreeMap, HashMap};

use futures::{StreamExt, stream};
use tokio::time::Instant;

use super::Inner;
use crate::cluster::backend::OwnedWorkload;
use crate::cluster::observation::{Objects, Observation, ObservedVolume};
use crate::cluster::workload::VolumePolicy;
use crate::error::kind::{Error, ErrorKind, Result};
use crate::id::{PodId, UserId};
use crate::pod::record::{Desired, Pod};
use crate::reconcile;
use crate::store::traits::{ListOptions, MAX_LIMIT};

/// Orphans that are removed side by side.
const MAX_REMOVALS: usize = 8;

/// All that is in the store and in the cluster.
#[derive(Debug)]
pub(super) struct Everything {
    /// When the cluster was asked.
    pub(super) asked_at: Instant,
    /// Every record, with what the cluster shows of it.
    pub(super) pods: Vec<(Pod, Observation)>,
    /// What is in the cluster without a record.
    pub(super) orphans: Vec<OwnedWorkload>,
}

impl Inner {
    pub(super) async fn everything(&self) -> Result<Everything> {
        self.end_users().await;
        // The cluster first: a record is stored before anything of it is created, and removed after everything of it
        // is gone, so what has no record afterwards is an orphan.
        let asked_at = Instant::now();
        let inventory = self.cluster.inventory().await?;
        let volumes: HashMap<_, _> = inventory
            .volumes
            .iter()
            .map(|volume| {
                (
                    (volume.namespace.as_deref(), volume.name.as_str()),
                    volume.size_gb,
                )
            })
            .collect();
        let mut workloads: BTreeMap<PodId, OwnedWorkload> = inventory
            .workloads
            .into_iter()
            .map(|workload| (workload.reference.pod_id.clone(), workload))
            .collect();
        let mut pods = Vec::new();
        let prices = self.current_prices().await?;
        for pod in self.records(None, true).await? {
            if let Err(error) = self.reprice(&pod, &prices).await {
                // It keeps its price until everything is looked at again; the others are not to wait for it.
                tracing::warn!(pod = %pod.id, %error, "it can't be given its new price now");
            }
            let seen = workloads.remove(&pod.id).map(|workload| workload.observation);
            let volume = volumes.get(&(pod.spec.namespace.as_deref(), pod.spec.volume.as_str()));
            let volume = match seen.as_ref().map(|seen| &seen.volume) {
                None | Some(ObservedVolume::Unknown) => match volume {
                    Some(&size_gb) => ObservedVolume::Bound { size_gb },
                    None => ObservedVolume::Absent,
                },
                Some(volume) => volume.clone(),
            };
            let (seen_pod, objects) = seen.map_or((None, Objects::Absent), |seen| (seen.pod, seen.objects));
            pods.push((
                pod,
                Observation {
                    pod: seen_pod,
                    objects,
                    volume,
                },
            ));
        }
        Ok(Everything {
            asked_at,
            pods,
            orphans: workloads.into_values().collect(),
        })
    }

    /// All records, or all of one owner, on however many pages.
    pub(super) async fn records(&self, owner: Option<&UserId>, include_deleted: bool) -> Result<Vec<Pod>> {
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

    /// Tells the owners of pods that nothing is done for them, as the cluster shows nothing. The log has it where it
    /// `is_news`.
    pub(super) async fn tell_who_waits(&self, is_news: bool) {
        let told = async {
            let error = self.cluster.inventory().await.err();
            let error = error.unwrap_or_else(|| {
                Error::new(
                    ErrorKind::Unavailable,
                    "the watch of the cluster shows nothing yet",
                )
            });
            if is_news {
                tracing::warn!(%error, "the cluster can't be watched now; it is retried");
            }
            let reason = reconcile::unmade(&error, self.clock.now());
            let waits = |pod: &Pod| {
                pod.desired == Desired::Running && pod.started_at.is_none() && pod.reason.is_none()
            };
            for pod in self.records(None, false).await?.iter().filter(|pod| waits(pod)) {
                let tell = |pod: &mut Pod| {
                    if waits(pod) {
                        pod.reason = Some(reason.clone());
                    }
                    Ok(())
                };
                self.change(&pod.id, tell).await?;
            }
            Ok::<_, Error>(())
        };
        if let Err(error) = told.await
            && is_news
        {
            tracing::warn!(%error, "the store can't be used now");
        }
    }

    /// Removes what has no record. Its volume stays: nobody asked for its deletion.
    pub(super) async fn remove_orphans(&self, orphans: Vec<OwnedWorkload>) {
        let removals = orphans.into_iter().map(|orphan| self.remove_orphan(orphan));
        stream::iter(removals)
            .buffer_unordered(MAX_REMOVALS)
            .collect::<()>()
            .await;
    }

    async fn remove_orphan(&self, orphan: OwnedWorkload) {
        let id = &orphan.reference.pod_id;
        // Since it was found, a pod may have been made under the same id.
        if !matches!(self.store.get(id).await, Ok(None)) {
            return;
        }
        tracing::warn!(pod = %id, name = orphan.reference.name, "removing a pod without record");
        if let Err(error) = self.cluster.remove(&orphan.reference, VolumePolicy::Keep).await {
            tracing::warn!(pod = %id, %error, "it can't be removed now");
        }
    }
}
