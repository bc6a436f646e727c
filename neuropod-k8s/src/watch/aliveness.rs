//! When the driver may rely on the watches alone.

use std::time::Duration;

use neuropod_core::cluster::ClusterEvent;
use tokio::time::Instant;

use super::outage::Outage;
use super::source::Update;
use crate::api::kinds::Kind;
use crate::api::partial::{PartialObject, PartialPod};

/// An open watch is heard of once a minute, and one that is opened again within two.
const RECENT: Duration = Duration::from_secs(150);

/// When each of the watches on other objects than pods was last heard of.
#[derive(Debug)]
pub(super) struct Aliveness(Vec<Watched>);

#[derive(Debug)]
struct Watched {
    kind: Kind,
    /// `None`: the watch is not open.
    heard_at: Option<Instant>,
    outage: Outage,
}

impl Aliveness {
    /// For the watches on these kinds, none of which has been heard of.
    pub(super) fn of(kinds: &[Kind]) -> Self {
        let watched = |&kind: &Kind| Watched {
            kind,
            heard_at: None,
            outage: Outage::default(),
        };
        Self(kinds.iter().map(watched).collect())
    }

    /// What follows from an update of the watch with this index.
    pub(super) fn objects(&mut self, index: usize, update: &Update<PartialObject>) -> Option<ClusterEvent> {
        let watched = &mut self.0[index];
        let name = watched.kind.plural();
        if let Update::Broken(error) = update {
            watched.outage.broke(name, error);
            watched.heard_at = None;
            return None;
        }
        watched.outage.ended(name);
        // A list alone does not show that the watch opens.
        watched.heard_at = (!matches!(update, Update::Listed(_))).then(Instant::now);
        let altered = matches!(
            update,
            Update::Listed(_) | Update::Applied(_) | Update::Deleted(_)
        );
        altered.then_some(ClusterEvent::Altered)
    }

    /// What follows from an update of the watch on pods.
    pub(super) fn pods(&self, update: &Update<PartialPod>) -> Option<ClusterEvent> {
        let is_recent = |watched: &Watched| watched.heard_at.is_some_and(|at| at.elapsed() <= RECENT);
        let alive = matches!(update, Update::Alive) && !self.0.is_empty() && self.0.iter().all(is_recent);
        alive.then_some(ClusterEvent::Alive)
    }
}
