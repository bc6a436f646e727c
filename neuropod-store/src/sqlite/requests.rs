//! Past requests.

use jiff::Timestamp;
use neuropod_core::store::PastRequest;
use neuropod_core::{PodId, Result};
use sqlx::Sqlite;
use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;

use super::database::Database;
use super::failure as sqlite;
use crate::json;
use crate::sql::microseconds_from;

pub(super) async fn keep(database: &Database, request: &PastRequest) -> Result<()> {
    database
        .write(row(request, json::write(request)?))
        .await
        .map(drop)
}

/// The statement that adds a request with this document, unless it is there.
pub(super) fn row(request: &PastRequest, document: String) -> Query<'static, Sqlite, SqliteArguments> {
    sqlx::query(
        "INSERT INTO requests (id, created_at, document) VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING",
    )
    .bind(request.id.to_string())
    .bind(request.created_at.as_microsecond())
    .bind(document)
}

pub(super) async fn get(database: &Database, id: &PodId) -> Result<Option<PastRequest>> {
    let text: Option<String> = sqlx::query_scalar("SELECT document FROM requests WHERE id = ?")
        .bind(id.as_str())
        .fetch_optional(database.readers())
        .await
        .map_err(sqlite::from_sqlx)?;
    text.as_deref().map(json::read).transpose()
}

pub(super) async fn forget(database: &Database, time: Timestamp) -> Result<()> {
    let statement = sqlx::query("DELETE FROM requests WHERE created_at < ?").bind(microseconds_from(time));
    database.write(statement).await.map(drop)
}
