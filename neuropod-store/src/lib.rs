//! The stores of Neuropod: pods, users, templates, price lists, money and the audit log.
//!
//! | store | keeps it | shared by | an acknowledged write survives |
//! |---|---|---|---|
//! | [`MemoryStore`] | in memory; for tests, demonstrations, a first look | tasks of one process | nothing |
//! | `SqliteStore` (feature `sqlite`) | in a file | processes of one machine | a crash, and a loss of power |
//! | `MongoStore` (feature `mongo`) | on a server that speaks the protocol of MongoDB | processes anywhere | the loss of less than half of the servers |
//!
//! `SqliteStore` and `MongoStore` keep what a later version has written into a document and this one does not know.
//! A call that fails has a typed error that says whether it may be repeated; a change of money may always be repeated
//! with its key, and counts once.
//!
//! Every store implements [`PodStore`](neuropod_core::PodStore), [`Billing`](neuropod_core::Billing) and
//! [`AuditLog`](neuropod_core::store::AuditLog), and passes the suites `store`, `billing` and `audit` of
//! `neuropod_core::conformance`.

mod account;
mod document;
mod failure;
mod input;
mod memory;
#[cfg(feature = "mongo")]
pub mod mongo;
#[cfg(any(feature = "mongo", feature = "sqlite"))]
mod shape;
#[cfg(feature = "sqlite")]
mod sqlite;

pub use self::memory::MemoryStore;
#[cfg(feature = "mongo")]
pub use self::mongo::MongoStore;
#[cfg(feature = "sqlite")]
pub use self::sqlite::SqliteStore;
