//! A session, which a token proves.

use jiff::Timestamp;

/// A session, which a token proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Session {
    /// Its id, by which it is ended.
    pub(crate) id: String,
    /// When it ends by itself.
    pub(crate) until: Timestamp,
}

impl Session {
    /// A session until this second, leeway included.
    pub(super) fn new(id: String, until: i64) -> Self {
        Self {
            id,
            until: Timestamp::from_second(until).unwrap_or(Timestamp::MAX),
        }
    }
}
