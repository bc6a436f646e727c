//! The store in memory.

mod audit;
mod collection;
mod ledger;
mod pods;
mod store;
mod traits;

pub use self::store::MemoryStore;
