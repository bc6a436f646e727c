//! What every [`PodStore`](crate::store::traits::PodStore) must do.

pub mod concurrency;
pub mod paging;
pub mod pods;
pub mod prices;
pub mod requests;
pub mod round_trip;
mod sample;
mod suite;
pub mod templates;
pub mod users;

pub use self::suite::run;
