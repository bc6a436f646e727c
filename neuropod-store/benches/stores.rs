//! The stores beside their drivers doing the same statements: reading a pod, changing it by compare-and-swap, a page of
//! a list, and a hold that is made and released. A store should take at most 1.3 times as long as its driver.
//!
//! A direct user of the SQLite driver needs pods too, so `driver` reads and writes them as JSON values;
//! `driver_text` leaves them as text.
#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark")]

#[path = "../tests/mongo_server/mod.rs"]
mod mongo_server;
mod postgres;
#[path = "../tests/postgres_server/mod.rs"]
mod postgres_server;
#[path = "../tests/sample/mod.rs"]
mod sample;

use std::sync::atomic::{AtomicI64, Ordering};

use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main, measurement::WallTime};
use futures::TryStreamExt;
use mongodb::bson::{Bson, Document, doc};
use neuropod_core::money::{AccountKind, BillingExt};
use neuropod_core::store::ListOptions;
use neuropod_core::{Billing, Money, Pod, PodStore, UserId};
use neuropod_store::{MongoStore, SqliteStore};
use serde_json::Value;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use tokio::runtime::Runtime;

use self::mongo_server::TestDatabase;

const PODS: usize = 200;
const PAGE: u32 = 100;

fn user() -> UserId {
    UserId::new("ana")
}

