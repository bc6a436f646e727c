//! Folding of old entries, a step of the writer at a time. Freed pages of the file are used again.

use std::collections::HashMap;

use async_trait::async_trait;
use neuropod_core::{Result, UserId};
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::database::Database;
use super::failure as sqlite;
use super::ledger::{read_record, run, write_record};
use crate::account::{self, Fold};
use crate::folding::{ACCOUNTS, FoldingStore, Range, STEP, Step};
use crate::json;
use crate::sql::{StoredEntries, microseconds_from, stored_number};

#[async_trait]
impl FoldingStore for Database {
    async fn owners(&self, after: Option<&UserId>) -> Result<Vec<UserId>> {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT user FROM accounts");
        if let Some(after) = after {
            query.push(" WHERE user > ").push_bind(after.as_str());
        }
        query.push(" ORDER BY user LIMIT ").push_bind(i64::from(ACCOUNTS));
        let users: Vec<String> = query
            .build_query_scalar()
            .fetch_all(self.readers())
            .await
            .map_err(sqlite::from_sqlx)?;
        Ok(users.into_iter().map(UserId::new).collect())
    }

    async fn fold_step(&self, user: &UserId, range: Range) -> Result<Step> {
        let user = user.clone();
        let step = self
            .writer()
            .step(move |step| Box::pin(async move { fold(step, &user, range).await }));
        step.await
    }
}

async fn fold(step: &mut SqliteConnection, user: &UserId, range: Range) -> Result<Step> {
    const ENTRIES: &str = "SELECT document FROM entries WHERE user = ? AND number > ? AND at >= ? AND at < ? \
        ORDER BY number LIMIT ?";
    let texts: Vec<String> = sqlx::query_scalar(ENTRIES)
        .bind(user.as_str())
        .bind(stored_number(range.after))
        .bind(microseconds_from(range.from))
        .bind(microseconds_from(range.before))
        .bind(i64::from(STEP))
        .fetch_all(&mut *step)
        .await
        .map_err(sqlite::from_sqlx)?;
    let stored = StoredEntries::read(texts)?;
    let mut markers = HashMap::new();
    for pod in account::pods_of_charges(&stored.entries) {
        let key = account::folded_key(&pod);
        if let Some(record) = read_record(step, &key).await? {
            markers.insert(key, record);
        }
    }
    let fold = account::fold(user, &stored.entries, &markers);
    let done = Step::of(&stored.entries, &fold);
    if !fold.is_empty() {
        write(step, user, &stored, fold).await?;
    }
    Ok(done)
}

/// Writes what folding changes.
async fn write(step: &mut SqliteConnection, user: &UserId, stored: &StoredEntries, fold: Fold) -> Result<()> {
    let Fold {
        replaced,
        removed,
        forgotten,
        records,
    } = fold;
    for entry in replaced {
        let statement = sqlx::query("UPDATE entries SET document = ? WHERE user = ? AND number = ?")
            .bind(stored.rewrite(&entry)?)
            .bind(user.as_str())
            .bind(stored_number(entry.number));
        run(step, statement).await?;
    }
    let numbers: Vec<_> = removed.into_iter().map(stored_number).collect();
    let statement =
        sqlx::query("DELETE FROM entries WHERE user = ? AND number IN (SELECT value FROM json_each(?))")
            .bind(user.as_str())
            .bind(json::to_text(&numbers)?);
    run(step, statement).await?;
    let statement = sqlx::query("DELETE FROM keys WHERE key IN (SELECT value FROM json_each(?))")
        .bind(json::to_text(&forgotten)?);
    run(step, statement).await?;
    for (key, record) in &records {
        write_record(step, key, record).await?;
    }
    Ok(())
}
