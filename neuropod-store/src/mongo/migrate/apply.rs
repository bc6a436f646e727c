//! Applies a plan, one document after the other.

use std::sync::Arc;

use mongodb::Collection;
use mongodb::bson::{Bson, DateTime, Document, doc};
use neuropod_core::money::billing::{Posting, PostingKind};
use neuropod_core::money::{AccountKind, BillingExt};
use neuropod_core::store::Store;
use neuropod_core::user::opening_key;
use neuropod_core::{Billing, Error, ErrorKind, Money, Pod, PriceList, Result, Template, User, UserId};

use super::changes::{Becomes, Change};
use super::summary::Applied;
use super::user::Account;
use crate::mongo::codec::{Encoded, upgraded, with_unknown};
use crate::mongo::failure;
use crate::mongo::server::{Server, find, find_one, replace, within};

/// The collection for documents that can't be carried over.
pub(super) const UNMIGRATED: &str = "unmigrated";
/// The field of every document for what is secret.
const SECRETS: &str = "secrets";
/// The field in it that keeps the replaced values of a document.
const BEFORE: &str = "beforeMigration";

/// The stores that receive the documents.
pub(super) struct Stores {
    pub(super) pods: Arc<dyn Store>,
    pub(super) billing: Arc<dyn Billing>,
    /// The old database, if it is migrated in place.
    pub(super) in_place: Option<Server>,
}

/// A planned change and the action that carries it out.
pub(super) struct Step {
    pub(super) change: Change,
    pub(super) action: Action,
}

impl Step {
    pub(super) fn change(&self) -> &Change {
        &self.change
    }
}

pub(super) enum Action {
    /// Migrate a document.
    Migrate {
        record: Box<Record>,
        /// The document as it was when planned, and whether any of its values are replaced.
        original: Document,
        odd: bool,
    },
    /// Update only the balance of a user who was migrated before.
    Balance { user: UserId, account: Account },
    /// Set a document aside.
    SetAside {
        original: Document,
        reasons: Vec<String>,
    },
    /// Store a price list.
    Prices(PriceList),
}

/// The new form of a document.
pub(super) enum Record {
    User(User, Account),
    Template(Template),
    Pod(Box<Pod>),
}

impl Stores {
    pub(super) async fn apply(&self, step: &Step, applied: &mut Applied) -> Result<()> {
        match &step.action {
            Action::Migrate {
                record,
                original,
                odd,
            } => {
                // The account first: a user counts as migrated only once the money is there.
                if let Record::User(user, account) = &**record {
                    post_balance(&*self.billing, &user.id, *account).await?;
                }
                match &self.in_place {
                    Some(server) => self.rewrite(server, &step.change, record, original, *odd).await?,
                    None => self.insert(record).await?,
                }
                applied.taken += 1;
            }
            Action::Balance { user, account } => {
                post_balance(&*self.billing, user, *account).await?;
                applied.taken += 1;
            }
            Action::SetAside { original, reasons } => {
                if let Some(server) = &self.in_place {
                    set_aside(server, &step.change, original, reasons).await?;
                }
                applied.set_aside += 1;
            }
            Action::Prices(list) => {
                self.pods.add_prices(list).await?;
                applied.prices = true;
            }
        }
        Ok(())
    }

    /// Replaces the document in place.
    async fn rewrite(
        &self,
        server: &Server,
        change: &Change,
        record: &Record,
        original: &Document,
        odd: bool,
    ) -> Result<()> {
        let document = match record {
            Record::User(user, _) => merged(user, original, odd),
            Record::Template(template) => merged(template, original, odd),
            Record::Pod(pod) => merged(&**pod, original, odd),
        }?;
        let collection = collection(server, change.collection);
        if replace(&collection, unchanged_filter(original), document).await? {
            return Ok(());
        }
        let done = doc! { "_id": original.get("_id").cloned(), "version": { "$exists": true } };
        if find_one(&collection, done).await?.is_some() {
            return Ok(());
        }
        Err(changed_meanwhile(change))
    }

    /// Inserts the record into another store. If it exists there already, an interrupted attempt inserted it.
    async fn insert(&self, record: &Record) -> Result<()> {
        let (inserted, is_there) = match record {
            Record::User(user, _) => (
                self.pods.insert_user(user).await.map(drop),
                self.pods.user(&user.id).await?.is_some(),
            ),
            Record::Template(template) => (
                self.pods.insert_template(template).await.map(drop),
                self.pods.template(&template.id).await?.is_some(),
            ),
            Record::Pod(pod) => (
                self.pods.insert(pod).await.map(drop),
                self.pods.get(&pod.id).await?.is_some(),
            ),
        };
        match inserted {
            Err(error) if !(is_there && *error.kind() == ErrorKind::AlreadyExists) => Err(error),
            _ => Ok(()),
        }
    }
}

fn collection(server: &Server, name: &str) -> Collection<Document> {
    server.database.collection(name)
}

fn changed_meanwhile(change: &Change) -> Error {
    let message = "the old backend changed a document after it was planned: plan it again";
    Error::new(ErrorKind::Conflict, message)
        .with_retryable(false)
        .with_context("collection", change.collection)
        .with_context("id", change.id.clone())
}

/// Moves a document to `unmigrated`: it is inserted there before it is removed from its collection.
async fn set_aside(server: &Server, change: &Change, original: &Document, reasons: &[String]) -> Result<()> {
    let id = original.get("_id").cloned().unwrap_or(Bson::Null);
    let aside = doc! {
        "_id": format!("{}/{}", change.collection, change.id),
        "collection": change.collection,
        "reasons": reasons.to_vec(),
        "at": DateTime::now(),
        // Links of the old backend have tokens in them.
        SECRETS: { "document": original.clone() },
    };
    match within(collection(server, UNMIGRATED).insert_one(aside)).await {
        Err(error) if !failure::is_duplicate(&error) => return Err(error),
        _ => {}
    }
    let from = collection(server, change.collection);
    let removed = within(from.delete_one(unchanged_filter(original))).await?;
    if removed.deleted_count == 0 && !find(&from, doc! { "_id": id }, doc! {}, 1).await?.is_empty() {
        return Err(changed_meanwhile(change));
    }
    Ok(())
}

