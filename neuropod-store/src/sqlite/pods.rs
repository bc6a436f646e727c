//! Pods.

use neuropod_core::store::{Cursor, ListOptions, Page};
use neuropod_core::{Pod, PodId, Result, UserId};
use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;
use sqlx::{QueryBuilder, Sqlite};

use super::database::{Database, Written};
use super::failure as sqlite;
use crate::json;
use crate::sql::{stored_number, whole_microseconds};
use crate::{failure, input};

pub(super) async fn insert(database: &Database, pod: &Pod) -> Result<Pod> {
    let stored = Pod {
        version: 1,
        // Rounded like the column that sorts the lists.
        created_at: whole_microseconds(pod.created_at),
        ..pod.clone()
    };
    match database.write(row(&stored, json::write(&stored)?)).await? {
        Written::Rows(_) => Ok(stored),
        Written::IdTaken => Err(failure::taken("id")),
        Written::NameTaken => Err(failure::taken("name")),
    }
}

/// The statement that adds a pod with this document.
pub(super) fn row(pod: &Pod, document: String) -> Query<'static, Sqlite, SqliteArguments> {
    sqlx::query(
        "INSERT INTO pods (id, version, owner, slug, created_at, deleted, document) VALUES (?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(pod.id.to_string())
    .bind(stored_number(pod.version))
    .bind(pod.owner.to_string())
    .bind(pod.slug.to_string())
    .bind(pod.created_at.as_microsecond())
    .bind(pod.is_deleted())
    .bind(document)
}

pub(super) async fn get(database: &Database, id: &PodId) -> Result<Option<Pod>> {
    text(database, id).await?.as_deref().map(json::read).transpose()
}

/// The stored text of the document.
async fn text(database: &Database, id: &PodId) -> Result<Option<String>> {
    sqlx::query_scalar("SELECT document FROM pods WHERE id = ?")
        .bind(id.as_str())
        .fetch_optional(database.readers())
        .await
        .map_err(sqlite::from_sqlx)
}

pub(super) async fn list(database: &Database, options: &ListOptions) -> Result<Page> {
    input::limit(options.limit)?;
    let mut query = QueryBuilder::<Sqlite>::new("SELECT document FROM pods WHERE TRUE");
    if let Some(owner) = &options.owner {
        query.push(" AND owner = ").push_bind(owner.as_str());
    }
    if let Some(slug) = &options.slug {
        query.push(" AND slug = ").push_bind(slug.as_str());
    }
    if let Some(volume) = &options.volume {
        query.push(" AND volume = ").push_bind(volume.as_str());
    }
    if options.may_take_volume {
        query.push(" AND may_take_volume = 1");
    }
    if !options.include_deleted {
        query.push(" AND NOT deleted");
    }
    if let Some(Cursor { created_at, id }) = &options.after {
        query.push(" AND (created_at, id) > (");
        let mut place = query.separated(", ");
        place
            .push_bind(created_at.as_microsecond())
            .push_bind(id.as_str());
        query.push(")");
    }
    query.push(" ORDER BY created_at, id");
    let (pods, more) = database.page::<Pod>(query, options.limit).await?;
    let last = pods.last().filter(|_| more);
    let next = last.map(|pod| Cursor {
        created_at: pod.created_at,
        id: pod.id.clone(),
    });
    Ok(Page::new(pods, next))
}

pub(super) async fn count(database: &Database, owner: &UserId) -> Result<u64> {
    let pods: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM pods WHERE owner = ? AND NOT deleted")
        .bind(owner.as_str())
        .fetch_one(database.readers())
        .await
        .map_err(sqlite::from_sqlx)?;
    // SQLite counts no rows below zero.
    Ok(pods.unsigned_abs())
}

pub(super) async fn update(database: &Database, pod: &Pod) -> Result<Pod> {
    let text = text(database, &pod.id).await?;
    let text = text.ok_or_else(|| failure::gone("pod"))?;
    let stored: Pod = json::read(&text)?;
    input::follows(&stored, pod)?;
    let updated = Pod {
        version: pod.version + 1,
        ..pod.clone()
    };
    let statement =
        sqlx::query("UPDATE pods SET version = ?, deleted = ?, document = ? WHERE id = ? AND version = ?")
            .bind(stored_number(updated.version))
            .bind(updated.is_deleted())
            .bind(json::rewrite(&text, &stored, &updated)?)
            .bind(pod.id.to_string())
            .bind(stored_number(pod.version));
    match database.write(statement).await? {
        Written::Rows(1) => Ok(updated),
        _ => Err(failure::changed("pod")),
    }
}

pub(super) async fn remove(database: &Database, id: &PodId, version: u64) -> Result<()> {
    let statement = sqlx::query("DELETE FROM pods WHERE id = ? AND version = ?")
        .bind(id.to_string())
        .bind(stored_number(version));
    let removed = database.write(statement).await? != Written::Rows(0);
    if removed || text(database, id).await?.is_none() {
        Ok(())
    } else {
        Err(failure::changed("pod"))
    }
}
