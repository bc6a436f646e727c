//! Where a page ends and the next one begins.

use data_encoding::BASE64URL_NOPAD;
use neuropod::PodId;
use serde::{Deserialize, Serialize};

/// A place in the order. It holds also when the pod that was there is gone.
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
    /// The place as it is written into addresses.
    pub(crate) fn to_text(&self) -> String {
        BASE64URL_NOPAD.encode(&serde_json::to_vec(self).unwrap_or_default())
    }

    /// The place that such a text means; `None`: none.
    pub(crate) fn from_text(text: &str) -> Option<Self> {
        serde_json::from_slice(&BASE64URL_NOPAD.decode(text.as_bytes()).ok()?).ok()
    }
}
