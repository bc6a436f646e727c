//! The file and the connections to it.

use std::fs;
use std::io;
use std::path::{self, Path, PathBuf};
use std::time::{Duration, Instant};

use backon::{ExponentialBuilder, Retryable};
use neuropod_core::{Error, Result};
use sqlx::migrate::Migrator;
use sqlx::query::Query;
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};
use sqlx::{Sqlite, SqliteConnection, Transaction};

use super::failure;

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// How long an operation waits for a lock of another process, or for its turn.
const PATIENCE: Duration = Duration::from_secs(5);
/// Reads are short and the disk is mostly cached: more would only wait for a processor.
const READERS: u32 = 4;

/// One connection that writes, as SQLite has one writer at a time, and some that read beside it.
pub(super) struct Database {
    path: PathBuf,
    identity: Option<Identity>,
    writer: SqlitePool,
    readers: SqlitePool,
}

impl Database {
    /// Opens the file, which is made if it is missing, and brings its tables up to date.
    pub(super) async fn open(path: &Path) -> Result<Self> {
        // Whatever becomes of the working folder; and `:memory:` is a file name like any other.
        let path = path::absolute(path).map_err(failure::unreachable)?;
        // Two processes that make the same file can't wait for each other inside SQLite, which switches to WAL
        // under a lock of its own.
        let attempts = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(10))
            .with_max_delay(Duration::from_millis(200))
            .without_max_times()
            .with_jitter();
        let deadline = Instant::now() + PATIENCE;
        (|| Self::try_open(&path))
            .retry(attempts)
            .when(|error: &Error| error.is_retryable() && Instant::now() < deadline)
            .await
            .map_err(|error| error.with_context("file", path.display().to_string()))
    }

    async fn try_open(path: &Path) -> Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .busy_timeout(PATIENCE)
            .foreign_keys(true)
            // Survives a crash of the process with every setting. FULL: what was acknowledged survives a power loss
            // too, at the price of waiting for the disk once for each write. There is money in here.
            .synchronous(SqliteSynchronous::Full);
        let writing = options
            .clone()
            .create_if_missing(true)
            // Readers don't wait for the writer, nor it for them.
            .journal_mode(SqliteJournalMode::Wal);
        let writer = pool(1).connect_with(writing).await.map_err(failure::from_sqlx)?;
        migrate(&writer).await?;
        let readers = pool(READERS).min_connections(READERS);
        let readers = readers.connect_with(options.read_only(true)).await;
        Ok(Self {
            identity: identity(path)?,
            path: path.to_owned(),
            writer,
            readers: readers.map_err(failure::from_sqlx)?,
        })
    }

    /// The connections to read with.
    pub(super) fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    /// Runs a statement that writes.
    pub(super) async fn write(&self, statement: Query<'static, Sqlite, SqliteArguments>) -> Result<Written> {
        self.check_file()?;
        let written = match statement.execute(&self.writer).await {
            Ok(done) => Written::Rows(done.rows_affected()),
            Err(error) => match failure::primary_key_taken(&error) {
                Some(true) => Written::IdTaken,
                Some(false) => Written::NameTaken,
                None => return Err(failure::from_sqlx(error)),
            },
        };
        self.check_file()?;
        Ok(written)
    }

    /// Begins several statements that are one step. They hold the writer until [`Step::commit`], or undo all when they
    /// are dropped before.
    pub(super) async fn begin(&self) -> Result<Step<'_>> {
        self.check_file()?;
        let transaction = self.writer.begin_with("BEGIN IMMEDIATE").await;
        Ok(Step {
            database: self,
            transaction: transaction.map_err(failure::from_sqlx)?,
        })
    }

    /// Fails where the file has lost its name: it takes writes that are gone with the process. Asked before a write,
    /// so that there are none, and after it, so that only what is in the right file is acknowledged.
    fn check_file(&self) -> Result<()> {
        if identity(&self.path)? == self.identity {
            Ok(())
        } else {
            Err(failure::moved())
        }
    }

    /// Closes all connections, once what is under way is done.
    pub(super) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// Several statements that are one step.
pub(super) struct Step<'a> {
    database: &'a Database,
    transaction: Transaction<'static, Sqlite>,
}

impl Step<'_> {
    /// What to read with inside of the step.
    pub(super) fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.transaction
    }

    /// Runs a statement that writes.
    pub(super) async fn run(&mut self, statement: Query<'static, Sqlite, SqliteArguments>) -> Result<()> {
        let done = statement.execute(&mut *self.transaction).await;
        done.map(drop).map_err(failure::from_sqlx)
    }

    /// Makes all of it so.
    pub(super) async fn commit(self) -> Result<()> {
        self.transaction.commit().await.map_err(failure::from_sqlx)?;
        self.database.check_file()
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

/// What tells one file from another of the same name: device and inode.
#[cfg(unix)]
type Identity = (u64, u64);

#[cfg(unix)]
fn identity_of(file: &fs::Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt;
    (file.dev(), file.ino())
}

/// Windows lets nobody remove or replace a database that is open.
#[cfg(not(unix))]
type Identity = ();

#[cfg(not(unix))]
fn identity_of(_: &fs::Metadata) -> Identity {}

/// What tells the file at `path` from others; `None` where there is none. SQLite's locks forbid to open it for that.
fn identity(path: &Path) -> Result<Option<Identity>> {
    match fs::metadata(path) {
        Ok(file) => Ok(Some(identity_of(&file))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failure::unreachable(error)),
    }
}
