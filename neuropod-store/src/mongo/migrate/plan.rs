//! Reads a database and plans its migration. Changes nothing.

use std::sync::Arc;

use futures::TryStreamExt;
use mongodb::Collection;
use mongodb::bson::{Document, doc};
use neuropod_core::clock::{Clock, SystemClock};
use neuropod_core::message::Language;
use neuropod_core::naming::existing_label;
use neuropod_core::store::Store;
use neuropod_core::{Naming, Pod, Result, User};

use super::apply::{Action, Record, Step, Stores, UNMIGRATED, posted_amount};
use super::changes::{Becomes, Change};
use super::destination::Destination;
use super::finding::{Finding, Oddity};
use super::item::{Existing, Item, Read};
use super::migration::Migration;
use super::old::{Old, id_of};
use super::pod::{Context, namespace};
use super::summary::{Cluster, Count, Objects, Summary};
use super::user::Account;
use super::{fit, pod, price, template, user};
use crate::mongo::codec::Encoded;
use crate::mongo::server::{Server, find, within};
use crate::mongo::store::MongoStore;

/// The collections that this library or the old backend uses.
const OURS: [&str; 12] = [
    "users",
    "templates",
    "pods",
    "pricings",
    "prices",
    "accounts",
    "entries",
    "keys",
    "requests",
    "podNames",
    "removedUsers",
    UNMIGRATED,
];

/// Reads the database at `uri` and plans its migration. Changes nothing.
///
/// # Errors
/// The errors of the two stores.
pub async fn plan(uri: &str, destination: &Destination) -> Result<Migration> {
    let server = Server::connect(uri).await?;
    let stores = if let Some((pods, billing)) = &destination.stores {
        Stores {
            pods: Arc::clone(pods),
            billing: Arc::clone(billing),
            in_place: None,
        }
    } else {
        let store = Arc::new(MongoStore::unchecked(server.clone()));
        Stores {
            pods: store.clone(),
            billing: store,
            in_place: Some(server.clone()),
        }
    };
    let now = SystemClock.now();
    let in_place = stores.in_place.is_some();
    let naming = &destination.naming;

    let mut templates = read_all(&server.templates, "templates", in_place, |old| {
        template::read(old, in_place, now)
    })
    .await?;
    let mut users = read_users(&server, in_place, |old| user::read(old, in_place, now)).await?;
    if !in_place {
        leave_removed(&mut users, &*stores.pods).await?;
    }
    let mut pods = {
        let known = templates.iter().filter_map(Item::value);
        let context = Context {
            naming,
            templates: known.map(|template| (template.id.clone(), template)).collect(),
            users: users
                .iter()
                .filter_map(Item::value)
                .map(|(user, _)| user.id.clone())
                .collect(),
            now,
        };
        read_all(&server.pods, "pods", in_place, |old| pod::read(old, &context)).await?
    };
    let existing = Existing::read(&*stores.pods, in_place).await?;
    existing.mark_done(&mut templates, &mut users, &mut pods);
    fit::templates(&mut templates, &existing.templates);
    fit::users(&mut users, &existing.users);
    fit::pods(&mut pods, &existing.pods, naming);

    let mut plan = Plan {
        stores: &stores,
        naming,
        steps: Vec::new(),
        findings: Vec::new(),
    };
    let mut summary = Summary::default();
    plan.prices(&server, destination, &mut summary).await?;
    let cluster = in_cluster(&pods, naming);
    for pod in pods.iter().filter_map(Item::value) {
        if destination.catalogue.get(pod.options.gpu()).is_none() {
            *summary
                .unknown_gpus
                .entry(pod.options.gpu().to_owned())
                .or_default() += 1;
        }
    }
    summary.templates = plan.add(templates, |template| template.name.clone(), Record::Template);
    plan.balances(&users).await?;
    summary.users = plan.add(
        users,
        |(user, _)| user.email.clone(),
        |(user, account)| Record::User(user, account),
    );
    summary.pods = plan.add(pods, |pod| pod.name.clone(), |pod| Record::Pod(Box::new(pod)));
    count_others(&server, &mut summary).await?;
    let Plan { steps, findings, .. } = plan;
    Ok(Migration {
        stores,
        steps,
        findings,
        summary,
        cluster,
    })
}

