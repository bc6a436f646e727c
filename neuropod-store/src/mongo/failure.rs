//! Converts errors of MongoDB and its driver.

use mongodb::error::{ErrorKind as Kind, InsertManyError, RETRYABLE_WRITE_ERROR, WriteFailure};
use neuropod_core::{Error, ErrorKind};

/// What FerretDB reports for every failure of the database below it.
const INTERNAL_ERROR: i32 = 1;
// Codes: https://github.com/mongodb/mongo/blob/master/src/mongo/base/error_codes.yml
const HOST_UNREACHABLE: i32 = 6;
const HOST_NOT_FOUND: i32 = 7;
const UNAUTHORIZED: i32 = 13;
const AUTHENTICATION_FAILED: i32 = 18;
const MAX_TIME_EXPIRED: i32 = 50;
const INDEX_OPTIONS_CONFLICT: i32 = 85;
const INDEX_KEY_SPECS_CONFLICT: i32 = 86;
const NETWORK_TIMEOUT: i32 = 89;
const SHUTDOWN_IN_PROGRESS: i32 = 91;
const READ_CONCERN_MAJORITY_NOT_AVAILABLE_YET: i32 = 134;
const PRIMARY_STEPPED_DOWN: i32 = 189;
const EXCEEDED_TIME_LIMIT: i32 = 262;
const SOCKET_EXCEPTION: i32 = 9001;
const NOT_WRITABLE_PRIMARY: i32 = 10107;
const DUPLICATE_KEY: i32 = 11000;
const INTERRUPTED_AT_SHUTDOWN: i32 = 11600;
const INTERRUPTED_BY_CHANGE_OF_STATE: i32 = 11602;
const NOT_PRIMARY_NO_SECONDARY_OK: i32 = 13435;
const NOT_PRIMARY_OR_SECONDARY: i32 = 13436;
const OUT_OF_DISK_SPACE: i32 = 14031;

/// Converts the error of an operation. No text of the driver contains the password of a connection.
pub(super) fn from_driver(error: mongodb::error::Error) -> Error {
    let (kind, message) = match &*error.kind {
        Kind::Authentication { .. } => refused(),
        // The server may report this with codes that are not listed here.
        Kind::Command(_) if error.contains_label(RETRYABLE_WRITE_ERROR) => unavailable(),
        Kind::Command(failed) => below_ferretdb(failed.code, &failed.message)
            .map_or_else(|| from_code(failed.code), from_sql_state),
        Kind::Write(WriteFailure::WriteError(failed)) => from_code(failed.code),
        Kind::Write(WriteFailure::WriteConcernError(_)) => not_acknowledged(),
        Kind::InsertMany(failed) if failed.write_concern_error.is_some() => not_acknowledged(),
        Kind::InsertMany(InsertManyError {
            write_errors: Some(failed),
            ..
        }) => from_code(failed.first().map_or(0, |failed| failed.code)),
        Kind::Io(_)
        | Kind::ConnectionPoolCleared { .. }
        | Kind::ServerSelection { .. }
        | Kind::DnsResolve { .. } => (ErrorKind::Unavailable, "the database can't be reached"),
        Kind::InvalidArgument { .. } | Kind::InvalidTlsConfig { .. } | Kind::IncompatibleServer { .. } => {
            (ErrorKind::NotConfigured, "the database can't be used like this")
        }
        _ if error.contains_label(RETRYABLE_WRITE_ERROR) => unavailable(),
        _ => (ErrorKind::Unexpected, "the database can't do this"),
    };
    Error::new(kind, message).with_source(error)
}

fn from_code(code: i32) -> (ErrorKind, &'static str) {
    match code {
        UNAUTHORIZED | AUTHENTICATION_FAILED => refused(),
        MAX_TIME_EXPIRED | EXCEEDED_TIME_LIMIT => (ErrorKind::Timeout, "the database did not answer in time"),
        HOST_UNREACHABLE
        | HOST_NOT_FOUND
        | NETWORK_TIMEOUT
        | READ_CONCERN_MAJORITY_NOT_AVAILABLE_YET
        | SOCKET_EXCEPTION
        | SHUTDOWN_IN_PROGRESS
        | PRIMARY_STEPPED_DOWN
        | NOT_WRITABLE_PRIMARY
        | INTERRUPTED_AT_SHUTDOWN
        | INTERRUPTED_BY_CHANGE_OF_STATE
        | NOT_PRIMARY_NO_SECONDARY_OK
        | NOT_PRIMARY_OR_SECONDARY => unavailable(),
        OUT_OF_DISK_SPACE => (ErrorKind::Unavailable, "the disk of the database is full"),
        INDEX_OPTIONS_CONFLICT | INDEX_KEY_SPECS_CONFLICT => (
            ErrorKind::NotConfigured,
            "the database has another index where this library needs one",
        ),
        DUPLICATE_KEY => (
            ErrorKind::AlreadyExists,
            "the database has a document like this already",
        ),
        _ => (ErrorKind::Unexpected, "the database refused an operation"),
    }
}

