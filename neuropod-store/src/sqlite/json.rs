//! Documents as JSON.

use neuropod_core::{Error, ErrorKind, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::shape::stored::{self, Stored};
use crate::shape::unknown;

/// How a document that this version has written begins: it needs no look at its layout before it is read.
const WRITTEN_HERE: &str = "{\"layout\":";

/// The value in the document `text`.
pub(super) fn read<D: Stored>(text: &str) -> Result<D> {
    let shape = if text.starts_with(WRITTEN_HERE) {
        parse(text)?
    } else {
        serde_json::from_value(upgraded::<D>(text)?).map_err(unreadable)?
    };
    Ok(D::from_shape(shape))
}

/// The text of a new document.
pub(super) fn write<D: Stored>(value: &D) -> Result<String> {
    to_text(&value.to_shape())
}

/// The text of the document of `value`, with the fields of `text` that this version does not know. `text` is `stored`.
pub(super) fn rewrite<D: Stored>(text: &str, stored: &D, value: &D) -> Result<String> {
    // Mostly this version has written it, and there is nothing in it that it does not know.
    if write(stored)? == text {
        return write(value);
    }
    let known = to_tree(stored)?;
    let mut new = to_tree(value)?;
    unknown::keep(&upgraded::<D>(text)?, &known, &mut new);
    to_text(&new)
}

/// What `text` says, if it is of a type of the stores themselves.
pub(super) fn parse<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(unreadable)
}

/// The text of what is no document of a value of the library.
pub(super) fn to_text<T: Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(unwritable)
}

/// The fields of the document `text`, where they are today.
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
