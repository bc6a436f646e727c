//! The names of pods for entries of earlier versions, which lack them.
//!
//! The names of all pods are stored once, when a database of an earlier version is opened, so that its entries can be
//! read after their pods are removed.

use std::collections::HashMap;

use futures::TryStreamExt;
use mongodb::bson::{Document, doc};
use neuropod_core::money::LedgerEntry;
use neuropod_core::{PodId, Result};

use super::failure as mongo;
use super::server::{Server, find, find_one, within};
use crate::account;

/// The id of the document that marks all names as stored. It is not a valid pod id.
const COMPLETE: &str = "";

/// Stores the names of the existing pods, unless that was done. Several processes may do it at the same time.
pub(super) async fn keep(server: &Server) -> Result<()> {
    if find_one(&server.pod_names, doc! { "_id": COMPLETE })
        .await?
        .is_some()
    {
        return Ok(());
    }
    let mut pods = within(
        server
            .pods
            .find(doc! {})
            .projection(doc! { "podId": 1, "podName": 1 }),
    )
    .await?;
    while let Some(pod) = within(pods.try_next()).await? {
        if let (Ok(id), Ok(name)) = (pod.get_str("podId"), pod.get_str("podName")) {
            insert(server, doc! { "_id": id, "name": name }).await?;
        }
    }
    insert(server, doc! { "_id": COMPLETE }).await
}

async fn insert(server: &Server, name: Document) -> Result<()> {
    match within(server.pod_names.insert_one(name)).await {
        Err(error) if !mongo::is_duplicate(&error) => Err(error),
        _ => Ok(()),
    }
}

/// Fills in the pod names of entries that lack them.
pub(super) async fn add(server: &Server, entries: &mut [LedgerEntry]) -> Result<()> {
    let nameless = account::pods_without_name(entries);
    if nameless.is_empty() {
        return Ok(());
    }
    let ids: Vec<_> = nameless.iter().map(PodId::as_str).collect();
    let found = find(&server.pod_names, doc! { "_id": { "$in": ids } }, doc! {}, 0).await?;
    let name = |document: Document| {
        let text = |key| document.get_str(key).ok().map(str::to_owned);
        text("_id").zip(text("name"))
    };
    let names: HashMap<_, _> = found.into_iter().filter_map(name).collect();
    account::name_pods(entries, &names);
    Ok(())
}
