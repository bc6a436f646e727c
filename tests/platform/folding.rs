//! A platform folds the ledger once a day.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use neuropod::clock::Clock;
use neuropod::money::statement::explain;
use neuropod::money::{BillingExt, EntryKind, Folded, LedgerFolding, Statement};
use neuropod::sim::Settings;
use neuropod::store::MemoryStore;
use neuropod::{Error, ErrorKind, Money, Result, Status};
use tokio::time::{Instant, sleep};

use crate::common::{Driver, World, request, until, until_status};

const DAY: Duration = Duration::from_hours(24);
const ONE_DAY: SignedDuration = SignedDuration::from_hours(24);

/// A ledger that notes when it is folded, and fails at first.
struct Noting {
    inner: Arc<MemoryStore>,
    /// How many calls fail.
    failures: AtomicUsize,
    calls: Mutex<Vec<(Instant, Timestamp)>>,
}

impl Noting {
    fn new(world: &World, failures: usize) -> Arc<Self> {
        Arc::new(Self {
            inner: world.store.clone(),
            failures: AtomicUsize::new(failures),
            calls: Mutex::default(),
        })
    }

    fn calls(&self) -> Vec<(Instant, Timestamp)> {
        self.calls.lock().unwrap().clone()
    }
}

#[async_trait]
impl LedgerFolding for Noting {
    async fn fold(&self, before: Timestamp) -> Result<Folded> {
        self.calls.lock().unwrap().push((Instant::now(), before));
        if self.failures.load(Ordering::Relaxed) > 0 {
            self.failures.fetch_sub(1, Ordering::Relaxed);
            return Err(Error::new(ErrorKind::Unavailable, "the store is gone"));
        }
        self.inner.fold(before).await
    }
}

#[tokio::test(start_paused = true)]
async fn days_of_a_running_pod_become_short_and_stay_explained() {
    let world = World::new(Settings::default()).await;
    let paid = world
        .store
        .deposit("more", &world.ana.id, Money::from_cents(100_000));
    paid.await.unwrap();
    let parts = world.parts().folding(world.store.clone()).fold_after(ONE_DAY);
    let platform = parts.build().unwrap();
    let _driver = Driver::start(&platform);
    let pod = platform.create(&world.ana, &request("Training")).await.unwrap();
    let pod = until_status(&platform, &world.ana, &pod.id, Status::Running).await;
    // The last folding was at most 26.4 hours ago, so the first three days are folded.
    sleep(DAY * 5 + Duration::from_hours(3)).await;
    platform.stop(&world.ana, &pod.id).await.unwrap();
    let stopped = until(&platform, &world.ana, &pod.id, |pod| {
        pod.status == Status::Stopped
    })
    .await;

    let entries = world.store.all_entries(&world.ana.id).await.unwrap();
    let statement = platform
        .statement(&world.ana, &world.ana.id, None, None)
        .await
        .unwrap();
    assert_eq!(statement, Statement::of(&entries));
    assert_eq!(statement.by_pod[&pod.id].cost, stopped.charged);
    assert!(
        statement.entries > 2 * u64::try_from(entries.len()).unwrap(),
        "{} stand for {}",
        entries.len(),
        statement.entries
    );
    let usage: Vec<_> = entries
        .iter()
        .filter(|entry| entry.kind == EntryKind::Usage)
        .collect();
    assert!(usage.iter().all(|entry| explain(entry).unwrap().agrees));
    let first_days: Vec<_> = statement.days.keys().take(3).copied().collect();
    for day in &first_days[1..] {
        let of_day: Vec<_> = usage.iter().filter(|entry| entry.day() == *day).collect();
        let seconds: i64 = of_day.iter().map(|entry| entry.charged_seconds()).sum();
        assert_eq!(seconds, 24 * 3600, "{day}");
        // The day that was folded last has two more: its last charge was booked after midnight, and the one before it was
        // the newest then.
        assert!(of_day.len() <= 3, "{} charges on {day}", of_day.len());
    }
    // A statement of one day has its usage, whenever it was booked.
    let midnight = |day: Date| TimeZone::UTC.to_timestamp(day.into()).unwrap();
    for day in statement.days.keys().skip(1) {
        let (from, until) = (midnight(*day), midnight(day.tomorrow().unwrap()));
        let of_day = platform.statement(&world.ana, &world.ana.id, Some(from), Some(until));
        let of_day = of_day.await.unwrap();
        assert_eq!(of_day.days.keys().collect::<Vec<_>>(), [day]);
        assert_eq!(of_day.days[day], statement.days[day]);
    }
}

#[tokio::test(start_paused = true)]
async fn it_is_done_once_a_day_and_repeated_after_a_failure() {
    let world = World::new(Settings::default()).await;
    let ledger = Noting::new(&world, 2);
    let platform = world.parts().folding(ledger.clone()).build().unwrap();
    let began = Instant::now();
    let driver = Driver::start(&platform);
    sleep(Duration::from_mins(20)).await;
    assert_eq!(
        ledger.calls().len(),
        3,
        "soon after the start, and again until it succeeds"
    );
    assert!(ledger.calls()[0].0 - began < Duration::from_mins(3));
    sleep(DAY * 10).await;
    let calls = ledger.calls();
    for pair in calls[2..].windows(2) {
        let passed = pair[1].0 - pair[0].0;
        assert!(
            passed > DAY.mul_f64(0.85) && passed < DAY.mul_f64(1.15),
            "{passed:?}"
        );
    }
    assert!((11..=14).contains(&calls.len()), "{}", calls.len());
    let least = ONE_DAY * 2;
    for (at, before) in &calls {
        let age =
            world.cluster.clock().now() - SignedDuration::try_from(Instant::now() - *at).unwrap() - *before;
        assert!(
            age >= least && age < least + ONE_DAY + SignedDuration::from_secs(1),
            "{age}"
        );
        assert_eq!(before.as_second() % (24 * 3600), 0, "midnight: {before}");
    }
    drop(driver);
    sleep(DAY * 2).await;
    assert_eq!(
        ledger.calls().len(),
        calls.len(),
        "nothing is folded by a platform that does not run"
    );
}

#[tokio::test(start_paused = true)]
async fn a_day_is_the_least_age() {
    let world = World::new(Settings::default()).await;
    let parts = world.parts().fold_after(ONE_DAY - SignedDuration::from_secs(1));
    let error = parts.build().unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Invalid(_)));
    assert!(error.to_string().contains("foldAfter"), "{error}");
    assert!(world.parts().fold_after(ONE_DAY).build().is_ok());
}
