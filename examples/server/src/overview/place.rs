//! The place between a page and the next one.

use data_encoding::BASE64URL_NOPAD;
use neuropod::PodId;
use serde::{Deserialize, Serialize};

/// A place in the order. It remains valid when the pod at it is deleted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Place {
    pub(super) key: Key,
    pub(super) id: PodId,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Key {
    Number(i64),
    Text(String),
}

impl Place {
    /// The place as a text for addresses.
    pub(crate) fn to_text(&self) -> String {
        BASE64URL_NOPAD.encode(&serde_json::to_vec(self).unwrap_or_default())
    }

    /// The place in such a text; `None` if it is invalid.
    pub(crate) fn from_text(text: &str) -> Option<Self> {
        serde_json::from_slice(&BASE64URL_NOPAD.decode(text.as_bytes()).ok()?).ok()
    }
}
