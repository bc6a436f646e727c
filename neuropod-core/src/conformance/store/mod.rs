//! Checks for every [`Store`](crate::store::traits::Store), and for the store of each part alone.

pub mod concurrency;
pub mod paging;
pub mod pods;
pub mod prices;
pub mod requests;
pub mod round_trip;
pub(super) mod sample;
mod suite;
pub mod templates;
pub mod users;

pub use self::suite::{run, run_pods, run_prices, run_requests, run_templates, run_users};
