//! The stores of Neuropod: pods, users, templates and money.
//!
//! | store | keeps it | for |
//! |---|---|---|
//! | [`MemoryStore`] | until the process ends | tests, demonstrations, a first look |
//!
//! Every store implements [`PodStore`](neuropod_core::PodStore) and [`Billing`](neuropod_core::Billing), and passes the
//! suites `neuropod_core::conformance::store` and `neuropod_core::conformance::billing`.

mod account;
mod failure;
mod input;
mod memory;

pub use self::memory::MemoryStore;
