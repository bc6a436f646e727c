//! Copies of Secrets that are no longer in the configuration.
//!
//! They are deleted once they are unused. A running pod was created with the old names: when its container
//! restarts, its image is pulled with the old credentials, and its route has the old certificate until the next
//! start.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::try_join_all;
use kube::api::ListParams;
use neuropod_core::Result;
use serde::Deserialize;

use super::repairs::run;
use crate::api::kinds::Kind;
use crate::api::partial::fields::null_as_default;
use crate::api::partial::{Meta, PartialObject};
use crate::context::Context;
use crate::labels;

/// The Secrets that a pod or an Ingress names.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct User {
    #[serde(deserialize_with = "null_as_default")]
    spec: Named,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Named {
    /// Of a pod.
    #[serde(deserialize_with = "null_as_default")]
    image_pull_secrets: Vec<PullSecret>,
    /// Of an Ingress.
    #[serde(deserialize_with = "null_as_default")]
    tls: Vec<Certificate>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PullSecret {
    name: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Certificate {
    #[serde(deserialize_with = "null_as_default")]
    secret_name: String,
}

/// Deletes the unused copies among `copies`, none of which is in the configuration. Failures go to the log, and
/// the next inventory retries.
pub(super) async fn remove(context: &Context, copies: impl Iterator<Item = Meta>) {
    let mut by_namespace: BTreeMap<String, Vec<Meta>> = BTreeMap::new();
    for copy in copies {
        by_namespace.entry(copy.namespace.clone()).or_default().push(copy);
    }
    let removals = by_namespace.into_iter().map(async |(namespace, copies)| {
        if let Err(error) = remove_unused(context, &namespace, &copies).await {
            tracing::warn!(%error, namespace, "copies of Secrets that the configuration no longer names can't be deleted");
        }
    });
    run(removals).await;
}

async fn remove_unused(context: &Context, namespace: &str, copies: &[Meta]) -> Result<()> {
    let used = used(context, namespace).await?;
    let unused = copies
        .iter()
        .filter(|copy| !copy.is_leaving() && !used.contains(&copy.name));
    for copy in unused {
        context
            .requests
            .delete::<PartialObject>(Kind::Secret, copy)
            .await?;
        let name = &copy.name;
        tracing::info!(
            namespace,
            name,
            "deleted the copy of a Secret that the configuration no longer names"
        );
    }
    Ok(())
}

/// The names of the Secrets that pods of the platform and their routes use in a namespace.
async fn used(context: &Context, namespace: &str) -> Result<BTreeSet<String>> {
    let selector = labels::of_all_pods(&context.config.instance);
    let selector = ListParams::default().labels(&selector);
    let kinds = [Kind::Pod, Kind::Ingress];
    let found = kinds.map(|kind| context.requests.list::<User>(kind, Some(namespace), &selector));
    let users = try_join_all(found).await?;
    let names = users.into_iter().flatten().flat_map(|user| {
        let Named {
            image_pull_secrets,
            tls,
        } = user.spec;
        let pull = image_pull_secrets.into_iter().map(|secret| secret.name);
        pull.chain(tls.into_iter().map(|certificate| certificate.secret_name))
    });
    Ok(names.collect())
}
