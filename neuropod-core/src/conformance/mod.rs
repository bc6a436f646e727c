//! Behaviour suites: checks for every implementation of a trait, ours or yours.
//!
//! A suite is a module with one function for each check and a function `run` for all of them. A failed check
//! panics with what it expected. Checks use unique ids, so they can run side by side and on a server with other
//! data. Implementations must support concurrent calls: no call may fail because of another one, except for a
//! conflict of versions.
//!
//! To run a suite, enable the feature `conformance` of this crate in your `dev-dependencies` and call it in a
//! test on the multi-threaded runtime (`#[tokio::test(flavor = "multi_thread")]`), because on a single thread
//! the checks of concurrent use find nothing:
//!
//! ```
//! use std::sync::Arc;
//!
//! use neuropod_core::store::Store;
//! use neuropod_core::{PodStore, conformance};
//!
//! async fn behaves_like_every_store(mine: impl Store) {
//!     conformance::store::run(Arc::new(mine)).await;
//! }
//!
//! async fn behaves_like_every_store_of_pods(mine: impl PodStore) {
//!     conformance::store::run_pods(Arc::new(mine)).await;
//! }
//! ```
#![allow(
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a check panics: that is how it fails"
)]

pub mod audit;
pub mod billing;
pub mod cluster;
mod expect;
pub mod folding;
pub mod hints;
pub mod replicas;
pub mod store;
pub mod token;

pub use self::expect::without_nul;
