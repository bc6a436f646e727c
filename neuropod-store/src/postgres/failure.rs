//! Converts errors of PostgreSQL.

use std::borrow::Cow;
use std::error::Error as _;
use std::io;

use neuropod_core::{Error, ErrorKind};
use rustls::CertificateError;
use sqlx::error::DatabaseError;
use sqlx::migrate::MigrateError;
use sqlx::postgres::PgConnectOptions;
use tokio::time::error::Elapsed;

use crate::sql;

// Codes: https://www.postgresql.org/docs/current/errcodes-appendix.html
const READ_ONLY_SQL_TRANSACTION: &str = "25006";
const IDLE_IN_TRANSACTION_SESSION_TIMEOUT: &str = "25P03";
const TRANSACTION_TIMEOUT: &str = "25P04";
const UNIQUE_VIOLATION: &str = "23505";
const INVALID_AUTHORIZATION: &str = "28000";
const INVALID_PASSWORD: &str = "28P01";
const DATABASE_DOES_NOT_EXIST: &str = "3D000";
const SCHEMA_DOES_NOT_EXIST: &str = "3F000";
const SERIALIZATION_FAILURE: &str = "40001";
const STATEMENT_COMPLETION_UNKNOWN: &str = "40003";
const DEADLOCK_DETECTED: &str = "40P01";
const INSUFFICIENT_PRIVILEGE: &str = "42501";
const DISK_FULL: &str = "53100";
const TOO_MANY_CONNECTIONS: &str = "53300";
const LOCK_NOT_AVAILABLE: &str = "55P03";
const QUERY_CANCELED: &str = "57014";

/// Converts the error of a statement or a connection. No text of the server or of sqlx contains the password of a
/// connection.
pub(super) fn from_sqlx(error: sqlx::Error) -> Error {
    let (kind, message) = match &error {
        sqlx::Error::Database(_) => from_code(&code(&error)),
        sqlx::Error::PoolTimedOut => (
            ErrorKind::Unavailable,
            "no connection to the database in time: it can't be reached, or all connections are busy",
        ),
        sqlx::Error::PoolClosed => {
            let closed = Error::new(ErrorKind::Unavailable, "the store is closed");
            return closed.with_retryable(false).with_source(error);
        }
        sqlx::Error::Io(_) | sqlx::Error::BeginFailed => {
            (ErrorKind::Unavailable, "the connection to the database broke")
        }
        sqlx::Error::Tls(_) => (
            ErrorKind::NotConfigured,
            "no encrypted connection to the database",
        ),
        sqlx::Error::Configuration(_) | sqlx::Error::InvalidArgument(_) => {
            (ErrorKind::NotConfigured, "the address of the database is wrong")
        }
        _ => (ErrorKind::Unexpected, "the database can't do this"),
    };
    Error::new(kind, message).with_source(error)
}

/// Converts the error of the connection with which a store is opened: what is wrong with certificates is wrong with the
/// address or the server, and repeating does not mend it. A store that is open goes on trying.
pub(super) fn from_first_connection(error: sqlx::Error, address: &PgConnectOptions) -> Error {
    let message = match &error {
        sqlx::Error::Io(cause) => refused_certificate(cause).or_else(|| missing_file(cause, address)),
        _ => None,
    };
    match message {
        Some(message) => Error::new(ErrorKind::NotConfigured, message).with_source(error),
        None => from_sqlx(error),
    }
}

/// Why this side refused the certificate of the server, if it did.
fn refused_certificate(error: &io::Error) -> Option<&'static str> {
    let cause = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    let rustls::Error::InvalidCertificate(cause) = cause else {
        return Some("no encrypted connection to the database");
    };
    Some(match cause {
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "the certificate of the database is not signed by an authority that is trusted here: \
             `sslrootcert` of the address names the file of another one"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "the certificate of the database is not for the host in its address"
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "the certificate of the database has expired, or the clock here is wrong"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the certificate of the database is not valid yet, or the clock here is wrong"
        }
        _ => "the certificate of the database is not valid",
    })
}

/// A file that the address names, and that is not there. Without the file of a socket, the server is not there.
fn missing_file(error: &io::Error, address: &PgConnectOptions) -> Option<&'static str> {
    let is_socket = address.get_socket().is_some() || address.get_host().starts_with('/');
    let is_missing = matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::IsADirectory
    );
    (is_missing && !is_socket)
        .then_some("the address of the database names a file of certificates or keys that is not there")
}

fn from_code(code: &str) -> (ErrorKind, &'static str) {
    match code {
        INVALID_AUTHORIZATION | INVALID_PASSWORD => (
            ErrorKind::PermissionDenied,
            "the database does not accept the credentials",
        ),
        INSUFFICIENT_PRIVILEGE => (
            ErrorKind::PermissionDenied,
            "the user of the database may not do this",
        ),
        DATABASE_DOES_NOT_EXIST | SCHEMA_DOES_NOT_EXIST => {
            (ErrorKind::NotConfigured, "the database does not exist")
        }
        READ_ONLY_SQL_TRANSACTION => (
            ErrorKind::Unavailable,
            "the database only reads: it is a standby, or writing was forbidden",
        ),
        SERIALIZATION_FAILURE | DEADLOCK_DETECTED => (
            ErrorKind::Unavailable,
            "others changed the same data of the database meanwhile",
        ),
        LOCK_NOT_AVAILABLE => (
            ErrorKind::Unavailable,
            "others have locked the data in the database for too long",
        ),
        QUERY_CANCELED | TRANSACTION_TIMEOUT => (ErrorKind::Timeout, "the database did not answer in time"),
        DISK_FULL => (ErrorKind::Unavailable, "the disk of the database is full"),
        TOO_MANY_CONNECTIONS => (ErrorKind::Unavailable, "the database has too many connections"),
        IDLE_IN_TRANSACTION_SESSION_TIMEOUT | STATEMENT_COMPLETION_UNKNOWN => unavailable(),
        _ => match code.get(..2) {
            // A broken connection, too few resources, an operator's intervention (also a start or stop), a failed disk.
            Some("08" | "53" | "57" | "58") => unavailable(),
            Some("XX") => (ErrorKind::Unexpected, "the database is damaged"),
            _ => (ErrorKind::Unexpected, "the database refused a statement"),
        },
    }
}

