//! What every [`Billing`](crate::money::billing::Billing) must do.

pub mod accounts;
pub mod changes;
pub mod concurrency;
pub mod draws;
mod fixture;
pub mod load;
pub mod reservations;
mod suite;

pub use self::suite::run;
