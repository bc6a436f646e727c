//! The scheduler: assigns nodes, with their GPUs and volumes.

use std::collections::BTreeMap;

use super::mishap::{Mishap, NO_NODE_FITS, insufficient};
use super::object::ObjectKey;
use super::pod::{PodState, SimPod, node_name};
use super::state::{ClusterState, PodObjects};
use crate::cluster::gpus::{GpuHolder, GpuStock, NVIDIA_MODEL_LABEL, NodeGpus, label_values};
use crate::cluster::reason::ReasonCode;
use crate::cluster::workload::ContainerSpec;
use crate::id::PodId;

/// The index of a pool of GPUs, and a number of GPUs.
type Gpus = (usize, u32);
/// The reason why there is no node, with the scheduler's message.
type Unplaced = (ReasonCode, String);

/// Gives a node to a pod that waits for one, if possible.
pub(super) fn try_to_place(cluster: &mut ClusterState, pod_id: &PodId) {
    use Mishap::{NoGpuFree, Unschedulable, VolumePending};
    let prepare = cluster.settings.prepare;
    if !cluster.is_blocked(pod_id, &[NoGpuFree, Unschedulable, VolumePending]) && place(cluster, pod_id) {
        cluster.enter_pod_state(pod_id, PodState::Preparing, prepare);
    }
}

/// Tries again to place the waiting pods, oldest first.
pub(super) fn retry_unscheduled(cluster: &mut ClusterState) {
    let waits = |pod: &SimPod| pod.state == PodState::Scheduling && pod.next_step.is_none();
    let pods = cluster
        .workloads
        .iter()
        .filter_map(|(id, objects)| Some((id, objects.pod.as_ref()?)));
    let waiting = pods
        .filter(|(_, pod)| waits(pod))
        .map(|(id, pod)| (pod.order, id.clone()));
    let mut waiting: Vec<_> = waiting.collect();
    waiting.sort_unstable();
    for (_, pod_id) in waiting {
        try_to_place(cluster, &pod_id);
        cluster.publish(&pod_id);
    }
}

/// Reserves the pod's GPUs and volume on a node. Returns `false` if no node fits.
fn place(cluster: &mut ClusterState, pod_id: &PodId) -> bool {
    let Some(objects) = cluster.workloads.get(pod_id) else {
        return false;
    };
    let Some(pod) = &objects.pod else { return false };
    let volume = ObjectKey::volume(&objects.reference);
    let found = find_volume(cluster, &volume).and_then(|()| {
        find_gpus(
            cluster,
            &pod.workload.container,
            node_of_volume(cluster, pod_id, &volume),
        )
    });
    let now = cluster.now;
    let Some(pod) = cluster.pod_mut(pod_id) else {
        return false;
    };
    match found {
        Ok(gpus) => pod.gpus = gpus,
        Err((code, detail)) => {
            pod.blame(code, detail, now);
            return false;
        }
    }
    if let Some(volume) = cluster.volumes.get_mut(&volume)
        && !std::mem::replace(&mut volume.bound, true)
    {
        cluster.alter();
    }
    true
}

fn find_volume(cluster: &ClusterState, key: &ObjectKey) -> Result<(), Unplaced> {
    let problem = match cluster.volumes.get(key) {
        None => "not found",
        Some(volume) if volume.terminating => "is being deleted",
        Some(_) => return Ok(()),
    };
    let name = &key.name;
    let detail = format!("0/1 nodes are available: persistentvolumeclaim \"{name}\" {problem}.");
    Err((ReasonCode::VolumePending, detail))
}

/// The index of the node that has the volume, if all pods of a volume have to be on one node.
fn node_of_volume(cluster: &ClusterState, pod_id: &PodId, volume: &ObjectKey) -> Option<usize> {
    if !cluster.settings.one_node_volumes {
        return None;
    }
    let has_it = |(id, objects): &(&PodId, &PodObjects)| {
        *id != pod_id && ObjectKey::volume(&objects.reference) == *volume
    };
    let mut others = cluster.workloads.iter().filter(has_it);
    others.find_map(|(_, objects)| objects.pod.as_ref()?.node_index())
}

