//! The trait of all partial objects, and the smallest of them.

use serde::Deserialize;
use serde_json::Value;

use super::lenient::lenient;
use super::metadata::Meta;

/// Any object that has metadata.
pub(crate) trait Partial: serde::de::DeserializeOwned + Clone + Send + 'static {
    fn meta(&self) -> &Meta;

    /// Whether the object can matter to whoever lists its kind. Others are dropped page by page.
    fn is_relevant(&self) -> bool {
        true
    }
}

/// An object of any kind, of which only the metadata is needed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, remote = "Self")]
pub(crate) struct PartialObject {
    pub(crate) metadata: Meta,
}

/// A network policy, whose rules are compared.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct PartialPolicy {
    pub(crate) metadata: Meta,
    pub(crate) spec: Value,
}

impl Partial for PartialObject {
    fn meta(&self) -> &Meta {
        &self.metadata
    }
}

lenient!(PartialObject);
