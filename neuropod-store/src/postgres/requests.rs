//! Past requests.

use jiff::Timestamp;
use neuropod_core::store::PastRequest;
use neuropod_core::{PodId, Result};
use sqlx::Postgres;
use sqlx::postgres::PgArguments;
use sqlx::query::Query;

use super::database::Database;
use super::text::column;
use crate::json;
use crate::sql::microseconds_from;

pub(super) async fn keep(database: &Database, request: &PastRequest) -> Result<()> {
    database
        .write(row(request, json::write(request)?))
        .await
        .map(drop)
}

/// The statement that adds a request with this document, unless it is there.
pub(super) fn row(request: &PastRequest, document: String) -> Query<'_, Postgres, PgArguments> {
    sqlx::query(
        "INSERT INTO requests (id, created_at, document) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING",
    )
    .bind(column(request.id.as_str()))
    .bind(request.created_at.as_microsecond())
    .bind(document)
}

pub(super) async fn get(database: &Database, id: &PodId) -> Result<Option<PastRequest>> {
    let query = sqlx::query_scalar("SELECT document FROM requests WHERE id = $1");
    database.document(query.bind(column(id.as_str()))).await
}

pub(super) async fn forget(database: &Database, time: Timestamp) -> Result<()> {
    let statement = sqlx::query("DELETE FROM requests WHERE created_at < $1").bind(microseconds_from(time));
    database.write(statement).await.map(drop)
}
