//! Creates the prerequisites of a namespace.

use std::collections::BTreeSet;

use neuropod_core::Result;

use super::{policy, secrets};
use crate::context::Context;

/// Creates the prerequisites of the namespace, unless they existed within the last five minutes.
pub(crate) async fn ensure(context: &Context, namespace: &str) -> Result<()> {
    let check = ensure_now(context, namespace);
    context
        .complete_namespaces
        .ensure(&namespace.to_owned(), check)
        .await
}

/// Creates the prerequisites of the namespace now.
///
/// # Errors
/// Those of the API server; `NameTaken` if a foreign object has the name of the policy or of a Secret;
/// `NotConfigured` if a Secret to be copied does not exist.
pub(crate) async fn ensure_now(context: &Context, namespace: &str) -> Result<()> {
    policy::ensure(context, namespace).await?;
    secrets::ensure(context, namespace).await?;
    context.complete_namespaces.note(namespace.to_owned());
    Ok(())
}

/// Repairs these namespaces, all of which have pods, and deletes obsolete objects in any namespace. Failures go
/// to the log, and the next inventory retries: the pods are reported in any case.
pub(crate) async fn repair(context: &Context, namespaces: BTreeSet<&str>) {
    if !namespaces.is_empty() {
        policy::repair(context, &namespaces).await;
    }
    // After the policies: a namespace that lacks a Secret is not complete, whatever its policy.
    secrets::repair(context, &namespaces).await;
}
