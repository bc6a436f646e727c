//! Takes over a database of the existing Node backend, with its Mongoose collections `pods`, `users` and `templates`.
//!
//! Stop the old backend first, and keep a backup. Then look at what would be done, and do it:
//!
//! ```no_run
//! use neuropod_core::Naming;
//! use neuropod_store::{MongoStore, mongo::migrate};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let uri = "mongodb://localhost/neuropod";
//! let migration = migrate::plan(uri, &Naming::legacy_md5("neuropod.online")?).await?;
//! for change in migration.changes() {
//!     println!("{change}");
//! }
//! for problem in migration.problems() {
//!     println!("to be solved first: {problem}");
//! }
//! migration.apply().await?;
//! let store = MongoStore::connect(uri).await?;
//! # Ok(())
//! # }
//! ```
//!
//! What becomes of it:
//!
//! | before | after |
//! |---|---|
//! | a user | the same user, with the same id. Their `balance` (euros, as a double) is paid into an account, to the micro-euro; administrators get an unlimited one, whatever they had. The field itself stays as it was and means nothing any more |
//! | a template | the same template. The token is set by the platform (`injectToken`) until an administrator says otherwise |
//! | a pod | the same pod with the same names, **stopped**: what the old backend has running is not metered, so nothing is charged for it. Remove its objects from the cluster, but for the volume claims, before pods are started again. The platform has to use the namespace that they were in (`default`). Its volume costs nothing until the pod was started once |
//!
//! Fields that this library does not know stay. Each document is changed in one step, and one that is done is not
//! changed again: a migration that was interrupted is planned and applied once more, and so is one whose old backend
//! was still running.

mod legacy;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use mongodb::Collection;
use mongodb::bson::{Bson, Document, doc};
use neuropod_core::billing::{EntryOptions, Posting, PostingKind};
use neuropod_core::user::opening_key;
use neuropod_core::{
    AccountKind, Clock, Error, ErrorKind, Money, Naming, Pod, Result, SystemClock, Template, User,
};

use self::legacy::Legacy;
use super::codec::{Stored, with_unknown};
use super::ledger::Ledger;
use super::server::{Server, find, replace};
use crate::input::folded;

/// What a migration would do.
pub struct Migration {
    server: Server,
    steps: Vec<Step>,
    problems: Vec<Problem>,
}

/// A document that would be changed.
struct Step {
    change: Change,
    /// By which it is found as long as it has not been migrated.
    filter: Document,
    document: Document,
    /// The account that its user gets.
    account: Option<(User, Account)>,
}

/// What becomes of a `balance`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Account {
    kind: AccountKind,
    balance: Money,
}

/// What would become of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its collection.
    pub collection: &'static str,
    /// Its `_id`.
    pub id: String,
    /// What it becomes, in a few words.
    pub becomes: String,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.collection, self.id, self.becomes)
    }
}

/// Why a document can't be migrated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Its collection.
    pub collection: &'static str,
    /// Its `_id`.
    pub id: String,
    /// The field.
    pub field: &'static str,
    /// What is wrong with it.
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {}: {}: {}",
            self.collection, self.id, self.field, self.what
        )
    }
}

/// Looks at the database at `uri`, and changes nothing. `naming` is that of the platform to come: with
/// [`Naming::legacy_md5`] pods keep their names.
pub async fn plan(uri: &str, naming: &Naming) -> Result<Migration> {
    let server = Server::connect(uri).await?;
    let mut migration = Migration {
        server: server.clone(),
        steps: Vec::new(),
        problems: Vec::new(),
    };
    let templates = migration
        .add(&server.templates, "templates", legacy::template)
        .await?;
    let volume_paths: BTreeMap<_, _> = templates
        .iter()
        .map(|(_, template)| (template.id.clone(), template))
        .collect();
    let users = migration.add(&server.users, "users", legacy::user).await?;
    let user_ids: BTreeSet<_> = users.iter().map(|(_, user)| user.id.clone()).collect();
    let pods = migration
        .add(&server.pods, "pods", |legacy| {
            legacy::pod(legacy, naming, &volume_paths)
        })
        .await?;

    migration.unique("templates", "name", &templates, |template| folded(&template.name));
    migration.unique("users", "email", &users, |user| folded(&user.email));
    migration.unique("pods", "podId", &pods, |pod| pod.id.to_string());
    migration.unique("pods", "podName", &pods, |pod| {
        format!("{} of user {}", pod.slug, pod.owner)
    });
    for (id, pod) in &pods {
        if !user_ids.contains(&pod.owner) {
            migration.problem("pods", id, "userId", "there is no such user");
        }
    }
    Ok(migration)
}

