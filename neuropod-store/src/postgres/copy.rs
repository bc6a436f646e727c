//! All records of a database, for copies from it and into it.

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::BoxStream;
use neuropod_core::money::LedgerEntry;
use neuropod_core::store::{AuditEntry, PastRequest};
use neuropod_core::{Billing, Pod, PriceList, Result, Template, User};
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection, Postgres, Transaction};
use tokio::time::timeout;

use super::database::{Database, IS_UNFINISHED, failed};
use super::failure as postgres;
use super::options::PostgresOptions;
use super::store::PostgresStore;
use super::text::{column, text};
use super::{audit, collection, pods, requests};
use crate::copy::ends::{Source, Target};
use crate::copy::item::{Id, Item, Kind};
use crate::copy::rows::{self, Row};
use crate::json;
use crate::sql::{kind_text, stored_number};

/// The table of a kind, the columns that identify a record, and the [`Row`] that is selected.
struct Table {
    name: &'static str,
    id: &'static str,
    row: &'static str,
}

const ACCOUNT: &str = "user_id, 0::bigint, json_build_object('kind', kind, 'available', available, 'held', held, \
    'spent', CASE WHEN spent_on IS NOT NULL \
        THEN json_build_object('day', spent_on, 'amount', spent, 'before', spent_before) END, \
    'lastEntry', last_entry)::text";

fn table(kind: Kind) -> Table {
    let (name, id, row) = match kind {
        Kind::Users => ("users", "id", "id, 0::bigint, document"),
        Kind::RemovedUsers => ("removed_users", "id", "id, 0::bigint, ''"),
        Kind::Templates => ("templates", "id", "id, 0::bigint, document"),
        Kind::Prices => ("prices", "version", "'', version, document"),
        Kind::Pods => ("pods", "id", "id, 0::bigint, document"),
        Kind::PodNames => ("pod_names", "pod", "pod, 0::bigint, name"),
        Kind::Requests => ("requests", "id", "id, 0::bigint, document"),
        Kind::Accounts => ("accounts", "user_id", ACCOUNT),
        Kind::Entries => ("entries", "user_id, number", "user_id, number, document"),
        Kind::Keys => ("keys", "key", "key, 0::bigint, record"),
        Kind::Audit => ("audit", "id", "id, 0::bigint, document"),
    };
    Table { name, id, row }
}

/// The tables of all kinds.
fn all_tables() -> String {
    Kind::ALL.map(|kind| table(kind).name).join(", ")
}

/// The record in a row.
fn item(kind: Kind, (id, number, document): Row) -> Result<Item> {
    // JSON has no character that is written in another way, but the name of a pod may.
    let texts = [id, document].map(|column| text(&column).into_owned());
    let [id, document] = texts;
    rows::item(kind, (id, number, document))
}

/// A database that nobody else can write.
pub(crate) struct LockedDatabase {
    /// In a transaction that locks the tables, and in which waiting for the target is no reason to end it.
    connection: PgConnection,
}

impl LockedDatabase {
    pub(crate) async fn open(options: PostgresOptions) -> Result<Self> {
        let limit = options.timeout;
        let store = PostgresStore::open_with(options).await?;
        let address = store.database.address().clone();
        store.close().await;
        let locked = timeout(limit, async {
            let mut connection = address.connect().await?;
            let lock = format!(
                "BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0; \
                 SET LOCAL lock_timeout = {}; LOCK TABLE {} IN SHARE MODE",
                (limit / 2).as_millis().max(1),
                all_tables()
            );
            connection.execute(AssertSqlSafe(lock)).await?;
            Ok(connection)
        });
        let connection = locked
            .await
            .map_err(postgres::no_answer)?
            .map_err(postgres::from_sqlx)?;
        Ok(Self { connection })
    }
}

#[async_trait]
impl Source for LockedDatabase {
    fn records(&mut self, kind: Kind) -> BoxStream<'_, Result<Item>> {
        let Table { name, id, row } = table(kind);
        let statement = format!("SELECT {row} FROM {name} ORDER BY {id}");
        sqlx::query_as::<_, Row>(AssertSqlSafe(statement))
            .fetch(&mut self.connection)
            .map(move |row| item(kind, row.map_err(postgres::from_sqlx)?))
            .boxed()
    }

    async fn close(self: Box<Self>) {
        // The server ends the transaction, also where this fails.
        let _ = self.connection.close().await;
    }
}

