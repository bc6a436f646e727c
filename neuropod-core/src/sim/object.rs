//! Objects beside the pod, and the calls that make and remove them.

use std::collections::BTreeMap;

use super::pod::SimPod;
use super::world::{Companion, Owned, Volume, VolumeKey, World};
use crate::cluster::backend::{Inventory, OwnedVolume, OwnedWorkload};
use crate::cluster::observation::{Objects, Observation, ObservedVolume};
use crate::cluster::workload::{VolumePolicy, Workload, WorkloadRef};
use crate::error::kind::{Error, ErrorKind, Result};

/// The kind of an object in the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The pod.
    Pod,
    /// The workspace volume.
    Volume,
    /// A Service of one port.
    Service,
    /// An Ingress or `HTTPRoute` of one port.
    Route,
    /// A network policy.
    Policy,
    /// The Secret of the access token.
    Secret,
}

/// What an object is found by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey {
    /// The namespace, where there is one per user.
    pub namespace: Option<String>,
    /// What it is.
    pub kind: Kind,
    /// Its name.
    pub name: String,
}

impl ObjectKey {
    /// The key of an object in the namespace of a workload.
    pub fn of(reference: &WorkloadRef, kind: Kind, name: &str) -> Self {
        Self {
            namespace: reference.namespace.clone(),
            kind,
            name: name.to_owned(),
        }
    }
}

/// Everything that a workload asks for beside its pod and volume.
fn companions(workload: &Workload) -> Vec<ObjectKey> {
    let key = |kind, name: &str| ObjectKey::of(&workload.reference, kind, name);
    let endpoints = workload.endpoints.iter();
    let mut keys: Vec<_> = endpoints
        .flat_map(|endpoint| {
            [
                key(Kind::Service, &endpoint.service),
                key(Kind::Route, &endpoint.route),
            ]
        })
        .collect();
    keys.push(key(Kind::Policy, &workload.isolation.policy));
    keys.extend(
        workload
            .secret
            .iter()
            .map(|secret| key(Kind::Secret, &secret.name)),
    );
    keys
}

/// What of a workload a quota counts.
type Figure<'a> = &'a dyn Fn(&Workload) -> u32;

/// How many GPUs of this resource a workload asks for.
fn gpus_of(workload: &Workload, resource: &str) -> u32 {
    let accelerator = workload.container.resources.accelerator.as_ref();
    accelerator
        .filter(|accelerator| accelerator.resource == resource)
        .map_or(0, |accelerator| accelerator.count)
}

impl World {
    /// Makes everything of a workload that is not there. As in a real cluster, what can be made is made although
    /// something else is refused; the answer is the first refusal.
    pub(super) fn apply(&mut self, workload: &Workload) -> Result<Observation> {
        let pod_id = &workload.reference.pod_id;
        let mut obstacles = self.obstacles.get(pod_id).into_iter().flatten();
        if let Some(refusal) = obstacles.find_map(|obstacle| obstacle.refusal()) {
            return Err(refusal);
        }
        let keys = companions(workload);
        let count = keys.len();
        self.workloads.entry(pod_id.clone()).or_insert_with(|| Owned {
            reference: workload.reference.clone(),
            pod: None,
            companions: BTreeMap::new(),
            published: None,
        });
        let mut answers = vec![self.apply_volume(workload)];
        answers.extend(keys.into_iter().map(|key| self.apply_companion(workload, key)));
        answers.push(self.apply_pod(workload, count));
        let answer = answers.into_iter().collect::<Result<()>>();
        self.forget_if_empty(pod_id);
        answer.map(|()| self.look(&workload.reference))
    }

