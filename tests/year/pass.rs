//! The passage of time.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use neuropod::clock::Clock;
use neuropod::money::billing::Spent;
use neuropod::money::meter::{HOLD_SECONDS, HoldState};
use neuropod::pod::Desired;
use neuropod::store::PriceStore;
use neuropod::{Billing, Money, Pod, PriceList, UserId};
use tokio::time::{Instant, advance, sleep, sleep_until};

use crate::common::World;
use crate::platforms::Platforms;
use crate::rest::records;

/// How long the platforms have for reconciling after a quiet time was skipped.
const LOOK: Duration = Duration::from_secs(2);

/// Lets this much time pass. Times in which containers only run on are skipped at once, so that all of their
/// periods are complete at the next pass.
pub(crate) async fn pass(world: &World, platforms: &Platforms, time: Duration) {
    let end = Instant::now() + time;
    // By then, all of them know about every event.
    let known = LOOK.max(platforms.blind());
    let mut wait = known;
    while Instant::now() < end {
        if platforms.are_gone() {
            return sleep_until(end).await;
        }
        let (next, writes) = (next_change(world), world.cluster.writes());
        sleep(wait.min(end - Instant::now())).await;
        if next <= wait || world.cluster.writes() != writes {
            wait = known;
            continue;
        }
        let quiet = quiet(world).await.min(end - Instant::now());
        wait = if quiet < next_change(world) { LOOK } else { known };
        // They reconcile before it is over.
        advance(quiet.saturating_sub(LOOK)).await;
    }
}

/// The time until the next event in the cluster.
fn next_change(world: &World) -> Duration {
    let now = world.cluster.clock().now();
    let next = world.cluster.next_change();
    next.map_or(Duration::MAX, |next| until(next, now))
}

/// How long the platforms, which know everything, will only have to charge.
async fn quiet(world: &World) -> Duration {
    let pods = records(world).await;
    if !pods.iter().all(|pod| is_known(world, pod)) {
        return Duration::ZERO;
    }
    let now = world.cluster.clock().now();
    next_change(world).min(money_lasts(world, &pods, now).await)
}

/// Whether the record agrees with the running pod, and nothing is in progress.
fn is_known(world: &World, pod: &Pod) -> bool {
    let seen = world.cluster.pod(&pod.id);
    let moves = matches!(pod.meter.hold_state, HoldState::Opening | HoldState::Closing);
    let metered = pod.meter.from.as_ref().and(pod.meter.container.as_ref());
    let as_seen = match (pod.desired, seen) {
        (Desired::Running, seen) => {
            // A serving pod is charged, even if one of its objects can't be created again.
            let serves = metered.is_some() && seen.as_ref().is_some_and(|seen| seen.ready);
            let reason = seen
                .as_ref()
                .and_then(|seen| seen.reason.as_ref())
                .or(pod.reason.as_ref().filter(|_| !serves));
            let free = reason.is_some_and(|reason| !reason.code.is_billable());
            let runs = seen.and_then(|seen| seen.container).map(|container| container.id);
            metered == runs.as_ref().filter(|_| !free)
        }
        (Desired::Stopped, seen) => seen.is_none() && metered.is_none(),
        (Desired::Deleted { .. }, _) => false,
    };
    as_seen && !moves && pod.meter.pending.is_none()
}

/// How long every owner can pay for their running containers: from the hold of each pod or from the available balance for
/// all of them, and no longer than their daily caps last. An hour for each pod is subtracted from the available balance:
/// holds that are filled first take it from the others.
async fn money_lasts(world: &World, pods: &[Pod], now: Timestamp) -> Duration {
    let mut owners: BTreeMap<&UserId, Vec<&Pod>> = BTreeMap::new();
    for pod in pods {
        owners.entry(&pod.owner).or_default().push(pod);
    }
    let newest = world.store.prices(None).await.unwrap().unwrap_or_default();
    let price = |pod: &Pod| price(pod, &newest);
    let mut least = i64::MAX;
    for (owner, pods) in owners {
        let balance = world.store.balance(owner).await.unwrap();
        let hourly: Money = pods.iter().map(|pod| price(pod)).sum();
        let held = pods.iter().filter(|pod| pod.meter.from.is_some()).map(|pod| {
            let remaining = pod.meter.remaining_seconds().unwrap_or(HOLD_SECONDS);
            remaining - not_charged(pod, now)
        });
        let available = seconds(balance.available, hourly) - HOLD_SECONDS;
        least = least.min(held.min().unwrap_or(i64::MAX).max(available));
        // Usage that is not charged yet counts already.
        let open = |pod: &Pod| price(pod).for_seconds(not_charged(pod, now));
        let spent = |spent: Option<Spent>| spent.map_or(Money::ZERO, |spent| spent.at(now));
        for pod in pods.iter().filter(|pod| pod.meter.from.is_some()) {
            if let Some(cap) = pod.options.daily_cap {
                least = least.min(seconds(cap - spent(pod.spent) - open(pod), price(pod)));
            }
            if let Some(cap) = pod.owner_cap {
                let open: Money = pods.iter().map(|pod| open(pod)).sum();
                least = least.min(seconds(cap - spent(balance.spent) - open, hourly));
            }
        }
    }
    Duration::from_secs(least.try_into().unwrap_or(0))
}

/// Its present price per hour, the higher of two prices during a change: it may not know the newest ones.
fn price(pod: &Pod, newest: &PriceList) -> Money {
    let options = &pod.options;
    let quote = newest.quote(options.gpu(), options.disk_gb(), options.volume_gb());
    let (ours, next, newest) = match pod.meter.from {
        Some(_) => (pod.meter.price.hourly, pod.price.hourly, quote.hourly()),
        None => (pod.meter.price.stopped, pod.price.stopped, quote.hourly_stopped()),
    };
    ours.max(next).max(newest)
}

/// The number of seconds that an amount pays for.
fn seconds(amount: Money, hourly: Money) -> i64 {
    amount.micros() * 3600 / hourly.micros().max(1)
}

/// The number of seconds of a pod that are not charged yet.
fn not_charged(pod: &Pod, now: Timestamp) -> i64 {
    let from = pod.meter.from.or(pod.meter.volume_from);
    from.map_or(0, |from| now.duration_since(from).as_secs().max(0))
}

fn until(at: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(at.duration_since(now)).unwrap_or(Duration::ZERO)
}
