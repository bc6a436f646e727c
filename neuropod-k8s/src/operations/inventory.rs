//! The inventory: all objects of the platform in the cluster.

use std::collections::BTreeMap;

use futures::future::try_join_all;
use kube::api::ListParams;
use neuropod_core::cluster::gpus::by_model;
use neuropod_core::cluster::{Inventory, Observation, OwnedVolume, OwnedWorkload, WorkloadRef};
use neuropod_core::{PodId, Result};

use crate::api::kinds::Kind;
use crate::api::partial::{Meta, PartialClaim, PartialEvent, PartialPod};
use crate::api::quantity;
use crate::context::Context;
use crate::labels;
use crate::operations::upkeep::namespace;
use crate::operations::{gpus, observe};
use crate::status::{ABOUT_CLAIMS, ABOUT_NODES, ABOUT_PODS};

pub(crate) async fn inventory(context: &Context) -> Result<Inventory> {
    let requests = &context.requests;
    let scope = context.scope();
    let instance = &context.config.instance;
    let (pods, all) = (labels::of_all_pods(instance), labels::of_platform(instance));
    let pods_only = ListParams::default().labels(&pods);
    let claims = ListParams::default().labels(&all);
    let kinds = Kind::OF_A_RUN.into_iter();
    let objects = try_join_all(kinds.map(|kind| requests.list_metadata(kind, scope, &pods)));
    let events = async |about: &str| {
        let about = ListParams::default().fields(about);
        requests.list::<PartialEvent>(Kind::Event, scope, &about).await
    };
    let (found_pods, found_claims, objects, mut warnings, about_nodes, about_claims, gpus) = tokio::try_join!(
        requests.list::<PartialPod>(Kind::Pod, scope, &pods_only),
        requests.list::<PartialClaim>(Kind::PersistentVolumeClaim, scope, &claims),
        objects,
        events(ABOUT_PODS),
        events(ABOUT_NODES),
        events(ABOUT_CLAIMS),
        gpus::fetch::fetch(requests, instance),
    )?;
    let with_pods = found_pods.iter().map(|pod| pod.metadata.namespace.as_str());
    namespace::repair(context, with_pods.collect()).await;
    warnings.extend(about_nodes.into_iter().chain(about_claims));
    let mut parts: BTreeMap<(String, PodId), Parts> = BTreeMap::new();
    for pod in found_pods {
        if let Some(key) = key(&pod.metadata) {
            parts.entry(key).or_default().pod = Some(pod);
        }
    }
    for meta in objects.into_iter().flatten() {
        if let Some(key) = key(&meta) {
            parts.entry(key).or_default().objects.push(meta);
        }
    }
    let workloads = parts.into_iter().map(|((namespace, pod_id), parts)| {
        parts.workload(context, &namespace, pod_id, &found_claims, &warnings)
    });
    let mut inventory = Inventory::default();
    inventory.workloads = workloads.collect();
    inventory.volumes = found_claims.iter().map(|claim| owned(context, claim)).collect();
    inventory.gpus = by_model(gpus.as_deref().unwrap_or_default());
    inventory.nodes = gpus;
    Ok(inventory)
}

/// The objects of one pod.
#[derive(Debug, Default)]
struct Parts {
    pod: Option<PartialPod>,
    objects: Vec<Meta>,
}

impl Parts {
    fn workload(
        self,
        context: &Context,
        namespace: &str,
        pod_id: PodId,
        claims: &[PartialClaim],
        warnings: &[PartialEvent],
    ) -> OwnedWorkload {
        let pod = self.pod.as_ref().map(|pod| &pod.metadata);
        let labels = pod.or(self.objects.first()).map(|meta| &meta.labels);
        let text = |label: Option<&String>| label.cloned().unwrap_or_default();
        let reference = WorkloadRef {
            pod_id,
            user_hash: text(labels.and_then(|labels| labels.user_hash.as_ref())),
            namespace: context.reference_namespace(namespace),
            name: text(labels.and_then(|labels| labels.name.as_ref())),
            volume: text(pod.and_then(|pod| pod.annotations.volume.as_ref())),
        };
        let mut claims = claims
            .iter()
            .filter(|claim| claim.metadata.namespace == namespace);
        let claim = claims.find(|claim| claim.metadata.name == reference.volume);
        let volume = observe::volume(claim, &reference, &context.config.instance);
        let mut observation = Observation::nothing();
        observation.pod = self.pod.as_ref().map(|pod| observe::pod_with(pod, warnings));
        observation.objects = observe::objects(self.pod.as_ref(), self.objects.iter());
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
