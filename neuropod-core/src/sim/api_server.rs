//! The API server: creates, removes and lists the objects of a workload.

use std::collections::BTreeMap;

use super::object::{ObjectKey, ObjectKind};
use super::pod::SimPod;
use super::quota::check_quota;
use super::scheduler::retry_unscheduled;
use super::state::{ClusterState, Companion, PodObjects, SimVolume};
use super::termination::terminate;
use crate::cluster::backend::{Inventory, OwnedVolume, OwnedWorkload, Usage};
use crate::cluster::observation::{Objects, Observation, ObservedVolume};
use crate::cluster::workload::{VolumePolicy, Workload, WorkloadRef};
use crate::error::kind::{Error, ErrorKind, Result};
use crate::id::PodId;

/// The objects of a workload beside its pod and volume.
fn companions(workload: &Workload) -> Vec<ObjectKey> {
    let key = |kind, name: &str| ObjectKey::new(&workload.reference, kind, name);
    let endpoints = workload.endpoints.iter();
    let mut keys: Vec<_> = endpoints
        .flat_map(|endpoint| {
            [
                key(ObjectKind::Service, &endpoint.service),
                key(ObjectKind::Route, &endpoint.route),
            ]
        })
        .collect();
    keys.push(key(ObjectKind::Policy, &workload.isolation.policy));
    keys.extend(
        workload
            .secret
            .iter()
            .map(|secret| key(ObjectKind::Secret, &secret.name)),
    );
    keys
}

/// Creates the missing objects of a workload. As in a real cluster, a refused object does not prevent the
/// others from being created; the first error is returned.
pub(super) fn apply(cluster: &mut ClusterState, workload: &Workload) -> Result<Observation> {
    let pod_id = &workload.reference.pod_id;
    let mut mishaps = cluster.mishaps.get(pod_id).into_iter().flatten();
    if let Some(error) = mishaps.find_map(|mishap| mishap.api_error()) {
        return Err(error);
    }
    let keys = companions(workload);
    let count = keys.len();
    cluster
        .workloads
        .entry(pod_id.clone())
        .or_insert_with(|| PodObjects {
            reference: workload.reference.clone(),
            pod: None,
            companions: BTreeMap::new(),
            published: None,
        });
    let mut results = vec![apply_volume(cluster, workload)];
    results.extend(
        keys.into_iter()
            .map(|key| apply_companion(cluster, workload, key)),
    );
    results.push(apply_pod(cluster, workload, count));
    let result = results.into_iter().collect::<Result<()>>();
    cluster.forget_if_empty(pod_id);
    result.map(|()| observe(cluster, &workload.reference))
}

fn apply_volume(cluster: &mut ClusterState, workload: &Workload) -> Result<()> {
    let reference = &workload.reference;
    let key = ObjectKey::volume(reference);
    if cluster.names.contains_key(&key) {
        return Err(name_taken(&key));
    }
    let size_gb = workload.volume.size_gb;
    match cluster.volumes.get_mut(&key) {
        Some(volume) if volume.terminating => {
            let text = format!("the volume {} is being deleted", reference.volume);
            return Err(Error::new(ErrorKind::Conflict, text));
        }
        Some(volume) if volume.size_gb >= size_gb => return Ok(()),
        Some(volume) => volume.size_gb = size_gb,
        None => {
            let volume = SimVolume {
                made_at: cluster.now,
                user_hash: reference.user_hash.clone(),
                size_gb,
                bound: false,
                terminating: false,
            };
            cluster.volumes.insert(key, volume);
            retry_unscheduled(cluster);
        }
    }
    cluster.writes += 1;
    cluster.alter();
    Ok(())
}

fn apply_companion(cluster: &mut ClusterState, workload: &Workload, key: ObjectKey) -> Result<()> {
    let pod_id = &workload.reference.pod_id;
    take_name(cluster, &key, workload)?;
    let Some(objects) = cluster.workloads.get_mut(pod_id) else {
        return Ok(());
    };
    let companion = Companion {
        run: workload.run,
        terminating: false,
    };
    match objects.companions.get(&key) {
        Some(there) if there.terminating => {
            let text = format!("the {:?} {} is being deleted", key.kind, key.name);
            return Err(Error::new(ErrorKind::Conflict, text));
        }
        Some(there) if *there == companion => {}
        _ => {
            objects.companions.insert(key, companion);
            cluster.writes += 1;
            cluster.alter();
        }
    }
    Ok(())
}

fn apply_pod(cluster: &mut ClusterState, workload: &Workload, companions: usize) -> Result<()> {
    let reference = &workload.reference;
    match cluster.pod(&reference.pod_id) {
        Some(pod) if pod.terminating => {
            let text = format!("the pod {} is being deleted", reference.name);
            return Err(Error::new(ErrorKind::Conflict, text));
        }
        Some(_) => return Ok(()),
        None => check_quota(cluster, workload)?,
    }
    take_name(cluster, &ObjectKey::pod(reference), workload)?;
    let (uid, order) = (cluster.random_hex(16), cluster.next_number());
    let pod = SimPod::new(uid, order, workload.clone(), companions);
    if let Some(objects) = cluster.workloads.get_mut(&reference.pod_id) {
        objects.reference = reference.clone();
        objects.pod = Some(pod);
    }
    cluster.writes += 1;
    cluster.schedule_step(&reference.pod_id, Some(cluster.settings.schedule));
    cluster.publish(&reference.pod_id);
    Ok(())
}

