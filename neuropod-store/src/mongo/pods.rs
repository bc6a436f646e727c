//! Pods.

use mongodb::bson::{Document, doc};
use neuropod_core::store::{Cursor, ListOptions, Page};
use neuropod_core::{Pod, PodId, Result, UserId};

use super::codec::{Encoded, moment, reference, stored_number};
use super::failure as mongo;
use super::server::{Server, find, find_one, replace, within};
use crate::{failure, input};

impl Encoded for Pod {
    const DATES: &'static [&'static str] = &[
        "startedAt",
        "failingSince",
        "retryAt",
        "createdAt",
        "lastActive",
        "updatedAt",
    ];
    const IDS: &'static [&'static str] = &["userId", "createdBy", "templateId"];
}

pub(super) async fn insert(server: &Server, pod: &Pod) -> Result<Pod> {
    let document = Pod {
        version: 1,
        ..pod.clone()
    }
    .write()?;
    match within(server.pods.insert_one(&document)).await {
        // BSON keeps times to the millisecond, so the document is returned as it was stored.
        Ok(_) => Pod::read(document),
        Err(error) if mongo::is_duplicate(&error) => {
            // Not every server reports which value is taken.
            let same_id = find_one(&server.pods, by_id(&pod.id)).await?.is_some();
            Err(failure::taken(if same_id { "id" } else { "name" }))
        }
        Err(error) => Err(error),
    }
}

pub(super) async fn get(server: &Server, id: &PodId) -> Result<Option<Pod>> {
    let document = find_one(&server.pods, by_id(id)).await?;
    document.map(Pod::read).transpose()
}

pub(super) async fn list(server: &Server, options: &ListOptions) -> Result<Page> {
    input::limit(options.limit)?;
    let mut filter = Document::new();
    if let Some(owner) = &options.owner {
        filter.insert("userId", reference(owner.as_str()));
    }
    if let Some(slug) = &options.slug {
        filter.insert("slug", slug.as_str());
    }
    if let Some(volume) = &options.volume {
        filter.insert("kubernetesResources.pvcName", volume.as_str());
    }
    let mut all = Vec::new();
    if options.may_take_volume {
        let deleted = doc! { "desired.state": "deleted" };
        let to_be_deleted = doc! { "volumeDeletion": { "$ne": null } };
        all.push(doc! { "$or": [deleted, to_be_deleted] });
    }
    if !options.include_deleted {
        filter.insert("desired.state", doc! { "$ne": "deleted" });
    }
    if let Some(Cursor { created_at, id }) = &options.after {
        let created_at = moment(*created_at);
        let later = doc! { "createdAt": { "$gt": created_at } };
        let as_old = doc! { "createdAt": created_at, "podId": { "$gt": id.as_str() } };
        all.push(doc! { "$or": [later, as_old] });
    }
    if !all.is_empty() {
        filter.insert("$and", all);
    }
    // One document more than the limit shows whether there is a next page.
    let sort = doc! { "createdAt": 1, "podId": 1 };
    let documents = find(&server.pods, filter, sort, i64::from(options.limit) + 1).await?;

    let limit = options.limit as usize;
    let is_last = documents.len() <= limit;
    let page = documents.into_iter().take(limit).map(Pod::read);
    let pods = page.collect::<Result<Vec<Pod>>>()?;
    let last = pods.last().filter(|_| !is_last);
    let next = last.map(|pod| Cursor {
        created_at: pod.created_at,
        id: pod.id.clone(),
    });
    Ok(Page::new(pods, next))
}

pub(super) async fn count(server: &Server, owner: &UserId) -> Result<u64> {
    let filter = doc! { "userId": reference(owner.as_str()), "desired.state": { "$ne": "deleted" } };
    within(server.pods.count_documents(filter)).await
}

pub(super) async fn update(server: &Server, pod: &Pod) -> Result<Pod> {
    let document = find_one(&server.pods, by_id(&pod.id)).await?;
    let document = document.ok_or_else(|| failure::gone("pod"))?;
    let stored = Pod::read(document.clone())?;
    input::follows(&stored, pod)?;
    let updated = Pod {
        version: pod.version + 1,
        ..pod.clone()
    }
    .rewrite(document, &stored)?;
    if replace(&server.pods, by_version(&pod.id, pod.version), updated.clone()).await? {
        Pod::read(updated)
    } else {
        Err(failure::changed("pod"))
    }
}

pub(super) async fn remove(server: &Server, id: &PodId, version: u64) -> Result<()> {
    let removed = within(server.pods.delete_one(by_version(id, version))).await?;
    if removed.deleted_count > 0 || find_one(&server.pods, by_id(id)).await?.is_none() {
        Ok(())
    } else {
        Err(failure::changed("pod"))
    }
}

fn by_id(id: &PodId) -> Document {
    doc! { "podId": id.as_str() }
}

fn by_version(id: &PodId, version: u64) -> Document {
    doc! { "podId": id.as_str(), "version": stored_number(version) }
}
