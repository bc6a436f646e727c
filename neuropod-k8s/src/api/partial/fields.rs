//! Fields that may be absent, `null` or unreadable.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};

/// The value, or the default in place of `null`.
pub(crate) fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// The year 2014, in which Kubernetes began. Go writes earlier times (the year 1, or 1970) for events that have
/// not happened.
const FIRST_YEAR: Timestamp = Timestamp::constant(1_388_534_400, 0);

/// A time; `None` if it is absent, unreadable, or before Kubernetes existed.
pub(crate) fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    let time = text.and_then(|text| text.parse().ok());
    Ok(time.filter(|time| *time >= FIRST_YEAR))
}