    fn apply_volume(&mut self, workload: &Workload) -> Result<()> {
        let reference = &workload.reference;
        let name = ObjectKey::of(reference, Kind::Volume, &reference.volume);
        if self.names.contains_key(&name) {
            return Err(taken(&name));
        }
        let key = (reference.namespace.clone(), reference.volume.clone());
        let size_gb = workload.volume.size_gb;
        match self.volumes.get_mut(&key) {
            Some(volume) if volume.terminating => {
                let text = format!("the volume {} is being deleted", reference.volume);
                return Err(Error::new(ErrorKind::Conflict, text));
            }
            Some(volume) if volume.size_gb >= size_gb => return Ok(()),
            Some(volume) => volume.size_gb = size_gb,
            None => {
                let volume = Volume {
                    made_at: self.now,
                    user_hash: reference.user_hash.clone(),
                    size_gb,
                    bound: false,
                    terminating: false,
                };
                self.volumes.insert(key, volume);
                self.retry_unscheduled();
            }
        }
        self.writes += 1;
        Ok(())
    }

    fn apply_companion(&mut self, workload: &Workload, key: ObjectKey) -> Result<()> {
        let pod_id = &workload.reference.pod_id;
        self.take_name(&key, workload)?;
        let Some(owned) = self.workloads.get_mut(pod_id) else {
            return Ok(());
        };
        let companion = Companion {
            run: workload.run,
            terminating: false,
        };
        match owned.companions.get(&key) {
            Some(there) if there.terminating => {
                let text = format!("the {:?} {} is being deleted", key.kind, key.name);
                return Err(Error::new(ErrorKind::Conflict, text));
            }
            Some(there) if *there == companion => {}
            _ => {
                owned.companions.insert(key, companion);
                self.writes += 1;
            }
        }
        Ok(())
    }

    fn apply_pod(&mut self, workload: &Workload, companions: usize) -> Result<()> {
        let reference = &workload.reference;
        match self.pod(&reference.pod_id) {
            Some(pod) if pod.terminating => {
                let text = format!("the pod {} is being deleted", reference.name);
                return Err(Error::new(ErrorKind::Conflict, text));
            }
            Some(_) => return Ok(()),
            None => self.within_quota(workload)?,
        }
        self.take_name(&ObjectKey::of(reference, Kind::Pod, &reference.name), workload)?;
        let (uid, order) = (self.hex(16), self.count());
        let pod = SimPod::new(uid, order, workload.clone(), companions);
        if let Some(owned) = self.workloads.get_mut(&reference.pod_id) {
            owned.reference = reference.clone();
            owned.pod = Some(pod);
        }
        self.writes += 1;
        self.schedule(&reference.pod_id, Some(self.settings.schedule));
        self.publish(&reference.pod_id);
        Ok(())
    }

    /// Takes a name for an object of the workload. One that a leftover of another pod of ours has is free soon.
    fn take_name(&mut self, key: &ObjectKey, workload: &Workload) -> Result<()> {
        let pod_id = &workload.reference.pod_id;
        match self.names.get(key) {
            Some(Some(holder)) if holder == pod_id => Ok(()),
            Some(Some(holder)) if self.pod(holder).is_none_or(|pod| pod.terminating) => {
                let text = format!("{} is still that of a pod that is being deleted", key.name);
                Err(Error::new(ErrorKind::Conflict, text))
            }
            Some(_) => Err(taken(key)),
            None => {
                self.names.insert(key.clone(), Some(pod_id.clone()));
                Ok(())
            }
        }
    }

