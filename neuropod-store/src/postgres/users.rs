//! What users have and other documents have not: an identity, and a trace when they are removed.

use neuropod_core::user::Identity;
use neuropod_core::{Result, User, UserId};

use super::database::Database;
use super::text::column;

pub(super) async fn by_identity(database: &Database, identity: &Identity) -> Result<Option<User>> {
    let key = identity.key();
    let query = sqlx::query_scalar("SELECT document FROM users WHERE identity = $1");
    database.document(query.bind(column(&key))).await
}

pub(super) async fn was_removed(database: &Database, id: &UserId) -> Result<bool> {
    let query = sqlx::query_scalar("SELECT TRUE FROM removed_users WHERE id = $1");
    let found: Option<bool> = database.value(query.bind(column(id.as_str()))).await?;
    Ok(found.is_some())
}