/// Reserves a name for an object of the workload. If a leftover of another pod has the name, it will be free
/// soon: `Conflict`.
fn take_name(cluster: &mut ClusterState, key: &ObjectKey, workload: &Workload) -> Result<()> {
    let pod_id = &workload.reference.pod_id;
    match cluster.names.get(key) {
        Some(Some(holder)) if holder == pod_id => Ok(()),
        Some(Some(holder)) if cluster.pod(holder).is_none_or(|pod| pod.terminating) => {
            let text = format!("{} is still that of a pod that is being deleted", key.name);
            Err(Error::new(ErrorKind::Conflict, text))
        }
        Some(_) => Err(name_taken(key)),
        None => {
            cluster.names.insert(key.clone(), Some(pod_id.clone()));
            Ok(())
        }
    }
}

/// Removes the objects, asks the pod to end, and deletes the volume if the policy says so.
pub(super) fn remove(
    cluster: &mut ClusterState,
    reference: &WorkloadRef,
    policy: VolumePolicy,
) -> Observation {
    let pod_id = &reference.pod_id;
    if let Some(objects) = cluster.workloads.get_mut(pod_id) {
        let before = cluster.writes;
        for (key, companion) in std::mem::take(&mut objects.companions) {
            cluster.writes += u64::from(!companion.terminating);
            if cluster.finalizers.contains(&key) {
                let terminating = Companion {
                    terminating: true,
                    ..companion
                };
                objects.companions.insert(key, terminating);
            } else {
                cluster.names.remove(&key);
            }
        }
        if cluster.writes != before {
            cluster.alter();
        }
        terminate(cluster, pod_id);
        cluster.forget_if_empty(pod_id);
    }
    if policy == VolumePolicy::Delete {
        delete_volume(cluster, &ObjectKey::volume(reference));
    }
    observe(cluster, reference)
}

/// Starts the deletion of a volume, which goes once no pod uses it.
pub(super) fn delete_volume(cluster: &mut ClusterState, key: &ObjectKey) {
    if let Some(volume) = cluster.volumes.get_mut(key).filter(|volume| !volume.terminating) {
        volume.terminating = true;
        cluster.writes += 1;
        cluster.alter();
    }
    cluster.reclaim_volume(key);
}

/// The objects of one pod as they are now.
pub(super) fn observe(cluster: &ClusterState, reference: &WorkloadRef) -> Observation {
    let objects = cluster.workloads.get(&reference.pod_id);
    let pod = objects.and_then(|objects| objects.pod.as_ref());
    Observation {
        pod: pod.map(SimPod::observed),
        objects: objects.map_or(Objects::Absent, observe_companions),
        volume: observe_volume(cluster, &ObjectKey::volume(reference)),
        ready_since: None,
    }
}

fn observe_volume(cluster: &ClusterState, key: &ObjectKey) -> ObservedVolume {
    match cluster.volumes.get(key) {
        None => ObservedVolume::Absent,
        Some(volume) if volume.terminating => ObservedVolume::Terminating,
        Some(volume) if volume.bound => ObservedVolume::Bound {
            size_gb: volume.size_gb,
        },
        Some(_) => ObservedVolume::Pending,
    }
}

pub(super) fn inventory(cluster: &ClusterState) -> Inventory {
    let workload = |objects: &PodObjects| {
        let mut reference = objects.reference.clone();
        let mut observation = observe(cluster, &reference);
        if objects.pod.is_none() {
            // Only the pod object names the volume.
            reference.volume.clear();
            observation.volume = ObservedVolume::Unknown;
        }
        OwnedWorkload {
            reference,
            observation,
        }
    };
    let volume = |(key, volume): (&ObjectKey, &SimVolume)| OwnedVolume {
        name: key.name.clone(),
        namespace: key.namespace.clone(),
        user_hash: volume.user_hash.clone(),
        size_gb: volume.size_gb,
    };
    Inventory {
        workloads: cluster.workloads.values().map(workload).collect(),
        volumes: cluster.volumes.iter().map(volume).collect(),
    }
}

fn observe_companions(objects: &PodObjects) -> Objects {
    if objects.companions.is_empty() {
        return Objects::Absent;
    }
    let complete = objects.pod.as_ref().is_some_and(|pod| {
        let of_this_run = |companion: &Companion| companion.run == pod.run && !companion.terminating;
        objects.companions.len() == pod.companions && objects.companions.values().all(of_this_run)
    });
    if complete {
        Objects::Complete
    } else {
        Objects::Partial
    }
}

fn name_taken(key: &ObjectKey) -> Error {
    let text = format!("a {:?} of somebody else is named {}", key.kind, key.name);
    Error::new(ErrorKind::NameTaken, text)
}

/// The usage of each running pod: a tenth of its limits.
pub(super) fn usage(cluster: &ClusterState) -> Vec<Usage> {
    let pods = cluster
        .workloads
        .iter()
        .filter_map(|(pod_id, objects)| Some((pod_id, objects.pod.as_ref()?)));
    let runs = |(_, pod): &(&PodId, &SimPod)| pod.observed().container.is_some();
    let usage = |(pod_id, pod): (&PodId, &SimPod)| {
        let resources = &pod.workload.container.resources;
        Usage {
            pod_id: pod_id.clone(),
            cpu_millis: Some(u64::from(resources.cpu_millis) / 10),
            memory_bytes: Some(u64::from(resources.memory_mib) * (1 << 20) / 10),
            gpu_percent: resources.accelerator.as_ref().map(|_| 10.0),
            at: cluster.now,
        }
    };
    pods.filter(runs).map(usage).collect()
}
