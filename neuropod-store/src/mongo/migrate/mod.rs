//! Takes over a database of the existing Node backend, with its Mongoose collections `pods`, `users`, `templates` and
//! `pricings`: in the same database, or into another store.
//!
//! Stop the old backend first, and keep a backup. Then look at what would be done, and do it:
//!
//! ```no_run
//! use neuropod_core::Naming;
//! use neuropod_core::message::Language;
//! use neuropod_store::{MongoStore, mongo::migrate};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let uri = "mongodb://localhost/plataforma";
//! let destination = migrate::Destination::in_place(Naming::legacy_md5("neuropod.online")?);
//! let migration = migrate::plan(uri, &destination).await?;
//! for change in migration.changes() {
//!     println!("{}", change.text(Language::En));
//! }
//! for finding in migration.findings() {
//!     println!("odd: {}", finding.text(Language::En));
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
//! | a user | the same user, with the same id. Their `balance` (euros, as a double) is paid into an account, to the micro-euro; administrators get an unlimited one, whatever they had. The field itself means nothing any more |
//! | a template | the same template. The token is set by the platform (`injectToken`) until an administrator says otherwise |
//! | a pod | the same pod with the same names, **stopped**: what the old backend has running is not metered, so nothing is charged for it. What it left in the cluster is in [`Migration::cluster`]. Its volume costs nothing until the pod was started once |
//! | the price list, with what new users get | the first price list of the new platform, unless that has one |
//! | `sessions`, `logs` and what else there is | left alone, and told |
//!
//! Nothing stops it: what is odd about a document ([`Finding`]) is replaced by something sensible and told. A document
//! that can't be carried over at all (a pod without an owner, an image that is none) is set aside: in place it moves to
//! the collection `unmigrated`, whole and with the reasons; into another store it stays where it is. In place, what was
//! replaced in a document is kept in its field `beforeMigration`, and fields that this library does not know stay.
//!
//! Each document is changed in one step, and one that is done is not changed again: a migration that was interrupted is
//! planned and applied once more, and so is one whose old backend was still running.

mod changes;
mod finding;
mod fit;
mod item;
mod old;
mod plan;
mod pod;
mod price;
mod take;
mod template;
mod user;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use neuropod_core::cluster::Catalogue;
use neuropod_core::store::Store;
use neuropod_core::{Billing, Naming, PriceList, Result};

pub use self::changes::{Becomes, Change};
pub use self::finding::{Finding, Oddity};
pub use self::plan::plan;
use self::take::{Step, Stores};

/// Where a database goes, and what the platform there will be.
#[derive(Clone)]
pub struct Destination {
    naming: Naming,
    catalogue: Catalogue,
    prices: PriceList,
    stores: Option<(Arc<dyn Store>, Arc<dyn Billing>)>,
}

impl Destination {
    /// The same database. `naming` is that of the platform to come: with [`Naming::legacy_md5`] pods keep their names.
    pub fn in_place(naming: Naming) -> Self {
        Self {
            naming,
            catalogue: Catalogue::default(),
            prices: PriceList::default(),
            stores: None,
        }
    }

    /// Another store: a SQLite file, another database. What is read stays as it is.
    #[must_use]
    pub fn into_store(mut self, pods: Arc<dyn Store>, billing: Arc<dyn Billing>) -> Self {
        self.stores = Some((pods, billing));
        self
    }

    /// The GPU types of the platform; those of the library unless given. It says which are unknown.
    #[must_use]
    pub fn with_catalogue(mut self, catalogue: Catalogue) -> Self {
        self.catalogue = catalogue;
        self
    }

    /// The prices of its configuration, for what the old list does not say; those of the library unless given.
    #[must_use]
    pub fn with_prices(mut self, prices: PriceList) -> Self {
        self.prices = prices;
        self
    }
}

/// Does not show the stores.
impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Destination")
            .field("naming", &self.naming)
            .field("in_place", &self.stores.is_none())
            .finish_non_exhaustive()
    }
}

/// What a migration would do.
pub struct Migration {
    stores: Stores,
    steps: Vec<Step>,
    findings: Vec<Finding>,
    summary: Summary,
    cluster: Cluster,
}

/// How much there is, and what becomes of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Users.
    pub users: Count,
    /// Templates.
    pub templates: Count,
    /// Pods.
    pub pods: Count,
    /// The price list, where the old backend has one.
    pub prices: Count,
    /// The price list that will be stored, with what new clients get where the old one says so.
    pub price_list: Option<PriceList>,
    /// GPU types of pods that the catalogue lacks, and how many pods have each.
    pub unknown_gpus: BTreeMap<String, usize>,
    /// What is left alone: collections and how many documents each has.
    pub left: Vec<(String, u64)>,
    /// How many documents earlier runs have set aside.
    pub set_aside_before: u64,
}

impl Summary {
    /// How many documents can't be carried over.
    pub fn to_set_aside(&self) -> usize {
        self.users.to_set_aside + self.templates.to_set_aside + self.pods.to_set_aside
    }
}

/// How many documents of a kind there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// All of them.
    pub found: usize,
    /// Those that will be carried over.
    pub to_take: usize,
    /// Those that were carried over before.
    pub done: usize,
    /// Those that can't be, and will be set aside.
    pub to_set_aside: usize,
}

/// What the old backend left in the cluster, of the pods that will be carried over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cluster {
    /// Namespaces of the pods, and how many pods are in each.
    pub namespaces: BTreeMap<String, usize>,
    /// Pods, Services and Ingresses to be deleted: their names are needed.
    pub objects: Vec<Objects>,
    /// Volume claims to be labelled as those of the platform, with the user hash of their owner.
    pub volumes: BTreeSet<(String, String)>,
}

/// The names of what one pod has in the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Objects {
    /// Its Pod.
    pub pod: String,
    /// Its Services.
    pub services: Vec<String>,
    /// Its Ingresses.
    pub ingresses: Vec<String>,
}

/// What a migration has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Applied {
    /// Documents carried over.
    pub taken: usize,
    /// Documents set aside.
    pub set_aside: usize,
    /// Whether the price list was stored.
    pub prices: bool,
}

impl Migration {
    /// What would be changed; nothing: all is carried over, or there is nothing.
    pub fn changes(&self) -> impl Iterator<Item = &Change> {
        self.steps.iter().map(Step::change)
    }

    /// What is odd, and what becomes of it.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// How much there is.
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    /// What has to be done in the cluster before pods are started again.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// Does it.
    ///
    /// # Errors
    /// `Conflict` that is not retryable where the old backend changed a document after it was planned. After any error,
    /// plan it again: what was done stays done.
    pub async fn apply(self) -> Result<Applied> {
        let mut applied = Applied::default();
        for step in &self.steps {
            Box::pin(self.stores.take(step, &mut applied)).await?;
        }
        Ok(applied)
    }
}

impl fmt::Debug for Migration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Migration")
            .field("changes", &self.changes().collect::<Vec<_>>())
            .field("findings", &self.findings)
            .field("summary", &self.summary)
            .field("cluster", &self.cluster)
            .finish_non_exhaustive()
    }
}
