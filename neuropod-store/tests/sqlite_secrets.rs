//! Secrets of pods and templates are in one field of their documents, and nowhere else in a file.
#![allow(clippy::unwrap_used, reason = "tests")]

mod by_hand;
mod canary;

use neuropod_core::store::TemplateStore;
use neuropod_store::SqliteStore;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Row, SqliteConnection};

/// Every text of a table, by row and column.
async fn texts(file: &mut SqliteConnection, table: &str) -> Vec<(String, String)> {
    let columns = sqlx::query("SELECT name FROM pragma_table_info(?)").bind(table.to_owned());
    let mut texts = Vec::new();
    for column in columns.fetch_all(&mut *file).await.unwrap() {
        let column: String = column.get(0);
        let query = AssertSqlSafe(format!(r#"SELECT CAST("{column}" AS BLOB) FROM "{table}""#));
        for row in sqlx::query(query).fetch_all(&mut *file).await.unwrap() {
            let bytes: Option<Vec<u8>> = row.get(0);
            let text = String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned();
            texts.push((format!("{table}.{column}"), text));
        }
    }
    texts
}

#[tokio::test]
async fn secrets_are_only_in_their_field() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("neuropod.db");
    let store = SqliteStore::open(&path).await.unwrap();
    canary::fill(&store).await;
    assert!(store.templates().await.unwrap().len() == 1);
    store.close().await;

    let mut file = by_hand::connect(&path).await;
    by_hand::run(&mut file, "PRAGMA wal_checkpoint(TRUNCATE)").await;
    let tables = sqlx::query("SELECT name FROM sqlite_schema WHERE type = 'table'");
    let mut searched = 0;
    for table in tables.fetch_all(&mut file).await.unwrap() {
        for (place, text) in texts(&mut file, table.get(0)).await {
            searched += 1;
            let has_secrets = |(table, _): &&(&str, _)| place == format!("{table}.document");
            if let Some((_, canaries)) = canary::KEPT.iter().find(has_secrets) {
                let mut document: Value = serde_json::from_str(&text).unwrap();
                let secrets = document.as_object_mut().unwrap().remove("secrets").unwrap();
                canary::check_secrets(&secrets.to_string(), canaries);
                canary::check_clean(&place, &document.to_string());
            } else {
                canary::check_clean(&place, &text);
            }
        }
    }
    assert!(searched > 50, "only {searched} values were searched");
    // No part of them is elsewhere in the file, such as in indexes or removed rows. Each secret is there once
    // for each stored version of the pod, and for the template.
    drop(file);
    let bytes = std::fs::read(&path).unwrap();
    for canary in canary::ALL {
        let found = bytes
            .windows(canary.len())
            .filter(|part| *part == canary.as_bytes());
        assert!((1..=3).contains(&found.count()), "{canary}");
    }
}
