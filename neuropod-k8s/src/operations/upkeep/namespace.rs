//! Gives a namespace what it has to have.

use std::collections::BTreeSet;

use neuropod_core::Result;

use super::{policy, secrets};
use crate::context::Context;

/// Gives the namespace what it has to have, unless it had it within the last five minutes.
pub(crate) async fn ensure(context: &Context, namespace: &str) -> Result<()> {
    if context.complete_namespaces.has(namespace) {
        return Ok(());
    }
    ensure_now(context, namespace).await
}

/// Gives the namespace what it has to have, now.
///
/// # Errors
/// Those of the API server; `NameTaken` when an object of somebody else has the name of the policy or of a Secret;
/// `NotConfigured` when a Secret that is to be copied does not exist.
pub(crate) async fn ensure_now(context: &Context, namespace: &str) -> Result<()> {
    policy::ensure(context, namespace).await?;
    secrets::ensure(context, namespace).await?;
    context.complete_namespaces.note(namespace.to_owned());
    Ok(())
}

/// Repairs what is missing in these namespaces, all of which have pods, and deletes what no namespace should have any
/// more. Writes to the log what can't be repaired, and the next inventory retries: the pods are reported in any case.
pub(crate) async fn repair(context: &Context, namespaces: BTreeSet<&str>) {
    if !namespaces.is_empty() {
        policy::repair(context, &namespaces).await;
    }
    // After the policies: a namespace that lacks a Secret is not complete, whatever its policy.
    secrets::repair(context, &namespaces).await;
}
