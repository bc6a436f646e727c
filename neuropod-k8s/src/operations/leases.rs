//! The presences of replicas: a Lease for each, which it renews, and which the others list.

#[cfg(test)]
mod tests;

use jiff::Timestamp;
use neuropod_core::Result;
use neuropod_core::cluster::{Presence, ReplicaId};
use serde_json::json;

use crate::api::error::Call;
use crate::api::kinds::Kind;
use crate::api::manifest::Manifest;
use crate::api::partial::{Meta, PartialObject};
use crate::context::Context;
use crate::labels;

/// How the names of Leases begin. The rest is the id of the replica, so that no other object has the name.
const PREFIX: &str = "neuropod-replica-";
/// The time after which a replica that does not renew is taken over, in seconds. It is for people who read the Lease: what
/// counts is how often the others find it unchanged.
const DURATION_SECONDS: u32 = 9;

/// Renews the Lease of a replica, and lists all.
pub(crate) async fn renew(context: &Context, replica: &ReplicaId) -> Result<Vec<Presence>> {
    let namespace = Some(context.config.namespace.as_str());
    let lease = manifest(&context.config.instance, replica, Timestamp::now());
    let renewed = context.requests.put::<PartialObject>(&lease, namespace).await;
    renewed.map_err(|error| Call::on_object("patch", &lease, namespace).failed(error))?;
    let presence = |meta: Meta| {
        let replica = meta.name.strip_prefix(PREFIX)?.parse().ok()?;
        Some(Presence::new(replica, meta.resource_version))
    };
    Ok(list(context).await?.into_iter().filter_map(presence).collect())
}

/// Deletes the Lease of a replica. It is listed first, because a deletion names the uid.
pub(crate) async fn give_up(context: &Context, replica: &ReplicaId) -> Result<()> {
    let name = name(replica);
    let found = list(context).await?.into_iter().find(|meta| meta.name == name);
    if let Some(meta) = found {
        context
            .requests
            .delete::<PartialObject>(Kind::Lease, &meta)
            .await?;
    }
    Ok(())
}

async fn list(context: &Context) -> Result<Vec<Meta>> {
    let ours = labels::of_platform(&context.config.instance);
    let namespace = Some(context.config.namespace.as_str());
    context
        .requests
        .list_metadata(Kind::Lease, namespace, &ours)
        .await
}

fn name(replica: &ReplicaId) -> String {
    format!("{PREFIX}{replica}")
}

/// The Lease of a replica that renews it now. Its time goes to the microsecond, so that each renewal changes the Lease and
/// with it the version, which is the stamp.
fn manifest(instance: &str, replica: &ReplicaId, now: Timestamp) -> Manifest {
    let kind = Kind::Lease;
    let name = name(replica);
    let body = json!({
        "apiVersion": kind.api_version(),
        "kind": kind.name(),
        "metadata": {
            "name": name,
            "labels": { labels::MANAGED_BY: labels::MANAGER, labels::INSTANCE: instance },
        },
        "spec": {
            "holderIdentity": replica.as_str(),
            "leaseDurationSeconds": DURATION_SECONDS,
            "renewTime": now.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string(),
        },
    });
    Manifest {
        kind,
        name,
        digest: String::new(),
        body,
        update: None,
    }
}
