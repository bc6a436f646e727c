//! The stores of Neuropod: pods, users, templates, price lists, money and the audit log.
//!
//! | store | keeps it | shared by | an acknowledged write survives |
//! |---|---|---|---|
//! | [`MemoryStore`] | in memory; for tests, demonstrations, a first look | tasks of one process | nothing |
//! | `SqliteStore` (feature `sqlite`) | in a file | processes of one machine | a crash, and a loss of power |
//! | `PostgresStore` (feature `postgres`) | on a PostgreSQL server | processes anywhere | a crash, and a loss of power; with a synchronous standby, the loss of the server |
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
//! requests, [`Billing`](neuropod_core::Billing), [`LedgerFolding`](neuropod_core::money::LedgerFolding) and
//! [`AuditLog`](neuropod_core::store::AuditLog). It passes the suites `store`, `billing`, `folding` and `audit` of
//! `neuropod_core::conformance`. A platform takes all of a store (`PlatformBuilder::store`) or one trait of it (`pods`,
//! `users`, …).
//!
//! # Invariants
//!
//! - A call that fails has a typed error that says whether it may be repeated.
//! - A change of money may always be repeated with its key, and counts once.
//! - All stores but `MemoryStore` keep the fields of documents that this version does not know, and read what every
//!   earlier version has stored.
//!
//! # Features
//!
//! | feature | adds |
//! |---|---|
//! | `mongo` | `MongoStore`, and the module `mongo` with the migration of the existing Node backend's database |
//! | `postgres` | `PostgresStore`; TLS is rustls |
//! | `sqlite` | `SqliteStore`; SQLite itself is compiled in, which takes a C compiler |
#![cfg_attr(docsrs, feature(doc_cfg))]

mod account;
#[cfg(any(feature = "mongo", feature = "postgres", feature = "sqlite"))]
#[cfg_attr(
    docsrs,
    doc(cfg(any(feature = "mongo", feature = "postgres", feature = "sqlite")))
)]
pub mod copy;
mod document;
mod failure;
#[cfg(any(feature = "mongo", feature = "postgres", feature = "sqlite"))]
mod folding;
mod input;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod json;
#[cfg(any(feature = "mongo", feature = "postgres"))]
mod locks;
mod memory;
#[cfg(feature = "mongo")]
#[cfg_attr(docsrs, doc(cfg(feature = "mongo")))]
pub mod mongo;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(any(feature = "mongo", feature = "postgres", feature = "sqlite"))]
mod shape;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod sql;
#[cfg(feature = "sqlite")]
mod sqlite;

pub use self::memory::MemoryStore;
#[cfg(feature = "mongo")]
#[cfg_attr(docsrs, doc(cfg(feature = "mongo")))]
pub use self::mongo::MongoStore;
#[cfg(feature = "postgres")]
#[cfg_attr(docsrs, doc(cfg(feature = "postgres")))]
pub use self::postgres::{PostgresOptions, PostgresStore};
#[cfg(feature = "sqlite")]
#[cfg_attr(docsrs, doc(cfg(feature = "sqlite")))]
pub use self::sqlite::SqliteStore;

/// Compiles the example of the README.
#[cfg(all(doctest, feature = "sqlite"))]
#[doc = include_str!("../README.md")]
struct Readme;
