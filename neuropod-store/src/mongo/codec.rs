//! Documents as BSON.

use jiff::Timestamp;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{self, Bson, DateTime, Document};
use neuropod_core::Result;

use super::failure;
use crate::shape::stored::{self, Stored};
use crate::shape::unknown;

/// A type of the library that is stored as a BSON document.
pub(super) trait Encoded: Stored {
    /// The fields that are dates in BSON, to the millisecond; in the shape they are RFC 3339 texts.
    const DATES: &'static [&'static str] = &[];
    /// The fields with ids of users and templates. In BSON each is an `ObjectId` if it has the form of one, as the
    /// existing backend writes all of them.
    const IDS: &'static [&'static str] = &[];

    /// Fields derived from the value, for searching and sorting.
    fn search_fields(&self) -> Document {
        Document::new()
    }

    /// Encodes a new document.
    fn write(&self) -> Result<Document> {
        let mut document = bson::serialize_to_document(&self.to_shape()).map_err(failure::unwritable)?;
        for field in Self::DATES {
            convert(&mut document, field, |text| {
                text.parse().ok().map(|time| moment(time).into())
            });
        }
        for field in Self::IDS {
            convert(&mut document, field, |id| Some(reference(id)));
        }
        document.extend(self.search_fields());
        Ok(document)
    }

    /// Decodes a document.
    fn read(document: Document) -> Result<Self> {
        let mut document = upgraded::<Self>(document);
        for (_, value) in document.iter_mut() {
            to_text(value);
        }
        let shape = bson::deserialize_from_document(document).map_err(failure::unreadable)?;
        Ok(Self::from_shape(shape))
    }

    /// Encodes the value over `document`, and keeps the fields of it that this version does not know. `stored` is the value
    /// in `document`.
    fn rewrite(&self, document: Document, stored: &Self) -> Result<Document> {
        Ok(with_unknown(
            self.write()?,
            upgraded::<Self>(document),
            stored.write()?,
        ))
    }
}

/// Changes the text of a field, if it has one.
fn convert(document: &mut Document, field: &str, change: impl FnOnce(&str) -> Option<Bson>) {
    if let Some(value) = document.get_mut(field)
        && let Some(changed) = value.as_str().and_then(change)
    {
        *value = changed;
    }
}

/// Converts all dates and ids to texts, as shapes have them.
pub(super) fn to_text(value: &mut Bson) {
    match value {
        Bson::DateTime(date) => {
            // A value out of range stays a date, and reading the shape then fails.
            if let Ok(time) = Timestamp::from_millisecond(date.timestamp_millis()) {
                *value = time.to_string().into();
            }
        }
        Bson::ObjectId(id) => *value = id.to_hex().into(),
        Bson::Array(items) => items.iter_mut().for_each(to_text),
        Bson::Document(fields) => fields.iter_mut().for_each(|(_, value)| to_text(value)),
        _ => {}
    }
}

/// The document, upgraded to the layout of this version.
pub(super) fn upgraded<D: Stored>(document: Document) -> Document {
    edit(document, stored::upgrade::<D, Bson>)
}

/// `new`, with the fields of `document` that are not in `known`.
pub(super) fn with_unknown(new: Document, document: Document, known: Document) -> Document {
    edit(new, |new| {
        unknown::keep(&Bson::Document(document), &Bson::Document(known), new);
    })
}

/// Changes a document as a tree. It stays a document, because fields are only added and removed.
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
    match ObjectId::parse_str(id) {
        // Upper-case digits would come back in lower case.
        Ok(object) if object.to_hex() == id => Bson::ObjectId(object),
        _ => Bson::String(id.to_owned()),
    }
}

/// The time `time` as it is stored.
pub(super) fn moment(time: Timestamp) -> DateTime {
    DateTime::from_millis(time.as_millisecond())
}

/// The first whole millisecond that is not before `time`, because BSON stores whole milliseconds.
pub(super) fn moment_from(time: Timestamp) -> DateTime {
    let whole = moment(time);
    let is_before = Timestamp::from_millisecond(whole.timestamp_millis()).is_ok_and(|whole| whole < time);
    if is_before {
        DateTime::from_millis(whole.timestamp_millis() + 1)
    } else {
        whole
    }
}

/// Converts a version or an entry number to the signed integer that BSON stores. None grows too big for that.
pub(super) fn stored_number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
