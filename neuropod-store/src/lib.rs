//! The stores of Neuropod: pods, users, templates and money.
//!
//! | store | keeps it | for |
//! |---|---|---|
//! | [`MemoryStore`] | until the process ends | tests, demonstrations, a first look |
//! | `SqliteStore` (feature `sqlite`) | in a file | one server |
//! | `MongoStore` (feature `mongo`) | on a server that speaks the protocol of MongoDB | several servers; data of the existing backend |
//!
//! Every store implements [`PodStore`](neuropod_core::PodStore) and [`Billing`](neuropod_core::Billing), and passes the
//! suites `neuropod_core::conformance::store` and `neuropod_core::conformance::billing`.

mod account;
mod document;
mod failure;
mod input;
mod memory;
#[cfg(feature = "mongo")]
pub mod mongo;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(any(feature = "mongo", feature = "sqlite"))]
mod unknown;

pub use self::memory::MemoryStore;
#[cfg(feature = "mongo")]
pub use self::mongo::MongoStore;
#[cfg(feature = "sqlite")]
pub use self::sqlite::SqliteStore;
