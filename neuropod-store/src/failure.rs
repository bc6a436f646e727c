//! The errors that stores return.

use neuropod_core::{Error, ErrorKind, Money};

/// Another document has this `field` already.
pub(crate) fn taken(field: &'static str) -> Error {
    Error::new(
        ErrorKind::AlreadyExists,
        format!("this {field} is in use already"),
    )
    .with_context("field", field)
}

/// The document does not exist.
pub(crate) fn gone(what: &str) -> Error {
    Error::new(ErrorKind::NotFound, format!("the {what} does not exist"))
}

/// The document was changed since the caller read it.
pub(crate) fn changed(what: &str) -> Error {
    Error::new(
        ErrorKind::Conflict,
        format!("the {what} was changed in between: read it again"),
    )
}

/// An update would change a field that never changes.
pub(crate) fn fixed(field: &'static str) -> Error {
    Error::new(ErrorKind::InvalidState, format!("{field} never changes")).with_context("field", field)
}

/// The key belongs to another change of money.
pub(crate) fn key_in_use(key: &str) -> Error {
    Error::new(
        ErrorKind::Conflict,
        "this key was used for another user, amount or kind of change",
    )
    .with_retryable(false)
    .with_context("key", key)
}

/// The hold has ended in another way.
pub(crate) fn ended(key: &str, how: &str) -> Error {
    Error::new(ErrorKind::InvalidState, format!("this hold was {how}")).with_context("key", key)
}

/// The charge is in the ledger, and its key is forgotten.
pub(crate) fn folded(key: &str) -> Error {
    Error::new(
        ErrorKind::InvalidState,
        "this charge was made long ago and is folded in the ledger: its result is not known any more",
    )
    .with_context("key", key)
}

/// The store holds half a copy of another one.
#[cfg(any(feature = "mongo", feature = "postgres", feature = "sqlite"))]
pub(crate) fn unfinished() -> Error {
    Error::new(
        ErrorKind::NotConfigured,
        "a copy into this store is not finished: repeat it (`server copy`, or `copy::copy`), or use another store",
    )
}

/// The account has too little available.
pub(crate) fn insufficient(required: Money, available: Money) -> Error {
    Error::new(
        ErrorKind::InsufficientFunds { required, available },
        format!("{required} is required and {available} available"),
    )
}