/// The document of `read`, plus all other fields of `original`.
fn merged<D: Encoded>(read: &D, original: &Document, odd: bool) -> Result<Document> {
    let original = upgraded::<D>(original.clone());
    let mut new = read.write()?;
    let known = new.clone();
    // The `_id` stays, whatever its type.
    if let Some(id) = original.get("_id") {
        new.insert("_id", id);
    }
    let mut merged = with_unknown(new, original.clone(), known);
    if odd {
        let replaced = original
            .iter()
            .filter(|(field, value)| merged.get(*field) != Some(*value));
        let replaced: Document = replaced
            .map(|(field, value)| (field.clone(), value.clone()))
            .collect();
        match merged.get_document_mut(SECRETS) {
            Ok(secrets) => drop(secrets.insert(BEFORE, replaced)),
            Err(_) => drop(merged.insert(SECRETS, doc! { BEFORE: replaced })),
        }
    }
    Ok(merged)
}

/// A filter that matches the document only while it is unchanged.
fn unchanged_filter(document: &Document) -> Document {
    let is_operator = |value: &Bson| match value {
        Bson::Document(value) => value.keys().any(|key| key.starts_with('$')),
        Bson::RegularExpression(_) => true,
        _ => false,
    };
    // Values of the document are compared literally; they must never act as query operators.
    let fields = document
        .iter()
        .filter(|(field, _)| !field.starts_with('$') && !field.contains('.'));
    let mut filter: Document = fields
        .map(|(field, value)| {
            let value = if is_operator(value) {
                doc! { "$eq": value }.into()
            } else {
                value.clone()
            };
            (field.clone(), value)
        })
        .collect();
    if !filter.contains_key("version") {
        filter.insert("version", doc! { "$exists": false });
    }
    filter
}

/// The amount that migrations have posted to the account of a user so far; `None`: the user has no account.
pub(super) async fn posted_amount(billing: &dyn Billing, user: &UserId) -> Result<Option<Money>> {
    let entries = match billing.all_entries(user).await {
        Ok(entries) => entries,
        Err(error) if *error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let key = posting_key(user);
    let posted = entries.iter().filter(|entry| entry.key.starts_with(&key));
    Ok(Some(posted.map(|entry| entry.amount).sum()))
}

fn posting_key(user: &UserId) -> String {
    format!("migration:{user}")
}

/// Posts the old balance to the account of a user. Only the difference to earlier attempts is posted, so it may
/// be repeated, even if the old backend has changed the balance.
async fn post_balance(billing: &dyn Billing, user: &UserId, account: Account) -> Result<()> {
    // A prepaid account can't go into debt, so the account is unlimited while a debt is posted.
    let kind = if account.balance.is_negative() {
        AccountKind::Unlimited
    } else {
        account.kind
    };
    billing.open(user, kind).await?;
    // The old balance replaces the opening credit, unless that was posted already.
    match billing.release(&opening_key(user)).await {
        Err(error) if *error.kind() == ErrorKind::Conflict && !error.is_retryable() => {}
        closed => closed?,
    }
    let key = posting_key(user);
    let entries = billing.all_entries(user).await?;
    let posted = entries.iter().filter(|entry| entry.key.starts_with(&key));
    let number = posted.clone().count();
    let missing = account.balance - posted.map(|entry| entry.amount).sum::<Money>();
    if missing != Money::ZERO {
        let key = match number {
            0 => key,
            number => format!("{key}:{number}"),
        };
        let posting = if number > 0 || missing.is_negative() {
            PostingKind::Adjustment
        } else {
            PostingKind::Deposit
        };
        let mut posting = Posting::new(key, user, posting, missing);
        posting.details.note = Some("balance of the previous platform".into());
        billing.post(&posting).await?;
    }
    billing.open(user, account.kind).await
}

impl Record {
    pub(super) fn becomes(&self, naming: &neuropod_core::Naming) -> Becomes {
        match self {
            Self::User(user, account) => Becomes::User {
                email: user.email.clone(),
                balance: (account.kind == AccountKind::Prepaid).then_some(account.balance),
            },
            Self::Template(template) => Becomes::Template {
                name: template.name.clone(),
            },
            Self::Pod(pod) => Becomes::Pod {
                name: pod.name.clone(),
                id: pod.id.clone(),
                in_cluster: naming.pod(&pod.slug, &pod.owner_hash),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use mongodb::bson::{Regex, doc};

    use super::*;

    #[test]
    fn values_of_a_document_do_not_act_as_query_operators() {
        let regex: Bson = Regex {
            pattern: ".*".to_owned().try_into().unwrap(),
            options: String::new().try_into().unwrap(),
        }
        .into();
        let document = doc! { "_id": 1, "name": { "$ne": "" }, "a.b": 1, "$where": "x", "stats": { "cpu": 1 }, "r": regex.clone() };
        assert_eq!(
            unchanged_filter(&document),
            doc! {
                "_id": 1, "name": { "$eq": { "$ne": "" } }, "stats": { "cpu": 1 }, "r": { "$eq": regex },
                "version": { "$exists": false },
            }
        );
        assert_eq!(
            unchanged_filter(&doc! { "version": "2" }),
            doc! { "version": "2" }
        );
    }
}
