//! Documents as BSON.

use jiff::Timestamp;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{self, Bson, DateTime, Document};
use neuropod_core::Result;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::failure;
use crate::unknown;

/// What is stored as a document of a shape of its own.
pub(super) trait Stored: Sized {
    /// How it is written.
    type Shape: Serialize + DeserializeOwned;

    fn shape(&self) -> Self::Shape;
    fn from_shape(shape: Self::Shape) -> Self;

    /// The document of a new one.
    fn write(&self) -> Result<Document> {
        bson::serialize_to_document(&self.shape()).map_err(failure::unwritable)
    }

    fn read(document: Document) -> Result<Self> {
        let shape = bson::deserialize_from_document(document).map_err(failure::unreadable)?;
        Ok(Self::from_shape(shape))
    }

    /// The document of this one, with all that `document` has and this version does not know, where `document` is
    /// `stored`.
    fn rewrite(&self, document: Document, stored: &Self) -> Result<Document> {
        with_unknown(self.write()?, document, stored.write()?)
    }
}

/// `new`, with all that `document` has and `known` lacks.
pub(super) fn with_unknown(new: Document, document: Document, known: Document) -> Result<Document> {
    let mut new = Bson::Document(new);
    unknown::keep(&Bson::Document(document), &Bson::Document(known), &mut new);
    match new {
        Bson::Document(new) => Ok(new),
        // It was one above, and fields were added to it.
        other => Err(failure::unreadable(format!("{:?}", other.element_type()))),
    }
}

/// The id of a user or a template: an `ObjectId` where it has the form of one, as the existing backend writes all of
/// them, else a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reference(pub(super) String);

impl Reference {
    pub(super) fn bson(&self) -> Bson {
        match ObjectId::parse_str(&self.0) {
            // Upper-case digits would come back in lower case.
            Ok(id) if id.to_hex() == self.0 => Bson::ObjectId(id),
            _ => Bson::String(self.0.clone()),
        }
    }
}

/// The id `id` as it is stored.
pub(super) fn reference(id: impl Into<String>) -> Bson {
    Reference(id.into()).bson()
}

impl Serialize for Reference {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.bson().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Reference {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Bson::deserialize(deserializer)? {
            Bson::ObjectId(id) => Ok(Self(id.to_hex())),
            Bson::String(id) => Ok(Self(id)),
            other => Err(D::Error::custom(format!(
                "an id is an ObjectId or a text, not {:?}",
                other.element_type()
            ))),
        }
    }
}

/// A time, which is kept to the millisecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment(pub(super) Timestamp);

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

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        moment(self.0).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let date = DateTime::deserialize(deserializer)?;
        Timestamp::from_millisecond(date.timestamp_millis())
            .map(Self)
            .map_err(D::Error::custom)
    }
}

/// A version or the number of an entry, as BSON keeps numbers. Nothing has one that is too big for it.
pub(super) fn stored_number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
