//! The network policy of all pods of a namespace: created if it is missing, repaired if somebody changed it.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use kube::api::ListParams;
use neuropod_core::{Error, ErrorKind, Result};
use serde_json::Value;

use super::repairs::run;
use crate::api::error::Call;
use crate::api::kinds::Kind;
use crate::api::manifest::Manifest;
use crate::api::partial::{PartialObject, PartialPolicy};
use crate::context::Context;
use crate::labels;
use crate::manifests::network_policy;

/// Creates or repairs the policy of the namespace.
///
/// # Errors
/// Those of the API server; `NameTaken` if a foreign object has its name; `Conflict` while it is being deleted.
pub(super) async fn ensure(context: &Context, namespace: &str) -> Result<()> {
    let policy = network_policy::of_namespace(&context.config, namespace);
    let found = find(context, namespace, &policy).await?;
    agree(context, namespace, &policy, found).await
}

/// Repairs the policies of these namespaces. Failures go to the log.
pub(super) async fn repair(context: &Context, namespaces: &BTreeSet<&str>) {
    let selector = labels::of_no_pod(&context.config.instance);
    let selector = ListParams::default().labels(&selector);
    let found = context
        .requests
        .list::<PartialPolicy>(Kind::NetworkPolicy, context.scope(), &selector);
    let found = match found.await {
        Ok(found) => found,
        Err(error) => {
            tracing::warn!(%error, "the network policies of the namespaces can't be listed");
            return;
        }
    };
    let by_place = |policy: PartialPolicy| {
        let meta = &policy.metadata;
        ((meta.namespace.clone(), meta.name.clone()), policy)
    };
    let mut found: BTreeMap<_, _> = found.into_iter().map(by_place).collect();
    let repairs = namespaces.iter().map(|&namespace| {
        let policy = network_policy::of_namespace(&context.config, namespace);
        let there = found.remove(&(namespace.to_owned(), policy.name.clone()));
        async move {
            match agree(context, namespace, &policy, there).await {
                Ok(()) => context.complete_namespaces.note(namespace.to_owned()),
                Err(error) => {
                    // No new pod is created there until the policy is repaired.
                    context.complete_namespaces.forget(namespace);
                    tracing::error!(%error, namespace, "the network policy of the pods can't be repaired: they may be open");
                }
            }
        }
    });
    run(repairs).await;
}

/// Creates or repairs the policy, given the existing one.
async fn agree(
    context: &Context,
    namespace: &str,
    policy: &Manifest,
    found: Option<PartialPolicy>,
) -> Result<()> {
    let requests = &context.requests;
    let found = match found {
        Some(found) => found,
        None => match requests.create::<PartialObject>(policy, Some(namespace)).await {
            Ok(_) => {
                tracing::info!(
                    namespace,
                    policy = policy.name,
                    "created the network policy of the pods"
                );
                return Ok(());
            }
            Err(error) => {
                // Another server may have created it meanwhile.
                let is_there = matches!(&error, kube::Error::Api(status) if status.is_already_exists());
                let found = if is_there {
                    find(context, namespace, policy).await?
                } else {
                    None
                };
                found.ok_or_else(|| Call::on_object("create", policy, Some(namespace)).failed(error))?
            }
        },
    };
    match difference(&found, policy, &context.config.instance)? {
        None => Ok(()),
        Some(what) => {
            tracing::warn!(
                namespace,
                policy = policy.name,
                what,
                "repairing the network policy of the pods"
            );
            let uid = &found.metadata.uid;
            requests
                .apply::<PartialObject>(policy, Some(namespace), uid)
                .await
                .map(drop)
        }
    }
}

async fn find(context: &Context, namespace: &str, policy: &Manifest) -> Result<Option<PartialPolicy>> {
    let requests = &context.requests;
    requests
        .get_whole(policy.kind, Some(namespace), &policy.name)
        .await
}

/// The fields of a specification without empty lists, which the API server omits.
fn without_empty(spec: &Value) -> Vec<(&String, &Value)> {
    let fields = spec.as_object().into_iter().flatten();
    let mut fields: Vec<_> = fields
        .filter(|(_, value)| !value.as_array().is_some_and(Vec::is_empty))
        .collect();
    fields.sort_by_key(|(name, _)| *name);
    fields
}

/// The difference between the policy `found` and the manifest. Compares the rules too, not only the digest,
/// because somebody may have edited them.
///
/// # Errors
/// `NameTaken` if it is foreign; `Conflict` while it is being deleted.
fn difference(found: &PartialPolicy, policy: &Manifest, instance: &str) -> Result<Option<&'static str>> {
    let meta = &found.metadata;
    let failed = |kind, message: &'static str| {
        Err(Error::new(kind, message)
            .with_context("kind", policy.kind.name())
            .with_context("name", &policy.name)
            .with_context("namespace", &meta.namespace))
    };
    if !(meta.is_ours() && meta.labels.instance.as_deref() == Some(instance)) {
        let message =
            "an object of somebody else has the name of the pods' network policy: delete or rename it";
        return failed(ErrorKind::NameTaken, message);
    }
    if meta.is_leaving() {
        let message = "the network policy of the pods is being deleted: wait until it is gone";
        return failed(ErrorKind::Conflict, message);
    }
    Ok(
        if without_empty(&found.spec) != without_empty(&policy.body["spec"]) {
            Some("its rules")
        } else if meta.annotations.digest.as_deref() != Some(&policy.digest) {
            Some("its labels")
        } else {
            None
        },
    )
}
