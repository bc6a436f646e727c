//! Documents as JSON, in SQL databases.

use neuropod_core::{Error, ErrorKind, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::shape::stored::{self, Stored};
use crate::shape::unknown;

/// The beginning of a document that this version has written. Such a document needs no upgrade.
const WRITTEN_HERE: &str = "{\"layout\":";

/// The value in the document `text`.
pub(crate) fn read<D: Stored>(text: &str) -> Result<D> {
    let shape = if text.starts_with(WRITTEN_HERE) {
        parse(text)?
    } else {
        serde_json::from_value(upgraded::<D>(text)?).map_err(unreadable)?
    };
    Ok(D::from_shape(shape))
}

/// The text of a new document.
pub(crate) fn write<D: Stored>(value: &D) -> Result<String> {
    to_text(&value.to_shape())
}

/// The document of `value` as text, with the fields of `text` that this version does not know. `stored` is the
/// value in `text`.
pub(crate) fn rewrite<D: Stored>(text: &str, stored: &D, value: &D) -> Result<String> {
    // Usually this version wrote the text, so it has no unknown fields.
    if write(stored)? == text {
        return write(value);
    }
    let known = to_tree(stored)?;
    let mut new = to_tree(value)?;
    unknown::keep(&upgraded::<D>(text)?, &known, &mut new);
    to_text(&new)
}

/// The document `text` in its present layout, with the fields that this version does not know.
pub(crate) fn tree<D: Stored>(text: &str) -> Result<Value> {
    let value: D = read(text)?;
    parse(&rewrite(text, &value, &value)?)
}

/// The text of the record `value`, which is no document, with the fields of `text` that this version does not know.
/// `stored` is the value in `text`.
#[cfg(feature = "postgres")]
pub(crate) fn rewrite_record<T: Serialize>(text: &str, stored: &T, value: &T) -> Result<String> {
    let known = serde_json::to_value(stored).map_err(unwritable)?;
    let mut new = serde_json::to_value(value).map_err(unwritable)?;
    unknown::keep::<Value>(&parse(text)?, &known, &mut new);
    to_text(&new)
}

/// Reads `text` as a type of the stores themselves.
pub(crate) fn parse<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(unreadable)
}

/// The text of a value that is not a document of the library.
pub(crate) fn to_text<T: Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(unwritable)
}

/// The fields of the document `text`, upgraded to the present layout.
fn upgraded<D: Stored>(text: &str) -> Result<Value> {
    let mut document = parse(text)?;
    stored::upgrade::<D, Value>(&mut document);
    Ok(document)
}

fn to_tree<D: Stored>(value: &D) -> Result<Value> {
    serde_json::to_value(value.to_shape()).map_err(unwritable)
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
