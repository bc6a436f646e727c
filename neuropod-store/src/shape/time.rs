//! Times.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A time: RFC 3339 text in JSON, and in BSON a date, which has whole milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment(pub(crate) Timestamp);

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[cfg(feature = "mongo")]
        if !serializer.is_human_readable() {
            return mongodb::bson::DateTime::from_millis(self.0.as_millisecond()).serialize(serializer);
        }
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[cfg(feature = "mongo")]
        if !deserializer.is_human_readable() {
            let date = mongodb::bson::DateTime::deserialize(deserializer)?;
            return Timestamp::from_millisecond(date.timestamp_millis())
                .map(Self)
                .map_err(serde::de::Error::custom);
        }
        Timestamp::deserialize(deserializer).map(Self)
    }
}
