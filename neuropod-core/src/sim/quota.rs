//! The `ResourceQuota` admission of the API server.

use super::state::{ClusterState, PodObjects};
use crate::cluster::workload::Workload;
use crate::error::kind::{Error, ErrorKind, Result};

/// The amount of one resource that a workload requests.
type Figure<'a> = &'a dyn Fn(&Workload) -> u32;

/// The number of GPUs of this resource that a workload requests.
fn gpus_of(workload: &Workload, resource: &str) -> u32 {
    let accelerator = workload.container.resources.accelerator.as_ref();
    accelerator
        .filter(|accelerator| accelerator.resource == resource)
        .map_or(0, |accelerator| accelerator.count)
}

/// Checks that the owner may have one more pod; the error has the message of the `ResourceQuota` admission.
pub(super) fn check_quota(cluster: &ClusterState, workload: &Workload) -> Result<()> {
    let Some(quota) = &workload.isolation.quota else {
        return Ok(());
    };
    let reference = &workload.reference;
    let of_owner = |objects: &&PodObjects| {
        objects.reference.user_hash == reference.user_hash
            && objects.reference.namespace == reference.namespace
    };
    let pods: Vec<_> = cluster
        .workloads
        .values()
        .filter(of_owner)
        .filter_map(|objects| objects.pod.as_ref())
        .collect();
    let used = |figure: Figure<'_>| {
        pods.iter()
            .map(|pod| figure(&pod.workload))
            .fold(0, u32::saturating_add)
    };
    let figures: [(&str, Figure<'_>, u32); 3] = [
        ("pods", &|_| 1, quota.pods),
        (
            "limits.cpu",
            &|workload| workload.container.resources.cpu_millis,
            quota.cpu_millis,
        ),
        (
            "limits.memory",
            &|workload| workload.container.resources.memory_mib,
            quota.memory_mib,
        ),
    ];
    let plain = figures
        .into_iter()
        .map(|(name, figure, limit)| (name.to_owned(), figure(workload), used(figure), limit));
    let gpus = quota.gpus.iter().map(|(resource, limit)| {
        let figure: Figure<'_> = &|workload| gpus_of(workload, resource);
        (
            format!("requests.{resource}"),
            figure(workload),
            used(figure),
            *limit,
        )
    });
    for (name, requested, used, limit) in plain.chain(gpus) {
        // As in a real cluster, a pod that does not request a resource is not refused for lack of it.
        if requested == 0 {
            continue;
        }
        if used.saturating_add(requested) > limit {
            let text = format!(
                "pods \"{}\" is forbidden: exceeded quota: neuropod, requested: {name}={requested}, used: \
                 {name}={used}, limited: {name}={limit}",
                reference.name
            );
            return Err(Error::new(ErrorKind::QuotaExceeded, text));
        }
    }
    Ok(())
}
