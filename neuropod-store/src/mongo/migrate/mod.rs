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

mod apply;
mod changes;
mod destination;
mod finding;
mod fit;
mod item;
mod migration;
mod old;
mod plan;
mod pod;
mod price;
mod summary;
mod template;
mod user;

pub use self::changes::{Becomes, Change};
pub use self::destination::Destination;
pub use self::finding::{Finding, Oddity};
pub use self::migration::Migration;
pub use self::plan::plan;
pub use self::summary::{Applied, Cluster, Count, Objects, Summary};