#[async_trait]
impl Target for PostgresStore {
    async fn is_unfinished(&self) -> Result<bool> {
        let found = self.database.value(sqlx::query_scalar(IS_UNFINISHED)).await?;
        Ok(found.unwrap_or(false))
    }

    async fn count(&self, kind: Kind) -> Result<u64> {
        let statement = format!("SELECT count(*) FROM {}", table(kind).name);
        let query = sqlx::query_scalar(AssertSqlSafe(statement));
        let count: Option<i64> = self.database.value(query).await?;
        // Postgres counts no rows below zero.
        Ok(count.unwrap_or_default().unsigned_abs())
    }

    async fn begin(&self) -> Result<()> {
        transact(&self.database, async |transaction| {
            const MARK: &str = "INSERT INTO unfinished_copy (id) VALUES (1) ON CONFLICT (id) DO NOTHING";
            if run(transaction, sqlx::query(MARK)).await? == 0 {
                let statement = format!("TRUNCATE {}", all_tables());
                run(transaction, sqlx::query(AssertSqlSafe(statement))).await?;
            }
            Ok(())
        })
        .await
    }

    async fn write(&self, kind: Kind, items: Vec<Item>) -> Result<()> {
        transact(&self.database, async |transaction| {
            write(transaction, kind, &items).await
        })
        .await
    }

    async fn find(&self, kind: Kind, ids: Vec<Id>) -> Result<Vec<Item>> {
        let Table { name, id, row } = table(kind);
        let texts: Vec<_> = ids.iter().map(|id| column(&id.text).into_owned()).collect();
        let numbers: Vec<_> = ids.iter().map(|id| id.number).collect();
        let select = format!("SELECT {row} FROM {name} WHERE ");
        let found = self.database.within(async {
            let query = match kind {
                Kind::Prices => {
                    sqlx::query_as::<_, Row>(AssertSqlSafe(format!("{select} {id} = ANY ($1)"))).bind(numbers)
                }
                Kind::Entries => {
                    const AMONG: &str = "IN (SELECT * FROM unnest($1::text[], $2::bigint[]))";
                    let query = sqlx::query_as::<_, Row>(AssertSqlSafe(format!("{select} ({id}) {AMONG}")));
                    query.bind(texts).bind(numbers)
                }
                _ => sqlx::query_as::<_, Row>(AssertSqlSafe(format!("{select} {id} = ANY ($1)"))).bind(texts),
            };
            let mut connection = self.database.connection().await?;
            query
                .fetch_all(&mut *connection)
                .await
                .map_err(postgres::from_sqlx)
        });
        found.await?.into_iter().map(|row| item(kind, row)).collect()
    }

    fn billing(&self) -> &dyn Billing {
        self
    }

    async fn finish(&self) -> Result<()> {
        self.database
            .write(sqlx::query("DELETE FROM unfinished_copy"))
            .await
            .map(drop)
    }

    async fn close(self: Box<Self>) {
        PostgresStore::close(&self).await;
    }
}

