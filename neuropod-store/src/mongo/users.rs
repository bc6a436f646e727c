//! Users. Unlike other documents they have a second unique value, the identity, and leave a trace when removed.

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
            // For the unique index, for look-ups and for sorting.
            "emailLowerCase": folded(&self.email),
            // For the unique index and for look-ups. MongoDB would treat all documents without the field as equal.
            "identityKey": self.second_name().unwrap_or_else(|| no_identity(&self.id)),
        }
    }
}

/// The stored value for a user without an identity. No [`Identity::key`] begins with a letter.
fn no_identity(user: &UserId) -> String {
    format!("user:{user}")
}

/// Migrates users of earlier versions: the unique index of identities needs a value in each.
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

/// Removes a user. The trace is written first, so that a reader who no longer finds the user finds the trace.
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

/// Whether a user was removed and not stored again. The trace itself stays when the user is stored again.
pub(super) async fn was_removed(server: &Server, id: &UserId) -> Result<bool> {
    let id = doc! { "_id": reference(id.as_str()) };
    let removed = find_one(&server.removed_users, id.clone()).await?.is_some();
    Ok(removed && find_one(&server.users, id).await?.is_none())
}
