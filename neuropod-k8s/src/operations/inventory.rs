//! The inventory: all objects of the platform in the cluster.

mod index;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use futures::future::try_join_all;
use kube::api::ListParams;
use neuropod_core::cluster::{Inventory, Observation, OwnedVolume, OwnedWorkload, WorkloadRef};
use neuropod_core::{PodId, Result};

use crate::api::kinds::Kind;
use crate::api::partial::{Meta, PartialClaim, PartialEvent, PartialPod};
use crate::api::quantity;
use crate::context::Context;
use crate::labels;
use crate::operations::observe::{self, Sign};
use crate::operations::upkeep::namespace;
use crate::status::{self, ABOUT_CLAIMS, ABOUT_NODES, ABOUT_PODS};

use self::index::{Claims, Notes, place};

/// Workloads after which other tasks get their turn.
const TURN: usize = 500;

/// Lists everything of the platform. Each page has the deadline of an operation for itself: a cluster that is large, or slow
/// and still answers, is listed to its end.
pub(crate) async fn inventory(context: &Context) -> Result<Inventory> {
    let requests = &context.requests;
    let scope = context.scope();
    let instance = &context.config.instance;
    let (pods, all) = (labels::of_all_pods(instance), labels::of_platform(instance));
    let pods_only = ListParams::default().labels(&pods);
    let claims = ListParams::default().labels(&all);
    let add_object = |all: &mut Vec<Object>, metadata: Meta| all.extend(Object::of(&metadata));
    let kinds = Kind::OF_A_RUN.into_iter();
    let objects = try_join_all(kinds.map(|kind| requests.fold_metadata(kind, scope, &pods, add_object)));
    let events = async |about: &str| {
        let about = ListParams::default().fields(about);
        let add = |notes: &mut Notes, event: PartialEvent| notes.add(&event);
        requests.fold(Kind::Event, scope, &about, add).await
    };
    let add_claim = |claims: &mut Claims, claim: PartialClaim| {
        claims.insert(place(&claim.metadata), claim);
    };
    let (found_pods, claims, objects, mut notes) = tokio::try_join!(
        requests.list::<PartialPod>(Kind::Pod, scope, &pods_only),
        requests.fold(Kind::PersistentVolumeClaim, scope, &claims, add_claim),
        objects,
        events(ABOUT_PODS),
    )?;
    // They add nothing to pods that are ready, and the API server reads all events to find them.
    if found_pods.iter().any(status::is_unready) {
        let (about_nodes, about_claims) = tokio::try_join!(events(ABOUT_NODES), events(ABOUT_CLAIMS))?;
        notes.extend(about_nodes);
        notes.extend(about_claims);
    }
    repair(context, &found_pods).await;
    let mut parts: BTreeMap<(String, PodId), Parts> = BTreeMap::new();
    for pod in found_pods {
        if let Some(key) = key(&pod.metadata) {
            parts.entry(key).or_default().pod = Some(pod);
        }
    }
    for object in objects.into_iter().flatten() {
        let Object {
            key,
            name,
            user_hash,
            sign,
        } = object;
        let parts = parts.entry(key).or_default();
        parts.objects.push(sign);
        parts.owner.get_or_insert((name, user_hash));
    }
    let mut inventory = Inventory::default();
    for ((namespace, pod_id), parts) in parts {
        let workload = parts.workload(context, &namespace, pod_id, &claims, &notes);
        inventory.workloads.push(workload);
        if inventory.workloads.len().is_multiple_of(TURN) {
            tokio::task::yield_now().await;
        }
    }
    inventory.volumes = claims.values().map(|claim| owned(context, claim)).collect();
    let by_place = |one: &OwnedVolume, other: &OwnedVolume| {
        (&one.namespace, &one.name).cmp(&(&other.namespace, &other.name))
    };
    inventory.volumes.sort_by(by_place);
    Ok(inventory)
}

/// Repairs the namespaces that have pods, within the deadline of an operation: the pods are reported in any case.
async fn repair(context: &Context, pods: &[PartialPod]) {
    let with_pods = pods.iter().map(|pod| pod.metadata.namespace.as_str());
    let repair = async {
        namespace::repair(context, with_pods.collect()).await;
        Ok(())
    };
    if let Err(error) = context.requests.in_time(repair).await {
        tracing::warn!(%error, "the namespaces of the pods can't be repaired now; the next inventory retries");
    }
}

/// An object of a pod other than the pod object, as far as it is needed: there are many of them.
#[derive(Debug)]
struct Object {
    key: (String, PodId),
    name: Option<String>,
    user_hash: Option<String>,
    sign: Sign,
}

impl Object {
    fn of(meta: &Meta) -> Option<Self> {
        Some(Self {
            key: key(meta)?,
            name: meta.labels.name.clone(),
            user_hash: meta.labels.user_hash.clone(),
            sign: Sign::of(meta),
        })
    }
}

/// The objects of one pod.
#[derive(Debug, Default)]
struct Parts {
    pod: Option<PartialPod>,
    objects: Vec<Sign>,
    /// The labels of the first of them: the name of the pod, and the hash of its owner.
    owner: Option<(Option<String>, Option<String>)>,
}

impl Parts {
    fn workload(
        self,
        context: &Context,
        namespace: &str,
        pod_id: PodId,
        claims: &Claims,
        notes: &Notes,
    ) -> OwnedWorkload {
        let pod = self.pod.as_ref().map(|pod| &pod.metadata);
        let of_pod = pod.map(|meta| (meta.labels.name.clone(), meta.labels.user_hash.clone()));
        let (name, user_hash) = of_pod.or(self.owner).unwrap_or_default();
        let volume = pod.and_then(|pod| pod.annotations.volume.clone());
        let reference = WorkloadRef {
            pod_id,
            user_hash: user_hash.unwrap_or_default(),
            namespace: context.reference_namespace(namespace),
            name: name.unwrap_or_default(),
            volume: volume.unwrap_or_default(),
            objects: None,
        };
        let claim = claims.get(&(namespace.to_owned(), reference.volume.clone()));
        let volume = observe::volume(claim, &reference, &context.config.instance);
        let mut observation = Observation::nothing();
        let observed = |pod| status::observed(pod, Some(&notes.about(pod)));
        observation.pod = self.pod.as_ref().map(observed);
        observation.objects = observe::objects(self.pod.as_ref(), self.objects.iter().copied());
        observation.volume = volume;
        OwnedWorkload::new(reference, observation)
    }
}

fn key(meta: &Meta) -> Option<(String, PodId)> {
    let id = meta.pod_id();
    if id.is_none() {
        tracing::warn!(
            name = meta.name,
            namespace = meta.namespace,
            "the label of the pod id is not a pod id"
        );
    }
    Some((meta.namespace.clone(), id?))
}

fn owned(context: &Context, claim: &PartialClaim) -> OwnedVolume {
    let capacity = quantity::gigabytes(&claim.status.capacity.storage);
    let requested = || quantity::gigabytes(&claim.spec.resources.requests.storage);
    let user_hash = claim.metadata.labels.user_hash.clone().unwrap_or_default();
    let size_gb = capacity.or_else(requested).unwrap_or(0);
    let mut volume = OwnedVolume::new(&claim.metadata.name, user_hash, size_gb);
    volume.namespace = context.reference_namespace(&claim.metadata.namespace);
    volume
}
