//! All records of a database, for copies from it and into it.

use async_trait::async_trait;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use jiff::Timestamp;
use mongodb::Collection;
use mongodb::bson::{self, Bson, Document, doc};
use neuropod_core::money::LedgerEntry;
use neuropod_core::store::{AuditEntry, PastRequest};
use neuropod_core::{Billing, Error, ErrorKind, Pod, PriceList, Result, Template, User, UserId};
use serde::Serialize;
use serde_json::Value;

use super::accounts::{self, Account};
use super::codec::{Encoded, moment, reference, to_text, with_unknown};
use super::failure as mongo;
use super::keys::{self, Key};
use super::server::{Server, find, find_one, within};
use super::store::MongoStore;
use crate::account::Record;
use crate::copy::ends::{Source, Target};
use crate::copy::item::{AccountShape, Id, Item, Kind, to_tree};
use crate::folding::ACCOUNTS;

/// The documents that the server sends at a time.
const BATCH: u32 = 500;

/// The collection of a kind, and which of its documents are records.
fn collection(server: &Server, kind: Kind) -> (&Collection<Document>, Document) {
    let all = Document::new();
    match kind {
        Kind::Users => (&server.users, all),
        Kind::RemovedUsers => (&server.removed_users, all),
        Kind::Templates => (&server.templates, all),
        Kind::Prices => (&server.prices, all),
        Kind::Pods => (&server.pods, all),
        // One document marks the names as complete.
        Kind::PodNames => (&server.pod_names, doc! { "_id": { "$ne": "" } }),
        Kind::Requests => (&server.requests, all),
        Kind::Accounts => (&server.accounts, all),
        // Folding leaves entries without amounts for a day.
        Kind::Entries => (&server.entries, doc! { "gone": null }),
        // A key without a record was claimed for a change that was not made.
        Kind::Keys => (&server.keys, doc! { "record": { "$ne": null } }),
        Kind::Audit => (&server.audit, all),
    }
}

/// A database that is only read. Nothing keeps others from writing: a change is found at the end of a copy.
pub(crate) struct ReadDatabase {
    store: MongoStore,
}

impl ReadDatabase {
    /// Connects, and completes the changes of money that a process has begun.
    pub(crate) async fn open(uri: &str) -> Result<Self> {
        let store = MongoStore::connect(uri).await?;
        let mut after = None;
        loop {
            let users = accounts::owners(&store.server, after.as_ref(), ACCOUNTS).await?;
            for user in &users {
                accounts::get_flushed(&store.server, user).await?;
            }
            let Some(last) = users.into_iter().last() else {
                return Ok(Self { store });
            };
            after = Some(last);
        }
    }
}

#[async_trait]
impl Source for ReadDatabase {
    fn records(&mut self, kind: Kind) -> BoxStream<'_, Result<Item>> {
        let server = &self.store.server;
        let (documents, filter) = collection(server, kind);
        let order = match kind {
            Kind::Entries => doc! { "user": 1, "number": 1 },
            _ => Document::new(),
        };
        let cursor = async move { within(documents.find(filter).sort(order).batch_size(BATCH)).await };
        stream::once(cursor)
            .map_ok(|cursor| cursor.map_err(mongo::from_driver))
            .try_flatten()
            .try_filter_map(move |document| is_record(server, kind, document))
            .and_then(move |document| async move { item(kind, document) })
            .boxed()
    }

    async fn close(self: Box<Self>) {}
}

/// The document, unless it is the trace of a removed user who was stored again.
async fn is_record(server: &Server, kind: Kind, document: Document) -> Result<Option<Document>> {
    if kind == Kind::RemovedUsers {
        let id = doc! { "_id": document.get("_id").cloned().unwrap_or_default() };
        let is_back = find_one(&server.users, id).await?.is_some();
        return Ok((!is_back).then_some(document));
    }
    Ok(Some(document))
}

#[async_trait]
impl Target for MongoStore {
    async fn is_unfinished(&self) -> Result<bool> {
        self.server.is_unfinished().await
    }

    async fn count(&self, kind: Kind) -> Result<u64> {
        let (documents, filter) = collection(&self.server, kind);
        within(documents.count_documents(filter)).await
    }