/// Finds GPUs on a node; on `beside` if given. A pod without GPUs needs none of its node.
fn find_gpus(
    cluster: &ClusterState,
    container: &ContainerSpec,
    beside: Option<usize>,
) -> Result<Option<Gpus>, Unplaced> {
    let Some(accelerator) = &container.resources.accelerator else {
        return Ok(beside.map(|node| (node, 0)));
    };
    let pools = gpu_stock(cluster).into_iter().enumerate();
    let fits = |(_, pool): &(usize, GpuStock)| {
        pool.resource == accelerator.resource && fits_model(container, pool.model.as_deref())
    };
    let mut matching: Vec<_> = pools.filter(fits).collect();
    matching.sort_by_key(|(index, _)| container.avoid_nodes.contains(&node_name(*index)));
    let nodes = matching.len();
    let is_beside = |index: usize| beside.is_none_or(|node| node == index);
    let fits = |(index, pool): &&(usize, GpuStock)| is_beside(*index) && pool.free >= accelerator.count;
    match matching.iter().find(fits) {
        Some((index, _)) => Ok(Some((*index, accelerator.count))),
        None if matching.iter().any(|(index, _)| !is_beside(*index)) => {
            Err(beside_full_node(nodes, &accelerator.resource))
        }
        None if matching.is_empty() => Err((ReasonCode::Unschedulable, NO_NODE_FITS.to_owned())),
        None => Err((
            ReasonCode::NoGpuFree,
            insufficient(matching.len(), &accelerator.resource),
        )),
    }
}

fn gpu_stock(cluster: &ClusterState) -> Vec<GpuStock> {
    let pods = cluster
        .workloads
        .values()
        .filter_map(|objects| objects.pod.as_ref());
    let foreign = cluster.foreign_gpus.iter().map(|(pool, count)| (*pool, *count));
    let taken: Vec<Gpus> = pods.filter_map(|pod| pod.gpus).chain(foreign).collect();
    let taken_of = |pool: usize| {
        taken
            .iter()
            .filter(|(index, _)| *index == pool)
            .map(|(_, count)| count)
            .sum()
    };
    let pools = cluster.settings.gpus.iter().enumerate();
    pools
        .map(|(index, pool)| GpuStock {
            resource: pool.resource.clone(),
            model: pool.model.clone(),
            total: pool.total,
            free: pool.total.saturating_sub(taken_of(index)),
        })
        .collect()
}

/// The GPUs of each node: a pool is a node.
pub(super) fn gpu_nodes(cluster: &ClusterState) -> Vec<NodeGpus> {
    let pools = cluster.settings.gpus.iter().enumerate();
    let nodes = pools.map(|(index, pool)| {
        let held = |objects: &PodObjects| {
            let gpus = objects.pod.as_ref()?.gpus;
            let (_, count) = gpus.filter(|(pool, count)| *pool == index && *count > 0)?;
            Some(GpuHolder {
                pod_id: Some(objects.reference.pod_id.clone()),
                namespace: objects.reference.namespace.clone().unwrap_or_default(),
                name: objects.reference.name.clone(),
                count,
            })
        };
        let foreign = cluster.foreign_gpus.get(&index).map(|count| GpuHolder {
            pod_id: None,
            namespace: String::new(),
            name: "foreign".to_owned(),
            count: *count,
        });
        NodeGpus {
            node: node_name(index),
            resource: pool.resource.clone(),
            model: pool.model.clone(),
            total: pool.total,
            schedulable: true,
            labels: labels(pool.model.as_deref()),
            taints: Vec::new(),
            holders: cluster
                .workloads
                .values()
                .filter_map(held)
                .chain(foreign)
                .collect(),
        }
    });
    nodes.collect()
}

/// The scheduler's message if the node that has the volume is full, and others may not be.
fn beside_full_node(nodes: usize, resource: &str) -> Unplaced {
    let others = nodes.saturating_sub(1).max(1);
    let text = format!(
        "0/{nodes} nodes are available: 1 Insufficient {resource}, {others} node(s) didn't match pod affinity rules. \
         preemption: 0/{nodes} nodes are available: {nodes} Preemption is not helpful for scheduling."
    );
    (ReasonCode::NoGpuFree, text)
}

/// The labels of a node with GPUs of this model; `None` if it fits any model.
fn labels(model: Option<&str>) -> Option<BTreeMap<String, String>> {
    Some(BTreeMap::from([(
        NVIDIA_MODEL_LABEL.to_owned(),
        model?.to_owned(),
    )]))
}

fn fits_model(container: &ContainerSpec, model: Option<&str>) -> bool {
    match (container.node_selector.get(NVIDIA_MODEL_LABEL), model) {
        (Some(wanted), Some(model)) => label_values(NVIDIA_MODEL_LABEL, wanted)
            .iter()
            .any(|value| value == model),
        _ => true,
    }
}
