//! Copies of the platform's Secrets (registry credentials, the wildcard certificate) in the namespaces of
//! users, because kubelets and ingress controllers only read them in the namespace of the pod.
//!
//! The values are compared, not digests of them, because people who may not read Secrets could read a digest.
//! When an original is deleted its copies stay for the running pods, and no new pod is created until the
//! original is back. A copy whose name leaves the configuration is deleted.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use kube::api::ListParams;
use neuropod_core::{Error, ErrorKind, Result};
use serde::Deserialize;
use serde_json::Value;

use super::leftover;
use super::repairs::run;
use crate::api::error::Call;
use crate::api::kinds::Kind;
use crate::api::partial::{Meta, PartialObject};
use crate::context::Context;
use crate::labels;
use crate::manifests::secret;

/// A Secret with its values. It has no `Debug`, so that they can't be printed.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Found {
    metadata: Meta,
    #[serde(rename = "type")]
    kind: String,
    data: Value,
}

/// The decision about an existing copy.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    Leave,
    Update,
    /// The type of a Secret can't be changed.
    Replace,
}

/// Checks that the Secrets in the configuration exist. If all pods share a namespace, a missing one is only a
/// warning in the log, because pods may work without it.
///
/// # Errors
/// `NotConfigured` if one is missing and users have their own namespaces; those of the API server.
pub(crate) async fn check_sources(context: &Context) -> Result<()> {
    for name in context.config.secret_names() {
        match source(context, name).await {
            Err(error) if error.kind() == &ErrorKind::NotConfigured && !context.config.namespace_per_user => {
                tracing::warn!(%error, "pods are created without it");
            }
            found => drop(found?),
        }
    }
    Ok(())
}

/// Copies the originals into a namespace of a user.
///
/// # Errors
/// `NotConfigured` if an original is missing, `NameTaken` if a foreign Secret has the name of one, `Conflict`
/// while a copy is being deleted, and those of the API server.
pub(super) async fn ensure(context: &Context, namespace: &str) -> Result<()> {
    if namespace == context.config.namespace {
        return Ok(());
    }
    for name in context.config.secret_names() {
        let source = source(context, name).await?;
        let copy = find(context, namespace, name).await?;
        agree(context, namespace, &source, copy).await?;
    }
    Ok(())
}

/// Repairs the copies in these namespaces, all of which have pods, and deletes those in any namespace that the
/// configuration no longer names. Failures go to the log, and no new pod is created in such a namespace until the next
/// repair succeeds.
pub(super) async fn repair(context: &Context, namespaces: &BTreeSet<&str>) {
    let config = &context.config;
    if !config.namespace_per_user {
        return;
    }
    let selector = labels::of_no_pod(&config.instance);
    let selector = ListParams::default().labels(&selector);
    let copies = context.requests.list(Kind::Secret, context.scope(), &selector);
    let copies: Vec<Found> = match copies.await {
        Ok(copies) => copies,
        Err(error) => {
            tracing::warn!(%error, "the Secrets in the namespaces of users can't be listed");
            return;
        }
    };
    let names = config.secret_names();
    let is_copy = |found: &Found| {
        let meta = &found.metadata;
        meta.namespace != config.namespace && meta.annotations.digest.is_some()
    };
    let (copies, leftover): (Vec<_>, Vec<_>) = copies
        .into_iter()
        .filter(is_copy)
        .partition(|copy| names.contains(copy.metadata.name.as_str()));
    repair_copies(context, namespaces, copies).await;
    leftover::remove(context, leftover.into_iter().map(|copy| copy.metadata)).await;
}

/// Creates or repairs the copies in these namespaces. `copies` are those that exist.
async fn repair_copies(context: &Context, namespaces: &BTreeSet<&str>, copies: Vec<Found>) {
    let namespaces = namespaces
        .iter()
        .copied()
        .filter(|namespace| *namespace != context.config.namespace);
    let namespaces: Vec<_> = namespaces.collect();
    if namespaces.is_empty() {
        return;
    }
    let failed = |namespace: &str, error: &Error| {
        context.complete_namespaces.forget(namespace);
        tracing::error!(%error, namespace, "a Secret can't be copied: no new pod is created there");
    };
    let by_place = |copy: Found| {
        (
            (copy.metadata.namespace.clone(), copy.metadata.name.clone()),
            copy,
        )
    };
    let mut copies: BTreeMap<_, _> = copies.into_iter().map(by_place).collect();
    for name in context.config.secret_names() {
        let source = match source(context, name).await {
            Ok(source) => source,
            Err(error) => {
                for namespace in &namespaces {
                    failed(namespace, &error);
                }
                continue;
            }
        };
        let repairs = namespaces.iter().map(|namespace| {
            let copy = copies.remove(&((*namespace).to_owned(), name.to_owned()));
            let source = &source;
            async move {
                if let Err(error) = agree(context, namespace, source, copy).await {
                    failed(namespace, &error);
                }
            }
        });
        run(repairs).await;
    }
}