    /// Whether the owner may have one more pod, in the words of the `ResourceQuota` admission.
    fn within_quota(&self, workload: &Workload) -> Result<()> {
        let Some(quota) = &workload.isolation.quota else {
            return Ok(());
        };
        let reference = &workload.reference;
        let of_owner = |owned: &&Owned| {
            owned.reference.user_hash == reference.user_hash
                && owned.reference.namespace == reference.namespace
        };
        let pods: Vec<_> = self
            .workloads
            .values()
            .filter(of_owner)
            .filter_map(|owned| owned.pod.as_ref())
            .collect();
        let used = |of: Figure<'_>| {
            pods.iter()
                .map(|pod| of(&pod.workload))
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
            .map(|(name, of, limit)| (name.to_owned(), of(workload), used(of), limit));
        let gpus = quota.gpus.iter().map(|(resource, limit)| {
            let of: Figure<'_> = &|workload| gpus_of(workload, resource);
            (format!("requests.{resource}"), of(workload), used(of), *limit)
        });
        for (name, requested, used, limit) in plain.chain(gpus) {
            // As in a real cluster, who asks for none of it is not refused for want of it.
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

    /// Removes the objects, asks the pod to end and deletes the volume if told.
    pub(super) fn remove(&mut self, reference: &WorkloadRef, policy: VolumePolicy) -> Observation {
        let pod_id = &reference.pod_id;
        if let Some(owned) = self.workloads.get_mut(pod_id) {
            for (key, companion) in std::mem::take(&mut owned.companions) {
                self.writes += u64::from(!companion.terminating);
                if self.stuck_objects.contains(&key) {
                    let terminating = true;
                    owned.companions.insert(
                        key,
                        Companion {
                            terminating,
                            ..companion
                        },
                    );
                } else {
                    self.names.remove(&key);
                }
            }
            self.terminate(pod_id);
            self.forget_if_empty(pod_id);
        }
        if policy == VolumePolicy::Delete {
            self.delete_volume(&(reference.namespace.clone(), reference.volume.clone()));
        }
        self.look(reference)
    }

    /// Everything of one pod.
    pub(super) fn look(&self, reference: &WorkloadRef) -> Observation {
        let owned = self.workloads.get(&reference.pod_id);
        let pod = owned.and_then(|owned| owned.pod.as_ref());
        Observation {
            pod: pod.map(SimPod::observed),
            objects: owned.map_or(Objects::Absent, objects),
            volume: self.look_at_volume(&(reference.namespace.clone(), reference.volume.clone())),
        }
    }

    fn look_at_volume(&self, key: &VolumeKey) -> ObservedVolume {
        match self.volumes.get(key) {
            None => ObservedVolume::Absent,
            Some(volume) if volume.terminating => ObservedVolume::Terminating,
            Some(volume) if volume.bound => ObservedVolume::Bound {
                size_gb: volume.size_gb,
            },
            Some(_) => ObservedVolume::Pending,
        }
    }

    pub(super) fn inventory(&self) -> Inventory {
        let workload = |owned: &Owned| {
            let mut reference = owned.reference.clone();
            let mut observation = self.look(&reference);
            if owned.pod.is_none() {
                // No other object knows the volume.
                reference.volume.clear();
                observation.volume = ObservedVolume::Unknown;
            }
            OwnedWorkload {
                reference,
                observation,
            }
        };
        let volume = |((namespace, name), volume): (&VolumeKey, &Volume)| OwnedVolume {
            name: name.clone(),
            namespace: namespace.clone(),
            user_hash: volume.user_hash.clone(),
            size_gb: volume.size_gb,
        };
        Inventory {
            workloads: self.workloads.values().map(workload).collect(),
            volumes: self.volumes.iter().map(volume).collect(),
            gpus: self.gpu_stock(),
            nodes: Some(self.gpu_nodes()),
        }
    }
}

fn objects(owned: &Owned) -> Objects {
    if owned.companions.is_empty() {
        return Objects::Absent;
    }
    let complete = owned.pod.as_ref().is_some_and(|pod| {
        let of_this_run = |companion: &Companion| companion.run == pod.run && !companion.terminating;
        owned.companions.len() == pod.companions && owned.companions.values().all(of_this_run)
    });
    if complete {
        Objects::Complete
    } else {
        Objects::Partial
    }
}

fn taken(key: &ObjectKey) -> Error {
    let text = format!("a {:?} of somebody else is named {}", key.kind, key.name);
    Error::new(ErrorKind::NameTaken, text)
}