/// Does `work` in one transaction.
async fn transact(
    database: &Database,
    work: impl AsyncFnOnce(&mut Transaction<'_, Postgres>) -> Result<()>,
) -> Result<()> {
    database
        .within(async {
            let mut connection = database.connection().await?;
            let result = async {
                let mut transaction = connection.begin().await.map_err(postgres::from_sqlx)?;
                work(&mut transaction).await?;
                transaction.commit().await.map_err(postgres::from_sqlx)
            };
            match result.await {
                Ok(()) => Ok(()),
                Err(error) => Err(failed(connection, error)),
            }
        })
        .await
}

/// Adds records. There may be millions of entries and keys, so those go in one statement.
async fn write(connection: &mut PgConnection, kind: Kind, items: &[Item]) -> Result<()> {
    match kind {
        Kind::Entries => write_entries(connection, items).await.map(drop),
        Kind::Keys => write_keys(connection, items).await.map(drop),
        _ => {
            for item in items {
                let written = insert(connection, kind, item).await;
                written.map_err(|error| kind.failure(&item.id, error))?;
            }
            Ok(())
        }
    }
}

async fn write_entries(connection: &mut PgConnection, items: &[Item]) -> Result<u64> {
    const INSERT: &str = "INSERT INTO entries (user_id, number, at, document) \
        SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[])";
    let (mut users, mut numbers, mut times, mut texts) = (vec![], vec![], vec![], vec![]);
    for item in items {
        let entry = rows::document::<LedgerEntry>(item);
        let (entry, text) = entry.map_err(|error| Kind::Entries.failure(&item.id, error))?;
        users.push(column(&item.id.text));
        numbers.push(item.id.number);
        times.push(entry.at.as_microsecond());
        texts.push(text);
    }
    let statement = sqlx::query(INSERT)
        .bind(users)
        .bind(numbers)
        .bind(times)
        .bind(texts);
    run(connection, statement).await
}

async fn write_keys(connection: &mut PgConnection, items: &[Item]) -> Result<u64> {
    const INSERT: &str = "INSERT INTO keys (key, record) SELECT * FROM unnest($1::text[], $2::text[])";
    let keys: Vec<_> = items.iter().map(|item| column(&item.id.text)).collect();
    let texts = items.iter().map(|item| json::to_text(&item.document));
    let statement = sqlx::query(INSERT)
        .bind(keys)
        .bind(texts.collect::<Result<Vec<_>>>()?);
    run(connection, statement).await
}

/// Adds one record.
async fn insert(connection: &mut PgConnection, kind: Kind, item: &Item) -> Result<()> {
    let id = column(&item.id.text);
    let done = match kind {
        Kind::Users => {
            let (user, text) = rows::document::<User>(item)?;
            run(connection, collection::row(&user, text)).await
        }
        Kind::RemovedUsers => {
            let statement = sqlx::query("INSERT INTO removed_users (id) VALUES ($1)");
            run(connection, statement.bind(id)).await
        }
        Kind::Templates => {
            let (template, text) = rows::document::<Template>(item)?;
            run(connection, collection::row(&template, text)).await
        }
        Kind::Prices => {
            let (_, text) = rows::document::<PriceList>(item)?;
            let statement = sqlx::query("INSERT INTO prices (version, document) VALUES ($1, $2)");
            run(connection, statement.bind(item.id.number).bind(text)).await
        }
        Kind::Pods => {
            let (pod, text) = rows::document::<Pod>(item)?;
            run(connection, pods::row(&pod, text)).await
        }
        Kind::PodNames => {
            let name = column(item.document.as_str().unwrap_or_default());
            let statement = sqlx::query("INSERT INTO pod_names (pod, name) VALUES ($1, $2)");
            run(connection, statement.bind(id).bind(name)).await
        }
        Kind::Requests => {
            let (request, text) = rows::document::<PastRequest>(item)?;
            run(connection, requests::row(&request, text)).await
        }
        Kind::Accounts => {
            let account = item.account()?;
            let balance = account.balance();
            let statement = sqlx::query(
                "INSERT INTO accounts \
                 (user_id, kind, available, held, spent_on, spent, spent_before, last_entry) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            )
            .bind(id)
            .bind(kind_text(balance.kind))
            .bind(balance.available.micros())
            .bind(balance.held.micros())
            .bind(balance.spent.map(|spent| spent.day.to_string()))
            .bind(balance.spent.map_or(0, |spent| spent.amount.micros()))
            .bind(balance.spent.map_or(0, |spent| spent.before.micros()))
            .bind(stored_number(account.last_entry));
            run(connection, statement).await
        }
        Kind::Audit => {
            let (entry, text) = rows::document::<AuditEntry>(item)?;
            run(connection, audit::row(&entry, text)).await
        }
        Kind::Entries => write_entries(connection, std::slice::from_ref(item)).await,
        Kind::Keys => write_keys(connection, std::slice::from_ref(item)).await,
    };
    done.map(drop)
}

/// Runs a statement. Returns the number of rows that it changed.
async fn run(connection: &mut PgConnection, statement: Query<'_, Postgres, PgArguments>) -> Result<u64> {
    let done = statement.execute(connection).await.map_err(postgres::from_sqlx)?;
    Ok(done.rows_affected())
}
