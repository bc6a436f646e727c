//! Accounts and their entries.

use std::time::{Duration, Instant};

use futures::TryStreamExt;
use jiff::Timestamp;
use mongodb::bson::{self, DateTime, Document, doc};
use neuropod_core::money::billing::{EntryOptions, Spent};
use neuropod_core::money::{AccountKind, Balance, LedgerEntry};
use neuropod_core::{Money, Result, UserId};
use serde::{Deserialize, Serialize};

use super::codec::{Encoded, moment_from, stored_number};
use super::failure as mongo;
use super::keys::{self, Key};
use super::names;
use super::server::{Server, find, find_one, replace, update, within};
use crate::account::{Change, Record};

/// How long after a change was read its entries may be inserted: a process that has stood still meanwhile reads it again. A
/// call takes far less time, and entries that are gone stay hidden for far longer.
const FLUSH: Duration = Duration::from_mins(1);
/// How long entries that are gone stay hidden before they are deleted.
const GONE: Duration = Duration::from_hours(24);

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
    /// Counted up at every step of folding.
    #[serde(default)]
    folds: u64,
    #[serde(default)]
    folding: Option<Folding>,
}

impl Account {
    /// The number of steps of folding so far.
    pub(super) fn folds(&self) -> u64 {
        self.folds
    }

    /// An account whose entries and keys are in their collections.
    pub(super) fn settled(user: UserId, balance: Balance, last_entry: u64) -> Self {
        let Balance {
            kind,
            available,
            held,
            spent,
        } = balance;
        Self {
            user,
            kind,
            available,
            held,
            spent,
            version: 1,
            entries: last_entry,
            pending: None,
            folds: 0,
            folding: None,
        }
    }

    /// The number of the last entry; 0: there is none.
    pub(super) fn last_entry(&self) -> u64 {
        self.entries
    }

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

/// The last step of folding, which may not be in the collections yet.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Folding {
    /// The version of the account after the step, as [`write_folding`] sets it.
    pub(super) version: u64,
    /// The entries that stand for others.
    pub(super) replaced: Vec<Document>,
    /// The numbers of the entries that go.
    pub(super) removed: Vec<i64>,
    /// The keys of charges whose documents go.
    pub(super) forgotten: Vec<String>,
    pub(super) records: Vec<KeyRecord>,
}

/// A record to be stored under a key.
#[derive(Serialize, Deserialize)]
pub(super) struct KeyRecord {
    key: String,
    record: Document,
}

