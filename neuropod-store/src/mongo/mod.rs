//! The store on a server that speaks the protocol of MongoDB.

mod accounts;
mod audit;
mod codec;
mod collection;
mod copy;
mod failure;
mod folding;
mod keys;
mod ledger;
pub mod migrate;
mod names;
mod pods;
mod prices;
mod requests;
mod server;
mod store;
#[cfg(test)]
mod tests;
mod traits;
mod users;

pub(crate) use self::copy::ReadDatabase;
pub use self::store::MongoStore;
