//! What a store knows before a change.

use neuropod_core::money::billing::{Balance, Draw};

use super::fold::folded_key;
use super::record::Record;

/// The records and the balance that a store has read, in the step in which it writes the change.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Known<'a> {
    /// The record of the key.
    pub(crate) key: Option<&'a Record>,
    /// The record of the key of the hold that pays first.
    pub(crate) hold: Option<&'a Record>,
    /// The record of [`folded_key_of`](Self::folded_key_of). A store may leave it out where the key has a record.
    pub(crate) folded: Option<&'a Record>,
    /// The balance of the account; `None`: there is no account.
    pub(crate) balance: Option<Balance>,
}

/// The keys whose records a change depends on.
#[cfg(any(feature = "postgres", feature = "mongo"))]
#[derive(Debug, Clone, Copy)]
pub(crate) struct Keys<'a> {
    pub(crate) key: &'a str,
    /// The key of the hold that pays first.
    pub(crate) hold: Option<&'a str>,
    /// That of [`Known::folded_key_of`].
    pub(crate) folded: Option<&'a str>,
}

#[cfg(any(feature = "postgres", feature = "mongo"))]
impl<'a> Keys<'a> {
    /// The key of the change itself.
    pub(crate) fn only(key: &'a str) -> Self {
        Self {
            key,
            hold: None,
            folded: None,
        }
    }
}

impl Known<'_> {
    /// The key of the record that says whether such a draw may have been folded.
    pub(crate) fn folded_key_of(draw: &Draw) -> Option<String> {
        draw.details.period?;
        draw.details.pod.as_ref().map(folded_key)
    }
}
