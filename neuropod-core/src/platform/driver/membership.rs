//! Which replicas are alive, and which of them drives a pod: plain decisions.

use std::collections::{BTreeMap, BTreeSet};

use crate::cluster::replicas::{Presence, ReplicaId};

/// A replica is dead once so many lists in a row show the same stamp. Lists are three seconds apart or more, and so are
/// renewals: it takes three missed renewals, and at most twelve seconds to notice them.
const DEAD_AFTER: u32 = 3;
/// The presence of a dead replica is removed after so many lists: an hour.
const REMOVED_AFTER: u32 = 20 * 60;

/// The replicas that this one sees.
///
/// Lists are counted, and not time: a list that fails says nothing about the others, and during an outage of the cluster
/// nobody can renew.
#[derive(Debug)]
pub(super) struct Membership {
    me: ReplicaId,
    others: BTreeMap<ReplicaId, Seen>,
}

/// Another replica, as it was last listed.
#[derive(Debug)]
struct Seen {
    stamp: String,
    /// How many lists have shown this stamp since the first one.
    unchanged: u32,
}

/// How the set of live replicas has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Change {
    /// A replica is gone, so that others drive its pods now.
    pub(super) gains: bool,
    /// A replica is new, and drives pods of the others now.
    pub(super) loses: bool,
}

impl Membership {
    /// The view of a replica that has not seen any other.
    pub(super) fn new(me: ReplicaId) -> Self {
        Self {
            me,
            others: BTreeMap::new(),
        }
    }

    /// Notes a list of presences. A replica that is listed for the first time is alive.
    pub(super) fn note(&mut self, listed: Vec<Presence>) -> Change {
        let before = self.live();
        let mut others = BTreeMap::new();
        for Presence { replica, stamp } in listed {
            if replica == self.me {
                continue;
            }
            let unchanged = match self.others.get(&replica) {
                Some(seen) if seen.stamp == stamp => seen.unchanged.saturating_add(1),
                _ => 0,
            };
            others.insert(replica, Seen { stamp, unchanged });
        }
        self.others = others;
        let after = self.live();
        Change {
            gains: !before.is_subset(&after),
            loses: !after.is_subset(&before),
        }
    }

    /// The replicas whose presence is to be removed now.
    pub(super) fn long_dead(&self) -> impl Iterator<Item = &ReplicaId> {
        // Once more every hour, if it can't be removed.
        let is_long_dead =
            |(_, seen): &(_, &Seen)| seen.unchanged > 0 && seen.unchanged.is_multiple_of(REMOVED_AFTER);
        self.others
            .iter()
            .filter(is_long_dead)
            .map(|(replica, _)| replica)
    }

    /// What this replica drives.
    pub(super) fn share(&self) -> Share {
        Share::Part {
            me: self.me.clone(),
            others: self.live().into_iter().collect(),
        }
    }

    /// The other replicas that are alive. This one always is, for itself.
    fn live(&self) -> BTreeSet<ReplicaId> {
        let is_live = |(_, seen): &(_, &Seen)| seen.unchanged < DEAD_AFTER;
        let live = self.others.iter().filter(is_live);
        live.map(|(replica, _)| replica.clone()).collect()
    }
}

/// What one replica drives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Share {
    /// All pods: there is nobody to divide them with.
    Everything,
    /// No pod: the other replicas are not known yet.
    Nothing,
    /// The pods for which this replica has the highest weight of all that are alive. So each has one driver where all see
    /// the same replicas, and only the pods of a replica that comes or goes change hands.
    Part {
        /// This replica.
        me: ReplicaId,
        /// The other replicas that are alive.
        others: Vec<ReplicaId>,
    },
}

impl Share {
    /// Whether this replica drives the pod with this id, or does the work with this name.
    pub(super) fn has(&self, key: &str) -> bool {
        match self {
            Self::Everything => true,
            Self::Nothing => false,
            Self::Part { me, others } => {
                let mine = weight(me, key);
                others
                    .iter()
                    .all(|other| (weight(other, key), other) < (mine, me))
            }
        }
    }
}

