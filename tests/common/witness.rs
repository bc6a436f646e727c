//! What really ran, to compare it with what was charged.

use std::collections::BTreeSet;
use std::time::Duration;

use neuropod::{Billing, BillingExt, Clock, Money, PodId, UserId};

use super::World;

/// How many seconds the containers of these pods have run by now, and how many there were.
pub(crate) fn ran(world: &World, pods: impl Fn(&PodId) -> bool) -> (f64, usize) {
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

/// Checks an account into which `paid_in` was paid, by what ran of the owner's pods at a price per hour; answers how
/// many seconds ran and were not charged. A period is charged in whole seconds; a container that vanished while nobody
/// could see it may be charged for `blind` more.
pub(crate) async fn money_is_right(
    world: &World,
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
    for entry in &entries {
        assert!(
            once.insert((&entry.key, entry.kind)),
            "twice: {entry:?} in {entries:#?}"
        );
    }
    let paid = (paid_in - total).as_euros() / (hourly.as_euros() / 3600.0);
    let slack = (1.0 + blind.as_secs_f64()) * f64::from(u32::try_from(containers).unwrap());
    assert!(
        paid <= ran + slack + 0.01,
        "{paid} seconds were charged, {containers} containers ran for {ran}: {:#?} {entries:#?}",
        world.cluster.container_runs()
    );
    ran - paid
}
