//! Migrates a database of the existing Node backend, with its Mongoose collections `pods`, `users`, `templates`
//! and `pricings`, in place or into another store.
//!
//! Stop the old backend first, and keep a backup. Then plan, review the plan, and apply it:
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
//! How documents change:
//!
//! | before | after |
//! |---|---|
//! | a user | the same user, with the same id. Their `balance` (euros, as a double) is posted to an account, rounded to the micro-euro; administrators get an unlimited account, whatever their balance. The field itself is no longer used |
//! | a template | the same template. The platform sets the token (`injectToken`) until an administrator changes that |
//! | a pod | the same pod with the same names, **stopped**: containers of the old backend are not metered, so nothing is charged for them. [`Migration::cluster`] lists the objects that they left in the cluster. The volume costs nothing until the pod is first started |
//! | the price list, with the credit of new users | the first price list of the new platform, unless that has one |
//! | `sessions`, `logs` and other collections | ignored, and reported |
//!
//! Invalid values do not stop the migration: each is replaced by a sensible default and reported as a
//! [`Finding`]. A document that can't be migrated at all (a pod without an owner, or with an invalid image) is
//! set aside. In place it moves to the collection `unmigrated`, complete and with the reasons; when migrating
//! into another store it stays where it is. In place, a document keeps replaced values in its field
//! `beforeMigration`, and keeps fields that this library does not know.
//!
//! Each document is changed in one step and never again. After an interruption, or if the old backend was still
//! running, plan and apply again.

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
