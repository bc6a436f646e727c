//! Users who are being deleted: their pods are removed first, then their records.

use std::sync::Arc;

use super::records::Records;
use crate::clock::SteadyClock;
use crate::cluster::workload::VolumePolicy;
use crate::error::kind::{Error, Result};
use crate::id::UserId;
use crate::pod::record::Desired;
use crate::store::traits::UserStore;

/// Finishes deletions of users. A user gets the flag `deleted` before anything else happens: from then on
/// nothing of theirs is paid for.
pub(crate) struct Departures {
    pub(crate) users: Arc<dyn UserStore>,
    pub(crate) records: Arc<Records>,
    pub(crate) clock: Arc<SteadyClock>,
}

impl Departures {
    /// Sets all pods of a deleted user to be deleted, and removes the user after them. Can be interrupted
    /// anywhere and repeated.
    pub(crate) async fn finish(&self, user: &UserId) -> Result<()> {
        let now = self.clock.now();
        let gone = Desired::Deleted {
            volume: VolumePolicy::Delete,
        };
        // Including those that are being deleted: their volumes may have been kept for another pod.
        for pod in self.records.all(Some(user), true).await? {
            self.records
                .change_if_there(&pod.id, |pod| {
                    if pod.desired != gone {
                        pod.delete(VolumePolicy::Delete);
                        pod.requested_at = now;
                    }
                })
                .await?;
        }
        self.users.remove_user(user).await
    }

    /// Finishes interrupted deletions of the users that are this replica's.
    pub(crate) async fn finish_all(&self, is_ours: impl Fn(&UserId) -> bool) {
        let finished = async {
            for user in self.users.users().await? {
                if user.deleted && is_ours(&user.id) {
                    self.finish(&user.id).await?;
                }
            }
            Ok::<_, Error>(())
        };
        if let Err(error) = finished.await {
            tracing::warn!(%error, "the users who are being deleted can't be removed now");
        }
    }
}
