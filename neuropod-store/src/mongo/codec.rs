//! Documents as BSON.

use jiff::Timestamp;
use mongodb::bson::{self, Bson, DateTime, Document};
use neuropod_core::Result;

use super::failure;
use crate::shape::id;
use crate::shape::stored::{self, Stored};
use crate::shape::unknown;

/// A type of the library that is stored as a BSON document.
pub(super) trait Encoded: Stored {
    /// Fields that repeat something of it, by which documents are found and sorted.
    fn search_fields(&self) -> Document {
        Document::new()
    }

    /// The document of a new one.
    fn write(&self) -> Result<Document> {
        let mut document = bson::serialize_to_document(&self.to_shape()).map_err(failure::unwritable)?;
        document.extend(self.search_fields());
        Ok(document)
    }

    /// The value in a document.
    fn read(mut document: Document) -> Result<Self> {
        if !document.contains_key(stored::LAYOUT) {
            document = upgraded::<Self>(document);
        }
        let shape = bson::deserialize_from_document(document).map_err(failure::unreadable)?;
        Ok(Self::from_shape(shape))
    }

    /// The document of this one, with the fields of `document` that this version does not know. `document` is `stored`.
    fn rewrite(&self, document: Document, stored: &Self) -> Result<Document> {
        Ok(with_unknown(
            self.write()?,
            upgraded::<Self>(document),
            stored.write()?,
        ))
    }
}

/// The fields of a document, where they are today.
pub(super) fn upgraded<D: Stored>(document: Document) -> Document {
    edit(document, stored::upgrade::<D, Bson>)
}

/// `new`, with all that `document` has and `known` lacks.
pub(super) fn with_unknown(new: Document, document: Document, known: Document) -> Document {
    edit(new, |new| {
        unknown::keep(&Bson::Document(document), &Bson::Document(known), new);
    })
}

/// Changes a document as a tree. It stays one: only fields are added and taken away.
fn edit(document: Document, change: impl FnOnce(&mut Bson)) -> Document {
    let mut tree = Bson::Document(document);
    change(&mut tree);
    match tree {
        Bson::Document(document) => document,
        _ => Document::new(),
    }
}

/// The id `id` of a user or a template as it is stored.
pub(super) fn reference(id: &str) -> Bson {
    id::reference(id)
}

/// The time `time` as it is stored.
pub(super) fn moment(time: Timestamp) -> DateTime {
    DateTime::from_millis(time.as_millisecond())
}

/// The first whole millisecond that is not before `time`: what is stored has whole ones.
pub(super) fn moment_from(time: Timestamp) -> DateTime {
    let whole = moment(time);
    let is_before = Timestamp::from_millisecond(whole.timestamp_millis()).is_ok_and(|whole| whole < time);
    if is_before {
        DateTime::from_millis(whole.timestamp_millis() + 1)
    } else {
        whole
    }
}

/// A version or the number of an entry, as BSON keeps numbers. Nothing has one that is too big for it.
pub(super) fn stored_number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
