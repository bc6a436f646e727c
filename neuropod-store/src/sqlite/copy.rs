//! All records of a file, for copies from it and into it.

use std::path::Path;

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::BoxStream;
use neuropod_core::{Billing, Error, ErrorKind, Result};
use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;
use sqlx::{AssertSqlSafe, QueryBuilder, Sqlite, SqliteConnection, Transaction};

use super::failure as sqlite;
use super::ledger::{self, run};
use super::store::SqliteStore;
use super::{audit, collection, pods, requests, users};
use crate::copy::ends::{Source, Target};
use crate::copy::item::{Id, Item, Kind};
use crate::copy::rows::{self, Row};
use crate::json;
use crate::sql::kind_text;

/// The table of a kind, the columns that identify a record, and the [`Row`] that is selected.
struct Table {
    name: &'static str,
    id: &'static str,
    row: &'static str,
}

const ACCOUNT: &str = "user, 0, json_object('kind', kind, 'available', available, 'held', held, \
    'spent', json(CASE WHEN spent_on IS NOT NULL \
        THEN json_object('day', spent_on, 'amount', spent, 'before', spent_before) END), \
    'lastEntry', (SELECT coalesce(max(number), 0) FROM entries WHERE entries.user = accounts.user))";

fn table(kind: Kind) -> Table {
    let (name, id, row) = match kind {
        Kind::Users => ("users", "id", "id, 0, document"),
        Kind::RemovedUsers => ("removed_users", "id", "id, 0, ''"),
        Kind::Templates => ("templates", "id", "id, 0, document"),
        Kind::Prices => ("prices", "version", "'', version, document"),
        Kind::Pods => ("pods", "id", "id, 0, document"),
        Kind::PodNames => ("pod_names", "pod", "pod, 0, name"),
        Kind::Requests => ("requests", "id", "id, 0, document"),
        Kind::Accounts => ("accounts", "user", ACCOUNT),
        Kind::Entries => ("entries", "user, number", "user, number, document"),
        Kind::Keys => ("keys", "key", "key, 0, record"),
        Kind::Audit => ("audit", "id", "id, 0, document"),
    };
    Table { name, id, row }
}

/// A file that nobody else can write.
pub(crate) struct LockedFile {
    store: SqliteStore,
    lock: Transaction<'static, Sqlite>,
}

impl LockedFile {
    pub(crate) async fn open(path: &Path) -> Result<Self> {
        // Opening a store would make the file.
        if !path.try_exists().map_err(sqlite::unreachable)? {
            let error = Error::new(ErrorKind::NotConfigured, "there is no such file");
            return Err(error.with_context("file", path.display().to_string()));
        }
        let store = SqliteStore::open(path).await?;
        let lock = store.database.writer().lock().await?;
        Ok(Self { store, lock })
    }
}

#[async_trait]
impl Source for LockedFile {
    fn records(&mut self, kind: Kind) -> BoxStream<'_, Result<Item>> {
        let Table { name, id, row } = table(kind);
        let statement = format!("SELECT {row} FROM {name} ORDER BY {id}");
        sqlx::query_as::<_, Row>(AssertSqlSafe(statement))
            .fetch(&mut *self.lock)
            .map(move |row| rows::item(kind, row.map_err(sqlite::from_sqlx)?))
            .boxed()
    }

    async fn close(self: Box<Self>) {
        let Self { store, lock } = *self;
        drop(lock);
        store.close().await;
    }
}

#[async_trait]
impl Target for SqliteStore {
    async fn is_unfinished(&self) -> Result<bool> {
        self.database.is_unfinished().await
    }

    async fn count(&self, kind: Kind) -> Result<u64> {
        let statement = format!("SELECT count(*) FROM {}", table(kind).name);
        let count: i64 = sqlx::query_scalar(AssertSqlSafe(statement))
            .fetch_one(self.database.readers())
            .await
            .map_err(sqlite::from_sqlx)?;
        // SQLite counts no rows below zero.
        Ok(count.unsigned_abs())
    }

    async fn begin(&self) -> Result<()> {
        let step = self.database.writer().step(|step| Box::pin(begin(step)));
        step.await
    }

    async fn write(&self, kind: Kind, items: Vec<Item>) -> Result<()> {
        let step = self.database.writer().step(move |step| {
            Box::pin(async move {
                for item in &items {
                    let written = match insertion(kind, item) {
                        Ok(statement) => run(step, statement).await,
                        Err(error) => Err(error),
                    };
                    written.map_err(|error| kind.failure(&item.id, error))?;
                }
                Ok(())
            })
        });
        step.await
    }

