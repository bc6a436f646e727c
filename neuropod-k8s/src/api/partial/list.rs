//! A page of a list.

use serde::Deserialize;

use super::fields::null_as_default;

/// A page of a list.
#[derive(Debug, Deserialize)]
#[serde(bound = "T: Deserialize<'de>")]
pub(crate) struct List<T> {
    #[serde(default)]
    pub(crate) metadata: ListMeta,
    /// Go writes an empty list as `null` now and then.
    #[serde(default, deserialize_with = "null_as_default")]
    pub(crate) items: Vec<T>,
}

/// `metadata` of a list.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ListMeta {
    pub(crate) resource_version: String,
    /// Where the next page begins; empty at the last.
    #[serde(rename = "continue")]
    pub(crate) next: String,
}
