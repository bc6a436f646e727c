//! Everything of the platform that is in the cluster.

use std::collections::BTreeMap;

use futures::future::try_join_all;
use kube::api::ListParams;
use neuropod_core::cluster::gpus::by_model;
use neuropod_core::cluster::{Inventory, Observation, OwnedVolume, OwnedWorkload, WorkloadRef};
use neuropod_core::{PodId, Result};

use crate::cluster::KubeCluster;
use crate::gpus;
use crate::kind::Kind;
use crate::labels;
use crate::observe;
use crate::quantity;
use crate::slim::{Meta, SlimClaim, SlimEvent, SlimPod};
use crate::status::{ABOUT_CLAIMS, ABOUT_NODES, ABOUT_PODS};
use crate::upkeep;

pub(crate) async fn inventory(cluster: &KubeCluster) -> Result<Inventory> {
    let requests = &cluster.requests;
    let scope = cluster.scope();
    let instance = &cluster.config.instance;
    let (pods, all) = (labels::of_all_pods(instance), labels::of_platform(instance));
    let pods_only = ListParams::default().labels(&pods);
    let claims = ListParams::default().labels(&all);
    let kinds = Kind::OF_A_RUN.into_iter();
    let objects = try_join_all(kinds.map(|kind| requests.list_metadata(kind, scope, &pods)));
    let events = async |about: &str| {
        let about = ListParams::default().fields(about);
        requests.list::<SlimEvent>(Kind::Event, scope, &about).await
    };
    let (found_pods, found_claims, objects, mut warnings, about_nodes, about_claims, gpus) = tokio::try_join!(
        requests.list::<SlimPod>(Kind::Pod, scope, &pods_only),
        requests.list::<SlimClaim>(Kind::PersistentVolumeClaim, scope, &claims),
        objects,
        events(ABOUT_PODS),
        events(ABOUT_NODES),
        events(ABOUT_CLAIMS),
        gpus::find(requests, instance),
    )?;
    let with_pods = found_pods.iter().map(|pod| pod.metadata.namespace.as_str());
    upkeep::repair(cluster, with_pods.collect()).await;
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
        parts.workload(cluster, &namespace, pod_id, &found_claims, &warnings)
    });
    Ok(Inventory {
        workloads: workloads.collect(),
        volumes: found_claims.iter().map(|claim| owned(cluster, claim)).collect(),
        gpus: by_model(gpus.as_deref().unwrap_or_default()),
        nodes: gpus,
    })
}

/// What there is of one pod.
#[derive(Debug, Default)]
struct Parts {
    pod: Option<SlimPod>,
    objects: Vec<Meta>,
}

impl Parts {
    fn workload(
        self,
        cluster: &KubeCluster,
        namespace: &str,
        pod_id: PodId,
        claims: &[SlimClaim],
        warnings: &[SlimEvent],
    ) -> OwnedWorkload {
        let pod = self.pod.as_ref().map(|pod| &pod.metadata);
        let labels = pod.or(self.objects.first()).map(|meta| &meta.labels);
        let text = |label: Option<&String>| label.cloned().unwrap_or_default();
        let reference = WorkloadRef {
            pod_id,
            user_hash: text(labels.and_then(|labels| labels.user_hash.as_ref())),
            namespace: cluster.reference_namespace(namespace),
            name: text(labels.and_then(|labels| labels.name.as_ref())),
            volume: text(pod.and_then(|pod| pod.annotations.volume.as_ref())),
        };
        let mut claims = claims
            .iter()
            .filter(|claim| claim.metadata.namespace == namespace);
        let claim = claims.find(|claim| claim.metadata.name == reference.volume);
        let volume = observe::volume(claim, &reference, &cluster.config.instance);
        OwnedWorkload {
            observation: Observation {
                pod: self.pod.as_ref().map(|pod| observe::pod_with(pod, warnings)),
                objects: observe::objects(self.pod.as_ref(), self.objects.iter()),
                volume,
            },
            reference,
        }
    }
}

fn key(meta: &Meta) -> Option<(String, PodId)> {
    let id = meta.pod_id();
    if id.is_none() {
        tracing::warn!(
            name = meta.name,
            namespace = meta.namespace,
            "a label of a pod id that is none"
        );
    }
    Some((meta.namespace.clone(), id?))
}

fn owned(cluster: &KubeCluster, claim: &SlimClaim) -> OwnedVolume {
    let capacity = quantity::gigabytes(&claim.status.capacity.storage);
    let asked = || quantity::gigabytes(&claim.spec.resources.requests.storage);
    OwnedVolume {
        name: claim.metadata.name.clone(),
        namespace: cluster.reference_namespace(&claim.metadata.namespace),
        user_hash: claim.metadata.labels.user_hash.clone().unwrap_or_default(),
        size_gb: capacity.or_else(asked).unwrap_or(0),
    }
}
