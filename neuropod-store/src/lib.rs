//! The stores of Neuropod: pods, users, templates, price lists, money and the audit log.
//!
//! | store | keeps it | shared by | an acknowledged write survives |
//! |---|---|---|---|
//! | [`MemoryStore`] | in memory; for tests, demonstrations, a first look | tasks of one process | nothing |
//! | `SqliteStore` (feature `sqlite`) | in a file | processes of one machine | a crash, and a loss of power |
//! | `MongoStore` (feature `mongo`) | on a server that speaks the protocol of MongoDB | processes anywhere | the loss of less than half of the servers |
//!
//! ```
//! use neuropod_core::{Billing, Money, UserId};
//! use neuropod_core::money::{AccountKind, BillingExt};
//! use neuropod_store::MemoryStore;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> neuropod_core::Result<()> {
//! let store = MemoryStore::new();
//! let ana = UserId::new("ana");
//! store.open(&ana, AccountKind::Prepaid).await?;
//! store.deposit("payment-1", &ana, Money::from_cents(1000)).await?;
//! assert_eq!(store.balance(&ana).await?.available, Money::from_cents(1000));
//! # Ok(())
//! # }
//! ```
//!
//! # Traits
//!
//! Every store implements [`Store`](neuropod_core::store::Store), which is pods, users, templates, price lists and past
//! requests, [`Billing`](neuropod_core::Billing) and [`AuditLog`](neuropod_core::store::AuditLog). It passes the suites
//! `store`, `billing` and `audit` of `neuropod_core::conformance`. A platform takes all of a store
//! (`PlatformBuilder::store`) or one trait of it (`pods`, `users`, …).
//!
//! # Invariants
//!
//! - A call that fails has a typed error that says whether it may be repeated.
//! - A change of money may always be repeated with its key, and counts once.
//! - `SqliteStore` and `MongoStore` keep the fields of documents that this version does not know, and read what every
//!   earlier version has stored.
//!
//! # Features
//!
//! | feature | adds |
//! |---|---|
//! | `mongo` | `MongoStore`, and the module `mongo` with the migration of the existing Node backend's database |
//! | `sqlite` | `SqliteStore`; SQLite itself is compiled in, which takes a C compiler |
#![cfg_attr(docsrs, feature(doc_cfg))]

mod account;
mod document;
mod failure;
mod input;
mod memory;
#[cfg(feature = "mongo")]
#[cfg_attr(docsrs, doc(cfg(feature = "mongo")))]
pub mod mongo;
#[cfg(any(feature = "mongo", feature = "sqlite"))]
mod shape;
#[cfg(feature = "sqlite")]
mod sqlite;

pub use self::memory::MemoryStore;
#[cfg(feature = "mongo")]
#[cfg_attr(docsrs, doc(cfg(feature = "mongo")))]
pub use self::mongo::MongoStore;
#[cfg(feature = "sqlite")]
#[cfg_attr(docsrs, doc(cfg(feature = "sqlite")))]
pub use self::sqlite::SqliteStore;

/// Compiles the example of the README.
#[cfg(all(doctest, feature = "sqlite"))]
#[doc = include_str!("../README.md")]
struct Readme;
