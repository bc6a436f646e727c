//! The store on a PostgreSQL server.

mod address;
mod audit;
mod collection;
mod copy;
mod database;
mod failure;
mod folding;
mod hints;
mod ledger;
mod names;
mod options;
mod pods;
mod prices;
mod requests;
mod store;
mod text;
mod traits;
mod users;

pub(crate) use self::copy::LockedDatabase;
pub use self::options::PostgresOptions;
pub use self::store::PostgresStore;
