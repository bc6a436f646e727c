//! Reading everything at once: at the start, after the watch broke, and from time to time. It finds unreported
//! changes: objects that were deleted by hand, orphans, and changes by other processes on the same store.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use tokio::time::Instant;

use crate::clock::SteadyClock;
use crate::cluster::backend::{ClusterBackend, Inventory, OwnedWorkload};
use crate::cluster::observation::{Objects, Observation, ObservedVolume};
use crate::error::kind::{Error, ErrorKind, Result};
use crate::id::PodId;
use crate::platform::departures::Departures;
use crate::platform::ledger_folding::FoldingSchedule;
use crate::platform::price_book::PriceBook;
use crate::platform::records::Records;
use crate::pod::record::{Desired, Pod};
use crate::reconcile;

/// Everything in the store and in the cluster.
#[derive(Debug)]
pub(super) struct Everything {
    /// The time of the query of the cluster; `None`: it was not asked.
    pub(super) asked_at: Option<Instant>,
    /// Every record, with the observation of its pod if the cluster was asked.
    pub(super) pods: Vec<(Pod, Option<Observation>)>,
    /// The objects in the cluster without a record.
    pub(super) orphans: Vec<OwnedWorkload>,
}

/// Compares store and cluster as a whole.
pub(super) struct Resync {
    pub(super) cluster: Arc<dyn ClusterBackend>,
    pub(super) records: Arc<Records>,
    pub(super) price_book: Arc<PriceBook>,
    pub(super) departures: Arc<Departures>,
    pub(super) folding: FoldingSchedule,
    pub(super) clock: Arc<SteadyClock>,
}

impl Resync {
    /// Reads everything; on the way it finishes deletions of users, gives pods their new prices, and folds the ledger once a
    /// day. The cluster is not asked if the last list still holds (`is_listed`).
    pub(super) async fn read_everything(&self, is_listed: bool) -> Result<Everything> {
        self.folding.start_if_due();
        self.departures.finish_all().await;
        // The cluster is read first: a record is stored before its objects are created, and removed after they
        // are gone, so an object that has no record afterwards is an orphan.
        let asked_at = (!is_listed).then(Instant::now);
        let inventory = match asked_at {
            Some(_) => self.cluster.inventory().await?,
            None => Inventory::default(),
        };
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
        let prices = self.price_book.current().await?;
        for pod in self.records.all(None, true).await? {
            if let Err(error) = self.price_book.reprice(&pod, &prices).await {
                // It keeps its price until the next resync; the others must not wait for it.
                tracing::warn!(pod = %pod.id, %error, "the pod can't be given its new price now");
            }
            let observation = asked_at.map(|_| {
                let workload = workloads.remove(&pod.id);
                let volume = volumes.get(&(pod.namespace.as_deref(), pod.volume.as_str()));
                observation(workload, volume.copied())
            });
            pods.push((pod, observation));
        }
        Ok(Everything {
            asked_at,
            pods,
            orphans: workloads.into_values().collect(),
        })
    }

    /// Informs the owners of waiting pods that nothing happens because the cluster shows nothing. Logs it if it
    /// `is_news`.
    pub(super) async fn explain_waiting(&self, is_news: bool) {
        let explained = async {
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
            for pod in self
                .records
                .all(None, false)
                .await?
                .iter()
                .filter(|pod| waits(pod))
            {
                let explain = |pod: &mut Pod| {
                    if waits(pod) {
                        pod.reason = Some(reason.clone());
                    }
                    Ok(())
                };
                self.records.change(&pod.id, explain).await?;
            }
            Ok::<_, Error>(())
        };
        if let Err(error) = explained.await
            && is_news
        {
            tracing::warn!(%error, "the store can't be used now");
        }
    }
}

/// The observation of a pod, from its workload and the size of its volume in GB.
fn observation(workload: Option<OwnedWorkload>, volume_gb: Option<u32>) -> Observation {
    let seen = workload.map_or(
        Observation {
            objects: Objects::Absent,
            ..Observation::default()
        },
        |workload| workload.observation,
    );
    let volume = match (seen.volume, volume_gb) {
        (ObservedVolume::Unknown, Some(size_gb)) => ObservedVolume::Bound { size_gb },
        (ObservedVolume::Unknown, None) => ObservedVolume::Absent,
        (known, _) => known,
    };
    Observation { volume, ..seen }
}
