//! What really ran, to compare it with what was charged.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use futures::StreamExt;
use jiff::Timestamp;
use neuropod::sim::SimCluster;
use neuropod::statement::explain;
use neuropod::{BillingExt, Clock, ClusterBackend, ClusterEvent, EntryKind, Money, PodId, UserId};

use super::World;

/// Notes, without faults, when containers ran.
#[derive(Clone, Default)]
pub(crate) struct Witness(Arc<Mutex<BTreeMap<String, Run>>>);

/// One container: of which pod, when it started and ended.
type Run = (PodId, Timestamp, Option<Timestamp>);

impl Witness {
    /// Notes what happens from now on, until the cluster is gone.
    pub(crate) fn of(cluster: &SimCluster) -> Self {
        let witness = Self::default();
        tokio::spawn(witness.clone().watch(cluster.watch(), cluster.clock()));
        witness
    }

    async fn watch(self, mut events: impl StreamExt<Item = ClusterEvent> + Unpin, clock: impl Clock) {
        let mut running: BTreeMap<PodId, String> = BTreeMap::new();
        while let Some(event) = events.next().await {
            let mut runs = self.0.lock().unwrap();
            let (pod_id, container, ended) = match event {
                ClusterEvent::Changed { pod_id, pod } => (pod_id, pod.container, pod.finished_at),
                ClusterEvent::Gone { pod_id, .. } => (pod_id, None, None),
                _ => continue,
            };
            let id = container.as_ref().map(|container| container.id.clone());
            if let Some(before) = running.get(&pod_id).filter(|before| Some(*before) != id.as_ref()) {
                runs.get_mut(before).unwrap().2 = Some(ended.unwrap_or_else(|| clock.now()));
                running.remove(&pod_id);
            }
            if let Some(container) = container {
                let run = (pod_id.clone(), container.started_at, None);
                runs.entry(container.id.clone()).or_insert(run);
                running.insert(pod_id, container.id);
            }
        }
    }

    /// Seconds that containers of these pods ran by `now`, and how many there were.
    pub(crate) fn ran(&self, pods: impl Fn(&PodId) -> bool, now: Timestamp) -> (f64, usize) {
        let runs = self.0.lock().unwrap();
        let seconds: Vec<_> = runs
            .values()
            .filter(|(pod, ..)| pods(pod))
            .map(|(_, start, end)| end.unwrap_or(now).duration_since(*start).as_secs_f64())
            .collect();
        (seconds.iter().sum(), seconds.len())
    }
}

/// Checks an account into which `paid_in` was paid, by what ran of the owner's pods at a price per hour; answers how
/// many seconds ran and were not charged.
pub(crate) async fn money_is_right(
    world: &World,
    user: &UserId,
    (paid_in, hourly): (Money, Money),
    (ran, containers): (f64, usize),
) -> f64 {
    let entries = world.store.all_entries(user).await.unwrap();
    let balance = neuropod::Billing::balance(&*world.store, user).await.unwrap();
    let total: Money = entries.iter().map(|entry| entry.amount).sum();
    let held: Money = entries.iter().map(|entry| entry.held).sum();
    assert_eq!((total, held), (balance.total(), balance.held), "{entries:#?}");
    let mut once = BTreeSet::new();
    // A reservation may be topped up; everything else happens once for its key.
    for entry in entries.iter().filter(|entry| entry.kind != EntryKind::Hold) {
        assert!(
            once.insert((&entry.key, entry.kind)),
            "twice: {entry:?} in {entries:#?}"
        );
    }
    let mut charged_until: BTreeMap<Option<PodId>, Timestamp> = BTreeMap::new();
    let mut paid = 0;
    for charge in entries.iter().filter_map(explain) {
        assert!(charge.agrees, "{charge}");
        let until = charged_until.entry(charge.pod.clone()).or_insert(Timestamp::MIN);
        assert!(
            charge.period.from >= *until,
            "{charge} is charged already: {entries:#?}"
        );
        *until = charge.period.until;
        // The rest is for volumes of stopped pods.
        if charge.hourly == hourly {
            paid += charge.seconds;
        }
    }
    let spent: Money = entries
        .iter()
        .filter_map(explain)
        .map(|charge| charge.amount)
        .sum();
    let written_off = entries.iter().filter(|entry| entry.kind == EntryKind::WriteOff);
    let written_off: Money = written_off.map(|entry| entry.amount).sum();
    assert_eq!(paid_in - total, spent - written_off, "{entries:#?}");
    let paid = f64::from(i32::try_from(paid).unwrap());
    // The seconds of a container are rounded once.
    let rounding = f64::from(u32::try_from(containers).unwrap()) + 0.01;
    assert!(
        paid <= ran + rounding,
        "{paid} seconds were charged, containers ran for {ran}: {entries:#?}"
    );
    ran - paid
}
