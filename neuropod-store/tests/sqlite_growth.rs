//! How much room the ledger of a pod takes that runs for a month.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};
use neuropod_core::clock::Clock;
use neuropod_core::money::billing::{Details, Draw, Hold, Period};
use neuropod_core::money::{AccountKind, BillingExt, LedgerFolding, Statement};
use neuropod_core::{Billing, Money, PodId, UserId};
use neuropod_store::SqliteStore;
use neuropod_test_cluster::measured;

/// A charge about every 40 minutes.
const CHARGES_A_DAY: i64 = 37;
const DAYS: i64 = 30;
const DAY: i64 = 24 * 3600;
/// The age from which on a platform folds days, unless operators choose another one.
const DEFAULT_DAYS: i64 = 2;
/// The most that such a month may take, in bytes.
const MOST: u64 = 200_000;

/// A clock that is set by hand, in seconds.
#[derive(Default)]
struct HandClock(AtomicI64);

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.load(Ordering::Relaxed)).unwrap()
    }
}

/// A month of a pod in a new file. Returns by how much the file has grown, in bytes, and the statement.
async fn month(path: &Path, fold_after: Option<SignedDuration>) -> (u64, Statement) {
    let clock = Arc::new(HandClock::default());
    // Some time in 2026, at midnight.
    let begin = 20_500 * DAY;
    clock.0.store(begin, Ordering::Relaxed);
    let open = async || SqliteStore::open_with_clock(path, clock.clone()).await.unwrap();
    let store = open().await;
    let (user, pod) = (UserId::new("507f1f77bcf86cd799439011"), PodId::random());
    store.open(&user, AccountKind::Prepaid).await.unwrap();
    store
        .deposit("payment-1", &user, Money::from_cents(1_000_000))
        .await
        .unwrap();
    let hourly = Money::from_micros(2_700_001);
    let details = Details {
        pod: Some(pod.clone()),
        pod_name: Some("Training of a model".into()),
        price_version: Some(12),
        hourly: Some(hourly),
        ..Details::default()
    };
    let hold = Hold {
        details: details.clone(),
        ..Hold::new(format!("{pod}:0"), &user, hourly)
    };
    store.hold(&hold).await.unwrap();
    store.close().await;
    let empty = fs::metadata(path).unwrap().len();

    let store = open().await;
    let time = |second: i64| Timestamp::from_second(second).unwrap();
    let mut number = 0;
    for day in 0..DAYS {
        for charge in 0..CHARGES_A_DAY {
            let at = |charge: i64| begin + day * DAY + DAY * charge / CHARGES_A_DAY;
            let (from, until) = (at(charge), at(charge + 1));
            clock.0.store(until, Ordering::Relaxed);
            let draw = Draw {
                key: format!("{pod}:0:{number}"),
                user: user.clone(),
                hold: Some(hold.key.clone()),
                amount: hourly.for_seconds(until - from),
                top_up: hourly,
                at_most: None,
                daily_cap: None,
                details: Details {
                    period: Some(Period {
                        from: time(from),
                        until: time(until),
                    }),
                    ..details.clone()
                },
            };
            store.draw(&draw).await.unwrap();
            number += 1;
        }
        if let Some(after) = fold_after {
            // As a platform that folds in the last second of each day: days that are old enough as a whole.
            store.fold(time(begin + day * DAY) - after).await.unwrap();
        }
    }
    let entries = store.all_entries(&user).await.unwrap();
    let statement = Statement::of(&entries);
    store.close().await;
    (fs::metadata(path).unwrap().len() - empty, statement)
}

#[tokio::test]
async fn a_month_of_a_pod_takes_little_room() {
    let folder = tempfile::tempdir().unwrap();
    let (plain, statement) = month(&folder.path().join("plain.db"), None).await;
    let mut grown = Vec::new();
    for days in [DEFAULT_DAYS, 3, 7] {
        let age = SignedDuration::from_hours(days * 24);
        let (grown_by, after) = month(&folder.path().join(format!("{days}.db")), Some(age)).await;
        grown.push((days, grown_by, after));
    }
    measured(format_args!(
        "a month of a pod with {CHARGES_A_DAY} charges a day takes {plain} bytes in SQLite; folded after days: {:?}",
        grown
            .iter()
            .map(|(days, bytes, _)| (days, bytes))
            .collect::<Vec<_>>()
    ));
    let (_, least, after) = grown.swap_remove(0);
    let counts = |statement: &Statement| (statement.total, statement.entries, statement.days.len());
    assert_eq!(counts(&after), counts(&statement));
    assert!(least <= MOST, "{least} bytes");
}
