//! Folding of old entries, a transaction for each step.

use std::collections::HashMap;

use async_trait::async_trait;
use backon::BackoffBuilder;
use neuropod_core::{Result, UserId};
use sqlx::{Connection, PgConnection, PgExecutor, Postgres, QueryBuilder};
use tokio::time::sleep;

use super::database::failed;
use super::failure as postgres;
use super::ledger::{Ledger, StoredRecord, columns, find_account, find_records, pause_after, pauses};
use super::text::{column, text};
use crate::account::{self, Fold, Record};
use crate::folding::{ACCOUNTS, FoldingStore, Range, STEP, Step};
use crate::sql::{StoredEntries, microseconds_from, stored_number};

#[async_trait]
impl FoldingStore for Ledger {
    async fn owners(&self, after: Option<&UserId>) -> Result<Vec<UserId>> {
        let mut query = QueryBuilder::<Postgres>::new("SELECT user_id FROM accounts");
        if let Some(after) = after {
            query.push(" WHERE user_id > ").push_bind(column(after.as_str()));
        }
        query
            .push(" ORDER BY user_id LIMIT ")
            .push_bind(i64::from(ACCOUNTS));
        let found = self.database.within(async {
            let mut connection = self.database.connection().await?;
            let found = query.build_query_scalar::<String>().fetch_all(&mut *connection);
            found.await.map_err(postgres::from_sqlx)
        });
        let users = found.await?;
        Ok(users.iter().map(|user| UserId::new(text(user))).collect())
    }

    async fn fold_step(&self, user: &UserId, range: Range) -> Result<Step> {
        // Without the lock first: most accounts have nothing to fold.
        let found = self.database.within(async {
            let mut connection = self.database.connection().await?;
            Old::find(&mut connection, user, range).await
        });
        let old = found.await?;
        if old.fold(user).is_empty() {
            return Ok(Step::of(&old.stored.entries, &Fold::default()));
        }
        self.database
            .within(async {
                let _lock = self.locks.lock(user).await;
                let mut pauses = pauses().build();
                loop {
                    let mut connection = self.database.connection().await?;
                    match transact(&mut connection, user, range).await {
                        Ok(step) => return Ok(step),
                        Err(error) => sleep(pause_after(failed(connection, error), &mut pauses)?).await,
                    }
                }
            })
            .await
    }
}

async fn transact(connection: &mut PgConnection, user: &UserId, range: Range) -> Result<Step> {
    let mut transaction = connection.begin().await.map_err(postgres::from_sqlx)?;
    find_account(&mut *transaction, user, true).await?;
    let old = Old::find(&mut transaction, user, range).await?;
    let fold = old.fold(user);
    let step = Step::of(&old.stored.entries, &fold);
    if !fold.is_empty() {
        old.write(&mut *transaction, user, fold).await?;
        transaction.commit().await.map_err(postgres::from_sqlx)?;
    }
    Ok(step)
}

/// Old entries of an account, and the records of the pods that they charge.
struct Old {
    stored: StoredEntries,
    records: Vec<StoredRecord>,
    markers: HashMap<String, Record>,
}

impl Old {
    async fn find(connection: &mut PgConnection, user: &UserId, range: Range) -> Result<Self> {
        const ENTRIES: &str = "SELECT document FROM entries \
            WHERE user_id = $1 AND number > $2 AND at >= $3 AND at < $4 ORDER BY number LIMIT $5";
        let texts: Vec<String> = sqlx::query_scalar(ENTRIES)
            .bind(column(user.as_str()))
            .bind(stored_number(range.after))
            .bind(microseconds_from(range.from))
            .bind(microseconds_from(range.before))
            .bind(i64::from(STEP))
            .fetch_all(&mut *connection)
            .await
            .map_err(postgres::from_sqlx)?;
        let stored = StoredEntries::read(texts)?;
        let pods = account::pods_of_charges(&stored.entries);
        let keys: Vec<_> = pods.iter().map(account::folded_key).collect();
        let records = find_records(&mut *connection, keys.iter().map(String::as_str)).await?;
        let markers = keys.into_iter().filter_map(|key| {
            let name = column(&key);
            let found = records.iter().find(|record| record.key == name)?;
            Some((key.clone(), found.record.clone()))
        });
        Ok(Self {
            markers: markers.collect(),
            stored,
            records,
        })
    }

    fn fold(&self, user: &UserId) -> Fold {
        account::fold(user, &self.stored.entries, &self.markers)
    }

    async fn write(&self, connection: impl PgExecutor<'_>, user: &UserId, fold: Fold) -> Result<()> {
        const WRITE: &str = "WITH replaced AS ( \
                UPDATE entries SET document = new.document \
                FROM unnest($2::bigint[], $3::text[]) AS new (number, document) \
                WHERE entries.user_id = $1 AND entries.number = new.number \
            ), removed AS ( \
                DELETE FROM entries WHERE user_id = $1 AND number = ANY ($4) \
            ), forgotten AS ( \
                DELETE FROM keys WHERE key = ANY ($5) \
            ), rewritten AS ( \
                UPDATE keys SET record = new.record FROM unnest($6::text[], $7::text[]) AS new (key, record) \
                WHERE keys.key = new.key \
            ) \
            INSERT INTO keys (key, record) SELECT * FROM unnest($8::text[], $9::text[])";
        let Fold {
            replaced,
            removed,
            forgotten,
            records,
        } = fold;
        let numbers: Vec<_> = replaced.iter().map(|entry| stored_number(entry.number)).collect();
        let documents = replaced
            .iter()
            .map(|entry| self.stored.rewrite(entry))
            .collect::<Result<Vec<_>>>()?;
        let removed: Vec<_> = removed.into_iter().map(stored_number).collect();
        let forgotten: Vec<_> = forgotten.iter().map(|key| column(key)).collect();
        let (changed, new) = columns(&self.records, &records)?;
        sqlx::query(WRITE)
            .bind(column(user.as_str()))
            .bind(numbers)
            .bind(documents)
            .bind(removed)
            .bind(forgotten)
            .bind(changed.keys)
            .bind(changed.texts)
            .bind(new.keys)
            .bind(new.texts)
            .execute(connection)
            .await
            .map(drop)
            .map_err(postgres::from_sqlx)
    }
}
