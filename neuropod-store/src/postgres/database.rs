//! The connections to a server, and how long they may take.

use std::time::Duration;

use neuropod_core::{Error, Result};
use sqlx::migrate::Migrator;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::query::{Query, QueryScalar};
use sqlx::{ConnectOptions, Connection, PgConnection, Postgres, QueryBuilder};
use tokio::time::timeout;

use super::address;
use super::failure::{self, Unique};
use super::options::PostgresOptions;
use crate::json;
use crate::shape::stored::Stored;

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations-postgres");

/// How long creating tables may take, with waiting for another process that does so.
const SET_UP: Duration = Duration::from_mins(1);
/// A connection that was not used for this long is tested before it is used: its server may have restarted.
const IDLE: Duration = Duration::from_millis(100);
/// How long a used connection has for its last word before it is closed instead of kept.
const RETURN: Duration = Duration::from_secs(5);

/// A pool of connections to one database.
#[derive(Clone)]
pub(super) struct Database {
    pool: PgPool,
    address: PgConnectOptions,
    timeout: Duration,
}

impl Database {
    /// Connects, and creates or migrates the tables. Returns also whether a copy into the database is not finished.
    pub(super) async fn open(options: &PostgresOptions) -> Result<(Self, bool)> {
        let address = address::parse(&options.url)?;
        // Not by the pool, which would hide why there is no connection.
        let connection = timeout(options.timeout, address.connect()).await;
        let connection = connection
            .map_err(failure::no_answer)?
            .map_err(|error| failure::from_first_connection(error, &address))?;
        let set_up = timeout(SET_UP, set_up(connection)).await;
        let is_unfinished = set_up.map_err(failure::no_answer)??;
        let database = Self {
            pool: pool(options, address.clone()),
            address,
            timeout: options.timeout,
        };
        Ok((database, is_unfinished))
    }

    /// The result of the operation, or `Timeout` if it takes too long.
    pub(super) async fn within<T>(&self, operation: impl Future<Output = Result<T>>) -> Result<T> {
        let result = timeout(self.timeout, operation).await;
        result.map_err(failure::no_answer)?
    }

    /// Where the server is, for connections beside the pool.
    pub(super) fn address(&self) -> &PgConnectOptions {
        &self.address
    }

    /// A connection of the pool. The caller limits the time, by [`within`](Self::within).
    pub(super) async fn connection(&self) -> Result<PoolConnection<Postgres>> {
        self.pool.acquire().await.map_err(failure::from_sqlx)
    }

    /// The one value of the first row that `query` selects.
    pub(super) async fn value<T>(&self, query: QueryScalar<'_, Postgres, T, PgArguments>) -> Result<Option<T>>
    where
        T: Send + Unpin,
        (T,): for<'r> sqlx::FromRow<'r, sqlx::postgres::PgRow>,
    {
        self.within(async { query.fetch_optional(&self.pool).await.map_err(failure::from_sqlx) })
            .await
    }

    /// The document that `query` selects.
    pub(super) async fn document<D: Stored>(
        &self,
        query: QueryScalar<'_, Postgres, String, PgArguments>,
    ) -> Result<Option<D>> {
        self.value(query).await?.as_deref().map(json::read).transpose()
    }

    /// All documents that `query` selects, in its order.
    pub(super) async fn documents<D: Stored>(
        &self,
        query: QueryScalar<'_, Postgres, String, PgArguments>,
    ) -> Result<Vec<D>> {
        let texts = self
            .within(async { query.fetch_all(&self.pool).await.map_err(failure::from_sqlx) })
            .await?;
        texts.iter().map(|text| json::read(text)).collect()
    }

    /// Returns at most `limit` of the documents that `query` selects, in its order, and whether there are more.
    pub(super) async fn page<D: Stored>(
        &self,
        mut query: QueryBuilder<Postgres>,
        limit: u32,
    ) -> Result<(Vec<D>, bool)> {
        // One document more than the limit shows whether there is a next page.
        query.push(" LIMIT ").push_bind(i64::from(limit) + 1);
        let mut documents = self.documents(query.build_query_scalar()).await?;
        let more = documents.len() > limit as usize;
        documents.truncate(limit as usize);
        Ok((documents, more))
    }

    /// Runs a statement that writes.
    pub(super) async fn write(&self, statement: Query<'_, Postgres, PgArguments>) -> Result<Written> {
        self.within(async {
            let mut connection = self.connection().await?;
            match statement.execute(&mut *connection).await {
                Ok(done) => Ok(Written::Rows(done.rows_affected())),
                Err(error) => match failure::taken(&error) {
                    Some(unique) => Ok(Written::Taken(unique)),
                    None => Err(failed(connection, failure::from_sqlx(error))),
                },
            }
        })
        .await
    }

    /// Closes all connections, once they are idle.
    pub(super) async fn close(&self) {
        self.pool.close().await;
    }
}

/// The result of a statement that writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    /// The number of rows that it changed.
    Rows(u64),
    /// Nothing: another row has this value.
    Taken(Unique),
}