impl Migration {
    /// The documents that would be changed; none: all are migrated, or there are none.
    pub fn changes(&self) -> impl Iterator<Item = &Change> {
        self.steps.iter().map(|step| &step.change)
    }

    /// Everything that has to be solved first.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Does it.
    ///
    /// # Errors
    /// `InvalidState` where there are problems; then nothing was changed. `Conflict` where the old backend changed a
    /// document after it was planned. After any error but the first, plan it again: what was done stays done.
    pub async fn apply(self) -> Result<()> {
        if let Some(problem) = self.problems.first() {
            let message = format!("{} problems have to be solved first", self.problems.len());
            return Err(
                Error::new(ErrorKind::InvalidState, message).with_context("first", problem.to_string())
            );
        }
        let ledger = Ledger::new(self.server.clone());
        for step in self.steps {
            // The account first: its user counts as migrated only when the money is there.
            if let Some((user, account)) = &step.account {
                Box::pin(open_account(&ledger, user, *account)).await?;
            }
            let collection = match step.change.collection {
                "pods" => &self.server.pods,
                "users" => &self.server.users,
                _ => &self.server.templates,
            };
            let id = step.document.get("_id").cloned();
            if replace(collection, step.filter, step.document).await? {
                continue;
            }
            let done = doc! { "_id": id, "version": { "$exists": true } };
            if find(collection, done, doc! {}, 1).await?.is_empty() {
                let message = "the old backend changed a document after it was planned: plan it again";
                return Err(Error::new(ErrorKind::Conflict, message)
                    .with_retryable(false)
                    .with_context("collection", step.change.collection)
                    .with_context("id", step.change.id));
            }
        }
        Ok(())
    }

    /// Plans a collection. Answers every document of it that can be read, those too that are migrated already, with
    /// its `_id`.
    async fn add<D: Stored + Described>(
        &mut self,
        collection: &Collection<Document>,
        name: &'static str,
        read: impl Fn(&mut Legacy) -> Option<D>,
    ) -> Result<Vec<(String, D)>> {
        let mut all = Vec::new();
        for document in find(collection, doc! {}, doc! { "_id": 1 }, 0).await? {
            let id = id_of(&document);
            if document.contains_key("version") {
                all.push((id, D::read(document)?));
                continue;
            }
            let original = document.clone();
            let mut legacy = Legacy::new(document);
            let read = read(&mut legacy);
            let account = read.as_ref().and_then(|read| read.account(&mut legacy));
            let (document, problems) = legacy.end();
            for (field, what) in problems {
                self.problem(name, &id, field, what);
            }
            if let Some(read) = read {
                self.steps.push(Step {
                    change: Change {
                        collection: name,
                        id: id.clone(),
                        becomes: read.describe(account.as_ref().map(|(_, account)| account)),
                    },
                    filter: as_it_was(&original),
                    document: whole(&read, document)?,
                    account,
                });
                all.push((id, read));
            }
        }
        Ok(all)
    }

