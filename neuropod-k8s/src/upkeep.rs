//! What every namespace with pods has to have, from before the first pod until after the last: the network policy of
//! all its pods, and in a namespace of a user copies of the Secrets that the platform names.
//!
//! It is looked for before a pod is made, at most every five minutes for each namespace, so that a pod is one wave of
//! creations; and with every inventory, in one request for all namespaces. Where it is missing or says something
//! else, it is made anew. A pod whose namespace can't get it is not made.

pub(crate) mod secrets;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::{StreamExt, stream};
use kube::api::ListParams;
use neuropod_core::{Error, ErrorKind, Result};
use serde_json::Value;
use tokio::time::Instant;

use crate::cluster::KubeCluster;
use crate::error::Call;
use crate::kind::Kind;
use crate::labels;
use crate::manifests::Manifest;
use crate::manifests::network_policy;
use crate::slim::{SlimObject, SlimPolicy};

/// How long a namespace counts as complete.
const GOOD_FOR: Duration = Duration::from_mins(5);

/// Namespaces that are repaired side by side.
const MAX_REPAIRS: usize = 8;

/// Remembers when each namespace was last complete.
#[derive(Debug, Default)]
pub(crate) struct Upkeep(Mutex<HashMap<String, Instant>>);

impl Upkeep {
    fn is_good(&self, namespace: &str) -> bool {
        let good = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        good.get(namespace).is_some_and(|at| at.elapsed() < GOOD_FOR)
    }

    fn note(&self, namespace: &str) {
        let mut good = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        good.retain(|_, at| at.elapsed() < GOOD_FOR);
        good.insert(namespace.to_owned(), Instant::now());
    }

    fn forget(&self, namespace: &str) {
        let mut good = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        good.remove(namespace);
    }
}

/// Gives the namespace what it has to have, unless it had it within the last five minutes.
pub(crate) async fn check(cluster: &KubeCluster, namespace: &str) -> Result<()> {
    if cluster.upkeep.is_good(namespace) {
        return Ok(());
    }
    ensure(cluster, namespace).await
}

/// Gives the namespace what it has to have, now.
///
/// # Errors
/// Those of the API server; `NameTaken` when an object of somebody else has the name of the policy or of a Secret;
/// `NotConfigured` when a Secret that is to be copied is not there.
pub(crate) async fn ensure(cluster: &KubeCluster, namespace: &str) -> Result<()> {
    let policy = network_policy::of_namespace(&cluster.config, namespace);
    let found = find(cluster, namespace, &policy).await?;
    agree(cluster, namespace, &policy, found).await?;
    secrets::ensure(cluster, namespace).await?;
    cluster.upkeep.note(namespace);
    Ok(())
}

/// Repairs what is missing in these namespaces, all of which have pods, and deletes what no namespace is to have any more.
/// What can't be repaired is told in the log and tried again with the next inventory: the pods there are to be seen all
/// the same.
pub(crate) async fn repair(cluster: &KubeCluster, namespaces: BTreeSet<&str>) {
    if !namespaces.is_empty() {
        repair_policies(cluster, &namespaces).await;
    }
    // After the policies: a namespace that lacks a Secret is not complete, whatever its policy.
    secrets::repair(cluster, &namespaces).await;
}

async fn repair_policies(cluster: &KubeCluster, namespaces: &BTreeSet<&str>) {
    let selector = labels::of_no_pod(&cluster.config.instance);
    let selector = ListParams::default().labels(&selector);
    let found = cluster
        .requests
        .list::<SlimPolicy>(Kind::NetworkPolicy, cluster.scope(), &selector);
    let found = match found.await {
        Ok(found) => found,
        Err(error) => {
            tracing::warn!(%error, "whether the namespaces of pods have their network policy can't be told");
            return;
        }
    };
    let by_place = |policy: SlimPolicy| {
        let meta = &policy.metadata;
        ((meta.namespace.clone(), meta.name.clone()), policy)
    };
    let mut found: BTreeMap<_, _> = found.into_iter().map(by_place).collect();
    let repairs = namespaces.iter().map(|&namespace| {
        let policy = network_policy::of_namespace(&cluster.config, namespace);
        let there = found.remove(&(namespace.to_owned(), policy.name.clone()));
        async move {
            match agree(cluster, namespace, &policy, there).await {
                Ok(()) => cluster.upkeep.note(namespace),
                Err(error) => {
                    // No new pod is made there before it has its policy again.
                    cluster.upkeep.forget(namespace);
                    tracing::error!(%error, namespace, "the network policy of the pods can't be repaired: they may be open");
                }
            }
        }
    });
    let repairs: Vec<_> = repairs.collect();
    stream::iter(repairs)
        .buffer_unordered(MAX_REPAIRS)
        .collect::<()>()
        .await;
}

/// Makes the policy what it should be.
async fn agree(
    cluster: &KubeCluster,
    namespace: &str,
    policy: &Manifest,
    found: Option<SlimPolicy>,
) -> Result<()> {
    let requests = &cluster.requests;
    let found = match found {
        Some(found) => found,
        None => match requests.create::<SlimObject>(policy, Some(namespace)).await {
            Ok(_) => {
                tracing::info!(
                    namespace,
                    policy = policy.name,
                    "made the network policy of the pods"
                );
                return Ok(());
            }
            Err(error) => {
                // Another server may have made it in between.
                let is_there = matches!(&error, kube::Error::Api(status) if status.is_already_exists());
                let found = if is_there {
                    find(cluster, namespace, policy).await?
                } else {
                    None
                };
                found.ok_or_else(|| creation(namespace, policy).failed(error))?
            }
        },
    };
    match difference(&found, policy, &cluster.config.instance)? {
        None => Ok(()),
        Some(what) => {
            tracing::warn!(
                namespace,
                policy = policy.name,
                what,
                "putting the network policy of the pods right"
            );
            let uid = &found.metadata.uid;
            requests
                .apply::<SlimObject>(policy, Some(namespace), uid)
                .await
                .map(drop)
        }
    }
}

async fn find(cluster: &KubeCluster, namespace: &str, policy: &Manifest) -> Result<Option<SlimPolicy>> {
    let requests = &cluster.requests;
    requests
        .get_whole(policy.kind, Some(namespace), &policy.name)
        .await
}

fn creation<'a>(namespace: &'a str, manifest: &'a Manifest) -> Call<'a> {
    Call {
        verb: "create",
        kind: manifest.kind,
        subresource: None,
        namespace: Some(namespace),
        name: &manifest.name,
    }
}

/// The fields of a specification that say something: the API server leaves out empty lists.
fn without_empty(spec: &Value) -> Vec<(&String, &Value)> {
    let fields = spec.as_object().into_iter().flatten();
    let mut fields: Vec<_> = fields
        .filter(|(_, value)| !value.as_array().is_some_and(Vec::is_empty))
        .collect();
    fields.sort_by_key(|(name, _)| *name);
    fields
}

/// What of the policy `found` is not as in the manifest. Its rules are compared, and not its digest alone: somebody may
/// have edited them.
///
/// # Errors
/// `NameTaken` when it is somebody else's; `Conflict` when it is being deleted.
fn difference(found: &SlimPolicy, policy: &Manifest, instance: &str) -> Result<Option<&'static str>> {
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
