//! Removes what there is of a pod.
//!
//! What is there is found by label and deleted by name and uid, so that nothing of anybody else goes, and a second
//! removal writes nothing. `deletecollection` would be one request for each kind, and a right to delete everything.

#[cfg(test)]
mod tests;

use futures::future::join_all;
use neuropod_core::Result;
use neuropod_core::cluster::{Observation, VolumePolicy, WorkloadRef};

use crate::cluster::KubeCluster;
use crate::kind::Kind;
use crate::observe::{self, Found};
use crate::ownership::belongs_to_owner;
use crate::slim::{Meta, SlimClaim, SlimObject, SlimPod};

pub(crate) async fn remove(
    cluster: &KubeCluster,
    reference: &WorkloadRef,
    policy: VolumePolicy,
) -> Result<Observation> {
    let found = observe::find(cluster, reference).await?;
    let objects = join_all(
        found
            .objects
            .into_iter()
            .map(|object| remove_object(cluster, object)),
    );
    let (pod, claim, objects) = tokio::join!(
        remove_pod(cluster, found.pod),
        remove_claim(cluster, found.claim, reference, policy),
        objects,
    );
    // All deletions have been asked for by now, whichever failed.
    let objects: Result<Vec<_>> = objects.into_iter().collect();
    let left = Found {
        pod: pod?,
        claim: claim?,
        objects: objects?.into_iter().flatten().collect(),
    };
    // A container gets its time to end, and a stopped pod is not removed once more when that is over. A next apply
    // that finds anything of it still there reads that then.
    cluster.forget(&reference.pod_id);
    Ok(left.observation(reference, &[], &cluster.config.instance))
}

async fn remove_object(cluster: &KubeCluster, (kind, meta): (Kind, Meta)) -> Result<Option<(Kind, Meta)>> {
    if meta.is_leaving() {
        // A finalizer of somebody else holds it.
        return Ok(Some((kind, meta)));
    }
    let left: Option<SlimObject> = cluster.requests.delete(kind, &meta).await?;
    Ok(left.map(|object| (kind, object.metadata)))
}

async fn remove_pod(cluster: &KubeCluster, pod: Option<SlimPod>) -> Result<Option<SlimPod>> {
    match pod {
        Some(pod) if !pod.metadata.is_leaving() => cluster.requests.delete(Kind::Pod, &pod.metadata).await,
        // It has been asked to end, and gets its time.
        other => Ok(other),
    }
}

async fn remove_claim(
    cluster: &KubeCluster,
    claim: Option<SlimClaim>,
    reference: &WorkloadRef,
    policy: VolumePolicy,
) -> Result<Option<SlimClaim>> {
    match claim {
        Some(claim)
            if policy == VolumePolicy::Delete
                && belongs_to_owner(&claim.metadata, reference, &cluster.config.instance)
                && !claim.metadata.is_leaving() =>
        {
            let kind = Kind::PersistentVolumeClaim;
            cluster.requests.delete(kind, &claim.metadata).await
        }
        other => Ok(other),
    }
}
