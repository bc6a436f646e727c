//! Unique texts, and checks of errors.

use std::fmt::Debug;

use crate::error::kind::{Error, Result};
use crate::id::PodId;

tokio::task_local! {
    static WITHOUT_NUL: ();
}

/// Runs a suite without texts that contain the character NUL: for a store below which something refuses them, and that says so
/// in its documentation.
pub async fn without_nul(suite: impl Future<Output = ()>) {
    WITHOUT_NUL.scope((), suite).await;
}

/// `text`, without NUL in [`without_nul`].
pub(super) fn possible(text: &str) -> String {
    match WITHOUT_NUL.try_with(|()| ()) {
        Ok(()) => text.replace('\0', ""),
        Err(_) => text.to_owned(),
    }
}

/// A text that nothing else uses, because suites share servers.
pub(super) fn unique(prefix: &str) -> String {
    format!("{prefix}-{}", PodId::random())
}

/// Returns the error of `result`, which must be of the kind with this [`code`](crate::ErrorKind::code).
#[track_caller]
pub(super) fn failure<T: Debug>(result: Result<T>, code: &str, what: &str) -> Error {
    match result {
        Ok(value) => panic!("{what} must fail with `{code}`, and returned {value:?}"),
        Err(error) => {
            assert_eq!(error.kind().code(), code, "{what} failed otherwise: {error}");
            error
        }
    }
}

/// Checks that `result` failed with `already_exists` because of `field`.
#[track_caller]
pub(super) fn taken<T: Debug>(result: Result<T>, field: &str, what: &str) {
    let error = failure(result, "already_exists", what);
    assert_eq!(
        error.context("field"),
        Some(field),
        "{what} must say in its context which `field` is taken: {error}"
    );
}
