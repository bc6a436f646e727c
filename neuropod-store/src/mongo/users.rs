//! Users: what they have besides other documents, an identity that is unique too, and a trace when they go.

use mongodb::bson::{Document, doc};
use neuropod_core::user::Identity;
use neuropod_core::{Result, User, UserId};

use super::codec::{Encoded, reference};
use super::collection;
use super::failure as mongo;
use super::server::{Server, find, find_one, update, within};
use crate::document::Document as _;
use crate::input::folded;

impl Encoded for User {
    const DATES: &'static [&'static str] = &["registrationDate"];
    const IDS: &'static [&'static str] = &["_id"];

    fn search_fields(&self) -> Document {
        doc! {
            // By which it is unique, found and sorted.
            "emailLowerCase": folded(&self.email),
            // By which it is unique and found. To MongoDB all documents without the field would have the same value.
            "identityKey": self.second_name().unwrap_or_else(|| no_identity(&self.id)),
        }
    }
}

/// What stands for the identity of a user who has none. No [`Identity::key`] begins with a letter.
fn no_identity(user: &UserId) -> String {
    format!("user:{user}")
}

/// Brings users of earlier versions up to date: the index of identities needs a value in each.
pub(super) async fn complete(server: &Server) -> Result<()> {
    let old = doc! { "identityKey": { "$exists": false } };
    for document in find(&server.users, old, Document::new(), 0).await? {
        let user = User::read(document)?;
        let same = doc! { "_id": reference(user.id.as_str()), "identityKey": { "$exists": false } };
        update(
            &server.users,
            same,
            doc! { "$set": { "identityKey": no_identity(&user.id) } },
        )
        .await?;
    }
    Ok(())
}

pub(super) async fn by_identity(server: &Server, identity: &Identity) -> Result<Option<User>> {
    let document = find_one(&server.users, doc! { "identityKey": identity.key() }).await?;
    document.map(User::read).transpose()
}

/// The trace first: whoever does not find them any more finds that.
pub(super) async fn remove(server: &Server, id: &UserId) -> Result<()> {
    if collection::by_id::<User>(server, id.as_str()).await?.is_none() {
        return Ok(());
    }
    let trace = doc! { "_id": reference(id.as_str()) };
    match within(server.removed_users.insert_one(trace)).await {
        Err(error) if !mongo::is_duplicate(&error) => return Err(error),
        _ => {}
    }
    collection::remove::<User>(server, id.as_str()).await
}

/// The trace stays when they come again.
pub(super) async fn was_removed(server: &Server, id: &UserId) -> Result<bool> {
    let id = doc! { "_id": reference(id.as_str()) };
    let removed = find_one(&server.removed_users, id.clone()).await?.is_some();
    Ok(removed && find_one(&server.users, id).await?.is_none())
}
