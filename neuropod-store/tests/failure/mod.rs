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