    async fn begin(&self) -> Result<()> {
        if self.is_unfinished().await? {
            for kind in Kind::ALL {
                let (documents, filter) = collection(&self.server, kind);
                within(documents.delete_many(filter)).await?;
            }
            return Ok(());
        }
        let mark = self.server.unfinished_copy.insert_one(doc! { "_id": "copy" });
        within(mark).await.map(drop)
    }

    async fn write(&self, kind: Kind, items: Vec<Item>) -> Result<()> {
        let documents = items.iter().map(|item| {
            let encoded = document(kind, item);
            encoded.map_err(|error| kind.failure(&item.id, error))
        });
        let documents = documents.collect::<Result<Vec<_>>>()?;
        let (collection, _) = collection(&self.server, kind);
        match within(collection.insert_many(documents)).await {
            Err(error) if mongo::is_duplicate(&error) => {
                let error = Error::new(ErrorKind::Unexpected, error.message()).with_source(error);
                Err(error.with_context("kind", kind.plural()))
            }
            done => done.map(drop),
        }
    }

    async fn find(&self, kind: Kind, ids: Vec<Id>) -> Result<Vec<Item>> {
        let (documents, filter) = collection(&self.server, kind);
        let among = doc! { "$and": [among(kind, ids), filter] };
        let found = find(documents, among, Document::new(), 0).await?;
        found.into_iter().map(|document| item(kind, document)).collect()
    }

    fn as_kept(&self, kind: Kind, mut document: Value) -> Value {
        let dates = match kind {
            Kind::Users => User::DATES,
            Kind::Templates => Template::DATES,
            Kind::Prices => PriceList::DATES,
            Kind::Pods => Pod::DATES,
            Kind::Requests => PastRequest::DATES,
            Kind::Entries => LedgerEntry::DATES,
            Kind::Audit => AuditEntry::DATES,
            Kind::RemovedUsers | Kind::PodNames | Kind::Accounts | Kind::Keys => &[],
        };
        for date in dates {
            if let Some(value) = document.get_mut(date)
                && let Some(Ok(time)) = value.as_str().map(str::parse::<Timestamp>)
                && let Ok(kept) = Timestamp::from_millisecond(moment(time).timestamp_millis())
            {
                *value = kept.to_string().into();
            }
        }
        document
    }

    fn billing(&self) -> &dyn Billing {
        self
    }

    async fn finish(&self) -> Result<()> {
        within(self.server.unfinished_copy.drop()).await
    }

    async fn close(self: Box<Self>) {}
}

/// Selects the documents with these ids.
fn among(kind: Kind, ids: Vec<Id>) -> Document {
    if kind == Kind::Entries {
        let mut of_users: Vec<(String, Vec<i64>)> = Vec::new();
        for Id { text, number } in ids {
            match of_users.last_mut() {
                Some((user, numbers)) if *user == text => numbers.push(number),
                _ => of_users.push((text, vec![number])),
            }
        }
        let of_users = of_users.into_iter();
        let any = of_users.map(|(user, numbers)| doc! { "user": user, "number": { "$in": numbers } });
        return doc! { "$or": any.collect::<Vec<_>>() };
    }
    let field = if kind == Kind::Pods { "podId" } else { "_id" };
    let values = ids.into_iter().map(|id| match kind {
        Kind::Prices => Bson::Int64(id.number),
        Kind::Users | Kind::RemovedUsers | Kind::Templates => reference(&id.text),
        _ => Bson::String(id.text),
    });
    doc! { field: { "$in": values.collect::<Vec<_>>() } }
}

/// The record in a document.
fn item(kind: Kind, document: Document) -> Result<Item> {
    let id = id(kind, &document);
    match read(kind, document) {
        Ok(document) => Ok(Item { id, document }),
        Err(error) => Err(kind.failure(&id, error)),
    }
}

fn id(kind: Kind, document: &Document) -> Id {
    let text = |field| match document.get(field) {
        Some(Bson::String(text)) => text.clone(),
        Some(Bson::ObjectId(id)) => id.to_hex(),
        _ => String::new(),
    };
    let number = |field| match document.get(field) {
        Some(Bson::Int64(number)) => *number,
        Some(Bson::Int32(number)) => i64::from(*number),
        _ => 0,
    };
    match kind {
        Kind::Prices => Id {
            text: String::new(),
            number: number("_id"),
        },
        Kind::Entries => Id {
            text: text("user"),
            number: number("number"),
        },
        Kind::Pods => Id::text(text("podId")),
        _ => Id::text(text("_id")),
    }
}