/// The weight of a replica for a key: the same in every process and every version.
fn weight(replica: &ReplicaId, key: &str) -> [u8; blake3::OUT_LEN] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(replica.as_str().as_bytes()).update(key.as_bytes());
    *hasher.finalize().as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::PodId;

    const NONE: Change = Change {
        gains: false,
        loses: false,
    };

    fn replica(bits: u64) -> ReplicaId {
        ReplicaId::from_bits(bits)
    }

    /// Presences of replicas, each with its stamp.
    fn listed(all: &[(u64, u32)]) -> Vec<Presence> {
        let presence = |(bits, stamp): &(u64, u32)| Presence::new(replica(*bits), stamp.to_string());
        all.iter().map(presence).collect()
    }

    fn share_of(me: u64, others: &[u64]) -> Share {
        Share::Part {
            me: replica(me),
            others: others.iter().copied().map(replica).collect(),
        }
    }

    #[test]
    fn a_replica_is_dead_after_three_lists_without_a_renewal() {
        let mut membership = Membership::new(replica(1));
        assert_eq!(membership.share(), share_of(1, &[]));
        let new = Change { loses: true, ..NONE };
        assert_eq!(membership.note(listed(&[(1, 0), (2, 0)])), new);
        assert_eq!(membership.share(), share_of(1, &[2]));
        for stamp in [0, 0, 1, 1, 1] {
            assert_eq!(membership.note(listed(&[(2, stamp)])), NONE);
        }
        let dead = Change { gains: true, ..NONE };
        assert_eq!(membership.note(listed(&[(2, 1)])), dead);
        assert_eq!(membership.share(), share_of(1, &[]));
        assert_eq!(membership.note(listed(&[(2, 1)])), NONE, "once");
        assert_eq!(membership.note(listed(&[(2, 2)])), new, "it only stood still");
    }

    #[test]
    fn a_replica_that_gives_up_is_gone_at_once_and_another_may_come_in_its_place() {
        let mut membership = Membership::new(replica(1));
        membership.note(listed(&[(2, 0), (3, 0)]));
        let both = Change {
            gains: true,
            loses: true,
        };
        assert_eq!(membership.note(listed(&[(3, 1), (4, 0)])), both);
        assert_eq!(membership.share(), share_of(1, &[3, 4]));
    }

    #[test]
    fn a_presence_is_removed_after_an_hour() {
        let mut membership = Membership::new(replica(1));
        for _ in 0..REMOVED_AFTER {
            membership.note(listed(&[(1, 0), (2, 0)]));
            assert_eq!(membership.long_dead().count(), 0);
        }
        membership.note(listed(&[(1, 0), (2, 0)]));
        assert!(membership.long_dead().eq([&replica(2)]), "and never its own");
    }

    #[test]
    fn each_pod_has_one_driver_and_only_the_pods_of_a_dead_replica_move() {
        let ids: Vec<_> = (0..1000).map(|bits| PodId::from_bits(bits).to_string()).collect();
        let driver = |live: &[u64], id: &str| {
            let drives = |me: &u64| {
                let others: Vec<_> = live.iter().copied().filter(|other| other != me).collect();
                share_of(*me, &others).has(id)
            };
            let found: Vec<_> = live.iter().filter(|me| drives(me)).collect();
            assert_eq!(found.len(), 1, "{id}");
            *found[0]
        };
        let mut pods = BTreeMap::<u64, u32>::new();
        for id in &ids {
            let before = driver(&[1, 2, 3], id);
            *pods.entry(before).or_default() += 1;
            let after = driver(&[1, 3], id);
            assert!(
                before == 2 || after == before,
                "{id} moved from {before} to {after}"
            );
        }
        assert!(pods.values().all(|count| (250..420).contains(count)), "{pods:?}");
        assert!(Share::Everything.has("a") && !Share::Nothing.has("a"));
    }
}
