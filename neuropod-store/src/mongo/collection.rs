//! Users and templates.

use mongodb::Collection;
use mongodb::bson::{Document as Bson, doc};
use neuropod_core::{Error, Result, Template, User};

use super::codec::{Encoded, reference, stored_number};
use super::failure as mongo;
use super::server::{Server, find, find_one, replace, within};
use crate::document::Document;
use crate::failure;
use crate::input::folded;

/// A document with a collection of its own.
pub(super) trait Collected: Document + Encoded {
    /// The field of the name in lower case.
    const FOLDED: &'static str;
    /// The field of the second name; `None` if documents have none.
    const SECOND: Option<&'static str> = None;

    fn collection(server: &Server) -> &Collection<Bson>;
}

impl Collected for User {
    const FOLDED: &'static str = "emailLowerCase";
    const SECOND: Option<&'static str> = Some("identityKey");

    fn collection(server: &Server) -> &Collection<Bson> {
        &server.users
    }
}

impl Encoded for Template {
    const DATES: &'static [&'static str] = &["createdAt"];
    const IDS: &'static [&'static str] = &["_id"];

    fn search_fields(&self) -> Bson {
        // For the unique index and for sorting.
        doc! { "nameLowerCase": folded(&self.name) }
    }
}

impl Collected for Template {
    const FOLDED: &'static str = "nameLowerCase";

    fn collection(server: &Server) -> &Collection<Bson> {
        &server.templates
    }
}

pub(super) async fn insert<D: Collected>(server: &Server, document: &D) -> Result<D> {
    let collection = D::collection(server);
    let stored = document.clone().with_version(1).write()?;
    match within(collection.insert_one(&stored)).await {
        // BSON keeps times to the millisecond, so the document is returned as it was stored.
        Ok(_) => D::read(stored),
        Err(error) if mongo::is_duplicate(&error) => {
            // Not every server reports which value is taken.
            let same_id = find_one(collection, id_filter(document.id())).await?.is_some();
            Err(if same_id {
                failure::taken("id")
            } else {
                taken(collection, document).await?
            })
        }
        Err(error) => Err(error),
    }
}

pub(super) async fn by_id<D: Collected>(server: &Server, id: &str) -> Result<Option<D>> {
    let document = find_one(D::collection(server), id_filter(id)).await?;
    document.map(D::read).transpose()
}

pub(super) async fn by_name<D: Collected>(server: &Server, name: &str) -> Result<Option<D>> {
    let filter = doc! { D::FOLDED: folded(name) };
    let document = find_one(D::collection(server), filter).await?;
    document.map(D::read).transpose()
}

/// All documents, sorted by name.
pub(super) async fn all<D: Collected>(server: &Server) -> Result<Vec<D>> {
    let documents = find(D::collection(server), Bson::new(), doc! { D::FOLDED: 1 }, 0).await?;
    documents.into_iter().map(D::read).collect()
}

pub(super) async fn update<D: Collected>(server: &Server, document: &D) -> Result<D> {
    let collection = D::collection(server);
    let found = find_one(collection, id_filter(document.id())).await?;
    let found = found.ok_or_else(|| failure::gone(D::KIND))?;
    let stored = D::read(found.clone())?;
    if stored.version() != document.version() {
        return Err(failure::changed(D::KIND));
    }
    // The unique indexes check this too, but not every server reports it distinctly from other failures.
    if folded(stored.unique_name()) != folded(document.unique_name())
        && has_name(collection, document).await?
    {
        return Err(failure::taken(D::NAME));
    }
    if stored.second_name() != document.second_name() && has_second_name(collection, document).await? {
        return Err(failure::taken(D::SECOND_NAME));
    }
    let next = document.clone().with_version(document.version() + 1);
    let updated = next.rewrite(found, &stored)?;
    let filter = doc! { "_id": reference(document.id()), "version": stored_number(document.version()) };
    match replace(collection, filter, updated.clone()).await {
        Ok(true) => D::read(updated),
        Ok(false) => Err(failure::changed(D::KIND)),
        Err(error) if mongo::is_duplicate(&error) => Err(taken(collection, document).await?),
        Err(error) => Err(error),
    }
}

/// The error for a taken name. It names the field: the name or the second name.
async fn taken<D: Collected>(collection: &Collection<Bson>, document: &D) -> Result<Error> {
    let name = if !has_name(collection, document).await? && has_second_name(collection, document).await? {
        D::SECOND_NAME
    } else {
        D::NAME
    };
    Ok(failure::taken(name))
}

/// Whether another document has its name.
async fn has_name<D: Collected>(collection: &Collection<Bson>, document: &D) -> Result<bool> {
    let name = folded(document.unique_name());
    let other = doc! { D::FOLDED: name, "_id": { "$ne": reference(document.id()) } };
    Ok(find_one(collection, other).await?.is_some())
}

/// Whether another document has its second name.
async fn has_second_name<D: Collected>(collection: &Collection<Bson>, document: &D) -> Result<bool> {
    let Some((field, name)) = D::SECOND.zip(document.second_name()) else {
        return Ok(false);
    };
    let other = doc! { field: name, "_id": { "$ne": reference(document.id()) } };
    Ok(find_one(collection, other).await?.is_some())
}

pub(super) async fn remove<D: Collected>(server: &Server, id: &str) -> Result<()> {
    within(D::collection(server).delete_one(id_filter(id)))
        .await
        .map(drop)
}

fn id_filter(id: &str) -> Bson {
    doc! { "_id": reference(id) }
}
