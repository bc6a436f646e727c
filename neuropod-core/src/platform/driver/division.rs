//! Dividing the pods among the replicas of a platform: shows the others that this one runs, and keeps up which of them do.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

use super::membership::{Change, Membership, Share};
use crate::cluster::replicas::{Presence, ReplicaId, Replicas};
use crate::error::kind::{Error, ErrorKind, Result};
use crate::id::PodId;
use crate::platform::records::Records;

/// How often a presence is renewed, and the others are listed.
const RENEWAL: Duration = Duration::from_secs(3);
/// The longest time that a renewal may take. A later answer would come after the next one is due anyway.
const PATIENCE: Duration = Duration::from_secs(5);

/// This replica among the others. Without [`Replicas`] it is the only one, and makes no request.
pub(super) struct Division {
    replicas: Option<Arc<dyn Replicas>>,
    records: Arc<Records>,
    me: ReplicaId,
    membership: Membership,
    share: Share,
    /// When the next renewal begins; `None`: this replica has not joined yet.
    next: Option<Instant>,
    /// The renewal under way: one at most.
    renewal: JoinSet<Result<Vec<Presence>>>,
    /// Removals of presences of the dead.
    removals: JoinSet<()>,
    /// Whether the last renewal failed, and the log has reported it.
    has_failed: bool,
}

impl Division {
    pub(super) fn new(replicas: Option<Arc<dyn Replicas>>, records: Arc<Records>) -> Self {
        let me = ReplicaId::random();
        let share = match replicas {
            Some(_) => Share::Nothing,
            None => Share::Everything,
        };
        Self {
            replicas,
            records,
            membership: Membership::new(me.clone()),
            me,
            share,
            next: None,
            renewal: JoinSet::new(),
            removals: JoinSet::new(),
            has_failed: false,
        }
    }

    /// Shows the others from now on that this replica runs: it can take over their pods. Returns `true` if it does not know
    /// its share before the first [`change`](Self::change).
    pub(super) fn join(&mut self) -> bool {
        if self.replicas.is_some() && self.next.is_none() {
            self.next = Some(Instant::now());
        }
        self.share == Share::Nothing
    }

    /// What this replica drives now.
    pub(super) fn share(&self) -> &Share {
        &self.share
    }

    /// Waits until the share changes. Cancelling it loses nothing.
    pub(super) async fn change(&mut self) -> Change {
        loop {
            let (Some(replicas), Some(next)) = (&self.replicas, self.next) else {
                return pending().await;
            };
            while self.removals.try_join_next().is_some() {}
            if self.renewal.is_empty() {
                sleep_until(next).await;
                // At least this long apart, however late this one is: three lists must take nine seconds.
                self.next = Some(Instant::now() + RENEWAL);
                let renewal = renew(Arc::clone(replicas), Arc::clone(&self.records), self.me.clone());
                self.renewal.spawn(renewal);
            }
            let Some(renewed) = self.renewal.join_next().await else {
                continue;
            };
            let renewed = renewed.unwrap_or_else(|error| {
                Err(Error::new(ErrorKind::Unexpected, "a renewal panicked").with_source(error))
            });
            if let Some(change) = self.finish(renewed) {
                return change;
            }
        }
    }

    /// Notes the result of a renewal. One that failed changes nothing, except that a replica that never succeeded counts as
    /// the only one.
    fn finish(&mut self, renewed: Result<Vec<Presence>>) -> Option<Change> {
        let mut change = Change {
            gains: false,
            loses: false,
        };
        match renewed {
            Ok(listed) => {
                if std::mem::take(&mut self.has_failed) {
                    tracing::info!("this replica can be seen by the others again");
                }
                change = self.membership.note(listed);
                self.remove_long_dead();
            }
            Err(error) if std::mem::replace(&mut self.has_failed, true) => {
                tracing::debug!(%error, "the others still can't be told that this replica runs");
            }
            Err(error) => {
                tracing::warn!(%error, "the others can't be told now that this replica runs; it is retried");
            }
        }
        change.gains |= self.share == Share::Nothing;
        if !change.gains && !change.loses {
            return None;
        }
        self.share = self.membership.share();
        tracing::info!(replica = %self.me, share = ?self.share, "the pods are divided anew");
        Some(change)
    }

    fn remove_long_dead(&mut self) {
        let Some(replicas) = &self.replicas else { return };
        for dead in self.membership.long_dead() {
            let (replicas, dead) = (Arc::clone(replicas), dead.clone());
            self.removals.spawn(async move {
                if let Err(error) = replicas.give_up(&dead).await {
                    tracing::debug!(replica = %dead, %error, "the presence of a dead replica can't be removed now");
                }
            });
        }
    }

    /// Tells the others that this replica ends: they take its pods over at once.
    pub(super) async fn leave(mut self) {
        let Some(replicas) = self.replicas.take().filter(|_| self.next.is_some()) else {
            return;
        };
        let left = async {
            // A renewal that arrived after the end would show it alive again.
            while self.renewal.join_next().await.is_some() {}
            replicas.give_up(&self.me).await
        };
        match timeout(PATIENCE, left).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the others find out later that this replica has ended"),
            Err(_) => tracing::warn!("the others find out later that this replica has ended"),
        }
    }

    /// Whether this replica drives a pod by itself.
    pub(super) fn has(&self, id: &PodId) -> bool {
        self.share.has(id.as_str())
    }
}

/// Renews the presence of this replica, if it can do its work: without its store it can't drive anything, so the others have
/// to.
async fn renew(replicas: Arc<dyn Replicas>, records: Arc<Records>, me: ReplicaId) -> Result<Vec<Presence>> {
    let renewed = timeout(PATIENCE, async {
        records.check().await?;
        replicas.renew(&me).await
    });
    renewed.await.unwrap_or_else(|elapsed| {
        let message = format!("the store or the cluster did not respond within {PATIENCE:?}");
        Err(Error::new(ErrorKind::Timeout, message).with_source(elapsed))
    })
}