/// Returns `error`, and gives `connection` back unless the error is one of the connection itself.
pub(super) fn failed(mut connection: PoolConnection<Postgres>, error: Error) -> Error {
    if failure::is_of_connection(&error) {
        connection.close_on_drop();
    }
    error
}

/// Whether a copy into the database is not finished.
pub(super) const IS_UNFINISHED: &str = "SELECT EXISTS (SELECT 1 FROM unfinished_copy)";

/// Checks the database and creates missing tables. Returns whether a copy into it is not finished.
async fn set_up(mut connection: PgConnection) -> Result<bool> {
    let encoding: String = sqlx::query_scalar("SELECT current_setting('server_encoding')")
        .fetch_one(&mut connection)
        .await
        .map_err(failure::from_sqlx)?;
    if encoding != "UTF8" {
        return Err(failure::wrong_encoding(encoding));
    }
    // Processes that do this at the same time wait for each other, by an advisory lock.
    // Not by `run`, whose future can't go to another thread.
    let done = MIGRATIONS.run_direct(None, &mut connection, false).await;
    done.map_err(failure::from_migration)?;
    // The database may have become one that only reads since its tables were made. This changes nothing, and fails then.
    sqlx::query("DELETE FROM pods WHERE FALSE")
        .execute(&mut connection)
        .await
        .map_err(failure::from_sqlx)?;
    let is_unfinished = sqlx::query_scalar(IS_UNFINISHED)
        .fetch_one(&mut connection)
        .await
        .map_err(failure::from_sqlx)?;
    connection.close().await.map_err(failure::from_sqlx)?;
    Ok(is_unfinished)
}

fn pool(options: &PostgresOptions, address: PgConnectOptions) -> PgPool {
    let limit = options.timeout;
    PgPoolOptions::new()
        .max_connections(options.connections.max(1))
        .acquire_timeout(limit / 2)
        .after_connect(move |connection, _| Box::pin(settle(connection, limit)))
        .test_before_acquire(false)
        .before_acquire(|connection, usage| {
            Box::pin(async move {
                if usage.idle_for >= IDLE {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        // An operation may have been dropped while it waited for a server that will never answer. Then the connection
        // must not stay in use for as long as TCP is patient, which is minutes.
        .after_release(|connection, _| {
            Box::pin(async move { Ok(matches!(timeout(RETURN, connection.ping()).await, Ok(Ok(())))) })
        })
        .connect_lazy_with(address)
}

/// Sets what this library relies on, whatever the defaults of the server are.
async fn settle(connection: &mut PgConnection, limit: Duration) -> sqlx::Result<()> {
    const SETTINGS: &str = "SELECT \
        set_config('default_transaction_isolation', 'read committed', false), \
        set_config('synchronous_commit', CASE current_setting('synchronous_commit') \
            WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, false), \
        set_config('lock_timeout', $1, false), \
        set_config('statement_timeout', $2, false), \
        set_config('idle_in_transaction_session_timeout', $2, false)";
    let milliseconds = |limit: Duration| limit.as_millis().max(1).to_string();
    sqlx::query(SETTINGS)
        .bind(milliseconds(limit / 2))
        // A process that vanishes must not keep the lock of an account.
        .bind(milliseconds(limit))
        .execute(connection)
        .await
        .map(drop)
}