/// The code of PostgreSQL, empty without one, if this is a failure below FerretDB 1. That has one code for all of them, and a
/// text of this kind: `[collection.go:163 postgresql.(*collection).InsertAll.func1] ERROR: … (SQLSTATE 22P05)`.
fn below_ferretdb(code: i32, message: &str) -> Option<&str> {
    let is_below = code == INTERNAL_ERROR && message.starts_with('[') && message.contains(".go:");
    let (_, state) = message.rsplit_once("(SQLSTATE ").unwrap_or_default();
    is_below.then(|| state.split(')').next().unwrap_or_default())
}

/// Without a code, FerretDB has lost its connection.
fn from_sql_state(code: &str) -> (ErrorKind, &'static str) {
    match code.get(..2) {
        // A broken connection, a lost race, too few resources, an operator's intervention, a failed disk.
        None | Some("08" | "40" | "53" | "57" | "58") => unavailable(),
        Some("23") => from_code(DUPLICATE_KEY),
        Some(_) => (
            ErrorKind::Unexpected,
            "the database below FerretDB refused an operation",
        ),
    }
}

fn refused() -> (ErrorKind, &'static str) {
    (
        ErrorKind::PermissionDenied,
        "the database does not accept the credentials",
    )
}

fn unavailable() -> (ErrorKind, &'static str) {
    (ErrorKind::Unavailable, "the database is not able to answer now")
}

fn not_acknowledged() -> (ErrorKind, &'static str) {
    (
        ErrorKind::Timeout,
        "most servers of the database have not acknowledged a write yet",
    )
}

/// The server did not respond in time: the operation may or may not have taken effect.
pub(super) fn no_answer() -> Error {
    Error::new(ErrorKind::Timeout, "the database did not answer in time")
}

/// Whether nothing was written because a unique value is taken.
pub(super) fn is_duplicate(error: &Error) -> bool {
    *error.kind() == ErrorKind::AlreadyExists
}

/// A stored document does not have the expected form.
pub(super) fn unreadable(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::new(
        ErrorKind::Unexpected,
        "a stored document can't be read by this version",
    )
    .with_source(error)
}

/// A document can't be written as BSON.
pub(super) fn unwritable(error: mongodb::bson::error::Error) -> Error {
    Error::new(ErrorKind::Unexpected, "the document can't be written as BSON").with_source(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_below_ferretdb_are_told_apart() {
        let kind = |message: &str| {
            let (kind, text) = from_sql_state(below_ferretdb(INTERNAL_ERROR, message)?);
            let error = Error::new(kind, text);
            Some((error.kind().code(), error.is_retryable()))
        };
        let unavailable = Some(("unavailable", true));
        for (message, expected) in [
            (
                "[msg_insert.go:168 handler.(*Handler).MsgInsert] failed to connect to `user=ana`: refused",
                unavailable,
            ),
            (
                "[msg_find.go:344 handler.handle] [query.go:92 postgresql.Next] unexpected EOF",
                unavailable,
            ),
            (
                "[update.go:114 f] FATAL: the database system is starting up (SQLSTATE 57P03)",
                unavailable,
            ),
            (
                "[update.go:114 f] ERROR: deadlock detected (SQLSTATE 40P01)",
                unavailable,
            ),
            (
                "[update.go:114 f] ERROR: duplicate key value (SQLSTATE 23505)",
                Some(("already_exists", false)),
            ),
            (
                "[collection.go:163 f] ERROR: unsupported Unicode escape sequence (SQLSTATE 22P05)",
                Some(("unexpected", false)),
            ),
            ("assertion failed", None),
        ] {
            assert_eq!(kind(message), expected, "{message}");
        }
        assert_eq!(below_ferretdb(2, "[find.go:1 f] unexpected EOF"), None);
    }

    /// The codes that the driver retries:
    /// <https://github.com/mongodb/specifications/blob/master/source/retryable-writes/retryable-writes.md>.
    #[test]
    fn transient_errors_are_retryable() {
        for code in [
            6, 7, 89, 91, 134, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436,
        ] {
            let (kind, text) = from_code(code);
            assert!(Error::new(kind, text).is_retryable(), "{code}");
        }
        for code in [13, 18, 85, 11000, 2] {
            let (kind, text) = from_code(code);
            assert!(!Error::new(kind, text).is_retryable(), "{code}");
        }
    }
}
