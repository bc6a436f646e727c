//! The file and the connections to it.

use std::path::{self, Path};
use std::sync::Arc;
use std::time::{Duration, Instant};

use backon::{ExponentialBuilder, Retryable};
use neuropod_core::{Error, Result};
use sqlx::migrate::Migrator;
use sqlx::query::Query;
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};
use sqlx::{QueryBuilder, Sqlite};

use super::file::{self, File};
use super::writer::Writer;
use super::{failure, json};
use crate::shape::stored::Stored;

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// How long an operation waits for a lock of another process, or for its turn.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// Reads are short and the disk is mostly cached: more would only wait for a processor.
const READERS: u32 = 4;
/// How long SQLite itself waits for a lock before it is asked for it anew.
const WAIT: Duration = Duration::from_millis(20);

/// Between two attempts to get a lock that another process has.
pub(super) fn pauses() -> ExponentialBuilder {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(1))
        .with_max_delay(Duration::from_millis(20))
        .without_max_times()
        .with_jitter()
}

/// One connection that writes, as SQLite has one writer at a time, and some that read beside it.
pub(super) struct Database {
    writer: Arc<Writer>,
    readers: SqlitePool,
}

impl Database {
    /// Opens the file, which is made if it is missing, and brings its tables up to date.
    pub(super) async fn open(path: &Path) -> Result<Self> {
        // Whatever becomes of the working folder; and `:memory:` is a file name like any other.
        let path = path::absolute(path).map_err(failure::unreachable)?;
        // Two processes that make the same file can't wait for each other inside SQLite, which switches to WAL
        // under a lock of its own.
        let deadline = Instant::now() + PATIENCE;
        (|| Self::try_open(&path))
            .retry(pauses())
            .when(|error: &Error| error.is_retryable() && Instant::now() < deadline)
            .await
            .map_err(|error| error.with_context("file", path.display().to_string()))
    }

    async fn try_open(path: &Path) -> Result<Self> {
        file::make(path)?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .busy_timeout(PATIENCE)
            .foreign_keys(true)
            // Survives a crash of the process with every setting. FULL: what was acknowledged survives a power loss
            // too, at the price of waiting for the disk. There is money in here.
            .synchronous(SqliteSynchronous::Full);
        let writing = options
            .clone()
            .busy_timeout(WAIT)
            .create_if_missing(true)
            // Readers don't wait for the writer, nor it for them.
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

    /// At most `limit` of the documents that `query` selects, in its order, and whether there are more.
    pub(super) async fn page<D: Stored>(
        &self,
        mut query: QueryBuilder<Sqlite>,
        limit: u32,
    ) -> Result<(Vec<D>, bool)> {
        // One more than asked for tells whether this is the last page.
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

    /// The connections to read with.
    pub(super) fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    /// What writes steps of several statements.
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

    /// Closes all connections, once what is under way is done.
    pub(super) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// What a statement has done.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    /// Changed so many rows.
    Rows(u64),
    /// Nothing: another row has this primary key.
    IdTaken,
    /// Nothing: another row has a value that is unique besides.
    NameTaken,
}

fn pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(PATIENCE)
        // A connection to a file does not go stale; and one that is opened later may find another file.
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
}

/// Brings the tables up to date, in one transaction: of two processes that open a file one waits for the other.
async fn migrate(writer: &SqlitePool) -> Result<()> {
    let mut transaction = writer
        .begin_with("BEGIN IMMEDIATE")
        .await
        .map_err(failure::from_sqlx)?;
    MIGRATIONS
        .run(&mut *transaction)
        .await
        .map_err(failure::from_migration)?;
    // A file that may not be written is opened for reading only, without a word. This changes nothing and fails.
    sqlx::query("DELETE FROM pods WHERE FALSE")
        .execute(&mut *transaction)
        .await
        .map_err(failure::from_sqlx)?;
    transaction.commit().await.map_err(failure::from_sqlx)
}
