//! `PostgresStore` beside the statements of its driver.

use criterion::Criterion;
use neuropod_store::PostgresStore;
use sqlx::postgres::{PgPool, PgPoolOptions};
use tokio::runtime::Runtime;

use super::postgres_server::TestDatabase;
use super::{PAGE, change, fill, number, parse, store};

pub(super) fn postgres(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let Some(database) = runtime.block_on(TestDatabase::new("stores")) else {
        return;
    };
    let postgres = runtime.block_on(PostgresStore::open(&database.uri)).unwrap();
    let pod = runtime.block_on(fill(&postgres));
    let mut group = criterion.benchmark_group("postgres");
    store(&mut group, &runtime, &postgres, &pod);

    let pool = PgPoolOptions::new().test_before_acquire(false);
    let pool = runtime.block_on(pool.connect(&database.uri)).unwrap();
    let id = pod.id.as_str();
    let read = || {
        sqlx::query_scalar::<_, String>("SELECT document FROM pods WHERE id = $1")
            .bind(id)
            .fetch_one(&pool)
    };
    group.bench_function("read/driver", |bencher| {
        bencher.iter(|| parse(&runtime.block_on(read()).unwrap()));
    });
    let version = sqlx::query_scalar("SELECT version FROM pods WHERE id = $1");
    let mut version: i64 = runtime.block_on(version.bind(id).fetch_one(&pool)).unwrap();
    let mut update = async || {
        let text = change(&read().await.unwrap());
        let done = sqlx::query(
            "UPDATE pods SET version = $3, deleted = $4, volume = $5, may_take_volume = $6, document = $7 \
             WHERE id = $1 AND version = $2",
        )
        .bind(id)
        .bind(version)
        .bind(version + 1)
        .bind(false)
        .bind(&pod.volume)
        .bind(false)
        .bind(text)
        .execute(&pool)
        .await
        .unwrap();
        assert_eq!(done.rows_affected(), 1);
        version += 1;
    };
    group.bench_function("update/driver", |bencher| {
        bencher.iter(|| runtime.block_on(update()));
    });
    group.bench_function("list/driver", |bencher| {
        bencher.iter(|| {
            let page = sqlx::query_scalar::<_, String>(
                "SELECT document FROM pods WHERE TRUE AND owner = $1 AND NOT deleted \
                 ORDER BY created_at, id LIMIT $2",
            )
            .bind("ana")
            .bind(i64::from(PAGE) + 1)
            .fetch_all(&pool);
            let texts = runtime.block_on(page).unwrap();
            texts.iter().map(|text| parse(text)).collect::<Vec<_>>()
        });
    });
    group.bench_function("hold_release/driver", |bencher| {
        bencher.iter(|| {
            runtime.block_on(async {
                let key = format!("key-{}", number());
                change_account(&pool, &key, true).await;
                change_account(&pool, &key, false).await;
            });
        });
    });
    group.finish();
    runtime.block_on(async {
        pool.close().await;
        postgres.close().await;
        database.remove().await;
    });
}

/// One change of an account by the statements of the store. A release looks for the account of its key first.
async fn change_account(pool: &PgPool, key: &str, is_hold: bool) {
    const DOCUMENT: &str = r#"{"number":1,"key":"key-1","kind":"hold","amount":0,"held":20000,"at":"2026-01-01T00:00:00Z","details":{}}"#;
    const RECORD: &str = r#"{"kind":"held","user":"ana","amount":20000,"held":20000,"end":null}"#;
    if !is_hold {
        let record = sqlx::query("SELECT record FROM keys WHERE key = $1");
        record.bind(key).fetch_one(pool).await.unwrap();
    }
    let mut transaction = pool.begin().await.unwrap();
    let last: i64 =
        sqlx::query_scalar("SELECT last_entry FROM accounts WHERE user_id = $1 FOR NO KEY UPDATE")
            .bind("ana")
            .fetch_one(&mut *transaction)
            .await
            .unwrap();
    sqlx::query("SELECT key, record FROM keys WHERE key = ANY ($1)")
        .bind(vec![key])
        .fetch_all(&mut *transaction)
        .await
        .unwrap();
    sqlx::query(
        "WITH changed AS (UPDATE accounts SET available = 0, held = 0, last_entry = $2 WHERE user_id = $1), \
         added AS (INSERT INTO entries (user_id, number, at, document) VALUES ($1, $2, 0, $3)) \
         INSERT INTO keys (key, record) VALUES ($4, $5) ON CONFLICT (key) DO UPDATE SET record = excluded.record",
    )
    .bind("ana")
    .bind(last + 1)
    .bind(DOCUMENT)
    .bind(key)
    .bind(RECORD)
    .execute(&mut *transaction)
    .await
    .unwrap();
    transaction.commit().await.unwrap();
}
