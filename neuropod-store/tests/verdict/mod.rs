//! What a suite says of an implementation.

/// The result of a suite: the text with which it panics, if it does.
pub(crate) async fn of(suite: impl Future<Output = ()> + Send + 'static) -> Result<(), String> {
    tokio::spawn(suite).await.map_err(|error| {
        let panic = error.into_panic();
        match panic.downcast::<String>() {
            Ok(text) => *text,
            Err(other) => (*other.downcast::<&str>().unwrap()).to_owned(),
        }
    })
}

/// Checks that a suite has failed, with this among its words.
#[track_caller]
pub(crate) fn finds(verdict: &Result<(), String>, fault: impl std::fmt::Debug, expected: &str) {
    assert!(
        verdict.as_ref().is_err_and(|text| text.contains(expected)),
        "{fault:?}, {expected}: {verdict:?}"
    );
}