async fn read_all<D: Encoded>(
    collection: &Collection<Document>,
    name: &'static str,
    in_place: bool,
    read: impl Fn(&mut Old<'_>) -> Option<D>,
) -> Result<Vec<Item<D>>> {
    items(collection, name, in_place, D::read, read).await
}

async fn read_users(
    server: &Server,
    in_place: bool,
    read: impl Fn(&mut Old<'_>) -> Option<(User, Account)>,
) -> Result<Vec<Item<(User, Account)>>> {
    // The account of a migrated user is never read.
    let account = Account {
        kind: neuropod_core::money::AccountKind::Prepaid,
        balance: neuropod_core::Money::ZERO,
    };
    let done = |document| User::read(document).map(|user| (user, account));
    items(&server.users, "users", in_place, done, read).await
}

async fn items<D>(
    collection: &Collection<Document>,
    name: &'static str,
    in_place: bool,
    done: impl Fn(Document) -> Result<D>,
    read: impl Fn(&mut Old<'_>) -> Option<D>,
) -> Result<Vec<Item<D>>> {
    let mut all = Vec::new();
    for document in find(collection, doc! {}, doc! { "_id": 1 }, 0).await? {
        let mut item = Item {
            id: id_of(&document),
            collection: name,
            read: Read::LeftAlone,
            findings: Vec::new(),
            document,
        };
        if !is_ours(&item.document) {
            let mut old = Old::new(&item.document, name);
            let read = read(&mut old);
            item.findings = old.findings();
            item.read = read.map_or(Read::SetAside, Read::ToMigrate);
        } else if in_place {
            item.read = Read::Done(done(item.document.clone())?);
        } else {
            item.report(Oddity::TakenOverInPlace);
        }
        all.push(item);
    }
    Ok(all)
}

/// Ignores users who were migrated before and have since been deleted.
async fn leave_removed(users: &mut [Item<(User, Account)>], store: &dyn Store) -> Result<()> {
    for item in users {
        let Some((user, _)) = item.value() else { continue };
        if store.was_removed(&user.id).await? {
            item.read = Read::LeftAlone;
            item.findings.clear();
            item.report(Oddity::RemovedSince);
        }
    }
    Ok(())
}

/// Whether this library wrote the document: it has a version, and a field that only this library writes.
fn is_ours(document: &Document) -> bool {
    let ours = ["emailLowerCase", "nameLowerCase", "slug"];
    document.contains_key("version") && ours.iter().any(|field| document.contains_key(field))
}

/// A plan under construction.
struct Plan<'a> {
    stores: &'a Stores,
    naming: &'a Naming,
    steps: Vec<Step>,
    findings: Vec<Finding>,
}

impl Plan<'_> {
    fn add<D>(
        &mut self,
        items: Vec<Item<D>>,
        name: impl Fn(&D) -> String,
        record: impl Fn(D) -> Record,
    ) -> Count {
        let mut count = Count::default();
        for mut item in items {
            count.found += 1;
            let called = item.value().map(&name);
            for finding in &mut item.findings {
                finding.name.clone_from(&called);
            }
            let reasons = item.findings.iter().filter(|finding| finding.sets_aside());
            let reasons = reasons.map(|finding| finding.oddity.text(Language::En)).collect();
            let (becomes, action) = match item.read {
                Read::ToMigrate(read) => {
                    count.to_take += 1;
                    let record = record(read);
                    let becomes = record.becomes(self.naming);
                    let action = Action::Migrate {
                        record: Box::new(record),
                        original: item.document,
                        odd: !item.findings.is_empty(),
                    };
                    (becomes, Some(action))
                }
                Read::SetAside => {
                    count.to_set_aside += 1;
                    let action = Action::SetAside {
                        original: item.document,
                        reasons,
                    };
                    // Into another store, the document stays where it is.
                    (
                        Becomes::SetAside,
                        self.stores.in_place.is_some().then_some(action),
                    )
                }
                Read::Done(_) => {
                    count.done += 1;
                    (Becomes::SetAside, None)
                }
                Read::LeftAlone => (Becomes::SetAside, None),
            };
            self.findings.extend(item.findings);
            self.steps.extend(action.map(|action| Step {
                change: Change {
                    collection: item.collection,
                    id: item.id,
                    becomes,
                },
                action,
            }));
        }
        count
    }

    /// Plans balances of users who are already in another store, if the old balance has changed since.
    async fn balances(&mut self, users: &[Item<(User, Account)>]) -> Result<()> {
        if self.stores.in_place.is_some() {
            return Ok(());
        }
        for item in users {
            let Some((user, account)) = item.done() else {
                continue;
            };
            let has = posted_amount(&*self.stores.billing, &user.id).await?;
            if has != Some(account.balance) {
                let record = Record::User(user.clone(), *account);
                self.steps.push(Step {
                    change: Change {
                        collection: "users",
                        id: item.id.clone(),
                        becomes: record.becomes(self.naming),
                    },
                    action: Action::Balance {
                        user: user.id.clone(),
                        account: *account,
                    },
                });
            }
        }
        Ok(())
    }

    /// Plans the price list.
    async fn prices(
        &mut self,
        server: &Server,
        destination: &Destination,
        summary: &mut Summary,
    ) -> Result<()> {
        let pricings = server.database.collection("pricings");
        let documents = find(&pricings, doc! {}, doc! { "_id": 1 }, 0).await?;
        summary.prices.found = documents.len();
        let Some((document, others)) = price::choose(&documents) else {
            return Ok(());
        };
        let others = others
            .iter()
            .map(|id| Finding::new("pricings", id, Oddity::PriceListLeft));
        self.findings.extend(others);
        let mut old = Old::new(document, "pricings");
        let read = price::read(&mut old, &destination.prices, &destination.catalogue);
        if let Some(stored) = self.stores.pods.prices(None).await? {
            let version = stored.version;
            let same = neuropod_core::PriceList { version: 0, ..stored } == read;
            if same {
                summary.prices.done += 1;
            } else if version > 1 {
                // An administrator has changed the prices since.
                summary.prices.done += 1;
            } else {
                let id = id_of(document);
                self.findings
                    .push(Finding::new("pricings", &id, Oddity::PricesThere { version }));
            }
            return Ok(());
        }
        summary.prices.to_take += 1;
        summary.price_list = Some(read.clone());
        self.findings.extend(old.findings());
        self.steps.push(Step {
            change: Change {
                collection: "pricings",
                id: id_of(document),
                becomes: Becomes::PriceList,
            },
            action: Action::Prices(read),
        });
        Ok(())
    }
}

/// The objects that the old backend left in the cluster.
fn in_cluster(pods: &[Item<Pod>], naming: &Naming) -> Cluster {
    let mut cluster = Cluster::default();
    for item in pods {
        let Read::ToMigrate(pod) = &item.read else {
            continue;
        };
        *cluster.namespaces.entry(namespace(&item.document)).or_default() += 1;
        cluster
            .volumes
            .insert((pod.volume.clone(), pod.owner_hash.to_string()));
        // The name that the old backend derived. Kubernetes refused it if it begins with a hyphen, so there are
        // no objects.
        let recorded = item.document.get_document("kubernetesResources").ok();
        let recorded = recorded.and_then(|resources| resources.get_str("podName").ok());
        let recorded = recorded.map(existing_label).filter(|name| !name.is_empty());
        let name = recorded.unwrap_or_else(|| naming.pod(&pod.slug, &pod.owner_hash));
        if name.starts_with('-') {
            continue;
        }
        let ports = || pod.options.ports().iter().map(|port| port.number);
        let services = ports().map(|port| format!("{name}-{port}-service")).collect();
        let ingresses = ports().map(|port| format!("{name}-{port}-ingress")).collect();
        let objects = Objects::new(name)
            .with_services(services)
            .with_ingresses(ingresses);
        cluster.objects.push(objects);
    }
    cluster
}

/// Counts the documents of all other collections.
async fn count_others(server: &Server, summary: &mut Summary) -> Result<()> {
    let names = within(server.database.list_collection_names()).await?;
    let count = async |name: &str| {
        let collection = server.database.collection::<Document>(name);
        within(async {
            let cursor = collection.find(doc! {}).projection(doc! { "_id": 1 }).await?;
            cursor
                .try_fold(0_u64, |count, _| async move { Ok(count + 1) })
                .await
        })
        .await
    };
    let mut names: Vec<_> = names
        .into_iter()
        .filter(|name| !name.starts_with("system."))
        .collect();
    names.sort_unstable();
    for name in names {
        if name == UNMIGRATED {
            summary.set_aside_before = count(&name).await?;
        } else if !OURS.contains(&name.as_str()) {
            let documents = count(&name).await?;
            summary.left.push((name, documents));
        }
    }
    Ok(())
}
