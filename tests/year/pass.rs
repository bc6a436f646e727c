//! Letting time pass.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use neuropod::meter::{RESERVED_SECONDS, Reservation};
use neuropod::{Clock, Money, Pod, UserId};
use tokio::time::{Instant, advance, sleep};

use crate::common::World;
use crate::platforms::Platforms;
use crate::rest::records;

/// How long it is looked whether anything happens, before a time in which nothing does is jumped over.
const LOOK: Duration = Duration::from_secs(2);

/// Lets so much time pass. Times in which nothing can happen but that containers run on pass at once, so that all of
/// their periods are full when the platforms look the next time.
pub(crate) async fn pass(world: &World, platforms: &Platforms, time: Duration) {
    let end = Instant::now() + time;
    loop {
        sleep(LOOK.min(end - Instant::now())).await;
        let left = end - Instant::now();
        if left.is_zero() {
            return;
        }
        let quiet = if platforms.are_gone() {
            left
        } else {
            quiet(world).await.min(left)
        };
        if quiet > LOOK {
            advance(quiet).await;
        }
    }
}

/// For how long the platforms, which know all that there is to know, have nothing to do but to charge.
async fn quiet(world: &World) -> Duration {
    let pods = records(world).await;
    if !pods.iter().all(|pod| is_known(world, pod)) {
        return Duration::ZERO;
    }
    let now = world.cluster.clock().now();
    let next = world.cluster.next_change();
    let next = next.map_or(Duration::MAX, |next| until(next, now));
    next.min(money_lasts(world, &pods).await)
}

/// Whether the record says which container of the pod runs, and nothing is under way.
fn is_known(world: &World, pod: &Pod) -> bool {
    let runs = || Some(world.cluster.pod(&pod.id)?.container?.id);
    let open = matches!(
        pod.meter.reservation,
        Reservation::Opening | Reservation::Closing
    );
    !open && pod.meter.due.is_none() && (pod.meter.from.is_none() || pod.meter.container == runs())
}

/// For how long all who have containers running can pay for them.
async fn money_lasts(world: &World, pods: &[Pod]) -> Duration {
    let mut owners: HashMap<&UserId, (Money, i64)> = HashMap::new();
    for pod in pods.iter().filter(|pod| pod.meter.from.is_some()) {
        let (hourly, reserved) = owners.entry(&pod.owner).or_insert((Money::ZERO, RESERVED_SECONDS));
        *hourly += pod.meter.price.hourly.max(pod.price.hourly);
        *reserved = pod.meter.seconds_left().unwrap_or(RESERVED_SECONDS).min(*reserved);
    }
    let mut least = i64::MAX;
    for (owner, (hourly, reserved)) in owners {
        let available = world.store.balance(owner).await.unwrap().available;
        least = least.min(reserved + available.micros() * 3600 / hourly.micros().max(1));
    }
    Duration::from_secs(least.try_into().unwrap_or(0))
}

fn until(at: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(at.duration_since(now)).unwrap_or(Duration::ZERO)
}
