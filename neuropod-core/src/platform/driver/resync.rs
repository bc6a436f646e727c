//! Reading everything at once: at the start, after the watch broke, and from time to time. It finds unreported
//! changes: objects that were deleted by hand, orphans, and changes by other processes on the same store.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::membership::Share;
use crate::clock::SteadyClock;
use crate::cluster::backend::{ClusterBackend, Inventory, OwnedWorkload};
use crate::cluster::observation::{Objects, Observation, ObservedVolume};
use crate::error::kind::{Error, ErrorKind, Result};
use crate::id::PodId;
use crate::platform::departures::Departures;
use crate::platform::handle::Parts;
use crate::platform::ledger_folding::FoldingSchedule;
use crate::platform::price_book::PriceBook;
use crate::platform::records::Records;
use crate::pod::record::{Desired, Pod};
use crate::reconcile;
use crate::store::traits::ListOptions;

/// The folding of the ledger, which one of the replicas does.
const FOLDING: &str = "folding";

/// The pods of one part: after some milliseconds of work it is the turn of others.
const PART: u32 = 256;

/// Some of the records. Never are all of them in memory.
#[derive(Debug)]
pub(super) struct Part {
    /// The time of the query of the cluster; `None`: it was not asked.
    pub(super) asked_at: Option<Instant>,
    /// Each record, with the observation of its pod if the cluster was asked.
    pub(super) pods: Vec<(Pod, Option<Observation>)>,
}

/// Compares store and cluster as a whole.
pub(super) struct Resync {
    cluster: Arc<dyn ClusterBackend>,
    records: Arc<Records>,
    price_book: Arc<PriceBook>,
    departures: Arc<Departures>,
    folding: FoldingSchedule,
    clock: Arc<SteadyClock>,
}

impl Resync {
    pub(super) fn new(parts: &Parts) -> Self {
        Self {
            cluster: parts.cluster.clone(),
            records: parts.records.clone(),
            price_book: parts.price_book.clone(),
            departures: parts.departures.clone(),
            folding: FoldingSchedule::new(parts.folding.clone(), parts.clock.clone()),
            clock: parts.clock.clone(),
        }
    }

    /// Reads everything, and hands the records over in parts. Returns the objects in the cluster without a record, as far as
    /// they are in the share of this replica.
    ///
    /// On the way it does its `share` of the work that is not about single passes: it finishes deletions of users, gives pods
    /// their new prices, and folds the ledger once a day. The cluster is not asked if the last list still holds (`is_listed`).
    pub(super) async fn read_everything(
        &self,
        share: Share,
        is_listed: bool,
        parts: mpsc::Sender<Part>,
    ) -> Result<Vec<OwnedWorkload>> {
        if share.has(FOLDING) {
            self.folding.start_if_due();
        }
        // Where the store does not answer, the cluster is not listed for nothing.
        self.records.check().await?;
        self.departures.finish_all(|user| share.has(user.as_str())).await;
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
        let prices = self.price_book.current().await?;
        let mut options = ListOptions::default().with_deleted().with_limit(PART);
        loop {
            let page = self.records.page(&options).await?;
            let mut pods = Vec::with_capacity(page.pods.len());
            for pod in page.pods {
                if share.has(pod.id.as_str())
                    && let Err(error) = self.price_book.reprice(&pod, &prices).await
                {
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
            if parts.send(Part { asked_at, pods }).await.is_err() {
                // The driver has ended: nobody knows what is an orphan.
                return Ok(Vec::new());
            }
            if page.next.is_none() {
                break;
            }
            options.after = page.next;
        }
        let is_ours = |orphan: &OwnedWorkload| share.has(orphan.reference.pod_id.as_str());
        Ok(workloads.into_values().filter(is_ours).collect())
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
