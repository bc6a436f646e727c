//! The server and the collections on it.

use std::time::Duration;

use futures::TryStreamExt;
use mongodb::bson::{Document, doc};
use mongodb::options::{
    ClientOptions, IndexOptions, ReadConcern, ReadPreference, SelectionCriteria, WriteConcern,
};
use mongodb::{Client, Collection, Database, IndexModel};
use neuropod_core::{Error, ErrorKind, Result};

use super::failure;

/// How long an operation may take.
const DEADLINE: Duration = Duration::from_secs(10);
/// How long an operation waits for a server that can do it: an election takes some seconds.
const SERVER_SELECTION: Duration = Duration::from_secs(8);
const CONNECT: Duration = Duration::from_secs(5);
/// The database, if the address names none.
const DATABASE: &str = "neuropod";

/// The collections. Those of the existing backend keep its names.
#[derive(Clone)]
pub(super) struct Server {
    pub(super) pods: Collection<Document>,
    pub(super) users: Collection<Document>,
    pub(super) templates: Collection<Document>,
    pub(super) prices: Collection<Document>,
    pub(super) accounts: Collection<Document>,
    pub(super) entries: Collection<Document>,
    pub(super) keys: Collection<Document>,
    pub(super) requests: Collection<Document>,
    pub(super) pod_names: Collection<Document>,
    pub(super) database: Database,
    pub(super) removed_users: Collection<Document>,
    pub(super) audit: Collection<Document>,
    /// Has a document while a copy into the database is not finished.
    pub(super) unfinished_copy: Collection<Document>,
}

/// Whether a server overwrites what others change at the same time, by what it says of itself: FerretDB 1 does. FerretDB 2
/// says its version elsewhere.
fn loses_changes(build_info: &Document) -> bool {
    build_info.contains_key("ferretdbVersion")
}

impl Server {
    /// Connects, and checks that the server responds.
    pub(super) async fn connect(uri: &str) -> Result<Self> {
        let mut options = within(ClientOptions::parse(uri)).await?;
        options.app_name.get_or_insert_with(|| "neuropod".into());
        options.server_selection_timeout.get_or_insert(SERVER_SELECTION);
        options.connect_timeout.get_or_insert(CONNECT);
        // An acknowledged write survives the loss of a server.
        options.write_concern = Some(WriteConcern::majority());
        // Reads return the newest document of the primary, so a read after a conflict sees the version that
        // won. If that version is lost in a later election, the next compare-and-swap fails.
        options.read_concern = Some(ReadConcern::local());
        options.selection_criteria = Some(SelectionCriteria::ReadPreference(ReadPreference::Primary));
        let client = Client::with_options(options).map_err(failure::from_driver)?;
        let database = client
            .default_database()
            .unwrap_or_else(|| client.database(DATABASE));
        let info = within(database.run_command(doc! { "buildInfo": 1 })).await?;
        if loses_changes(&info) {
            tracing::warn!(
                "the server is FerretDB 1, which loses changes that several clients make at once, and so money: use it for \
                 tests only"
            );
        }
        Ok(Self::of(&database))
    }

    fn of(database: &Database) -> Self {
        Self {
            pods: database.collection("pods"),
            users: database.collection("users"),
            templates: database.collection("templates"),
            prices: database.collection("prices"),
            accounts: database.collection("accounts"),
            entries: database.collection("entries"),
            keys: database.collection("keys"),
            requests: database.collection("requests"),
            pod_names: database.collection("podNames"),
            database: database.clone(),
            removed_users: database.collection("removedUsers"),
            audit: database.collection("audit"),
            unfinished_copy: database.collection("unfinishedCopy"),
        }
    }

