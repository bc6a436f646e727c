//! The presences of replicas, as Leases of a real cluster are.

use std::collections::BTreeMap;

use crate::cluster::replicas::{Presence, ReplicaId};

/// The replicas that have a presence, each with the number of its last renewal.
#[derive(Default)]
pub(super) struct SimReplicas {
    present: BTreeMap<ReplicaId, u64>,
    renewals: u64,
}

impl SimReplicas {
    /// Renews a presence and returns all.
    pub(super) fn renew(&mut self, replica: &ReplicaId) -> Vec<Presence> {
        self.renewals += 1;
        self.present.insert(replica.clone(), self.renewals);
        let present = self.present.iter();
        present
            .map(|(replica, renewal)| Presence::new(replica.clone(), renewal.to_string()))
            .collect()
    }

    /// Removes a presence.
    pub(super) fn give_up(&mut self, replica: &ReplicaId) {
        self.present.remove(replica);
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = &ReplicaId> {
        self.present.keys()
    }
}
