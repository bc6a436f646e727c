//! What an application keeps with a user.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// Values of an application, by name. In BSON it is one text of JSON, since names of fields may have neither dots nor a
/// `$` in front there, and not all numbers would come back as they were.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Extra(pub(super) BTreeMap<String, Value>);

impl Serialize for Extra {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return self.0.serialize(serializer);
        }
        let text = serde_json::to_string(&self.0).map_err(serde::ser::Error::custom)?;
        text.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Extra {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[cfg(feature = "mongo")]
        if !deserializer.is_human_readable() {
            return bson::read(deserializer).map(Self);
        }
        BTreeMap::deserialize(deserializer).map(Self)
    }
}

#[cfg(feature = "mongo")]
mod bson {
    use std::collections::BTreeMap;

    use jiff::Timestamp;
    use mongodb::bson::Bson;
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer};
    use serde_json::Value;

    pub(super) fn read<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<String, Value>, D::Error> {
        match Bson::deserialize(deserializer)? {
            Bson::String(text) => serde_json::from_str(&text).map_err(D::Error::custom),
            // Fields of layout 1 that were moved here.
            Bson::Document(fields) => Ok(fields
                .into_iter()
                .map(|(name, value)| (name, json(value)))
                .collect()),
            other => Err(D::Error::custom(format!(
                "what an application keeps is a text or a document, not {:?}",
                other.element_type()
            ))),
        }
    }

    /// The value as it is in JSON documents: dates are RFC 3339 texts.
    fn json(value: Bson) -> Value {
        match value {
            Bson::Document(fields) => fields.into_iter().map(|(name, value)| (name, json(value))).collect(),
            Bson::Array(items) => items.into_iter().map(json).collect(),
            Bson::String(text) => text.into(),
            Bson::Boolean(value) => value.into(),
            Bson::Int32(number) => number.into(),
            Bson::Int64(number) => number.into(),
            Bson::Double(number) => number.into(),
            Bson::DateTime(date) => Timestamp::from_millisecond(date.timestamp_millis())
                .map_or(Value::Null, |time| time.to_string().into()),
            _ => Value::Null,
        }
    }
}
