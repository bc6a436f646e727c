//! The store in a SQLite file.

mod audit;
mod collection;
mod copy;
mod database;
mod failure;
mod file;
mod folding;
mod ledger;
mod lock;
mod pods;
mod prices;
mod requests;
mod store;
mod traits;
mod users;
mod writer;

pub(crate) use self::copy::LockedFile;
pub use self::store::SqliteStore;
