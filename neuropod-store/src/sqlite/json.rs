//! Documents as JSON.

use neuropod_core::{Error, ErrorKind, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::unknown;

/// The document in `text`.
pub(super) fn read<D: DeserializeOwned>(text: &str) -> Result<D> {
    serde_json::from_str(text).map_err(unreadable)
}

/// The text of a new document.
pub(super) fn write<D: Serialize>(document: &D) -> Result<String> {
    serde_json::to_string(document).map_err(unwritable)
}

/// The text of `document`, with all that `text` has and this version does not know, where `text` is `stored`.
pub(super) fn rewrite<D: Serialize>(text: &str, stored: &D, document: &D) -> Result<String> {
    // Mostly this version has written it, and there is nothing in it that it does not know.
    if write(stored)? == text {
        return write(document);
    }
    let text: Value = serde_json::from_str(text).map_err(unreadable)?;
    let known = serde_json::to_value(stored).map_err(unwritable)?;
    let mut new = serde_json::to_value(document).map_err(unwritable)?;
    unknown::keep(&text, &known, &mut new);
    write(&new)
}

fn unreadable(error: serde_json::Error) -> Error {
    Error::new(
        ErrorKind::Unexpected,
        "a stored document can't be read by this version",
    )
    .with_source(error)
}

fn unwritable(error: serde_json::Error) -> Error {
    Error::new(ErrorKind::Unexpected, "the document can't be written as JSON").with_source(error)
}