/// The document of a record, in the form that all stores have in common.
fn read(kind: Kind, document: Document) -> Result<Value> {
    match kind {
        Kind::Users => tree::<User>(document, &[]),
        Kind::RemovedUsers => Ok(Value::Null),
        Kind::Templates => tree::<Template>(document, &[]),
        Kind::Prices => tree::<PriceList>(document, &[]),
        Kind::Pods => tree::<Pod>(document, &["_id"]),
        Kind::PodNames => Ok(Value::String(
            document.get_str("name").unwrap_or_default().to_owned(),
        )),
        Kind::Requests => tree::<PastRequest>(document, &[]),
        Kind::Entries => tree::<LedgerEntry>(document, &["_id", "user", "fold", "gone"]),
        Kind::Audit => tree::<AuditEntry>(document, &[]),
        Kind::Accounts => {
            let account: Account =
                bson::deserialize_from_document(document.clone()).map_err(mongo::unreadable)?;
            check_known(&document, &account)?;
            to_tree(&AccountShape::new(account.balance(), account.last_entry()))
        }
        Kind::Keys => {
            let key: Key = bson::deserialize_from_document(document.clone()).map_err(mongo::unreadable)?;
            check_known(&document, &key)?;
            let record = document.get_document("record").cloned().unwrap_or_default();
            let write =
                |record: &Option<Record>| bson::serialize_to_document(record).map_err(mongo::unwritable);
            let known = write(&key.record)?;
            json(Bson::Document(with_unknown(known.clone(), record, known)))
        }
    }
}

/// The tree of a document, without the fields `own`, which only this store needs.
fn tree<D: Encoded>(document: Document, own: &[&str]) -> Result<Value> {
    let value = D::read(document.clone())?;
    let mut document = value.rewrite(document, &value)?;
    let search = value.search_fields();
    for field in search.keys().map(String::as_str).chain(own.iter().copied()) {
        document.remove(field);
    }
    json(Bson::Document(document))
}

fn json(mut value: Bson) -> Result<Value> {
    to_text(&mut value);
    to_tree(&value)
}

/// Fails if a document has fields that this version does not know, and that no other store would have a place for.
fn check_known(document: &Document, known: &impl Serialize) -> Result<()> {
    let known = bson::serialize_to_document(known).map_err(mongo::unwritable)?;
    match document.keys().find(|field| !known.contains_key(field)) {
        None => Ok(()),
        Some(field) => {
            let error = Error::new(
                ErrorKind::Unsupported,
                "a later version of this library has written a field that can't be copied by this one",
            );
            Err(error.with_context("field", field))
        }
    }
}

/// The document of a record as this store keeps it.
fn document(kind: Kind, item: &Item) -> Result<Document> {
    let id = &item.id.text;
    match kind {
        Kind::Users => encode::<User>(item),
        Kind::RemovedUsers => Ok(doc! { "_id": reference(id) }),
        Kind::Templates => encode::<Template>(item),
        Kind::Prices => encode::<PriceList>(item),
        Kind::Pods => encode::<Pod>(item),
        Kind::PodNames => Ok(doc! { "_id": id, "name": item.document.as_str().unwrap_or_default() }),
        Kind::Requests => encode::<PastRequest>(item),
        Kind::Accounts => {
            let account = item.account()?;
            let account = Account::settled(UserId::new(id), account.balance(), account.last_entry);
            bson::serialize_to_document(&account).map_err(mongo::unwritable)
        }
        Kind::Entries => {
            let mut entry = encode::<LedgerEntry>(item)?;
            entry.insert("user", id);
            Ok(entry)
        }
        Kind::Keys => {
            let record = bson::serialize_to_document(&item.document).map_err(mongo::unwritable)?;
            keys::recorded(id, record)
        }
        Kind::Audit => encode::<AuditEntry>(item),
    }
}

fn encode<D: Encoded>(item: &Item) -> Result<Document> {
    let known = item.read::<D>()?.write()?;
    let all = bson::serialize_to_document(&item.document).map_err(mongo::unwritable)?;
    Ok(with_unknown(known.clone(), all, known))
}