impl KeyRecord {
    /// A record that keeps what this version does not know of the keys that were `read`.
    pub(super) fn new(key: String, record: &Record, read: &[Option<&Key>]) -> Result<Self> {
        let record = keys::rewrite(&key, record, read)?;
        Ok(Self { key, record })
    }
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

/// A page of the owners of accounts, in order, after this one.
pub(super) async fn owners(server: &Server, after: Option<&UserId>, limit: u32) -> Result<Vec<UserId>> {
    let filter = after.map_or_else(Document::new, |after| doc! { "_id": { "$gt": after.as_str() } });
    let documents: Vec<Document> = within(async {
        let search = server.accounts.find(filter).projection(doc! { "_id": 1 });
        let cursor = search.sort(doc! { "_id": 1 }).limit(limit.into()).await?;
        cursor.try_collect().await
    })
    .await?;
    let id = |document: &Document| document.get_str("_id").ok().map(UserId::new);
    Ok(documents.iter().filter_map(id).collect())
}

/// The account, after its pending change and step of folding have been flushed.
pub(super) async fn get_flushed(server: &Server, user: &UserId) -> Result<Option<Account>> {
    let read_at = Instant::now();
    let Some(mut account) = get(server, user).await? else {
        return Ok(None);
    };
    if let Some(pending) = account.pending.take() {
        flush_pending(server, user, pending, read_at).await?;
    }
    if let Some(folding) = account.folding.take() {
        flush_folding(server, user, folding).await?;
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
    let records = records.into_iter();
    let pending = Pending {
        version,
        entries,
        records: records
            .map(|(key, record)| KeyRecord::new(key, &record, read))
            .collect::<Result<_>>()?,
    };
    let change = doc! { "$set": {
        "available": balance.available.micros(),
        "held": balance.held.micros(),
        "spent": bson::serialize_to_bson(&balance.spent).map_err(mongo::unwritable)?,
        "version": stored_number(version),
        "entries": stored_number(last),
        "pending": bson::serialize_to_bson(&pending).map_err(mongo::unwritable)?,
    } };
    let read_at = Instant::now();
    let written = update(&server.accounts, at_version(account), change).await?;
    if written {
        flush_pending(server, &account.user, pending, read_at).await?;
    }
    Ok(written)
}

/// Writes a step of folding, and flushes it. Returns `false` if the account was changed since it was read; then nothing is
/// written.
pub(super) async fn write_folding(server: &Server, account: &Account, folding: Folding) -> Result<bool> {
    let version = account.version + 1;
    let folding = Folding { version, ..folding };
    let change = doc! { "$set": {
        "version": stored_number(version),
        "folds": stored_number(account.folds + 1),
        "folding": bson::serialize_to_bson(&folding).map_err(mongo::unwritable)?,
    } };
    let written = update(&server.accounts, at_version(account), change).await?;
    if written {
        flush_folding(server, &account.user, folding).await?;
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
/// an entry or record that already exists is left as it is. The change was read at `read_at`.
async fn flush_pending(server: &Server, user: &UserId, pending: Pending, read_at: Instant) -> Result<()> {
    for entry in pending.entries {
        if read_at.elapsed() > FLUSH {
            return Err(mongo::no_answer());
        }
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

/// Brings a step of folding to the collections, in the order of the protocol, and clears `folding`. It may be repeated, also
/// when later steps are done.
async fn flush_folding(server: &Server, user: &UserId, folding: Folding) -> Result<()> {
    let version = stored_number(folding.version);
    for KeyRecord { key, record } in folding.records {
        keys::record(server, &key, record, user, folding.version).await?;
    }
    if !folding.forgotten.is_empty() {
        keys::forget_charges(server, &folding.forgotten, folding.version).await?;
    }
    for mut entry in folding.replaced {
        let earlier = [doc! { "fold": null }, doc! { "fold": { "$lt": version } }];
        let number = entry.get("number").cloned().unwrap_or_default();
        let filter = doc! { "user": user.as_str(), "number": number, "$or": earlier };
        entry.insert("fold", version);
        replace(&server.entries, filter, entry).await?;
    }
    if !folding.removed.is_empty() {
        let filter = doc! { "user": user.as_str(), "number": { "$in": folding.removed } };
        let empty = doc! { "amount": 0_i64, "held": 0_i64, "gone": DateTime::now() };
        within(server.entries.update_many(filter, doc! { "$set": empty })).await?;
    }
    let filter = doc! { "_id": user.as_str(), "folding.version": version };
    update(&server.accounts, filter, doc! { "$set": { "folding": null } })
        .await
        .map(drop)
}

/// Deletes the entries of an account that are gone for long.
pub(super) async fn delete_gone(server: &Server, user: &UserId) -> Result<()> {
    let now = DateTime::now().timestamp_millis();
    let age = i64::try_from(GONE.as_millis()).unwrap_or(i64::MAX);
    let before = DateTime::from_millis(now.saturating_sub(age));
    let filter = doc! { "user": user.as_str(), "gone": { "$lt": before } };
    within(server.entries.delete_many(filter)).await.map(drop)
}

/// Entries of an account that has no pending change.
pub(super) async fn entries(
    server: &Server,
    user: &UserId,
    options: &EntryOptions,
) -> Result<Vec<LedgerEntry>> {
    let documents = entry_documents(server, user, options).await?;
    let mut entries = documents
        .into_iter()
        .map(LedgerEntry::read)
        .collect::<Result<Vec<_>>>()?;
    names::add(server, &mut entries).await?;
    Ok(entries)
}

/// The documents of entries, without those that are gone.
pub(super) async fn entry_documents(
    server: &Server,
    user: &UserId,
    options: &EntryOptions,
) -> Result<Vec<Document>> {
    let after = doc! { "$gt": stored_number(options.after) };
    let mut filter = doc! { "user": user.as_str(), "number": after, "gone": null };
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
    let order = doc! { "number": 1 };
    find(&server.entries, filter, order, options.limit.into()).await
}
