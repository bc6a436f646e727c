//! The audit log.

use jiff::Timestamp;
use neuropod_core::Result;
use neuropod_core::store::audit::{AuditCursor, AuditEntry, AuditOptions, AuditOutcome, AuditPage};
use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;
use sqlx::{QueryBuilder, Sqlite};

use super::database::Database;
use crate::input::{self, folded};
use crate::json;
use crate::sql::{microseconds_from, whole_microseconds};

pub(super) async fn record(database: &Database, entry: &AuditEntry) -> Result<()> {
    // Rounded like the column that sorts the pages.
    let at = whole_microseconds(entry.at);
    let stored = AuditEntry { at, ..entry.clone() };
    let statement = row(&stored, json::write(&stored)?)?;
    database.write(statement).await.map(drop)
}

/// The statement that adds an entry with this document, or replaces one that is not done.
pub(super) fn row(entry: &AuditEntry, document: String) -> Result<Query<'static, Sqlite, SqliteArguments>> {
    let statement = sqlx::query(
        "INSERT INTO audit (id, at, action, who, whom, done, document) VALUES (?, ?, ?, ?, ?, ?, ?) \
         ON CONFLICT (id) DO UPDATE SET at = excluded.at, action = excluded.action, who = excluded.who, \
         whom = excluded.whom, done = excluded.done, document = excluded.document WHERE NOT done",
    );
    Ok(statement
        .bind(entry.id.to_string())
        .bind(entry.at.as_microsecond())
        .bind(entry.action.as_str())
        .bind(lines(&entry.who_keys())?)
        .bind(lines(&entry.whom_keys())?)
        .bind(entry.outcome == AuditOutcome::Done)
        .bind(document))
}

pub(super) async fn page(database: &Database, options: &AuditOptions) -> Result<AuditPage> {
    input::audit_limit(options.limit)?;
    let mut query = QueryBuilder::<Sqlite>::new("SELECT document FROM audit WHERE TRUE");
    if let Some(action) = options.action {
        query.push(" AND action = ").push_bind(action.as_str());
    }
    for (column, text) in [("who", &options.who), ("whom", &options.whom)] {
        if let Some(text) = text {
            query.push(format_args!(" AND instr({column}, "));
            query.push_bind(lines(&[folded(text)])?).push(") > 0");
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
        query.push(", ").push_bind(id.as_str()).push(")");
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
    let statement = sqlx::query("DELETE FROM audit WHERE at < ?").bind(microseconds_from(time));
    database.write(statement).await.map(drop)
}

/// Joins texts as JSON strings, which have no line breaks, each between line breaks. So a search for one whole text is a
/// search for a substring.
fn lines(texts: &[String]) -> Result<String> {
    let mut lines = "\n".to_owned();
    for text in texts {
        lines += &json::to_text(text)?;
        lines.push('\n');
    }
    Ok(lines)
}
