//! The required contents of an error.

use std::fmt::Debug;

use neuropod_core::{Error, Result};

/// The error of a failed call.
#[track_caller]
pub(crate) fn failed<T: Debug>(result: Result<T>, code: &str, retryable: bool) -> Error {
    let error = result.unwrap_err();
    assert_eq!(
        (error.kind().code(), error.is_retryable()),
        (code, retryable),
        "{error:?}"
    );
    error
}

/// Checks that a call to a server that is away or silent has failed, and that it may be repeated.
#[track_caller]
#[allow(dead_code, reason = "not every test has such a server")]
pub(crate) fn unanswered<T: Debug>(result: Result<T>) {
    let error = result.unwrap_err();
    assert!(
        ["timeout", "unavailable"].contains(&error.kind().code()),
        "{error:?}"
    );
    assert!(error.is_retryable(), "{error:?}");
}
