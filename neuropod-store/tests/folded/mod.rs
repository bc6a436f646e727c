//! Pods that are charged while their ledger is folded, in a process that is killed.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use neuropod_core::money::billing::{Details, Draw, Period};
use neuropod_core::money::statement::explain;
use neuropod_core::money::{AccountKind, BillingExt, EntryKind, LedgerEntry, LedgerFolding};
use neuropod_core::{Billing, Money, PodId, UserId};
use neuropod_test_cluster::measured;
use rand::RngExt;
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use crate::killed::{self, killed_after};

const PODS: usize = 3;
/// The maximum number of charges before a kill.
const MOST: usize = 60;
const HOURLY: Money = Money::from_micros(2_700_001);

/// A pod, and the number of its next charge.
#[derive(Clone, Serialize, Deserialize)]
struct Running {
    pod: PodId,
    next: i64,
}

/// A charge that was acknowledged.
#[derive(Serialize, Deserialize)]
struct Charged {
    pod: PodId,
    number: i64,
}

fn user() -> UserId {
    UserId::new("ana")
}

fn hold(pod: &PodId) -> String {
    format!("{pod}:0")
}

/// A minute of a pod, the same in every process.
fn minute(pod: &PodId, number: i64) -> Draw {
    let begin = Timestamp::UNIX_EPOCH;
    let at = |minutes| begin + SignedDuration::from_mins(minutes);
    Draw {
        key: format!("{}:{number}", hold(pod)),
        user: user(),
        hold: Some(hold(pod)),
        amount: HOURLY.for_seconds(60),
        top_up: Money::from_cents(10),
        at_most: None,
        daily_cap: None,
        details: Details {
            pod: Some(pod.clone()),
            hourly: Some(HOURLY),
            price_version: Some(1),
            period: Some(Period {
                from: at(number),
                until: at(number + 1),
            }),
            ..Details::default()
        },
    }
}

/// Charges the parent's pods, and folds all the time, until it is killed.
pub(crate) async fn work<S: Billing + LedgerFolding>(store: Arc<S>) {
    let pods: Vec<Running> = killed::orders();
    let mut tasks = JoinSet::new();
    for mut running in pods {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            loop {
                let pod = running.pod.clone();
                store.draw(&minute(&pod, running.next)).await.unwrap();
                killed::report(&Charged {
                    pod: pod.clone(),
                    number: running.next,
                });
                // One that slept for long.
                let old = rand::random_range(0..=running.next);
                let repeated = store.draw(&minute(&pod, old)).await;
                let is_refused = |error: &neuropod_core::Error| error.kind().code() == "invalid_state";
                assert!(repeated.as_ref().err().is_none_or(is_refused), "{repeated:?}");
                running.next += 1;
            }
        });
    }
    loop {
        store.fold(Timestamp::MAX).await.unwrap();
        tokio::task::yield_now().await;
    }
}

/// Runs [`work`] in `test` on the store at `address` until it is killed, and continues in a new process, `kills` times.
/// `store` is the same store in this process.
pub(crate) async fn survives_kills<S: Billing + LedgerFolding>(
    kills: u64,
    test: &str,
    address: &str,
    store: &Arc<S>,
) {
    let user = user();
    store.open(&user, AccountKind::Unlimited).await.unwrap();
    let mut pods = Vec::new();
    for _ in 0..PODS {
        let pod = PodId::random();
        store
            .hold_amount(&hold(&pod), &user, Money::from_cents(10))
            .await
            .unwrap();
        pods.push(Running { pod, next: 0 });
    }
    for _ in 0..kills {
        let count = rand::rng().random_range(1..=MOST);
        for charged in killed_after::<Charged>(count, test, address, &pods) {
            let running = pods
                .iter_mut()
                .find(|running| running.pod == charged.pod)
                .unwrap();
            assert_eq!(running.next, charged.number, "one after the other");
            running.next += 1;
        }
        check(store.as_ref(), &user).await;
    }
    let mut all = 0;
    for running in &pods {
        // It may have been under way at the last kill.
        store.draw(&minute(&running.pod, running.next)).await.unwrap();
        all += running.next + 1;
    }
    store.fold(Timestamp::MAX).await.unwrap();
    let entries = check(store.as_ref(), &user).await;
    for running in &pods {
        let usage = entries.iter().filter(|entry| entry.kind == EntryKind::Usage);
        let of_pod = usage.filter(|entry| entry.details.pod.as_ref() == Some(&running.pod));
        let seconds: i64 = of_pod.map(LedgerEntry::charged_seconds).sum();
        assert_eq!(seconds, 60 * (running.next + 1), "each minute counts once");
    }
    measured(format_args!(
        "{kills} kills during folding: {all} charges, each once, in {} entries",
        entries.len()
    ));
}

/// Checks that the entries add up, and that all charges are explained.
async fn check(billing: &dyn Billing, user: &UserId) -> Vec<LedgerEntry> {
    let entries = billing.all_entries(user).await.unwrap();
    let balance = billing.balance(user).await.unwrap();
    let total: Money = entries.iter().map(|entry| entry.amount).sum();
    let held: Money = entries.iter().map(|entry| entry.held).sum();
    assert_eq!((total, held), (balance.total(), balance.held));
    let usage = entries.iter().filter(|entry| entry.kind == EntryKind::Usage);
    for entry in usage {
        assert!(explain(entry).is_some_and(|charge| charge.agrees), "{entry:?}");
    }
    entries
}
