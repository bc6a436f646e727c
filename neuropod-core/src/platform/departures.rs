//! Users who are being deleted: their pods go first, then they do.

use std::sync::Arc;

use super::records::Records;
use crate::clock::SteadyClock;
use crate::cluster::workload::VolumePolicy;
use crate::error::kind::{Error, Result};
use crate::id::UserId;
use crate::pod::record::Desired;
use crate::store::traits::UserStore;

/// Finishes deletions of users. A user is marked as deleted before anything else happens: from then on nothing of theirs
/// is paid for.
pub(crate) struct Departures {
    pub(crate) users: Arc<dyn UserStore>,
    pub(crate) records: Arc<Records>,
    pub(crate) clock: Arc<SteadyClock>,
}

impl Departures {
    /// Marks everything of a user who is marked as deleted, then removes them. Can be broken off anywhere and repeated.
    pub(crate) async fn finish(&self, user: &UserId) -> Result<()> {
        let now = self.clock.now();
        let gone = Desired::Deleted {
            volume: VolumePolicy::Delete,
        };
        // Including those on their way out: their volumes were to be kept for somebody.
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

    /// Finishes the deletions that were broken off.
    pub(crate) async fn finish_all(&self) {
        let finished = async {
            for user in self.users.users().await? {
                if user.deleted {
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