async fn find(context: &Context, namespace: &str, name: &str) -> Result<Option<Found>> {
    let requests = &context.requests;
    requests.get_whole(Kind::Secret, Some(namespace), name).await
}

/// The original, in the namespace of the platform's pods.
async fn source(context: &Context, name: &str) -> Result<Found> {
    let namespace = &context.config.namespace;
    find(context, namespace, name).await?.ok_or_else(|| {
        let message = "a Secret of the configuration does not exist: create it, or take its name out of \
                       KubeConfig::image_pull_secrets or KubeConfig::exposure";
        Error::new(ErrorKind::NotConfigured, message)
            .with_context("namespace", namespace)
            .with_context("name", name)
    })
}

/// Creates or repairs the copy.
async fn agree(context: &Context, namespace: &str, source: &Found, copy: Option<Found>) -> Result<()> {
    let (requests, config) = (&context.requests, &context.config);
    let name = source.metadata.name.as_str();
    let manifest = secret::copy(config, namespace, name, &source.kind, &source.data);
    let copy = match copy {
        Some(copy) => Some(copy),
        // A Secret without our labels is not in the list; the creation finds it.
        None => match requests.create::<PartialObject>(&manifest, Some(namespace)).await {
            Ok(_) => None,
            Err(error) => {
                let is_there = matches!(&error, kube::Error::Api(status) if status.is_already_exists());
                let found = if is_there {
                    find(context, namespace, name).await?
                } else {
                    None
                };
                Some(
                    found
                        .ok_or_else(|| Call::on_object("create", &manifest, Some(namespace)).failed(error))?,
                )
            }
        },
    };
    let Some(copy) = copy else {
        tracing::info!(namespace, name, "copied a Secret");
        return Ok(());
    };
    match step(&copy, source, &manifest.digest, &config.instance)? {
        Step::Leave => return Ok(()),
        Step::Update => {
            let uid = &copy.metadata.uid;
            requests
                .apply::<PartialObject>(&manifest, Some(namespace), uid)
                .await?;
        }
        Step::Replace => {
            requests
                .delete::<PartialObject>(Kind::Secret, &copy.metadata)
                .await?;
            let made = requests.create::<PartialObject>(&manifest, Some(namespace)).await;
            made.map_err(|error| Call::on_object("create", &manifest, Some(namespace)).failed(error))?;
        }
    }
    tracing::info!(namespace, name, "copied a changed Secret again");
    Ok(())
}

/// Decides what to do with `copy`.
///
/// # Errors
/// `NameTaken` if it is foreign; `Conflict` while it is being deleted.
fn step(copy: &Found, source: &Found, digest: &str, instance: &str) -> Result<Step> {
    let meta = &copy.metadata;
    let failed = |kind, message: &'static str| {
        Err(Error::new(kind, message)
            .with_context("kind", Kind::Secret.name())
            .with_context("name", &meta.name)
            .with_context("namespace", &meta.namespace))
    };
    let is_copy =
        meta.is_ours() && meta.labels.instance.as_deref() == Some(instance) && meta.labels.pod_id.is_none();
    if !is_copy {
        return failed(
            ErrorKind::NameTaken,
            "a Secret of somebody else has the name of one of the platform: delete or rename it",
        );
    }
    if meta.is_leaving() {
        return failed(
            ErrorKind::Conflict,
            "the copy of a Secret is being deleted: wait until it is gone",
        );
    }
    Ok(if copy.kind != source.kind {
        Step::Replace
    } else if copy.data != source.data || meta.annotations.digest.as_deref() != Some(digest) {
        Step::Update
    } else {
        Step::Leave
    })
}