    /// Notes every document whose `name` another one before it has.
    fn unique<D>(
        &mut self,
        collection: &'static str,
        field: &'static str,
        documents: &[(String, D)],
        name: impl Fn(&D) -> String,
    ) {
        let mut seen: BTreeMap<String, &str> = BTreeMap::new();
        for (id, document) in documents {
            let name = name(document);
            if let Some(other) = seen.get(&name) {
                let what = format!("{name:?} is that of {other} too");
                self.problem(collection, id, field, what);
            } else {
                seen.insert(name, id);
            }
        }
    }

    fn problem(&mut self, collection: &'static str, id: &str, field: &'static str, what: impl Into<String>) {
        self.problems.push(Problem {
            collection,
            id: id.to_owned(),
            field,
            what: what.into(),
        });
    }
}

impl fmt::Debug for Migration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Migration")
            .field("changes", &self.changes().collect::<Vec<_>>())
            .field("problems", &self.problems)
            .finish_non_exhaustive()
    }
}

/// The document of `read`, with all that `document` has besides.
fn whole<D: Stored>(read: &D, document: Document) -> Result<Document> {
    let mut new = read.write()?;
    let known = new.clone();
    // The same `_id`, whatever its type.
    if let Some(id) = document.get("_id") {
        new.insert("_id", id);
    }
    with_unknown(new, document, known)
}

/// Selects the document as long as nobody has changed it.
fn as_it_was(document: &Document) -> Document {
    let mut filter = document.clone();
    filter.insert("version", doc! { "$exists": false });
    filter
}

fn id_of(document: &Document) -> String {
    match document.get("_id") {
        Some(Bson::ObjectId(id)) => id.to_hex(),
        Some(Bson::String(id)) => id.clone(),
        other => format!("{other:?}"),
    }
}

/// Brings what a user had into an account. What an earlier attempt has brought counts, however often this is repeated
/// and whatever the old backend has changed meanwhile.
async fn open_account(ledger: &Ledger, user: &User, account: Account) -> Result<()> {
    // Only an unlimited account gets into debt. It stays there when it is prepaid again.
    let kind = if account.balance.is_negative() {
        AccountKind::Unlimited
    } else {
        account.kind
    };
    ledger.open(&user.id, kind).await?;
    // What they had comes instead of the opening credit, unless they have that already.
    match ledger.release(&opening_key(&user.id), SystemClock.now()).await {
        Err(error) if *error.kind() == ErrorKind::Conflict && !error.is_retryable() => {}
        closed => closed?,
    }
    let key = format!("migration:{}", user.id);
    let entries = ledger.entries(&user.id, &EntryOptions::default()).await?;
    let brought = entries.iter().filter(|entry| entry.key.starts_with(&key));
    let number = brought.clone().count();
    let missing = account.balance - brought.map(|entry| entry.amount).sum::<Money>();
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
        let mut posting = Posting::new(key, &user.id, posting, missing);
        posting.details.note = Some("balance of the previous platform".into());
        ledger.post(&posting, SystemClock.now()).await?;
    }
    ledger.open(&user.id, account.kind).await
}

/// What a plan says of a document.
trait Described {
    fn describe(&self, account: Option<&Account>) -> String;

    /// The account that comes with it.
    fn account(&self, _: &mut Legacy) -> Option<(User, Account)> {
        None
    }
}

impl Described for Pod {
    fn describe(&self, _: Option<&Account>) -> String {
        format!("the pod {:?} ({}), stopped", self.name, self.id)
    }
}

impl Described for Template {
    fn describe(&self, _: Option<&Account>) -> String {
        format!("the template {:?}", self.name)
    }
}

impl Described for User {
    fn describe(&self, account: Option<&Account>) -> String {
        let account = match account {
            Some(Account {
                kind: AccountKind::Unlimited,
                ..
            }) => "an unlimited account".to_owned(),
            Some(Account { balance, .. }) => format!("{balance} EUR"),
            None => "no account".to_owned(),
        };
        format!("the user {} with {account}", self.email)
    }

    fn account(&self, legacy: &mut Legacy) -> Option<(User, Account)> {
        let account = legacy::account(legacy, self.role)?;
        Some((self.clone(), account))
    }
}
