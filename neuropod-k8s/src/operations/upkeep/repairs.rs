//! Repairs of many namespaces, a few at a time.

use std::future::Future;

use futures::{StreamExt, stream};

/// Namespaces that are repaired at the same time.
const MAX_REPAIRS: usize = 8;

/// Runs all repairs to their end.
pub(super) async fn run(repairs: impl IntoIterator<Item = impl Future<Output = ()>>) {
    // Collected first, because the compiler can't prove that the futures of a lazy iterator are `Send`.
    let repairs: Vec<_> = repairs.into_iter().collect();
    stream::iter(repairs)
        .buffer_unordered(MAX_REPAIRS)
        .collect::<()>()
        .await;
}