fn number() -> i64 {
    static NEXT: AtomicI64 = AtomicI64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// The data for both groups of the store.
async fn fill(store: &(impl PodStore + Billing)) -> Pod {
    store.open(&user(), AccountKind::Unlimited).await.unwrap();
    let mut pods = Vec::new();
    for _ in 0..PODS {
        pods.push(store.insert(&sample::pod(&user())).await.unwrap());
    }
    pods.swap_remove(PODS / 2)
}

fn store(
    group: &mut BenchmarkGroup<'_, WallTime>,
    runtime: &Runtime,
    store: &(impl PodStore + Billing),
    pod: &Pod,
) {
    group.bench_function("read/store", |bencher| {
        bencher.iter(|| runtime.block_on(store.get(&pod.id)).unwrap().unwrap());
    });
    let mut current = runtime.block_on(store.get(&pod.id)).unwrap().unwrap();
    group.bench_function("update/store", |bencher| {
        bencher.iter(|| {
            current.attempts = current.attempts.wrapping_add(1);
            current = runtime.block_on(store.update(&current)).unwrap();
        });
    });
    let options = ListOptions {
        owner: Some(user()),
        limit: PAGE,
        ..ListOptions::default()
    };
    group.bench_function("list/store", |bencher| {
        bencher.iter(|| runtime.block_on(store.list(&options)).unwrap());
    });
    group.bench_function("hold_release/store", |bencher| {
        bencher.iter(|| {
            runtime.block_on(async {
                let key = format!("key-{}", number());
                store
                    .hold_amount(&key, &user(), Money::from_cents(2))
                    .await
                    .unwrap();
                store.release(&key).await.unwrap();
            });
        });
    });
}

fn sqlite(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("neuropod.db");
    let sqlite = runtime.block_on(SqliteStore::open(&path)).unwrap();
    let pod = runtime.block_on(fill(&sqlite));
    let mut group = criterion.benchmark_group("sqlite");
    store(&mut group, &runtime, &sqlite, &pod);

    let options = SqliteConnectOptions::new()
        .filename(&path)
        .synchronous(SqliteSynchronous::Full);
    let pool = || SqlitePoolOptions::new().test_before_acquire(false);
    let writer = runtime
        .block_on(pool().max_connections(1).connect_with(options.clone()))
        .unwrap();
    let readers = runtime
        .block_on(pool().connect_with(options.read_only(true)))
        .unwrap();
    let id = pod.id.as_str();
    let read = || {
        sqlx::query_scalar::<_, String>("SELECT document FROM pods WHERE id = ?")
            .bind(id)
            .fetch_one(&readers)
    };
    group.bench_function("read/driver_text", |bencher| {
        bencher.iter(|| runtime.block_on(read()).unwrap());
    });
    group.bench_function("read/driver", |bencher| {
        bencher.iter(|| parse(&runtime.block_on(read()).unwrap()));
    });
    let mut version: i64 = runtime
        .block_on(
            sqlx::query_scalar("SELECT version FROM pods WHERE id = ?")
                .bind(id)
                .fetch_one(&readers),
        )
        .unwrap();
    let mut update = async |change: fn(String) -> String| {
        let text = change(read().await.unwrap());
        let done = sqlx::query(
            "UPDATE pods SET version = ?, deleted = ?, document = ? WHERE id = ? AND version = ?",
        )
        .bind(version + 1)
        .bind(false)
        .bind(text)
        .bind(id)
        .bind(version)
        .execute(&writer)
        .await
        .unwrap();
        assert_eq!(done.rows_affected(), 1);
        version += 1;
    };
    group.bench_function("update/driver_text", |bencher| {
        bencher.iter(|| runtime.block_on(update(|text| text)));
    });
    group.bench_function("update/driver", |bencher| {
        bencher.iter(|| runtime.block_on(update(|text| change(&text))));
    });
    let list = async || {
        sqlx::query_scalar::<_, String>(
            "SELECT document FROM pods WHERE TRUE AND owner = ? AND NOT deleted \
             ORDER BY created_at, id LIMIT ?",
        )
        .bind("ana")
        .bind(i64::from(PAGE) + 1)
        .fetch_all(&readers)
        .await
        .unwrap()
    };
    group.bench_function("list/driver_text", |bencher| {
        bencher.iter(|| runtime.block_on(list()));
    });
    group.bench_function("list/driver", |bencher| {
        bencher.iter(|| {
            let texts = runtime.block_on(list());
            texts.iter().map(|text| parse(text)).collect::<Vec<_>>()
        });
    });
    group.bench_function("hold_release/driver", |bencher| {
        bencher.iter(|| {
            runtime.block_on(async {
                let key = format!("key-{}", number());
                for _ in ["hold", "release"] {
                    sqlite_change(&writer, &key).await;
                }
            });
        });
    });
    group.finish();
}

fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn change(text: &str) -> String {
    let mut pod = parse(text);
    pod["attempts"] = (pod["attempts"].as_u64().unwrap() % 1000 + 1).into();
    pod.to_string()
}

/// One change of an account by the statements of the store.
async fn sqlite_change(writer: &SqlitePool, key: &str) {
    const DOCUMENT: &str = r#"{"number":1,"key":"key-1","kind":"hold","amount":0,"held":20000,"at":"2026-01-01T00:00:00Z","details":{}}"#;
    const RECORD: &str = r#"{"kind":"held","user":"ana","amount":20000,"held":20000,"end":null}"#;
    let mut step = writer.begin_with("BEGIN IMMEDIATE").await.unwrap();
    sqlx::query("SELECT record FROM keys WHERE key = ?")
        .bind(key)
        .fetch_optional(&mut *step)
        .await
        .unwrap();
    sqlx::query("SELECT kind, available, held, spent_on, spent, spent_before FROM accounts WHERE user = ?")
        .bind("ana")
        .fetch_one(&mut *step)
        .await
        .unwrap();
    sqlx::query(
        "UPDATE accounts SET available = ?, held = ?, spent_on = ?, spent = ?, spent_before = ? \
         WHERE user = ?",
    )
    .bind(0_i64)
    .bind(0_i64)
    .bind(None::<String>)
    .bind(0_i64)
    .bind(0_i64)
    .bind("ana")
    .execute(&mut *step)
    .await
    .unwrap();
    let last: i64 = sqlx::query_scalar("SELECT coalesce(max(number), 0) FROM entries WHERE user = ?")
        .bind("ana")
        .fetch_one(&mut *step)
        .await
        .unwrap();
    sqlx::query("INSERT INTO entries (user, number, at, document) VALUES (?, ?, ?, ?)")
        .bind("ana")
        .bind(last + 1)
        .bind(0_i64)
        .bind(DOCUMENT)
        .execute(&mut *step)
        .await
        .unwrap();
    sqlx::query(
        "INSERT INTO keys (key, record) VALUES (?, ?) \
         ON CONFLICT (key) DO UPDATE SET record = json_patch(record, excluded.record)",
    )
    .bind(key)
    .bind(RECORD)
    .execute(&mut *step)
    .await
    .unwrap();
    step.commit().await.unwrap();
}

fn mongo(criterion: &mut Criterion) {
    for (name, database) in ["mongo", "mongo_on_postgres"]
        .into_iter()
        .zip(TestDatabase::each("stores"))
    {
        measure_mongo(criterion, name, database);
    }
}

fn measure_mongo(criterion: &mut Criterion, name: &str, database: TestDatabase) {
    let runtime = Runtime::new().unwrap();
    let mongo = runtime.block_on(MongoStore::connect(&database.uri)).unwrap();
    let pod = runtime.block_on(fill(&mongo));
    let mut group = criterion.benchmark_group(name);
    store(&mut group, &runtime, &mongo, &pod);

    let driver = runtime.block_on(database.driver());
    let pods = driver.collection::<Document>("pods");
    let by_id = || doc! { "podId": pod.id.as_str() };
    group.bench_function("read/driver", |bencher| {
        bencher.iter(|| {
            let found = runtime.block_on(async { pods.find_one(by_id()).await });
            found.unwrap().unwrap()
        });
    });
    group.bench_function("update/driver", |bencher| {
        bencher.iter(|| {
            runtime.block_on(async {
                let mut document = pods.find_one(by_id()).await.unwrap().unwrap();
                let version = document.get_i64("version").unwrap();
                let filter = doc! { "podId": pod.id.as_str(), "version": version };
                document.insert("version", version + 1);
                let done = pods.replace_one(filter, document).await.unwrap();
                assert_eq!(done.matched_count, 1);
            });
        });
    });
    group.bench_function("list/driver", |bencher| {
        bencher.iter(|| {
            let page = runtime.block_on(async {
                let filter = doc! { "userId": "ana", "desired.state": { "$ne": "deleted" } };
                let sort = doc! { "createdAt": 1, "podId": 1 };
                let limit = i64::from(PAGE) + 1;
                let cursor = pods.find(filter).sort(sort).limit(limit).await.unwrap();
                cursor.try_collect::<Vec<_>>().await.unwrap()
            });
            assert_eq!(page.len(), 101);
        });
    });
    group.bench_function("hold_release/driver", |bencher| {
        bencher.iter(|| {
            runtime.block_on(async {
                let key = format!("key-{}", number());
                mongo_change(&driver, &key, true).await;
                mongo_change(&driver, &key, false).await;
            });
        });
    });
    group.finish();
    runtime.block_on(database.remove());
}

/// One change of an account by the operations of the store.
async fn mongo_change(driver: &mongodb::Database, key: &str, is_hold: bool) {
    let collection = |name| driver.collection::<Document>(name);
    let (accounts, entries, keys) = (collection("accounts"), collection("entries"), collection("keys"));
    let record =
        doc! { "kind": "held", "user": "ana", "amount": 20_000_i64, "held": 20_000_i64, "end": null };
    if !is_hold {
        keys.find_one(doc! { "_id": key }).await.unwrap().unwrap();
    }
    let account = accounts.find_one(doc! { "_id": "ana" }).await.unwrap().unwrap();
    let found = keys.find_one(doc! { "_id": key }).await.unwrap();
    if found.is_none() {
        let claim = doc! {
            "_id": key, "account": "ana", "previous": Bson::Null, "claim": 1_i64, "record": Bson::Null, "at": 0_i64,
        };
        keys.insert_one(claim).await.unwrap();
    }
    let version = account.get_i64("version").unwrap();
    let number = account.get_i64("entries").unwrap() + 1;
    let entry = doc! {
        "user": "ana", "number": number, "key": key, "kind": "hold", "amount": 0_i64, "held": 20_000_i64,
        "at": mongodb::bson::DateTime::now(), "details": {},
    };
    let pending = doc! {
        "version": version + 1, "entries": [entry.clone()], "records": [{ "key": key, "record": record.clone() }],
    };
    let change = doc! { "$set": {
        "available": 0_i64, "held": 0_i64, "version": version + 1, "entries": number, "pending": pending,
    } };
    let filter = doc! { "_id": "ana", "version": version };
    let done = accounts.update_one(filter, change).await.unwrap();
    assert_eq!(done.matched_count, 1);
    entries.insert_one(entry).await.unwrap();
    let filter = doc! { "_id": key, "at": { "$lt": version + 1 } };
    let change = doc! { "$set": { "account": "ana", "record": record, "at": version + 1 } };
    keys.update_one(filter, change).await.unwrap();
    let filter = doc! { "_id": "ana", "pending.version": version + 1 };
    let clear = doc! { "$set": { "pending": null } };
    accounts.update_one(filter, clear).await.unwrap();
}

criterion_group!(benches, sqlite, postgres::postgres, mongo);
criterion_main!(benches);
