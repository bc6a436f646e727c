//! The number of a document's layout.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Writes and checks the layout `NUMBER` of a kind of document. Documents of layout 1 have no such field.
///
/// A new optional field needs no new number, because every version keeps fields that it doesn't know. A change
/// that earlier versions would misread does need one; they then refuse the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Layout<const NUMBER: u32>;

impl<const NUMBER: u32> Serialize for Layout<NUMBER> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(NUMBER)
    }
}

impl<'de, const NUMBER: u32> Deserialize<'de> for Layout<NUMBER> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u32::deserialize(deserializer)? {
            number if number == NUMBER => Ok(Self),
            number => Err(D::Error::custom(format!(
                "the document has layout {number}, this version reads {NUMBER}"
            ))),
        }
    }
}