    async fn find(&self, kind: Kind, ids: Vec<Id>) -> Result<Vec<Item>> {
        let Table { name, id, row } = table(kind);
        let wanted = match kind {
            Kind::Prices => "wanted.column2",
            Kind::Entries => "wanted.column1, wanted.column2",
            _ => "wanted.column1",
        };
        let mut query = QueryBuilder::<Sqlite>::new(format!("SELECT {row} FROM ("));
        query.push_values(ids, |mut values, Id { text, number }| {
            values.push_bind(text).push_bind(number);
        });
        // In this order: to look for pairs in a list, SQLite would read the whole table.
        query.push(format_args!(
            ") AS wanted CROSS JOIN {name} ON ({id}) = ({wanted})"
        ));
        let found: Vec<Row> = query
            .build_query_as()
            .fetch_all(self.database.readers())
            .await
            .map_err(sqlite::from_sqlx)?;
        found.into_iter().map(|row| rows::item(kind, row)).collect()
    }

    fn billing(&self) -> &dyn Billing {
        self
    }

    async fn finish(&self) -> Result<()> {
        let statement = sqlx::query("DELETE FROM unfinished_copy");
        self.database.write(statement).await.map(drop)
    }

    async fn close(self: Box<Self>) {
        SqliteStore::close(&self).await;
    }
}

async fn begin(step: &mut SqliteConnection) -> Result<()> {
    let begun = sqlx::query("INSERT INTO unfinished_copy (id) VALUES (1) ON CONFLICT (id) DO NOTHING")
        .execute(&mut *step)
        .await
        .map_err(sqlite::from_sqlx)?;
    if begun.rows_affected() == 0 {
        // Entries go before their accounts.
        for kind in Kind::ALL.into_iter().rev() {
            let statement = format!("DELETE FROM {}", table(kind).name);
            run(step, sqlx::query(AssertSqlSafe(statement))).await?;
        }
    }
    Ok(())
}

/// The statement that adds a record.
fn insertion(kind: Kind, item: &Item) -> Result<Query<'static, Sqlite, SqliteArguments>> {
    let Item { id, document } = item;
    Ok(match kind {
        Kind::Users => {
            let (user, text) = rows::document(item)?;
            users::row(&user, text)
        }
        Kind::RemovedUsers => sqlx::query("INSERT INTO removed_users (id) VALUES (?)").bind(id.text.clone()),
        Kind::Templates => {
            let (template, text) = rows::document::<neuropod_core::Template>(item)?;
            collection::row(&template, text)
        }
        Kind::Prices => {
            let (_, text) = rows::document::<neuropod_core::PriceList>(item)?;
            let statement = sqlx::query("INSERT INTO prices (version, document) VALUES (?, ?)");
            statement.bind(id.number).bind(text)
        }
        Kind::Pods => {
            let (pod, text) = rows::document(item)?;
            pods::row(&pod, text)
        }
        Kind::PodNames => sqlx::query("INSERT INTO pod_names (pod, name) VALUES (?, ?)")
            .bind(id.text.clone())
            .bind(document.as_str().unwrap_or_default().to_owned()),
        Kind::Requests => {
            let (request, text) = rows::document(item)?;
            requests::row(&request, text)
        }
        Kind::Accounts => {
            let balance = item.account()?.balance();
            sqlx::query(
                "INSERT INTO accounts (user, kind, available, held, spent_on, spent, spent_before) \
                 VALUES (?, ?, ?, ?, ?, ?, ?)",
            )
            .bind(id.text.clone())
            .bind(kind_text(balance.kind))
            .bind(balance.available.micros())
            .bind(balance.held.micros())
            .bind(balance.spent.map(|spent| spent.day.to_string()))
            .bind(balance.spent.map_or(0, |spent| spent.amount.micros()))
            .bind(balance.spent.map_or(0, |spent| spent.before.micros()))
        }
        Kind::Entries => {
            let (entry, text) = rows::document(item)?;
            ledger::entry_row(&id.text, &entry, text)
        }
        Kind::Keys => sqlx::query("INSERT INTO keys (key, record) VALUES (?, ?)")
            .bind(id.text.clone())
            .bind(json::to_text(document)?),
        Kind::Audit => {
            let (entry, text) = rows::document(item)?;
            audit::row(&entry, text)?
        }
    })
}