fn unavailable() -> (ErrorKind, &'static str) {
    (ErrorKind::Unavailable, "the database is not able to answer now")
}

/// Converts the error of a migration.
pub(super) fn from_migration(error: MigrateError) -> Error {
    sql::migration_failure(error, from_sqlx)
}

/// The database stores texts in another encoding than UTF-8.
pub(super) fn wrong_encoding(encoding: String) -> Error {
    Error::new(
        ErrorKind::NotConfigured,
        "the encoding of the database is not UTF8",
    )
    .with_context("encoding", encoding)
}

/// The server did not respond in time: the operation may or may not have taken effect.
pub(super) fn no_answer(error: Elapsed) -> Error {
    Error::new(ErrorKind::Timeout, "the database did not answer in time").with_source(error)
}

/// Which unique value of a row is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unique {
    Id,
    Name,
    SecondName,
}

/// The unique value that another row has; `None` for any other error.
pub(super) fn taken(error: &sqlx::Error) -> Option<Unique> {
    let error = error.as_database_error()?;
    if error.code()? != UNIQUE_VIOLATION {
        return None;
    }
    // The names that Postgres gives to constraints.
    Some(match error.constraint().unwrap_or_default() {
        name if name.ends_with("_pkey") => Unique::Id,
        name if name.ends_with("_identity_key") => Unique::SecondName,
        _ => Unique::Name,
    })
}

/// Whether a transaction lost against another one, so that it has done nothing and should begin again.
pub(super) fn lost_race(error: &Error) -> bool {
    let cause = error
        .source()
        .and_then(|cause| cause.downcast_ref::<sqlx::Error>());
    let code = cause.map(code).unwrap_or_default();
    [UNIQUE_VIOLATION, SERIALIZATION_FAILURE, DEADLOCK_DETECTED].contains(&&*code)
}

/// Whether another connection may succeed where this one can't: after a failover, this one may still lead to what is a
/// standby now.
pub(super) fn is_of_connection(error: &Error) -> bool {
    let cause = error
        .source()
        .and_then(|cause| cause.downcast_ref::<sqlx::Error>());
    cause.is_some_and(|cause| code(cause) == READ_ONLY_SQL_TRANSACTION)
}

/// The code of the server's error; empty if it is another error.
fn code(error: &sqlx::Error) -> Cow<'_, str> {
    let code = error.as_database_error().and_then(DatabaseError::code);
    code.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_certificates_are_to_blame_for_is_a_mistake_of_the_address() {
        let first = |error: io::Error, host: &str| {
            let address = PgConnectOptions::new_without_pgpass().host(host);
            from_first_connection(sqlx::Error::Io(error), &address)
        };
        let refused = |error: rustls::Error| io::Error::new(io::ErrorKind::InvalidData, error);
        for (error, host, retryable, text) in [
            (
                refused(CertificateError::UnknownIssuer.into()),
                "db",
                false,
                "sslrootcert",
            ),
            (
                refused(CertificateError::NotValidForName.into()),
                "db",
                false,
                "not for the host",
            ),
            (refused(CertificateError::Expired.into()), "db", false, "expired"),
            (
                refused(CertificateError::NotValidYet.into()),
                "db",
                false,
                "not valid yet",
            ),
            (
                refused(CertificateError::Revoked.into()),
                "db",
                false,
                "not valid",
            ),
            (
                refused(rustls::Error::HandshakeNotComplete),
                "db",
                false,
                "no encrypted connection",
            ),
            (io::ErrorKind::NotFound.into(), "db", false, "names a file"),
            (io::ErrorKind::NotFound.into(), "/run/postgresql", true, "broke"),
            (io::ErrorKind::ConnectionReset.into(), "db", true, "broke"),
        ] {
            let error = first(error, host);
            assert_eq!(error.is_retryable(), retryable, "{error}");
            assert!(error.to_string().contains(text), "{text}: {error}");
        }
        let later = from_sqlx(sqlx::Error::Io(refused(CertificateError::Expired.into())));
        assert!(later.is_retryable(), "{later}");
    }

    #[test]
    fn transient_errors_are_retryable() {
        for code in [
            "08006", "25006", "25P03", "25P04", "40001", "40003", "40P01", "53000", "53100", "53200",
            "53300", "55P03", "57014", "57P01", "57P02", "57P03", "57P05", "58000", "58030",
        ] {
            let (kind, text) = from_code(code);
            assert!(Error::new(kind, text).is_retryable(), "{code}");
        }
        for code in [
            "28000", "28P01", "3D000", "42501", "42P01", "22021", "23503", "XX001", "", "0", "é€",
        ] {
            let (kind, text) = from_code(code);
            assert!(!Error::new(kind, text).is_retryable(), "{code}");
        }
    }
}
