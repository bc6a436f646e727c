//! Removes the objects of a pod.
//!
//! They are found by label and deleted by name and uid, so that no foreign object is deleted, and a second
//! removal writes nothing. `deletecollection` would need one request for each kind, and a right to delete
//! everything.

#[cfg(test)]
mod tests;

use futures::future::join_all;
use neuropod_core::Result;
use neuropod_core::cluster::{Observation, VolumePolicy, WorkloadRef};

use crate::api::kinds::Kind;
use crate::api::partial::{Meta, PartialClaim, PartialObject, PartialPod};
use crate::context::Context;
use crate::operations::observe::{self, Found};
use crate::operations::ownership::belongs_to_owner;

pub(crate) async fn remove(
    context: &Context,
    reference: &WorkloadRef,
    policy: VolumePolicy,
) -> Result<Observation> {
    let found = observe::search(context, reference).await?;
    let objects = join_all(
        found
            .objects
            .into_iter()
            .map(|object| remove_object(context, object)),
    );
    let (pod, claim, objects) = tokio::join!(
        remove_pod(context, found.pod),
        remove_claim(context, found.claim, reference, policy),
        objects,
    );
    // All deletions have been requested by now, even if one failed.
    let objects: Result<Vec<_>> = objects.into_iter().collect();
    let left = Found {
        pod: pod?,
        claim: claim?,
        objects: objects?.into_iter().flatten().collect(),
    };
    // The container may still be ending, and no second removal reports its end. If the pod is applied again
    // before that, the creations find the remaining objects.
    context.note_removed(&reference.pod_id);
    Ok(left.observation(reference, &[], &context.config.instance))
}

async fn remove_object(context: &Context, (kind, meta): (Kind, Meta)) -> Result<Option<(Kind, Meta)>> {
    if meta.is_leaving() {
        // It is being deleted; a foreign finalizer holds it.
        return Ok(Some((kind, meta)));
    }
    let left: Option<PartialObject> = context.requests.delete(kind, &meta).await?;
    Ok(left.map(|object| (kind, object.metadata)))
}

async fn remove_pod(context: &Context, pod: Option<PartialPod>) -> Result<Option<PartialPod>> {
    match pod {
        Some(pod) if !pod.metadata.is_leaving() => context.requests.delete(Kind::Pod, &pod.metadata).await,
        // It is ending, within its grace period.
        other => Ok(other),
    }
}

async fn remove_claim(
    context: &Context,
    claim: Option<PartialClaim>,
    reference: &WorkloadRef,
    policy: VolumePolicy,
) -> Result<Option<PartialClaim>> {
    match claim {
        Some(claim)
            if policy == VolumePolicy::Delete
                && belongs_to_owner(&claim.metadata, reference, &context.config.instance)
                && !claim.metadata.is_leaving() =>
        {
            let kind = Kind::PersistentVolumeClaim;
            context.requests.delete(kind, &claim.metadata).await
        }
        other => Ok(other),
    }
}
