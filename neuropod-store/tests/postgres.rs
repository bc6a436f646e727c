//! The suites of stores and billing on a real server, and tests that need one.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod both;
mod canary;
mod failure;
mod postgres_server;
mod sample;

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use neuropod_core::conformance::billing::load::{self, Load};
use neuropod_core::conformance::hints::{self, Client};
use neuropod_core::money::billing::{EntryOptions, Hold};
use neuropod_core::money::{AccountKind, BillingExt};
use neuropod_core::store::{ListOptions, PriceStore, UserStore};
use neuropod_core::{Billing, Money, Pod, PodStore, PriceList, Result, Status, UserId, conformance};
use neuropod_store::{PostgresOptions, PostgresStore};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Row};

use self::both::Both;
use self::failure::failed;
use self::postgres_server::{TestDatabase, run};
use self::sample::minute;

const CENT: Money = Money::from_cents(1);

/// Patient, as the machine may be doing something else.
async fn open(database: &TestDatabase) -> PostgresStore {
    let options = PostgresOptions::new(&database.uri).with_timeout(Duration::from_mins(1));
    PostgresStore::open_with(options).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn is_a_pod_store() {
    let Some(database) = TestDatabase::new("postgres/is_a_pod_store").await else {
        return;
    };
    conformance::store::run(Arc::new(open(&database).await)).await;
    database.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn is_an_audit_log() {
    let Some(database) = TestDatabase::new("postgres/is_an_audit_log").await else {
        return;
    };
    conformance::audit::run(Arc::new(open(&database).await)).await;
    database.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn is_a_billing() {
    let Some(database) = TestDatabase::new("postgres/is_a_billing").await else {
        return;
    };
    conformance::billing::run(Arc::new(open(&database).await)).await;
    database.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn folds_its_ledger() {
    let Some(database) = TestDatabase::new("postgres/folds_its_ledger").await else {
        return;
    };
    let store = Arc::new(open(&database).await);
    conformance::folding::run(store.clone(), store.clone()).await;
    conformance::folding::run_long(store.clone(), store).await;
    database.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_stores_on_one_database_fold_their_ledger() {
    let Some(database) = TestDatabase::new("postgres/two_stores_on_one_database_fold_their_ledger").await
    else {
        return;
    };
    let (first, second) = tokio::join!(open(&database), open(&database));
    let both = Arc::new(Both::new([first, second]));
    conformance::folding::run(both.clone(), both).await;
    database.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_stores_on_one_database_are_a_billing() {
    let Some(database) = TestDatabase::new("postgres/two_stores_on_one_database_are_a_billing").await else {
        return;
    };
    // Set up by both at the same time.
    let (first, second) = tokio::join!(open(&database), open(&database));
    conformance::billing::run(Arc::new(Both::new([first, second]))).await;
    database.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn money_under_load_of_two_stores() {
    let Some(database) = TestDatabase::new("postgres/money_under_load_of_two_stores").await else {
        return;
    };
    let (first, second) = tokio::join!(open(&database), open(&database));
    let billing: Arc<dyn Billing> = Arc::new(Both::new([first, second]));
    load::run(&billing, &Load::new(10_000, rand::random())).await;
    database.remove().await;
}

/// Two accounts and a release reach for the same key at the same time, through stores that only share the database.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_used_once_whoever_comes_first() {
    const KEYS: usize = 50;
    let Some(database) = TestDatabase::new("postgres/a_key_is_used_once_whoever_comes_first").await else {
        return;
    };
    let (first, second) = tokio::join!(open(&database), open(&database));
    let (ana, berta) = (UserId::new("ana"), UserId::new("berta"));
    for user in [&ana, &berta] {
        first.open(user, AccountKind::Unlimited).await.unwrap();
    }
    let race = async |number: usize| {
        let key = format!("key-{number}");
        let hold = |user| Hold::new(key.clone(), user, CENT);
        let (by_ana, by_berta) = (hold(&ana), hold(&berta));
        let results: (Result<()>, Result<()>, Result<()>) =
            tokio::join!(first.hold(&by_ana), second.hold(&by_berta), second.release(&key));
        results.2.unwrap();
        [results.0, results.1]
            .iter()
            .filter(|result| result.is_ok())
            .count()
    };
    let held: Vec<usize> = join_all((0..KEYS).map(race)).await;
    assert!(held.iter().all(|count| *count <= 1), "{held:?}");
    let mut entries = 0;
    for user in [&ana, &berta] {
        let found = first.entries_of(user, &EntryOptions::default()).await.unwrap();
        let balance = first.balance(user).await.unwrap();
        assert_eq!(found.iter().map(|entry| entry.held).sum::<Money>(), balance.held);
        entries += found.iter().filter(|entry| entry.held > Money::ZERO).count();
    }
    assert_eq!(
        entries,
        held.iter().sum::<usize>(),
        "each success is in one ledger"
    );
    database.remove().await;
}

/// Calls abandoned at any moment count once or not at all, and exactly once when repeated.
#[tokio::test(flavor = "multi_thread")]
async fn abandoned_calls_count_once_when_repeated() {
    const ROUNDS: usize = 20;
    const WRITES: usize = 20;
    let Some(database) = TestDatabase::new("postgres/abandoned_calls_count_once_when_repeated").await else {
        return;
    };
    let store = Arc::new(open(&database).await);
    let ana = UserId::new("ana");
    store.open(&ana, AccountKind::Prepaid).await.unwrap();
    let deposit = async |store: &PostgresStore, ana: &UserId, round: usize| {
        let keys = (0..WRITES).map(|number| format!("key-{round}-{number}"));
        join_all(keys.map(|key| async move { store.deposit(&key, ana, CENT).await })).await
    };
    for round in 0..ROUNDS {
        let (store, ana) = (Arc::clone(&store), ana.clone());
        let calls = tokio::spawn(async move {
            let keys = (0..WRITES).map(|number| format!("key-{round}-{number}"));
            join_all(keys.map(|key| {
                let (store, ana) = (&store, &ana);
                async move { store.deposit(&key, ana, CENT).await }
            }))
            .await
        });
        for _ in 0..round * 40 {
            tokio::task::yield_now().await;
        }
        calls.abort();
    }
    for round in 0..ROUNDS {
        for result in deposit(&store, &ana, round).await {
            result.unwrap();
        }
    }
    let balance = store.balance(&ana).await.unwrap();
    let entries = store.all_entries(&ana).await.unwrap();
    assert_eq!(entries.len(), ROUNDS * WRITES);
    assert_eq!(
        balance.available,
        CENT.times(u32::try_from(ROUNDS * WRITES).unwrap())
    );
    database.remove().await;
}

/// What one store has written, another one reads after the first is closed.
#[tokio::test(flavor = "multi_thread")]
async fn everything_is_there_when_it_is_opened_again() {
    let Some(database) = TestDatabase::new("postgres/everything_is_there_when_it_is_opened_again").await
    else {
        return;
    };
    let store = open(&database).await;
    canary::fill(&store).await;
    let pods = store.list(&ListOptions::default()).await.unwrap().pods;
    let users = store.users().await.unwrap();
    let entries = store.all_entries(&UserId::new("ana")).await.unwrap();
    store.close().await;
    failed(store.users().await, "unavailable", false);

    let store = PostgresStore::open_with(PostgresOptions::new(&database.uri).with_connections(1))
        .await
        .unwrap();
    assert_eq!(store.list(&ListOptions::default()).await.unwrap().pods, pods);
    assert_eq!(store.users().await.unwrap(), users);
    assert_eq!(store.all_entries(&UserId::new("ana")).await.unwrap(), entries);
    assert!(pods.len() == 1 && users.len() == 1 && entries.len() == 3);
    database.remove().await;
}

/// Postgres knows no text with the character NUL, which may be in every text that a caller chooses.
#[tokio::test(flavor = "multi_thread")]
async fn texts_with_nul_are_kept() {
    let Some(database) = TestDatabase::new("postgres/texts_with_nul_are_kept").await else {
        return;
    };
    let store = open(&database).await;
    let users = ["ana", "ana\0", "ana\0\0", "ana\u{1}", "ana\u{1}\u{1}"].map(UserId::new);
    for user in &users {
        store.open(user, AccountKind::Prepaid).await.unwrap();
        let key = format!("paid by {user}");
        store.deposit(&key, user, CENT).await.unwrap();
        store.deposit(&key, user, CENT).await.unwrap();
        let pod = Pod {
            name: "name\0".into(),
            ..sample::pod(user)
        };
        let pod = store.insert(&pod).await.unwrap();
        assert_eq!(store.get(&pod.id).await.unwrap(), Some(pod));
    }
    for user in &users {
        assert_eq!(store.balance(user).await.unwrap().available, CENT, "{user:?}");
        assert_eq!(store.count(user).await.unwrap(), 1, "{user:?}");
        let entries = store.all_entries(user).await.unwrap();
        assert_eq!(entries[0].key, format!("paid by {user}"));
    }
    database.remove().await;
}

/// Fields of a later version are kept when this one changes the rest.
#[tokio::test(flavor = "multi_thread")]
async fn unknown_fields_survive_a_rewrite() {
    let Some(database) = TestDatabase::new("postgres/unknown_fields_survive_a_rewrite").await else {
        return;
    };
    let store = open(&database).await;
    let ana = UserId::new("ana");
    let pod = store.insert(&sample::pod(&ana)).await.unwrap();
    store.open(&ana, AccountKind::Unlimited).await.unwrap();
    store
        .hold_amount("hour", &ana, Money::from_cents(9))
        .await
        .unwrap();
    let mut other = database.by_hand().await;
    run(
        &mut other,
        r#"UPDATE pods SET document = jsonb_set(document::jsonb || '{"team": "vision"}',
            '{options,ports,1,zone}', '"grpc"')::text;
        UPDATE keys SET record = record::jsonb || '{"team": "vision", "by": {"tax": 21}}'"#,
    )
    .await;

    let pod = Pod {
        status: Status::Running,
        ..store.get(&pod.id).await.unwrap().unwrap()
    };
    assert_eq!(store.update(&pod).await.unwrap().status, Status::Running);
    let kept: (String, String, String) = sqlx::query_as(
        "SELECT document::json ->> 'team', document::json #>> '{options,ports,1,zone}', \
         document::json ->> 'status' FROM pods",
    )
    .fetch_one(&mut other)
    .await
    .unwrap();
    assert_eq!(kept, ("vision".into(), "grpc".into(), "running".into()));

    let mut record = async || {
        let record: (String, String, String, Option<String>) = sqlx::query_as(
            "SELECT record::json ->> 'team', record::json #>> '{by,tax}', record::json ->> 'held', \
             record::json ->> 'end' FROM keys WHERE key = 'hour'",
        )
        .fetch_one(&mut other)
        .await
        .unwrap();
        record
    };
    let expected = |held: &str, end: Option<&str>| {
        (
            "vision".to_owned(),
            "21".to_owned(),
            held.to_owned(),
            end.map(str::to_owned),
        )
    };
    store.draw(&minute("minute", &ana, "hour")).await.unwrap();
    assert_eq!(record().await, expected("80000", None));
    store.release("hour").await.unwrap();
    assert_eq!(record().await, expected("0", Some("released")));
    // It is still read as such.
    store.release("hour").await.unwrap();
    database.remove().await;
}

/// Two administrators change the prices at the same time: one of them is told.
#[tokio::test(flavor = "multi_thread")]
async fn prices_are_added_by_one_at_a_time() {
    let Some(database) = TestDatabase::new("postgres/prices_are_added_by_one_at_a_time").await else {
        return;
    };
    let store = open(&database).await;
    for version in 0..20 {
        let prices = PriceList {
            version,
            ..PriceList::default()
        };
        let results = join_all([(); 4].map(|()| store.add_prices(&prices))).await;
        let (added, late): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
        assert_eq!((added.len(), late.len()), (1, 3));
        for error in late {
            failed(error, "conflict", true);
        }
    }
    database.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_only_in_their_field() {
    let Some(database) = TestDatabase::new("postgres/secrets_are_only_in_their_field").await else {
        return;
    };
    let store = open(&database).await;
    canary::fill(&store).await;
    let mut other = database.by_hand().await;
    let columns = sqlx::query(
        "SELECT table_name::text, column_name::text FROM information_schema.columns WHERE table_schema = 'public'",
    );
    let mut searched = 0;
    for row in columns.fetch_all(&mut other).await.unwrap() {
        let (table, column): (String, String) = (row.get(0), row.get(1));
        let query = AssertSqlSafe(format!(r#"SELECT "{column}"::text FROM "{table}""#));
        let texts: Vec<Option<String>> = sqlx::query_scalar(query).fetch_all(&mut other).await.unwrap();
        for text in texts.into_iter().flatten() {
            searched += 1;
            let has_secrets = |(kept, _): &&(&str, _)| table == *kept && column == "document";
            if let Some((_, canaries)) = canary::KEPT.iter().find(has_secrets) {
                let mut document: Value = serde_json::from_str(&text).unwrap();
                let secrets = document.as_object_mut().unwrap().remove("secrets").unwrap();
                canary::check_secrets(&secrets.to_string(), canaries);
                canary::check_clean(&table, &document.to_string());
            } else {
                canary::check_clean(&format!("{table}.{column}"), &text);
            }
        }
    }
    assert!(searched > 50, "only {searched} values were searched");
    database.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hints_at_what_others_change() {
    let Some(database) = TestDatabase::new("postgres/hints_at_what_others_change").await else {
        return;
    };
    let (here, there) = tokio::join!(open(&database), open(&database));
    let (here, there) = (Client::new(Arc::new(here)), Client::new(Arc::new(there)));
    hints::run(here.clone(), there.clone()).await;

    let mut by_hand = database.by_hand().await;
    let cut = async || {
        let listeners = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
            WHERE datname = current_database() AND query LIKE 'LISTEN %'";
        let ended: Vec<bool> = sqlx::query_scalar(listeners)
            .fetch_all(&mut by_hand)
            .await
            .unwrap();
        assert!(ended.contains(&true), "somebody listens");
    };
    hints::a_break_is_reported(&here, &there, cut).await;
    database.remove().await;
}
