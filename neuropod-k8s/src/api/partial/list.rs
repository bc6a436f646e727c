//! A page of a list.

use serde::Deserialize;

use super::fields::null_as_default;

/// A page of a list.
#[derive(Debug, Deserialize)]
#[serde(bound = "T: Deserialize<'de>")]
pub(crate) struct List<T> {
    #[serde(default)]
    pub(crate) metadata: ListMeta,
    /// Go sometimes writes an empty list as `null`.
    #[serde(default, deserialize_with = "null_as_default")]
    pub(crate) items: Vec<T>,
}

/// `metadata` of a list.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ListMeta {
    pub(crate) resource_version: String,
    /// The token of the next page; empty on the last page.
    #[serde(rename = "continue")]
    pub(crate) next: String,
}
