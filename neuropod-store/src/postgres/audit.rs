//! The audit log.

use jiff::Timestamp;
use neuropod_core::Result;
use neuropod_core::store::audit::{AuditCursor, AuditEntry, AuditOptions, AuditOutcome, AuditPage};
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{Postgres, QueryBuilder};

use super::database::Database;
use super::text::column;
use crate::input::{self, folded};
use crate::json;
use crate::sql::{microseconds_from, whole_microseconds};

pub(super) async fn record(database: &Database, entry: &AuditEntry) -> Result<()> {
    // Rounded like the column that sorts the pages.
    let at = whole_microseconds(entry.at);
    let stored = AuditEntry { at, ..entry.clone() };
    database
        .write(row(&stored, json::write(&stored)?))
        .await
        .map(drop)
}

/// The statement that adds an entry with this document, or replaces one that is not done.
pub(super) fn row(entry: &AuditEntry, document: String) -> Query<'_, Postgres, PgArguments> {
    sqlx::query(
        "INSERT INTO audit (id, at, action, who, whom, done, document) VALUES ($1, $2, $3, $4, $5, $6, $7) \
         ON CONFLICT (id) DO UPDATE SET at = excluded.at, action = excluded.action, who = excluded.who, \
         whom = excluded.whom, done = excluded.done, document = excluded.document WHERE NOT audit.done",
    )
    .bind(column(entry.id.as_str()))
    .bind(entry.at.as_microsecond())
    .bind(entry.action.as_str())
    .bind(columns(&entry.who_keys()))
    .bind(columns(&entry.whom_keys()))
    .bind(entry.outcome == AuditOutcome::Done)
    .bind(document)
}

fn columns(texts: &[String]) -> Vec<String> {
    texts.iter().map(|text| column(text).into_owned()).collect()
}

pub(super) async fn page(database: &Database, options: &AuditOptions) -> Result<AuditPage> {
    input::audit_limit(options.limit)?;
    let mut query = QueryBuilder::<Postgres>::new("SELECT document FROM audit WHERE TRUE");
    if let Some(action) = options.action {
        query.push(" AND action = ").push_bind(action.as_str());
    }
    for (name, text) in [("who", &options.who), ("whom", &options.whom)] {
        if let Some(text) = text {
            query.push(" AND ").push_bind(column(&folded(text)).into_owned());
            query.push(format_args!(" = ANY ({name})"));
        }
    }
    if let Some(from) = options.from {
        query.push(" AND at >= ").push_bind(microseconds_from(from));
    }
    if let Some(until) = options.until {
        query.push(" AND at < ").push_bind(microseconds_from(until));
    }
    if let Some(AuditCursor { at, id }) = &options.after {
        query.push(" AND (at, id) < (").push_bind(at.as_microsecond());
        query.push(", ").push_bind(column(id.as_str())).push(")");
    }
    query.push(" ORDER BY at DESC, id DESC");
    let (entries, more) = database.page::<AuditEntry>(query, options.limit).await?;
    let last = entries.last().filter(|_| more);
    let next = last.map(|entry| AuditCursor {
        at: entry.at,
        id: entry.id.clone(),
    });
    Ok(AuditPage::new(entries, next))
}

pub(super) async fn forget(database: &Database, time: Timestamp) -> Result<()> {
    let statement = sqlx::query("DELETE FROM audit WHERE at < $1").bind(microseconds_from(time));
    database.write(statement).await.map(drop)
}
