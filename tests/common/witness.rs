//! The true running times, to compare them with the charges.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use neuropod::clock::Clock;
use neuropod::money::statement::explain;
use neuropod::money::{BillingExt, EntryKind};
use neuropod::{Billing, Money, PodId, UserId};

use super::World;

/// The number of seconds that the containers of these pods have run so far, and the number of containers.
pub(crate) fn ran<S>(world: &World<S>, pods: impl Fn(&PodId) -> bool) -> (f64, usize) {
    let now = world.cluster.clock().now();
    let runs = world.cluster.container_runs().into_iter();
    let seconds: Vec<_> = runs
        .filter(|run| pods(&run.pod_id))
        .map(|run| {
            run.ended_at
                .unwrap_or(now)
                .duration_since(run.started_at)
                .as_secs_f64()
        })
        .collect();
    (seconds.iter().sum(), seconds.len())
}

/// Checks an account with deposits of `paid_in` against the running times of the owner's pods at a price per
/// hour; returns how many seconds ran without being charged. A period is charged in whole seconds; a container
/// that vanished unobserved may be charged for `blind` more.
pub(crate) async fn money_is_right(
    world: &World<impl Billing>,
    user: &UserId,
    (paid_in, hourly): (Money, Money),
    (ran, containers): (f64, usize),
    blind: Duration,
) -> f64 {
    let entries = world.store.all_entries(user).await.unwrap();
    let balance = world.store.balance(user).await.unwrap();
    let total: Money = entries.iter().map(|entry| entry.amount).sum();
    let held: Money = entries.iter().map(|entry| entry.held).sum();
    assert_eq!((total, held), (balance.total(), balance.held), "{entries:#?}");
    let mut once = BTreeSet::new();
    // A hold may be topped up; everything else happens once for its key.
    for entry in entries.iter().filter(|entry| entry.kind != EntryKind::Hold) {
        assert!(
            once.insert((&entry.key, entry.kind)),
            "twice: {entry:?} in {entries:#?}"
        );
    }
    let mut charged_until: BTreeMap<Option<PodId>, Timestamp> = BTreeMap::new();
    let mut paid = 0;
    for charge in entries.iter().filter_map(explain) {
        assert!(charge.agrees, "{charge:?}");
        let until = charged_until.entry(charge.pod.clone()).or_insert(Timestamp::MIN);
        assert!(
            charge.period.from >= *until,
            "{charge:?} is charged already: {entries:#?}"
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
    let slack = (1.0 + blind.as_secs_f64()) * f64::from(u32::try_from(containers).unwrap());
    assert!(
        paid <= ran + slack + 0.01,
        "{paid} seconds were charged, {containers} containers ran for {ran}: {:#?} {entries:#?}",
        world.cluster.container_runs()
    );
    ran - paid
}
