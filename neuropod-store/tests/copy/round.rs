//! From store to store, and back.

use std::path::Path;

use neuropod_core::Money;
use neuropod_core::store::PriceStore;
use neuropod_store::copy::{Address, CopyReport, compare, copy};
use neuropod_store::{MongoStore, PostgresStore, SqliteStore};
use sqlx::{AssertSqlSafe, Row};

use crate::mongo_server::TestDatabase as MongoDatabase;
use crate::picture::{Picture, goes_on};
use crate::postgres_server::TestDatabase;
use crate::{Files, by_hand, filled, postgres};

fn check(report: &CopyReport) {
    for kind in &report.kinds {
        assert!(kind.copied > 0 && kind.copied == kind.compared, "{report:?}");
    }
    assert_eq!(report.kinds.len(), 11);
    assert_eq!(report.available + report.held, report.booked);
    assert!(report.held > Money::ZERO && report.unbalanced == 0, "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn from_store_to_store_and_back() {
    let Some(database) = TestDatabase::new("copy/from_store_to_store_and_back").await else {
        return;
    };
    let Some(documents) = MongoDatabase::new("copy/from_store_to_store_and_back") else {
        return;
    };
    let files = Files::new();
    filled::file(&files.path("first.db")).await;
    let first = SqliteStore::open(files.path("first.db")).await.unwrap();
    let picture = Picture::of(&first).await;
    first.close().await;
    picture.check();
    let stations = [
        files.address("first.db"),
        postgres(&database.uri),
        Address::mongo(&documents.uri),
        files.address("last.db"),
    ];
    let mut reports = Vec::new();
    for ends in stations.windows(2) {
        let report = copy(&ends[0], &ends[1]).await.unwrap();
        check(&report);
        reports.push(report);
    }
    assert!(reports.iter().all(|report| *report == reports[0]), "{reports:?}");
    let report = compare(&stations[0], &stations[3]).await.unwrap();
    assert!(
        report
            .kinds
            .iter()
            .all(|kind| kind.copied == 0 && kind.compared > 0)
    );
    assert_eq!(report.booked, reports[0].booked);
    unknown_fields_stay(&files.path("last.db")).await;

    let last = SqliteStore::open(files.path("last.db")).await.unwrap();
    let on_server = PostgresStore::open(&database.uri).await.unwrap();
    let in_documents = MongoStore::connect(&documents.uri).await.unwrap();
    assert_eq!(Picture::of(&last).await, picture);
    assert_eq!(Picture::of(&on_server).await, picture);
    assert_eq!(Picture::of(&in_documents).await, picture);
    goes_on(&last).await;
    goes_on(&on_server).await;
    goes_on(&in_documents).await;
    database.remove().await;
    documents.remove().await;
}

/// Every document of the file still has the fields of a later version.
async fn unknown_fields_stay(path: &Path) {
    let mut file = by_hand::connect(path).await;
    for (table, column, later) in [
        ("pods", "document", r#"{"ñ":[1,2.5,null,"x"]}"#),
        ("users", "document", r#"{"ñ":[1,2.5,null,"x"]}"#),
        ("templates", "document", r#"{"ñ":[1,2.5,null,"x"]}"#),
        ("prices", "document", r#"{"ñ":[1,2.5,null,"x"]}"#),
        ("requests", "document", r#"{"ñ":[1,2.5,null,"x"]}"#),
        ("entries", "document", r#"{"ñ":[1,2.5,null,"x"]}"#),
        ("audit", "document", r#"{"ñ":[1,2.5,null,"x"]}"#),
        ("keys", "record", r#"{"a":1}"#),
    ] {
        let query = format!(
            "SELECT count(*) AS rows, count(*) FILTER (WHERE {column} -> '$.later' = '{later}') AS kept FROM {table}"
        );
        let row = sqlx::query(AssertSqlSafe(query))
            .fetch_one(&mut file)
            .await
            .unwrap();
        let (rows, kept): (i64, i64) = (row.get("rows"), row.get("kept"));
        assert!(rows > 0 && rows == kept, "{kept} of {rows} {table}");
    }
    let ports: i64 =
        sqlx::query_scalar("SELECT count(*) FROM pods WHERE document -> '$.options.ports[0].later' = '7'")
            .fetch_one(&mut file)
            .await
            .unwrap();
    assert!(ports > 0);
}

/// A new table has to be copied too.
#[tokio::test]
async fn no_table_is_left_out() {
    let files = Files::new();
    filled::file(&files.path("from.db")).await;
    copy(&files.address("from.db"), &files.address("to.db"))
        .await
        .unwrap();
    let mut counts = Vec::new();
    for name in ["from.db", "to.db"] {
        let mut file = by_hand::connect(&files.path(name)).await;
        let tables: Vec<String> = sqlx::query_scalar(
            "SELECT name FROM sqlite_schema WHERE type = 'table' \
             AND name NOT IN ('_sqlx_migrations', 'unfinished_copy') ORDER BY name",
        )
        .fetch_all(&mut file)
        .await
        .unwrap();
        for table in tables {
            let query = AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
            let count: i64 = sqlx::query_scalar(query).fetch_one(&mut file).await.unwrap();
            assert!(count > 0, "the sample has nothing in the table {table}");
            counts.push((table, count));
        }
    }
    let (from, to) = counts.split_at(counts.len() / 2);
    assert_eq!(from, to);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_table_is_copied_in_batches() {
    let Some(database) = TestDatabase::new("copy/a_long_table_is_copied_in_batches").await else {
        return;
    };
    let files = Files::new();
    filled::file(&files.path("from.db")).await;
    let mut file = by_hand::connect(&files.path("from.db")).await;
    by_hand::run(
        &mut file,
        "WITH RECURSIVE many (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM many WHERE n < 1234) \
         INSERT INTO keys SELECT 'many ' || n, '{\"kind\":\"closed\"}' FROM many",
    )
    .await;
    let report = copy(&files.address("from.db"), &postgres(&database.uri))
        .await
        .unwrap();
    assert!(
        report
            .kinds
            .iter()
            .any(|kind| kind.name == "keys of money" && kind.compared > 1234)
    );
    copy(&postgres(&database.uri), &files.address("back.db"))
        .await
        .unwrap();
    compare(&files.address("from.db"), &files.address("back.db"))
        .await
        .unwrap();
    database.remove().await;
}

/// MongoDB has no times that are finer than a millisecond.
#[tokio::test(flavor = "multi_thread")]
async fn times_are_as_fine_as_the_target_has_them() {
    let Some(documents) = MongoDatabase::new("copy/times_are_as_fine_as_the_target_has_them") else {
        return;
    };
    let files = Files::new();
    filled::file(&files.path("from.db")).await;
    let mut file = by_hand::connect(&files.path("from.db")).await;
    by_hand::run(
        &mut file,
        "UPDATE users SET document = json_set(document, '$.registrationDate', '2026-01-01T00:00:00.123456789Z')",
    )
    .await;
    let to = Address::mongo(&documents.uri);
    copy(&files.address("from.db"), &to).await.unwrap();
    compare(&files.address("from.db"), &to).await.unwrap();
    let store = MongoStore::connect(&documents.uri).await.unwrap();
    let users = neuropod_core::store::UserStore::users(&store).await.unwrap();
    assert!(
        users
            .iter()
            .all(|user| user.registration_date.subsec_nanosecond() == 123_000_000)
    );
    assert!(store.prices(None).await.unwrap().is_some());
    documents.remove().await;
}
