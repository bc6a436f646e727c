//! Behaviour suites: what every implementation of a trait has to do, ours or yours.
//!
//! A suite is a module with one function for each check and a function `run` for all of them. A check panics, and
//! says what it expected, where an implementation does something else. Checks use ids of their own, so they can run
//! side by side and on a server that has other data. That many call at once is for the implementation to handle: no call
//! fails because another one is under way, but for a conflict of versions.
//!
//! To run a suite, enable the feature `conformance` of this crate in your `dev-dependencies` and call it in a test, on
//! the multi-threaded runtime (`#[tokio::test(flavor = "multi_thread")]`) so that the checks of concurrent use find
//! something:
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
pub mod store;
pub mod token;

use std::fmt::Debug;

use crate::error::kind::{Error, Result};
use crate::id::PodId;

/// A text nobody has used: suites share servers.
fn unique(prefix: &str) -> String {
    format!("{prefix}-{}", PodId::random())
}

/// The error of `result`, which has to be of the kind with this [`code`](crate::ErrorKind::code).
#[track_caller]
fn failure<T: Debug>(result: Result<T>, code: &str, what: &str) -> Error {
    match result {
        Ok(answer) => panic!("{what} must fail with `{code}`, and answered {answer:?}"),
        Err(error) => {
            assert_eq!(error.kind().code(), code, "{what} failed otherwise: {error}");
            error
        }
    }
}

/// Checks that `result` failed with `already_exists` because of `field`.
#[track_caller]
fn taken<T: Debug>(result: Result<T>, field: &str, what: &str) {
    let error = failure(result, "already_exists", what);
    assert_eq!(
        error.context("field"),
        Some(field),
        "{what} must say in its context which `field` is taken: {error}"
    );
}
