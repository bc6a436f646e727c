//! The two ends of a copy, as each store implements them.

use async_trait::async_trait;
use futures::stream::BoxStream;
use neuropod_core::{Billing, Result};
use serde_json::Value;

use super::item::{Id, Item, Kind};

/// A store that is read. SQLite and PostgreSQL lock it against changes while this is open.
#[async_trait]
pub(crate) trait Source: Send {
    /// All records of a kind. Entries come in the order of their users and numbers.
    fn records(&mut self, kind: Kind) -> BoxStream<'_, Result<Item>>;

    /// Closes the store.
    async fn close(self: Box<Self>);
}

/// A store that is written. It may be the rest of a copy that broke off.
#[async_trait]
pub(crate) trait Target: Send + Sync {
    /// Whether a copy into it was begun and not finished.
    async fn is_unfinished(&self) -> Result<bool>;

    /// The number of records of a kind.
    async fn count(&self, kind: Kind) -> Result<u64>;

    /// Marks an empty store as unfinished, or empties one that is unfinished.
    async fn begin(&self) -> Result<()>;

    /// Adds records of a kind, in one transaction if the store has transactions.
    async fn write(&self, kind: Kind, items: Vec<Item>) -> Result<()>;

    /// The records with these ids that are there, in any order.
    async fn find(&self, kind: Kind, ids: Vec<Id>) -> Result<Vec<Item>>;

    /// The document as this store keeps it: MongoDB has dates to the millisecond.
    fn as_kept(&self, kind: Kind, document: Value) -> Value {
        let _ = kind;
        document
    }

    /// The accounts as a platform reads them.
    fn billing(&self) -> &dyn Billing;

    /// Removes the mark of [`begin`](Self::begin).
    async fn finish(&self) -> Result<()>;

    /// Closes the store.
    async fn close(self: Box<Self>);
}
