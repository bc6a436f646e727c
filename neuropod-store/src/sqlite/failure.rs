//! Converts errors of SQLite.

use std::io;
use std::sync::Arc;

use neuropod_core::{Error, ErrorKind};
use sqlx::error::DatabaseError;
use sqlx::migrate::MigrateError;
use tokio::sync::oneshot::error::RecvError;
use tokio::time::error::Elapsed;

use crate::sql;

// Primary result codes: https://www.sqlite.org/rescode.html
const PERM: i32 = 3;
const BUSY: i32 = 5;
const LOCKED: i32 = 6;
const NOMEM: i32 = 7;
const READONLY: i32 = 8;
const INTERRUPT: i32 = 9;
const IOERR: i32 = 10;
const CORRUPT: i32 = 11;
const FULL: i32 = 13;
const CANTOPEN: i32 = 14;
const PROTOCOL: i32 = 15;
const AUTH: i32 = 23;
const NOTADB: i32 = 26;
/// The extended code of a primary key that is taken.
const CONSTRAINT_PRIMARYKEY: i32 = 1555;

/// Converts the error of a statement or a connection.
pub(super) fn from_sqlx(error: sqlx::Error) -> Error {
    let (kind, message) = match &error {
        sqlx::Error::Database(_) => from_code(code(&error) & 0xff),
        sqlx::Error::PoolTimedOut => (ErrorKind::Unavailable, "every connection to the database is busy"),
        sqlx::Error::PoolClosed => {
            let closed = Error::new(ErrorKind::Unavailable, "the store is closed");
            return closed.with_retryable(false).with_source(error);
        }
        sqlx::Error::Io(_) | sqlx::Error::WorkerCrashed => {
            (ErrorKind::Unavailable, "the connection to the database broke")
        }
        _ => (ErrorKind::Unexpected, "the database can't do this"),
    };
    Error::new(kind, message).with_source(error)
}

fn from_code(code: i32) -> (ErrorKind, &'static str) {
    match code {
        BUSY | LOCKED | PROTOCOL => (ErrorKind::Unavailable, "another process has locked the database"),
        FULL => (ErrorKind::Unavailable, "the disk of the database is full"),
        IOERR | NOMEM | INTERRUPT => (
            ErrorKind::Unavailable,
            "the database could not be read or written",
        ),
        READONLY | PERM | AUTH => (ErrorKind::PermissionDenied, "the database may not be written"),
        CANTOPEN => (ErrorKind::NotConfigured, "the database can't be opened"),
        CORRUPT | NOTADB => (ErrorKind::Unexpected, "the file is damaged or no database"),
        _ => (ErrorKind::Unexpected, "the database refused a statement"),
    }
}

/// Converts the error of a migration.
pub(super) fn from_migration(error: MigrateError) -> Error {
    sql::migration_failure(error, from_sqlx)
}

/// Whether the violated unique constraint is the primary key; `None` for any other error.
pub(super) fn primary_key_taken(error: &sqlx::Error) -> Option<bool> {
    let unique = error.as_database_error()?.is_unique_violation();
    unique.then(|| code(error) == CONSTRAINT_PRIMARYKEY)
}

/// The extended result code; 0 if there is none.
fn code(error: &sqlx::Error) -> i32 {
    let code = error.as_database_error().and_then(DatabaseError::code);
    code.and_then(|code| code.parse().ok()).unwrap_or_default()
}

/// The file is missing and can't be created.
pub(super) fn not_made(error: io::Error) -> Error {
    let (kind, message) = match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => (
            ErrorKind::NotConfigured,
            "the folder of the database does not exist",
        ),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => (
            ErrorKind::PermissionDenied,
            "the folder of the database may not be written",
        ),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            (ErrorKind::Unavailable, "the disk of the database is full")
        }
        _ => return unreachable(error),
    };
    Error::new(kind, message).with_source(error)
}

/// The folder of the file can't be read.
pub(super) fn unreachable(error: io::Error) -> Error {
    Error::new(
        ErrorKind::Unavailable,
        "the file of the database can't be reached",
    )
    .with_source(error)
}

/// The path no longer names the file that was opened.
pub(super) fn moved() -> Error {
    Error::new(
        ErrorKind::NotConfigured,
        "the file of the database was removed or replaced",
    )
}

/// The same error, for each step of a failed batch.
pub(super) fn shared(error: &Arc<Error>) -> Error {
    Error::new(error.kind().clone(), error.message())
        .with_retryable(error.is_retryable())
        .with_source(Arc::clone(error))
}

/// The disk took too long.
pub(super) fn no_answer(error: Elapsed) -> Error {
    Error::new(
        ErrorKind::Timeout,
        "the database has not answered in time: it may have written this or not",
    )
    .with_source(error)
}

/// The task that writes ended before it was done, with its runtime.
pub(super) fn broken_off(error: RecvError) -> Error {
    Error::new(ErrorKind::Unavailable, "the write was broken off").with_source(error)
}
