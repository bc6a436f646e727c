//! Records as rows of the SQL databases.

use neuropod_core::money::LedgerEntry;
use neuropod_core::store::{AuditEntry, PastRequest};
use neuropod_core::{Pod, PriceList, Result, Template, User};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::item::{AccountShape, Id, Item, Kind, to_tree};
use crate::account::Record;
use crate::json;
use crate::shape::stored::Stored;
use crate::shape::unknown;

/// The columns of a record: both parts of its [`Id`], and its document as text.
pub(crate) type Row = (String, i64, String);

/// The record in a row.
pub(crate) fn item(kind: Kind, (text, number, document): Row) -> Result<Item> {
    let id = Id { text, number };
    match tree(kind, document) {
        Ok(document) => Ok(Item { id, document }),
        Err(error) => Err(kind.failure(&id, error)),
    }
}

fn tree(kind: Kind, document: String) -> Result<Value> {
    match kind {
        Kind::Users => json::tree::<User>(&document),
        Kind::Templates => json::tree::<Template>(&document),
        Kind::Prices => json::tree::<PriceList>(&document),
        Kind::Pods => json::tree::<Pod>(&document),
        Kind::Requests => json::tree::<PastRequest>(&document),
        Kind::Entries => json::tree::<LedgerEntry>(&document),
        Kind::Audit => json::tree::<AuditEntry>(&document),
        Kind::Accounts => record_tree::<AccountShape>(&document),
        Kind::Keys => record_tree::<Record>(&document),
        Kind::RemovedUsers => Ok(Value::Null),
        Kind::PodNames => Ok(Value::String(document)),
    }
}

/// The tree of what is no document: as this version writes it, with the fields that it does not know.
fn record_tree<T: Serialize + DeserializeOwned>(text: &str) -> Result<Value> {
    let known = to_tree(&json::parse::<T>(text)?)?;
    let mut tree = known.clone();
    unknown::keep(&json::parse(text)?, &known, &mut tree);
    Ok(tree)
}

/// The value of a record, and its document as text.
pub(crate) fn document<D: Stored>(item: &Item) -> Result<(D, String)> {
    let value = item.read::<D>()?;
    let text = json::write(&value)?;
    // Its fields are in another order where this version does not know all of them.
    if json::parse::<Value>(&text)? == item.document {
        Ok((value, text))
    } else {
        Ok((value, json::to_text(&item.document)?))
    }
}
