//! Keys: the claim of an account on each, and its record.

use mongodb::bson::{self, Bson, Document, doc};
use neuropod_core::{Result, UserId};
use serde::{Deserialize, Serialize};

use super::codec::{stored_number, with_unknown};
use super::failure as mongo;
use super::server::{Server, find_one, update, within};
use crate::account::Record;

/// A key. Once it has a record it stays with that account. Only keys of folded charges are removed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Key {
    #[serde(rename = "_id")]
    name: String,
    /// The account that has claimed it; `None`: it was claimed to be closed.
    pub(super) account: Option<UserId>,
    /// The account that had claimed it before, until that account is fenced.
    pub(super) previous: Option<UserId>,
    /// Counted up whenever the claim is taken over.
    claim: u64,
    pub(super) record: Option<Record>,
    /// The record as it is stored, with the fields that this version does not know.
    #[serde(skip)]
    stored: Option<Document>,
    /// The version of the account that wrote the record; 0: there is none.
    at: u64,
}

impl Key {
    /// Whether this is the key `name`.
    pub(super) fn has_name(&self, name: &str) -> bool {
        self.name == name
    }

    /// Whether this account has claimed it, and no account before has still to be fenced.
    pub(super) fn is_claimed_for(&self, user: &UserId) -> bool {
        self.account.as_ref() == Some(user) && self.previous.is_none()
    }
}

/// The document of a record under the key `name`. It keeps the stored fields that this version does not know, if the key
/// is among those in `read`.
pub(super) fn rewrite(name: &str, record: &Record, read: &[Option<&Key>]) -> Result<Document> {
    let write = |record| bson::serialize_to_document(record).map_err(mongo::unwritable);
    let new = write(record)?;
    let read = read.iter().flatten().find(|key| key.name == name);
    match read.and_then(|key| key.stored.as_ref().zip(key.record.as_ref())) {
        Some((stored, known)) => Ok(with_unknown(new, stored.clone(), write(known)?)),
        None => Ok(new),
    }
}

pub(super) async fn get(server: &Server, key: &str) -> Result<Option<Key>> {
    let Some(document) = find_one(&server.keys, doc! { "_id": key }).await? else {
        return Ok(None);
    };
    let stored = document.get_document("record").ok().cloned();
    let key: Key = bson::deserialize_from_document(document).map_err(mongo::unreadable)?;
    Ok(Some(Key { stored, ..key }))
}

/// Claims a new key. Returns `false` if the key exists already.
pub(super) async fn claim(server: &Server, key: &str, account: &UserId) -> Result<bool> {
    insert(server, key, Some(account), None).await
}

/// Closes a new key. Returns `false` if the key exists already.
pub(super) async fn close_new(server: &Server, key: &str) -> Result<bool> {
    insert(server, key, None, Some(Record::Closed)).await
}

async fn insert(
    server: &Server,
    key: &str,
    account: Option<&UserId>,
    record: Option<Record>,
) -> Result<bool> {
    let new = Key {
        name: key.to_owned(),
        account: account.cloned(),
        previous: None,
        claim: 1,
        record,
        stored: None,
        at: 0,
    };
    let document = bson::serialize_to_document(&new).map_err(mongo::unwritable)?;
    match within(server.keys.insert_one(document)).await {
        Ok(_) => Ok(true),
        Err(error) if mongo::is_duplicate(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

/// The document of a key that has this record.
pub(super) fn recorded(name: &str, record: Document) -> Result<Document> {
    let known: Record = bson::deserialize_from_document(record.clone()).map_err(mongo::unreadable)?;
    let key = Key {
        name: name.to_owned(),
        account: known.user().cloned(),
        previous: None,
        claim: 1,
        record: None,
        stored: None,
        at: 0,
    };
    let mut document = bson::serialize_to_document(&key).map_err(mongo::unwritable)?;
    // As it is, with the fields that this version does not know.
    document.insert("record", record);
    Ok(document)
}

/// Takes over a claim without a record, for `account`; the account that had it is now `previous`. Returns the key with
/// the new claim, or `None` if it was changed meanwhile.
pub(super) async fn take_over(server: &Server, key: &Key, account: Option<&UserId>) -> Result<Option<Key>> {
    let new = Key {
        account: account.cloned(),
        previous: key.account.clone(),
        claim: key.claim + 1,
        ..key.clone()
    };
    let filter = doc! { "previous": null, "record": null };
    let change = doc! {
        "account": text(new.account.as_ref()),
        "previous": text(new.previous.as_ref()),
        "claim": stored_number(new.claim),
    };
    let taken = change_claim(server, key, filter, change).await?;
    Ok(taken.then_some(new))
}

/// Clears `previous`, after that account was fenced.
pub(super) async fn forget_previous(server: &Server, key: &Key) -> Result<bool> {
    change_claim(server, key, Document::new(), doc! { "previous": null }).await
}

/// Closes a key that was claimed to be closed. Returns `false` if it was changed meanwhile.
pub(super) async fn close(server: &Server, key: &Key) -> Result<bool> {
    let record = bson::serialize_to_bson(&Record::Closed).map_err(mongo::unwritable)?;
    let filter = doc! { "account": null, "previous": null, "record": null };
    change_claim(server, key, filter, doc! { "record": record }).await
}

/// Changes a key that still has the same claim. Returns `false` if it has not.
async fn change_claim(server: &Server, key: &Key, mut filter: Document, change: Document) -> Result<bool> {
    filter.insert("_id", &key.name);
    filter.insert("claim", stored_number(key.claim));
    update(&server.keys, filter, doc! { "$set": change }).await
}

/// Stores the record of a key, unless there is one of a later version of the account.
pub(super) async fn record(
    server: &Server,
    key: &str,
    record: Document,
    account: &UserId,
    version: u64,
) -> Result<()> {
    let version = stored_number(version);
    let filter = doc! { "_id": key, "at": { "$lt": version } };
    let change = doc! { "$set": { "account": account.as_str(), "record": record, "at": version } };
    update(&server.keys, filter, change).await.map(drop)
}

/// Removes the keys of charges that were folded by the version `version` of their account.
pub(super) async fn forget_charges(server: &Server, keys: &[String], version: u64) -> Result<()> {
    let charge = doc! {
        "_id": { "$in": keys }, "record.kind": "drawn", "at": { "$lte": stored_number(version) },
    };
    within(server.keys.delete_many(charge)).await.map(drop)
}

fn text(user: Option<&UserId>) -> Bson {
    user.map_or(Bson::Null, |user| user.as_str().into())
}
