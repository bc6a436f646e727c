//! Users. Unlike other documents they have a second unique value, the identity, and leave a trace when removed.

use neuropod_core::user::Identity;
use neuropod_core::{Result, User, UserId};
use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Sqlite, SqliteConnection};

use super::database::Database;
use super::failure as sqlite;
use crate::document::Document;
use crate::failure;
use crate::input::folded;
use crate::json;
use crate::sql::stored_number;

pub(super) async fn insert(database: &Database, user: &User) -> Result<User> {
    let stored = user.clone().with_version(1);
    let step = database.writer().step(move |step| {
        Box::pin(async move {
            let document = json::write(&stored)?;
            let known: Option<i64> = sqlx::query_scalar("SELECT 1 FROM users WHERE id = ?")
                .bind(stored.id.as_str())
                .fetch_optional(&mut *step)
                .await
                .map_err(sqlite::from_sqlx)?;
            if known.is_some() {
                return Err(failure::taken("id"));
            }
            check_unique(step, &stored).await?;
            row(&stored, document)
                .execute(&mut *step)
                .await
                .map_err(sqlite::from_sqlx)?;
            sqlx::query("DELETE FROM removed_users WHERE id = ?")
                .bind(stored.id.as_str())
                .execute(&mut *step)
                .await
                .map_err(sqlite::from_sqlx)?;
            Ok(stored)
        })
    });
    step.await
}

/// The statement that adds a user with this document.
pub(super) fn row(user: &User, document: String) -> Query<'static, Sqlite, SqliteArguments> {
    sqlx::query("INSERT INTO users (id, version, name, identity, document) VALUES (?, ?, ?, ?, ?)")
        .bind(user.id.to_string())
        .bind(stored_number(user.version))
        .bind(folded(&user.email))
        .bind(user.second_name())
        .bind(document)
}

pub(super) async fn by_identity(database: &Database, identity: &Identity) -> Result<Option<User>> {
    let text: Option<String> = sqlx::query_scalar("SELECT document FROM users WHERE identity = ?")
        .bind(identity.key())
        .fetch_optional(database.readers())
        .await
        .map_err(sqlite::from_sqlx)?;
    text.as_deref().map(json::read).transpose()
}

pub(super) async fn update(database: &Database, user: &User) -> Result<User> {
    let user = user.clone();
    let step = database.writer().step(move |step| {
        Box::pin(async move {
            let text: Option<String> = sqlx::query_scalar("SELECT document FROM users WHERE id = ?")
                .bind(user.id.as_str())
                .fetch_optional(&mut *step)
                .await
                .map_err(sqlite::from_sqlx)?;
            let text = text.ok_or_else(|| failure::gone(User::KIND))?;
            let stored: User = json::read(&text)?;
            if stored.version != user.version {
                return Err(failure::changed(User::KIND));
            }
            check_unique(step, &user).await?;
            let version = user.version + 1;
            let updated = user.with_version(version);
            sqlx::query("UPDATE users SET version = ?, name = ?, identity = ?, document = ? WHERE id = ?")
                .bind(stored_number(version))
                .bind(folded(&updated.email))
                .bind(updated.second_name())
                .bind(json::rewrite(&text, &stored, &updated)?)
                .bind(updated.id.as_str())
                .execute(&mut *step)
                .await
                .map_err(sqlite::from_sqlx)?;
            Ok(updated)
        })
    });
    step.await
}

pub(super) async fn remove(database: &Database, id: &UserId) -> Result<()> {
    let id = id.clone();
    let step = database.writer().step(move |step| {
        Box::pin(async move {
            sqlx::query("INSERT OR IGNORE INTO removed_users (id) SELECT id FROM users WHERE id = ?")
                .bind(id.as_str())
                .execute(&mut *step)
                .await
                .map_err(sqlite::from_sqlx)?;
            sqlx::query("DELETE FROM users WHERE id = ?")
                .bind(id.as_str())
                .execute(&mut *step)
                .await
                .map_err(sqlite::from_sqlx)?;
            Ok(())
        })
    });
    step.await
}

pub(super) async fn was_removed(database: &Database, id: &UserId) -> Result<bool> {
    let found: Option<i64> = sqlx::query_scalar("SELECT 1 FROM removed_users WHERE id = ?")
        .bind(id.as_str())
        .fetch_optional(database.readers())
        .await
        .map_err(sqlite::from_sqlx)?;
    Ok(found.is_some())
}

/// Checks that nobody else has the address or the identity.
async fn check_unique(step: &mut SqliteConnection, user: &User) -> Result<()> {
    let others: Option<bool> =
        sqlx::query_scalar("SELECT name = ?1 FROM users WHERE (name = ?1 OR identity = ?2) AND id <> ?3")
            .bind(folded(&user.email))
            .bind(user.second_name())
            .bind(user.id.as_str())
            .fetch_optional(&mut *step)
            .await
            .map_err(sqlite::from_sqlx)?;
    match others {
        Some(true) => Err(failure::taken(User::NAME)),
        Some(false) => Err(failure::taken(User::SECOND_NAME)),
        None => Ok(()),
    }
}