    /// Creates missing indexes.
    pub(super) async fn index(&self) -> Result<()> {
        let unique = [
            (&self.pods, doc! { "podId": 1 }),
            (&self.pods, doc! { "userId": 1, "slug": 1 }),
            (&self.users, doc! { "emailLowerCase": 1 }),
            (&self.users, doc! { "identityKey": 1 }),
            (&self.templates, doc! { "nameLowerCase": 1 }),
            (&self.entries, doc! { "user": 1, "number": 1 }),
        ];
        for (collection, keys) in unique {
            let options = IndexOptions::builder().unique(true).build();
            let index = IndexModel::builder().keys(keys).options(options).build();
            within(collection.create_index(index)).await?;
        }
        let sorted = [
            (&self.pods, doc! { "createdAt": 1, "podId": 1 }),
            (&self.pods, doc! { "userId": 1, "createdAt": 1, "podId": 1 }),
            (&self.pods, doc! { "userId": 1, "kubernetesResources.pvcName": 1 }),
            (&self.requests, doc! { "createdAt": 1 }),
            (&self.audit, doc! { "at": -1, "_id": -1 }),
        ];
        for (collection, keys) in sorted {
            let index = IndexModel::builder().keys(keys).build();
            within(collection.create_index(index)).await?;
        }
        Ok(())
    }

    /// Whether a copy into the database is not finished.
    pub(super) async fn is_unfinished(&self) -> Result<bool> {
        let mark = find_one(&self.unfinished_copy, Document::new()).await?;
        Ok(mark.is_some())
    }

    /// Fails if a copy into the database is not finished.
    pub(super) async fn check_finished(&self) -> Result<()> {
        if self.is_unfinished().await? {
            return Err(crate::failure::unfinished());
        }
        Ok(())
    }

    /// Fails if documents of the existing backend have not been migrated.
    pub(super) async fn check_migrated(&self) -> Result<()> {
        for collection in [&self.pods, &self.users, &self.templates] {
            let old = find_one(collection, doc! { "version": { "$exists": false } }).await?;
            if old.is_some() {
                return Err(Error::new(
                    ErrorKind::NotConfigured,
                    "there are documents of the old backend: take them over first (`server migrate`, or `mongo::migrate`)",
                )
                .with_context("collection", collection.name()));
            }
        }
        Ok(())
    }
}

/// The result of the operation, or `Timeout` if it takes longer than [`DEADLINE`].
pub(super) async fn within<T>(operation: impl IntoFuture<Output = mongodb::error::Result<T>>) -> Result<T> {
    match tokio::time::timeout(DEADLINE, operation.into_future()).await {
        Ok(result) => result.map_err(failure::from_driver),
        Err(_) => Err(failure::no_answer()),
    }
}

pub(super) async fn find_one(
    collection: &Collection<Document>,
    filter: Document,
) -> Result<Option<Document>> {
    within(collection.find_one(filter)).await
}

/// The documents that `filter` selects, in the order of `sort`; at most `limit`, unless that is 0.
pub(super) async fn find(
    collection: &Collection<Document>,
    filter: Document,
    sort: Document,
    limit: i64,
) -> Result<Vec<Document>> {
    within(async {
        let cursor = collection.find(filter).sort(sort).limit(limit).await?;
        cursor.try_collect().await
    })
    .await
}

/// Replaces the document that `filter` selects. Returns `true` if there was one.
pub(super) async fn replace(
    collection: &Collection<Document>,
    filter: Document,
    document: Document,
) -> Result<bool> {
    let done = within(collection.replace_one(filter, document)).await?;
    Ok(done.matched_count == 1)
}

/// Changes the document that `filter` selects, by operators. Returns `true` if there was one.
pub(super) async fn update(
    collection: &Collection<Document>,
    filter: Document,
    change: Document,
) -> Result<bool> {
    let done = within(collection.update_one(filter, change)).await?;
    Ok(done.matched_count == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ferretdb_1_loses_changes() {
        let ferretdb_1 = doc! { "version": "7.0.42", "ferretdbVersion": "v1.24.2", "ferretdbFeatures": {} };
        let ferretdb_2 = doc! { "version": "7.0.77", "ferretdb": { "version": "v2.7.0" } };
        let mongodb = doc! { "version": "8.0.4", "gitVersion": "bc35ab4305d9920d9d0491c1c9ef9b72383d31f9" };
        assert!(loses_changes(&ferretdb_1));
        assert!(!loses_changes(&ferretdb_2));
        assert!(!loses_changes(&mongodb));
    }
}
