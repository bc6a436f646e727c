//! Pods.

use neuropod_core::store::{Cursor, ListOptions, Page};
use neuropod_core::{Pod, PodId, Result, UserId};
use sqlx::postgres::PgArguments;
use sqlx::query::{Query, QueryScalar};
use sqlx::{Postgres, QueryBuilder};

use super::database::{Database, Written};
use super::failure::Unique;
use super::text::column;
use crate::sql::{stored_number, whole_microseconds};
use crate::{failure, input, json};

pub(super) async fn insert(database: &Database, pod: &Pod) -> Result<Pod> {
    let stored = Pod {
        version: 1,
        // Rounded like the column that sorts the lists.
        created_at: whole_microseconds(pod.created_at),
        ..pod.clone()
    };
    match database.write(row(&stored, json::write(&stored)?)).await? {
        Written::Rows(_) => Ok(stored),
        Written::Taken(Unique::Id) => Err(failure::taken("id")),
        Written::Taken(_) => Err(failure::taken("name")),
    }
}

/// The statement that adds a pod with this document.
pub(super) fn row(pod: &Pod, document: String) -> Query<'_, Postgres, PgArguments> {
    sqlx::query(
        "INSERT INTO pods (id, version, owner, slug, created_at, deleted, volume, may_take_volume, document) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(column(pod.id.as_str()))
    .bind(stored_number(pod.version))
    .bind(column(pod.owner.as_str()))
    .bind(column(pod.slug.as_str()))
    .bind(pod.created_at.as_microsecond())
    .bind(pod.is_deleted())
    .bind(column(&pod.volume))
    .bind(may_take_volume(pod))
    .bind(document)
}

/// Whether the volume may be deleted with this pod.
fn may_take_volume(pod: &Pod) -> bool {
    pod.is_deleted() || pod.volume_deletion.is_some()
}

pub(super) async fn get(database: &Database, id: &PodId) -> Result<Option<Pod>> {
    database.document(by_id(id)).await
}

fn by_id(id: &PodId) -> QueryScalar<'_, Postgres, String, PgArguments> {
    sqlx::query_scalar("SELECT document FROM pods WHERE id = $1").bind(column(id.as_str()))
}

pub(super) async fn list(database: &Database, options: &ListOptions) -> Result<Page> {
    input::limit(options.limit)?;
    let mut query = QueryBuilder::<Postgres>::new("SELECT document FROM pods WHERE TRUE");
    if let Some(owner) = &options.owner {
        query.push(" AND owner = ").push_bind(column(owner.as_str()));
    }
    if let Some(slug) = &options.slug {
        query.push(" AND slug = ").push_bind(column(slug.as_str()));
    }
    if let Some(volume) = &options.volume {
        query.push(" AND volume = ").push_bind(column(volume));
    }
    if options.may_take_volume {
        query.push(" AND may_take_volume");
    }
    if !options.include_deleted {
        query.push(" AND NOT deleted");
    }
    if let Some(Cursor { created_at, id }) = &options.after {
        query.push(" AND (created_at, id) > (");
        query.push_bind(created_at.as_microsecond()).push(", ");
        query.push_bind(column(id.as_str())).push(")");
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
    let query = sqlx::query_scalar("SELECT count(*) FROM pods WHERE owner = $1 AND NOT deleted");
    let pods: Option<i64> = database.value(query.bind(column(owner.as_str()))).await?;
    // Postgres counts no rows below zero.
    Ok(pods.unwrap_or_default().unsigned_abs())
}

pub(super) async fn update(database: &Database, pod: &Pod) -> Result<Pod> {
    let text = database.value(by_id(&pod.id)).await?;
    let text = text.ok_or_else(|| failure::gone("pod"))?;
    let stored: Pod = json::read(&text)?;
    input::follows(&stored, pod)?;
    let updated = Pod {
        version: pod.version + 1,
        ..pod.clone()
    };
    let statement = sqlx::query(
        "UPDATE pods SET version = $3, deleted = $4, volume = $5, may_take_volume = $6, document = $7 \
         WHERE id = $1 AND version = $2",
    )
    .bind(column(pod.id.as_str()))
    .bind(stored_number(pod.version))
    .bind(stored_number(updated.version))
    .bind(updated.is_deleted())
    .bind(column(&updated.volume))
    .bind(may_take_volume(&updated))
    .bind(json::rewrite(&text, &stored, &updated)?);
    match database.write(statement).await? {
        Written::Rows(1) => Ok(updated),
        _ => Err(failure::changed("pod")),
    }
}

pub(super) async fn remove(database: &Database, id: &PodId, version: u64) -> Result<()> {
    let statement = sqlx::query("DELETE FROM pods WHERE id = $1 AND version = $2")
        .bind(column(id.as_str()))
        .bind(stored_number(version));
    let removed = database.write(statement).await? != Written::Rows(0);
    if removed || database.value(by_id(id)).await?.is_none() {
        Ok(())
    } else {
        Err(failure::changed("pod"))
    }
}
