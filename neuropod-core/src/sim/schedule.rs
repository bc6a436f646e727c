//! What the scheduler does: which pod gets a node, with its GPUs and its volume.

use std::collections::BTreeMap;

use super::incident::{Obstacle, insufficient};
use super::pod::{SimPod, State, node_name};
use super::world::{Owned, VolumeKey, World};
use crate::cluster::gpus::{GpuHolder, GpuStock, NVIDIA_MODEL_LABEL, NodeGpus, label_values};
use crate::cluster::reason::ReasonCode;
use crate::cluster::workload::ContainerSpec;
use crate::id::PodId;

/// The index of a pool of GPUs, and how many of it.
type Gpus = (usize, u32);
/// Why there is no node, in the scheduler's words.
type Obstruction = (ReasonCode, String);

impl World {
    /// Gives the pod a node. Answers whether there is one.
    pub(super) fn place(&mut self, pod_id: &PodId) -> bool {
        let Some(owned) = self.workloads.get(pod_id) else {
            return false;
        };
        let Some(pod) = &owned.pod else { return false };
        let key = owned.volume_key();
        let free = self
            .find_volume(owned)
            .and_then(|()| self.find_gpus(&pod.workload.container, self.node_of_volume(pod_id, &key)));
        let now = self.now;
        let Some(pod) = self.pod_mut(pod_id) else {
            return false;
        };
        match free {
            Ok(gpus) => pod.gpus = gpus,
            Err((code, detail)) => {
                pod.blame(code, detail, now);
                return false;
            }
        }
        if let Some(volume) = self.volumes.get_mut(&key) {
            volume.bound = true;
        }
        true
    }

    fn find_volume(&self, owned: &Owned) -> Result<(), Obstruction> {
        let name = &owned.reference.volume;
        let problem = match self.volumes.get(&owned.volume_key()) {
            None => "not found",
            Some(volume) if volume.terminating => "is being deleted",
            Some(_) => return Ok(()),
        };
        let detail = format!("0/1 nodes are available: persistentvolumeclaim \"{name}\" {problem}.");
        Err((ReasonCode::VolumePending, detail))
    }

    /// The node that has the volume now, by its index, where the pods of a volume have to be on one.
    fn node_of_volume(&self, pod_id: &PodId, key: &VolumeKey) -> Option<usize> {
        let has_it = |(id, owned): &(&PodId, &Owned)| *id != pod_id && owned.volume_key() == *key;
        let mut others = self.workloads.iter().filter(has_it);
        let node = others.find_map(|(_, owned)| owned.pod.as_ref()?.node_index());
        node.filter(|_| self.settings.one_node_volumes)
    }

    /// GPUs on a node, which is the one `beside` where there is one. A pod without GPUs counts none of its node.
    fn find_gpus(
        &self,
        container: &ContainerSpec,
        beside: Option<usize>,
    ) -> Result<Option<Gpus>, Obstruction> {
        let Some(accelerator) = &container.resources.accelerator else {
            return Ok(beside.map(|node| (node, 0)));
        };
        let pools = self.gpu_stock().into_iter().enumerate();
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
            None if matching.is_empty() => Err(Obstacle::Unschedulable.reason("")),
            None => Err((
                ReasonCode::NoGpuFree,
                insufficient(matching.len(), &accelerator.resource),
            )),
        }
    }

    pub(super) fn gpu_stock(&self) -> Vec<GpuStock> {
        let pods = self.workloads.values().filter_map(|owned| owned.pod.as_ref());
        let foreign = self.foreign_gpus.iter().map(|(pool, count)| (*pool, *count));
        let taken: Vec<Gpus> = pods.filter_map(|pod| pod.gpus).chain(foreign).collect();
        let taken_of = |pool: usize| {
            taken
                .iter()
                .filter(|(index, _)| *index == pool)
                .map(|(_, count)| count)
                .sum()
        };
        let pools = self.settings.gpus.iter().enumerate();
        pools
            .map(|(index, pool)| GpuStock {
                resource: pool.resource.clone(),
                model: pool.model.clone(),
                total: pool.total,
                free: pool.total.saturating_sub(taken_of(index)),
            })
            .collect()
    }

    /// The GPUs node by node: each pool is one node.
    pub(super) fn gpu_nodes(&self) -> Vec<NodeGpus> {
        let pools = self.settings.gpus.iter().enumerate();
        let nodes = pools.map(|(index, pool)| {
            let held = |owned: &Owned| {
                let gpus = owned.pod.as_ref()?.gpus;
                let (_, count) = gpus.filter(|(pool, count)| *pool == index && *count > 0)?;
                Some(GpuHolder {
                    pod_id: Some(owned.reference.pod_id.clone()),
                    namespace: owned.reference.namespace.clone().unwrap_or_default(),
                    name: owned.reference.name.clone(),
                    count,
                })
            };
            let foreign = self.foreign_gpus.get(&index).map(|count| GpuHolder {
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
                holders: self.workloads.values().filter_map(held).chain(foreign).collect(),
            }
        });
        nodes.collect()
    }

    /// Looks again at the pods that got no node, the oldest first.
    pub(super) fn retry_unscheduled(&mut self) {
        let waits = |pod: &SimPod| pod.state == State::Scheduling && pod.turn.is_none();
        let pods = self
            .workloads
            .iter()
            .filter_map(|(id, owned)| Some((id, owned.pod.as_ref()?)));
        let waiting = pods
            .filter(|(_, pod)| waits(pod))
            .map(|(id, pod)| (pod.order, id.clone()));
        let mut waiting: Vec<_> = waiting.collect();
        waiting.sort_unstable();
        for (_, pod_id) in waiting {
            self.step(&pod_id);
        }
    }
}

/// The words of the scheduler where the node that has the volume is full, and others may not be.
fn beside_full_node(nodes: usize, resource: &str) -> Obstruction {
    let others = nodes.saturating_sub(1).max(1);
    let text = format!(
        "0/{nodes} nodes are available: 1 Insufficient {resource}, {others} node(s) didn't match pod affinity rules. \
         preemption: 0/{nodes} nodes are available: {nodes} Preemption is not helpful for scheduling."
    );
    (ReasonCode::NoGpuFree, text)
}

/// The labels of a node with GPUs of this model; where it has none it is whatever a pod asks for.
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
