//! The file and the connections to it.

use std::path::{self, Path};
use std::sync::Arc;
use std::time::{Duration, Instant};

use backon::Retryable;
use neuropod_core::{Error, Result};
use sqlx::migrate::Migrator;
use sqlx::query::Query;
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};
use sqlx::{QueryBuilder, Sqlite};

use super::failure;
use super::file::{self, File};
use super::lock::{LOCK_TIMEOUT, lock_retries};
use super::writer::Writer;
use crate::json;
use crate::shape::stored::Stored;

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// The number of reading connections. Reads are short and mostly cached, so more would only wait for a processor.
const READERS: u32 = 4;
/// How long SQLite itself waits for a lock before the writer retries.
const BUSY_TIMEOUT: Duration = Duration::from_millis(20);

/// One connection that writes, because SQLite allows one writer at a time, and several that read beside it.
pub(super) struct Database {
    writer: Arc<Writer>,
    readers: SqlitePool,
}

impl Database {
    /// Opens the file, creates it if it is missing, and migrates its tables.
    pub(super) async fn open(path: &Path) -> Result<Self> {
        // An absolute path stays valid if the working folder changes, and makes `:memory:` an ordinary file name.
        let path = path::absolute(path).map_err(failure::unreachable)?;
        // Retried, because SQLite switches to WAL under a lock for which two processes that create the same file
        // can't wait inside SQLite.
        let deadline = Instant::now() + LOCK_TIMEOUT;
        (|| Self::try_open(&path))
            .retry(lock_retries())
            .when(|error: &Error| error.is_retryable() && Instant::now() < deadline)
            .await
            .map_err(|error| error.with_context("file", path.display().to_string()))
    }

    async fn try_open(path: &Path) -> Result<Self> {
        file::make(path)?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .busy_timeout(LOCK_TIMEOUT)
            .foreign_keys(true)
            // Every setting survives a crash of the process. FULL survives a power loss too, at the price of waiting for
            // the disk: the file holds money.
            .synchronous(SqliteSynchronous::Full);
        let writing = options
            .clone()
            .busy_timeout(BUSY_TIMEOUT)
            .create_if_missing(true)
            // Readers and the writer don't wait for each other.
            .journal_mode(SqliteJournalMode::Wal);
        let writer = pool(1).connect_with(writing).await.map_err(failure::from_sqlx)?;
        migrate(&writer).await?;
        let readers = pool(READERS).min_connections(READERS);
        let readers = readers.connect_with(options.read_only(true)).await;
        file::only_for_owner(path);
        Ok(Self {
            writer: Arc::new(Writer::new(File::at(path)?, writer)),
            readers: readers.map_err(failure::from_sqlx)?,
        })
    }

    /// Returns at most `limit` of the documents that `query` selects, in its order, and whether there are more.
    pub(super) async fn page<D: Stored>(
        &self,
        mut query: QueryBuilder<Sqlite>,
        limit: u32,
    ) -> Result<(Vec<D>, bool)> {
        // One document more than the limit shows whether there is a next page.
        query.push(" LIMIT ").push_bind(i64::from(limit) + 1);
        let texts: Vec<String> = query
            .build_query_scalar()
            .fetch_all(&self.readers)
            .await
            .map_err(failure::from_sqlx)?;
        let limit = limit as usize;
        let page = texts.iter().take(limit).map(|text| json::read(text));
        Ok((page.collect::<Result<_>>()?, texts.len() > limit))
    }

    /// Whether a copy into this file is not finished.
    pub(super) async fn is_unfinished(&self) -> Result<bool> {
        sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM unfinished_copy)")
            .fetch_one(&self.readers)
            .await
            .map_err(failure::from_sqlx)
    }

    /// The connections for reading.
    pub(super) fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    /// The writer, for steps of several statements.
    pub(super) fn writer(&self) -> &Arc<Writer> {
        &self.writer
    }

    /// Runs a statement that writes.
    pub(super) async fn write(&self, statement: Query<'static, Sqlite, SqliteArguments>) -> Result<Written> {
        self.writer
            .step(|connection| {
                Box::pin(async move {
                    match statement.execute(connection).await {
                        Ok(done) => Ok(Written::Rows(done.rows_affected())),
                        Err(error) => match failure::primary_key_taken(&error) {
                            Some(true) => Ok(Written::IdTaken),
                            Some(false) => Ok(Written::NameTaken),
                            None => Err(failure::from_sqlx(error)),
                        },
                    }
                })
            })
            .await
    }

    /// Closes all connections, once they are idle.
    pub(super) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// The result of a statement that writes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    /// The number of rows that it changed.
    Rows(u64),
    /// Nothing: another row has this primary key.
    IdTaken,
    /// Nothing: another row has the same value in another unique column.
    NameTaken,
}

fn pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(LOCK_TIMEOUT)
        // A connection to a file does not go stale, and a new one might open another file at that path.
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
}

/// Migrates the tables in one transaction, so that two processes that open the file wait for each other.
async fn migrate(writer: &SqlitePool) -> Result<()> {
    let mut transaction = writer
        .begin_with("BEGIN IMMEDIATE")
        .await
        .map_err(failure::from_sqlx)?;
    // Not by `run`, whose future can't go to another thread.
    MIGRATIONS
        .run_direct(None, &mut *transaction, false)
        .await
        .map_err(failure::from_migration)?;
    // SQLite silently opens a file without write permission as read-only. This statement changes nothing, but
    // fails in that case.
    sqlx::query("DELETE FROM pods WHERE FALSE")
        .execute(&mut *transaction)
        .await
        .map_err(failure::from_sqlx)?;
    transaction.commit().await.map_err(failure::from_sqlx)
}
