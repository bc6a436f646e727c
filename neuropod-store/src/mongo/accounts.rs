//! Accounts and their entries.

use jiff::Timestamp;
use mongodb::bson::{self, Document, doc};
use neuropod_core::money::billing::{EntryOptions, Spent};
use neuropod_core::money::{AccountKind, Balance, LedgerEntry};
use neuropod_core::{Money, Result, UserId};
use serde::{Deserialize, Serialize};

use super::codec::{Encoded, moment_from, stored_number};
use super::failure as mongo;
use super::keys::{self, Key};
use super::names;
use super::server::{Server, find, find_one, update, within};
use crate::account::{Change, Record};

/// An account. Amounts are in micro-euros.
#[derive(Serialize, Deserialize)]
pub(super) struct Account {
    #[serde(rename = "_id")]
    user: UserId,
    kind: AccountKind,
    available: Money,
    held: Money,
    #[serde(default)]
    spent: Option<Spent>,
    /// Counted up at every write, for compare-and-swap.
    version: u64,
    /// The number of the last entry.
    entries: u64,
    pending: Option<Pending>,
}

impl Account {
    pub(super) fn balance(&self) -> Balance {
        Balance {
            kind: self.kind,
            available: self.available,
            held: self.held,
            spent: self.spent,
        }
    }
}

/// The entries and records of the last change, which may not be in their collections yet. They are kept as documents,
/// because a later version may have written fields that this one does not know.
#[derive(Serialize, Deserialize)]
struct Pending {
    /// The version of the account after the change.
    version: u64,
    entries: Vec<Document>,
    records: Vec<KeyRecord>,
}

#[derive(Serialize, Deserialize)]
struct KeyRecord {
    key: String,
    record: Document,
}

impl Encoded for LedgerEntry {
    const DATES: &'static [&'static str] = &["at"];
}

/// Opens an account, or changes its kind.
pub(super) async fn open(server: &Server, user: &UserId, kind: AccountKind) -> Result<()> {
    let kind = bson::serialize_to_bson(&kind).map_err(mongo::unwritable)?;
    let empty = doc! { "available": 0_i64, "held": 0_i64, "entries": 0_i64, "pending": null };
    let change = doc! { "$set": { "kind": kind }, "$inc": { "version": 1_i64 }, "$setOnInsert": empty };
    let open = async || {
        let filter = doc! { "_id": user.as_str() };
        within(server.accounts.update_one(filter, change.clone()).upsert(true)).await
    };
    match open().await {
        // Another process has inserted it at the same time: update that one.
        Err(error) if mongo::is_duplicate(&error) => open().await.map(drop),
        done => done.map(drop),
    }
}

pub(super) async fn get(server: &Server, user: &UserId) -> Result<Option<Account>> {
    let document = find_one(&server.accounts, doc! { "_id": user.as_str() }).await?;
    let read = |document| bson::deserialize_from_document(document).map_err(mongo::unreadable);
    document.map(read).transpose()
}

/// The account, after its pending change has been flushed.
pub(super) async fn get_flushed(server: &Server, user: &UserId) -> Result<Option<Account>> {
    let Some(mut account) = get(server, user).await? else {
        return Ok(None);
    };
    if let Some(pending) = account.pending.take() {
        flush_pending(server, user, pending).await?;
    }
    Ok(Some(account))
}

/// Writes a change of `account` and flushes it. `read` are the keys as they were read. Returns `false` if the account
/// was changed since it was read; then nothing is written.
pub(super) async fn write(
    server: &Server,
    account: &Account,
    read: &[Option<&Key>],
    change: Change,
    now: Timestamp,
) -> Result<bool> {
    let Change {
        balance,
        entries: new_entries,
        records,
    } = change;
    let version = account.version + 1;
    let mut last = account.entries;
    let mut entries = Vec::new();
    for new in new_entries {
        last += 1;
        let mut entry = new.into_entry(last, now).write()?;
        entry.insert("user", account.user.as_str());
        entries.push(entry);
    }
    let rewrite = |(key, record): (String, Record)| {
        let record = keys::rewrite(&key, &record, read)?;
        Ok(KeyRecord { key, record })
    };
    let pending = Pending {
        version,
        entries,
        records: records.into_iter().map(rewrite).collect::<Result<_>>()?,
    };
    let change = doc! { "$set": {
        "available": balance.available.micros(),
        "held": balance.held.micros(),
        "spent": bson::serialize_to_bson(&balance.spent).map_err(mongo::unwritable)?,
        "version": stored_number(version),
        "entries": stored_number(last),
        "pending": bson::serialize_to_bson(&pending).map_err(mongo::unwritable)?,
    } };
    let written = update(&server.accounts, at_version(account), change).await?;
    if written {
        flush_pending(server, &account.user, pending).await?;
    }
    Ok(written)
}

/// Counts up the version of the account, after flushing its pending change. Every write by a process that read the
/// account before fails from now on; an earlier write has been flushed.
pub(super) async fn fence(server: &Server, user: &UserId) -> Result<()> {
    while let Some(account) = get_flushed(server, user).await? {
        let change = doc! { "$inc": { "version": 1_i64 } };
        if update(&server.accounts, at_version(&account), change).await? {
            break;
        }
    }
    Ok(())
}

fn at_version(account: &Account) -> Document {
    doc! { "_id": account.user.as_str(), "version": stored_number(account.version) }
}

/// Copies the entries and records of a change to their collections, and clears `pending`. It may be repeated:
/// an entry or record that already exists is left as it is.
async fn flush_pending(server: &Server, user: &UserId, pending: Pending) -> Result<()> {
    for entry in pending.entries {
        match within(server.entries.insert_one(entry)).await {
            Err(error) if !mongo::is_duplicate(&error) => return Err(error),
            _ => {}
        }
    }
    for KeyRecord { key, record } in pending.records {
        keys::record(server, &key, record, user, pending.version).await?;
    }
    let filter = doc! { "_id": user.as_str(), "pending.version": stored_number(pending.version) };
    update(&server.accounts, filter, doc! { "$set": { "pending": null } })
        .await
        .map(drop)
}

/// Entries of an account that has no pending change.
pub(super) async fn entries(
    server: &Server,
    user: &UserId,
    options: &EntryOptions,
) -> Result<Vec<LedgerEntry>> {
    let mut filter = doc! { "user": user.as_str(), "number": { "$gt": stored_number(options.after) } };
    let mut time = Document::new();
    if let Some(from) = options.from {
        time.insert("$gte", moment_from(from));
    }
    if let Some(until) = options.until {
        time.insert("$lt", moment_from(until));
    }
    if !time.is_empty() {
        filter.insert("at", time);
    }
    let documents = find(
        &server.entries,
        filter,
        doc! { "number": 1 },
        options.limit.into(),
    )
    .await?;
    let mut entries = documents
        .into_iter()
        .map(LedgerEntry::read)
        .collect::<Result<Vec<_>>>()?;
    names::add(server, &mut entries).await?;
    Ok(entries)
}
