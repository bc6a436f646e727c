//! Money under load, in a process that is killed.

use std::sync::Arc;

use neuropod_core::Billing;
use neuropod_core::conformance::billing::load::{CallResult, Load, LoadEvent, Operation};
use neuropod_test_cluster::measured;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::killed::{self, killed_after};

/// The maximum number of events before a kill. Up to 64 operations are in progress then.
const MOST: usize = 300;
/// The ledger is checked after this many kills, because reading it also completes interrupted operations.
const CHECKS: u64 = 20;
/// The number of operations that the next process repeats among others, beginning with interrupted ones.
const PAST: usize = 128;

/// Carries out the parent's operations until it is killed.
pub(crate) async fn work(billing: Arc<dyn Billing>) {
    let load: Load = killed::orders();
    load.run(&billing, |event| killed::report(&event)).await;
    panic!("the load ended before the process was killed");
}

/// Runs [`work`] in `test` on the store at `address` until it is killed, and continues in a new process, `kills` times.
/// `billing` is the same store in this process.
pub(crate) async fn survives_kills(kills: u64, test: &str, address: &str, billing: &Arc<dyn Billing>) {
    let seed = rand::random();
    println!("killed at random with the seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    // More operations than a process carries out in its lifetime.
    let mut load = Load::new(u64::from(u32::MAX), seed);
    let mut events: Vec<LoadEvent> = Vec::new();
    for kill in 1..=kills {
        load.seed = load.seed.wrapping_add(1);
        load.first = begun(&events).map(|(number, _)| number + 1).max().unwrap_or(0);
        load.past = past(&events);
        let count = random.random_range(1..=MOST);
        events.extend(killed_after::<LoadEvent>(count, test, address, &load));
        if kill % CHECKS == 0 || kill == kills {
            load.check(billing, &events).await;
        }
    }
    let accepted = events.iter().filter(|event| is_accepted(event)).count();
    let lost = 2 * begun(&events).count() - events.len();
    measured(format_args!(
        "{kills} kills, {accepted} operations were accepted, {lost} were under way at a kill"
    ));
    let something = usize::try_from(10 * kills).unwrap();
    assert!(
        accepted > something && lost > something,
        "there was something to lose"
    );
}

/// The last operations. Interrupted ones come last, so that they are dropped last.
fn past(events: &[LoadEvent]) -> Vec<Operation> {
    let lately = &events[events.len().saturating_sub(4 * PAST)..];
    let has_ended = |of: u64| {
        let is_end = |event: &LoadEvent| matches!(event, LoadEvent::Ended { number, .. } if *number == of);
        lately.iter().any(is_end)
    };
    let mut past: Vec<_> = begun(lately).collect();
    past.sort_by_key(|(number, _)| !has_ended(*number));
    let first = past.len().saturating_sub(PAST);
    let past = past[first..].iter();
    past.map(|(_, operation)| (*operation).clone()).collect()
}

fn begun(events: &[LoadEvent]) -> impl Iterator<Item = (u64, &Operation)> {
    events.iter().filter_map(|event| match event {
        LoadEvent::Begun { number, operation } => Some((*number, operation)),
        LoadEvent::Ended { .. } => None,
    })
}

fn is_accepted(event: &LoadEvent) -> bool {
    let accepted = |result: &CallResult| matches!(result, CallResult::Done | CallResult::Drawn(_));
    matches!(event, LoadEvent::Ended { result, .. } if accepted(result))
}
