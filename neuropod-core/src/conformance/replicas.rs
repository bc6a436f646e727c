//! Checks for every [`Replicas`].

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::cluster::replicas::{Presence, ReplicaId, Replicas};

/// Runs every check, one after the other, between two clients of the same cluster: as in two processes.
pub async fn run(here: Arc<dyn Replicas>, there: Arc<dyn Replicas>) {
    let (here, there) = (&here, &there);

    each_sees_the_other(here, there).await;
    every_renewal_has_another_stamp(here, there).await;
    who_gives_up_is_gone(here, there).await;
    many_at_once(here, there).await;
}

/// The stamps of these replicas, as far as they are listed. There may be others on the cluster.
fn stamps(listed: Vec<Presence>, of: &[&ReplicaId]) -> BTreeMap<ReplicaId, String> {
    let ours = listed
        .into_iter()
        .filter(|presence| of.contains(&&presence.replica));
    let mut stamps = BTreeMap::new();
    for Presence { replica, stamp } in ours {
        assert!(
            stamps.insert(replica.clone(), stamp).is_none(),
            "{replica} is listed once"
        );
    }
    stamps
}

/// A first renewal makes a presence, which is listed at once, by this client and by others.
pub async fn each_sees_the_other(here: &Arc<dyn Replicas>, there: &Arc<dyn Replicas>) {
    let (one, other) = (ReplicaId::random(), ReplicaId::random());
    let both = [&one, &other];
    let alone = stamps(here.renew(&one).await.unwrap(), &both);
    assert!(alone.keys().eq([&one]), "{alone:?}");
    let listed = stamps(there.renew(&other).await.unwrap(), &both);
    assert_eq!(listed.len(), 2, "{listed:?}");
    assert_eq!(listed[&one], alone[&one], "nobody has renewed it");
    assert_eq!(stamps(here.renew(&one).await.unwrap(), &both).len(), 2);
    for replica in both {
        here.give_up(replica).await.unwrap();
    }
}

/// The stamp of a replica changes with each of its own renewals, and with nothing else.
pub async fn every_renewal_has_another_stamp(here: &Arc<dyn Replicas>, there: &Arc<dyn Replicas>) {
    let (one, other) = (ReplicaId::random(), ReplicaId::random());
    let both = [&one, &other];
    let mut before = stamps(here.renew(&one).await.unwrap(), &both);
    before.extend(stamps(there.renew(&other).await.unwrap(), &both));
    for _ in 0..10 {
        let after = stamps(here.renew(&one).await.unwrap(), &both);
        assert_ne!(after[&one], before[&one]);
        assert_eq!(after[&other], before[&other]);
        before = after;
    }
    let after = stamps(there.renew(&other).await.unwrap(), &both);
    assert_eq!(after[&one], before[&one]);
    assert_ne!(after[&other], before[&other]);
    for replica in both {
        there.give_up(replica).await.unwrap();
    }
}

/// A presence that was given up is gone, whoever asked for it, and may come back. Giving up nothing succeeds.
pub async fn who_gives_up_is_gone(here: &Arc<dyn Replicas>, there: &Arc<dyn Replicas>) {
    let (one, other) = (ReplicaId::random(), ReplicaId::random());
    let both = [&one, &other];
    here.give_up(&one).await.unwrap();
    for client in [here, there] {
        here.renew(&one).await.unwrap();
        assert_eq!(stamps(there.renew(&other).await.unwrap(), &both).len(), 2);
        client.give_up(&one).await.unwrap();
        client.give_up(&one).await.unwrap();
        let left = stamps(there.renew(&other).await.unwrap(), &both);
        assert!(left.keys().eq([&other]), "{left:?}");
    }
    there.give_up(&other).await.unwrap();
}

/// Concurrent renewals of many replicas all succeed.
pub async fn many_at_once(here: &Arc<dyn Replicas>, there: &Arc<dyn Replicas>) {
    let all: Vec<_> = (0..10).map(|_| ReplicaId::random()).collect();
    let tasks = all.iter().zip([here, there].into_iter().cycle());
    let tasks: Vec<_> = tasks
        .map(|(replica, client)| {
            let (replica, client) = (replica.clone(), Arc::clone(client));
            tokio::spawn(async move {
                for _ in 0..3 {
                    client.renew(&replica).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let listed = here.renew(&all[0]).await.unwrap();
    let ours: Vec<_> = all.iter().collect();
    assert_eq!(stamps(listed, &ours).len(), all.len());
    for replica in &all {
        here.give_up(replica).await.unwrap();
    }
}
