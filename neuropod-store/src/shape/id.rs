//! Ids of users and templates.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The id of a user or a template. In BSON it is an `ObjectId` if it has the form of one, as the existing backend writes
/// all of them, else a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reference(pub(crate) String);

impl Serialize for Reference {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[cfg(feature = "mongo")]
        if !serializer.is_human_readable() {
            return bson::reference(&self.0).serialize(serializer);
        }
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Reference {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[cfg(feature = "mongo")]
        if !deserializer.is_human_readable() {
            return bson::read_reference(deserializer).map(Self);
        }
        String::deserialize(deserializer).map(Self)
    }
}

#[cfg(feature = "mongo")]
pub(crate) use self::bson::reference;

#[cfg(feature = "mongo")]
mod bson {
    use mongodb::bson::Bson;
    use mongodb::bson::oid::ObjectId;
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer};

    /// The id `id` as BSON.
    pub(crate) fn reference(id: &str) -> Bson {
        match ObjectId::parse_str(id) {
            // Upper-case digits would come back in lower case.
            Ok(object) if object.to_hex() == id => Bson::ObjectId(object),
            _ => Bson::String(id.to_owned()),
        }
    }

    pub(super) fn read_reference<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
        match Bson::deserialize(deserializer)? {
            Bson::ObjectId(id) => Ok(id.to_hex()),
            Bson::String(id) => Ok(id),
            other => Err(D::Error::custom(format!(
                "an id is an ObjectId or a text, not {:?}",
                other.element_type()
            ))),
        }
    }
}
