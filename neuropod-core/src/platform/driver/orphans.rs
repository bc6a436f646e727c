//! Objects in the cluster without a record. A task for each orphan repeats its removal at
//! growing intervals: one that can't be removed costs a few calls an hour, and no other pod is reconciled because of it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::sleep;

use super::backoff::Backoff;
use crate::cluster::backend::{ClusterBackend, OwnedWorkload};
use crate::cluster::workload::VolumePolicy;
use crate::id::PodId;
use crate::platform::records::Records;

/// Orphans that are removed side by side.
const MAX_REMOVALS: usize = 8;
/// The first and the longest wait before a removal is repeated.
const RETRY: (Duration, Duration) = (Duration::from_secs(5), Duration::from_mins(5));

/// The orphans that are being removed, each once.
pub(super) struct Orphans {
    remover: Arc<Remover>,
    removals: HashMap<PodId, AbortHandle>,
}

struct Remover {
    cluster: Arc<dyn ClusterBackend>,
    records: Arc<Records>,
    /// Limits the calls in flight.
    calls: Semaphore,
}

impl Orphans {
    pub(super) fn new(cluster: Arc<dyn ClusterBackend>, records: Arc<Records>) -> Self {
        let remover = Remover {
            cluster,
            records,
            calls: Semaphore::new(MAX_REMOVALS),
        };
        Self {
            remover: Arc::new(remover),
            removals: HashMap::new(),
        }
    }

    /// Begins to remove those that are not being removed yet.
    pub(super) fn remove(&mut self, found: Vec<OwnedWorkload>, tasks: &mut JoinSet<()>) {
        self.removals.retain(|_, removal| !removal.is_finished());
        for orphan in found {
            let remover = Arc::clone(&self.remover);
            self.removals
                .entry(orphan.reference.pod_id.clone())
                .or_insert_with(|| tasks.spawn(async move { remover.remove(&orphan).await }));
        }
    }

    /// Whether this orphan is being removed.
    pub(super) fn is_being_removed(&self, id: &PodId) -> bool {
        let removal = self.removals.get(id);
        removal.is_some_and(|removal| !removal.is_finished())
    }
}

impl Remover {
    /// Removes an orphan, again and again until nothing of it is left or it has a record. The volume stays: nobody asked
    /// for its deletion.
    async fn remove(&self, orphan: &OwnedWorkload) {
        let mut backoff: Option<Backoff> = None;
        while !self.is_gone(orphan, backoff.is_some()).await {
            let (first, longest) = RETRY;
            let backoff = backoff.get_or_insert_with(|| Backoff::new(first, longest));
            sleep(backoff.next_wait()).await;
        }
    }

    /// Asks the cluster to remove an orphan, and returns whether nothing is left to do. Warns once for all attempts, if
    /// this `is_repeated`: an orphan that stays does not fill the log.
    async fn is_gone(&self, orphan: &OwnedWorkload, is_repeated: bool) -> bool {
        let id = &orphan.reference.pod_id;
        // Acquiring can't fail, because the semaphore is never closed.
        let _permit = self.calls.acquire().await.ok();
        match self.records.get(id).await {
            Ok(None) => {}
            // Since it was found, a pod has been created under the same id.
            Ok(Some(_)) => return true,
            Err(error) => {
                tracing::debug!(pod = %id, %error, "the store does not say whether the pod has a record");
                return false;
            }
        }
        if !is_repeated {
            tracing::warn!(pod = %id, name = orphan.reference.name, "removing a pod without record");
        }
        match self.cluster.remove(&orphan.reference, VolumePolicy::Keep).await {
            Ok(left) => left.is_cleared(),
            Err(error) if is_repeated => {
                tracing::debug!(pod = %id, %error, "the pod without record still can't be removed");
                false
            }
            Err(error) => {
                tracing::warn!(pod = %id, %error, "the pod without record can't be removed now; it is retried");
                false
            }
        }
    }
}
