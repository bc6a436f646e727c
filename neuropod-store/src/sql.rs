//! How SQL databases store values in columns, and what else they have in common.

use jiff::Timestamp;
use jiff::civil::Date;
use neuropod_core::money::{AccountKind, LedgerEntry};
use neuropod_core::{Error, ErrorKind, Result};
use sqlx::migrate::MigrateError;

use crate::json;

/// Entries of an account as they are stored, in the order of their numbers.
pub(crate) struct StoredEntries {
    pub(crate) entries: Vec<LedgerEntry>,
    texts: Vec<String>,
}

impl StoredEntries {
    /// Reads the documents of entries.
    pub(crate) fn read(texts: Vec<String>) -> Result<Self> {
        let entries = texts.iter().map(|text| json::read(text)).collect::<Result<_>>()?;
        Ok(Self { entries, texts })
    }

    /// The document of an entry that takes the place of a stored one.
    pub(crate) fn rewrite(&self, entry: &LedgerEntry) -> Result<String> {
        match self
            .entries
            .binary_search_by_key(&entry.number, |known| known.number)
        {
            Ok(place) => json::rewrite(&self.texts[place], &self.entries[place], entry),
            Err(_) => json::write(entry),
        }
    }
}

/// Converts a version or an entry number to the signed integer of a column. None grows too big for that.
pub(crate) fn stored_number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The first whole microsecond that is not before `time`, because columns store whole microseconds.
pub(crate) fn microseconds_from(time: Timestamp) -> i64 {
    let whole = time.as_microsecond();
    let is_before = Timestamp::from_microsecond(whole).is_ok_and(|whole| whole < time);
    if is_before { whole + 1 } else { whole }
}

/// The time without fractions of a microsecond, as in columns.
pub(crate) fn whole_microseconds(time: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(time.as_microsecond()).unwrap_or(time)
}

/// How a kind of account is stored.
pub(crate) fn kind_text(kind: AccountKind) -> &'static str {
    match kind {
        AccountKind::Prepaid => "prepaid",
        AccountKind::Unlimited => "unlimited",
    }
}

/// The kind of account that is stored as `text`.
pub(crate) fn account_kind(text: &str) -> Result<AccountKind> {
    match text {
        "prepaid" => Ok(AccountKind::Prepaid),
        "unlimited" => Ok(AccountKind::Unlimited),
        _ => Err(Error::new(
            ErrorKind::Unexpected,
            format!("this version knows no account of the kind {text:?}"),
        )),
    }
}

/// The day that is stored as `text`.
pub(crate) fn day(text: &str) -> Result<Date> {
    text.parse().map_err(|error: jiff::Error| {
        Error::new(ErrorKind::Unexpected, "a stored account has a day that is none").with_source(error)
    })
}

/// Converts the error of a migration. `convert` does so for the error of a statement.
pub(crate) fn migration_failure(error: MigrateError, convert: fn(sqlx::Error) -> Error) -> Error {
    match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => convert(error),
        MigrateError::VersionMissing(_) | MigrateError::VersionMismatch(_) => Error::new(
            ErrorKind::NotConfigured,
            "another version of this library has set up the database",
        )
        .with_source(error),
        _ => Error::new(ErrorKind::Unexpected, "the database can't be set up").with_source(error),
    }
}
