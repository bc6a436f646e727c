//! Checks for every [`Billing`](crate::money::billing::Billing).

pub mod accounts;
pub mod changes;
pub mod concurrency;
pub mod draws;
mod fixture;
pub mod holds;
pub mod load;
mod suite;

pub use self::suite::run;
