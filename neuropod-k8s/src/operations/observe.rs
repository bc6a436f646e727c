//! Fetches all objects of one pod, and converts them to an observation.

use futures::future::try_join_all;
use kube::api::ListParams;
use neuropod_core::Result;
use neuropod_core::cluster::workload::ObjectNames;
use neuropod_core::cluster::{Objects, Observation, ObservedPod, ObservedVolume, WorkloadRef};

use crate::api::kinds::Kind;
use crate::api::partial::{Meta, PartialClaim, PartialEvent, PartialObject, PartialPod};
use crate::api::quantity;
use crate::config::Exposure;
use crate::context::Context;
use crate::labels;
use crate::operations::ownership::belongs_to_owner;
use crate::status::{self, ABOUT_CLAIMS, Warnings};

/// Fetches all objects of one pod. If there is a pod object, the events about it and its claim explain why it makes no
/// progress, and show when its port was closed.
pub(crate) async fn observe(context: &Context, reference: &WorkloadRef) -> Result<Observation> {
    let found = find(context, reference).await?;
    let about = match &found.pod {
        Some(pod) => events(context, reference, status::is_unready(pod)).await?,
        None => Vec::new(),
    };
    Ok(found.observation(reference, &about, &context.config.instance))
}

/// The events about a pod, and about its claim if it is `unready`. The API server reads all events of the namespace to find
/// them.
async fn events(context: &Context, reference: &WorkloadRef, unready: bool) -> Result<Vec<PartialEvent>> {
    let namespace = Some(context.namespace(reference));
    // A pod has few events, so all of them are fetched, not only warnings.
    let about_pod = format!("involvedObject.kind=Pod,involvedObject.name={}", reference.name);
    let about_claim = format!("{ABOUT_CLAIMS},involvedObject.name={}", reference.volume);
    let events = async |about: &str| {
        let about = ListParams::default().fields(about);
        context
            .requests
            .list::<PartialEvent>(Kind::Event, namespace, &about)
            .await
    };
    let about_claim = async {
        if unready && !reference.volume.is_empty() {
            events(&about_claim).await
        } else {
            Ok(Vec::new())
        }
    };
    let (mut about, about_claim) = tokio::try_join!(events(&about_pod), about_claim)?;
    about.extend(about_claim);
    Ok(about)
}

/// The objects of one pod in the cluster.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) pod: Option<PartialPod>,
    pub(crate) claim: Option<PartialClaim>,
    /// The other objects of its runs.
    pub(crate) objects: Vec<(Kind, Meta)>,
}

/// Fetches the objects of one pod: by name where the names are known, because for a label the API server reads all
/// objects of the namespace.
pub(crate) async fn find(context: &Context, reference: &WorkloadRef) -> Result<Found> {
    match &reference.objects {
        Some(names) => fetch(context, reference, names).await,
        None => search(context, reference).await,
    }
}

/// Fetches the objects of one pod by name.
async fn fetch(context: &Context, reference: &WorkloadRef, names: &ObjectNames) -> Result<Found> {
    let route = match context.config.exposure {
        Exposure::Ingress(_) => Kind::Ingress,
        Exposure::Gateway(_) => Kind::HttpRoute,
    };
    let of_kind = |kind, names: &[String]| {
        names
            .iter()
            .map(move |name| (kind, name.clone()))
            .collect::<Vec<_>>()
    };
    let mut wanted = of_kind(Kind::Service, &names.services);
    wanted.extend(of_kind(route, &names.routes));
    wanted.push((Kind::Secret, names.secret.clone()));
    wanted.push((Kind::NetworkPolicy, reference.name.clone()));

    let (requests, namespace) = (&context.requests, Some(context.namespace(reference)));
    let is_ours = |meta: &Meta| {
        let instance = meta.labels.instance.as_deref();
        instance == Some(&context.config.instance) && meta.pod_id().as_ref() == Some(&reference.pod_id)
    };
    let objects = wanted.into_iter().map(async |(kind, name)| {
        let found: Option<PartialObject> = requests.get(kind, namespace, &name).await?;
        let ours = found.map(|object| object.metadata).filter(is_ours);
        Ok(ours.map(|meta| (kind, meta)))
    });
    let (pod, claim, objects) = tokio::try_join!(
        requests.get::<PartialPod>(Kind::Pod, namespace, &reference.name),
        claim(context, reference),
        try_join_all(objects),
    )?;
    Ok(Found {
        pod: pod.filter(|pod| is_ours(&pod.metadata)),
        claim,
        objects: objects.into_iter().flatten().collect(),
    })
}

/// Finds the objects of one pod by label, whatever their names, such as routes of the other kind.
pub(crate) async fn search(context: &Context, reference: &WorkloadRef) -> Result<Found> {
    let namespace = Some(context.namespace(reference));
    let selector = labels::of_pod(&context.config.instance, &reference.pod_id);
    let pods = ListParams::default().labels(&selector);
    let objects = Kind::OF_A_RUN.into_iter().map(async |kind| {
        let found = context.requests.list_metadata(kind, namespace, &selector).await?;
        Ok(found.into_iter().map(move |meta| (kind, meta)))
    });
    let (pods, claim, objects) = tokio::try_join!(
        context.requests.list::<PartialPod>(Kind::Pod, namespace, &pods),
        claim(context, reference),
        try_join_all(objects),
    )?;
    Ok(Found {
        pod: pods.into_iter().next(),
        claim,
        objects: objects.into_iter().flatten().collect(),
    })
}

async fn claim(context: &Context, reference: &WorkloadRef) -> Result<Option<PartialClaim>> {
    // The inventory does not know the volume of a pod whose object is gone.
    if reference.volume.is_empty() {
        return Ok(None);
    }
    let (kind, namespace) = (Kind::PersistentVolumeClaim, context.namespace(reference));
    context
        .requests
        .get(kind, Some(namespace), &reference.volume)
        .await
}

impl Found {
    /// The observation for the driver.
    pub(crate) fn observation(
        &self,
        reference: &WorkloadRef,
        warnings: &[PartialEvent],
        instance: &str,
    ) -> Observation {
        let mut observation = Observation::nothing();
        observation.pod = self.pod.as_ref().map(|pod| pod_with(pod, warnings));
        let found = self.objects.iter().map(|(_, meta)| Sign::of(meta));
        observation.objects = objects(self.pod.as_ref(), found);
        observation.volume = volume(self.claim.as_ref(), reference, instance);
        observation
    }
}

/// The pod, explained by the events about it and its claim.
pub(crate) fn pod_with(pod: &PartialPod, events: &[PartialEvent]) -> ObservedPod {
    let meta = &pod.metadata;
    let of_claim = events.iter().filter(|event| {
        let about = &event.involved_object;
        Some(&about.name) == meta.annotations.volume.as_ref() && about.namespace == meta.namespace
    });
    let warnings = Warnings::about(&meta.uid, events).and_of_claim(of_claim);
    status::observed(pod, Some(&warnings))
}

/// An object of a pod, as far as it tells whether the objects of its run are complete.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sign {
    run: u64,
    is_leaving: bool,
}

impl Sign {
    pub(crate) fn of(meta: &Meta) -> Self {
        Self {
            run: meta.run(),
            is_leaving: meta.is_leaving(),
        }
    }
}

/// Whether the objects of a run are complete. An annotation of the pod says how many there should be.
pub(crate) fn objects(pod: Option<&PartialPod>, mut found: impl ExactSizeIterator<Item = Sign>) -> Objects {
    let count = found.len();
    if count == 0 {
        return Objects::Absent;
    }
    let Some(pod) = pod.map(|pod| &pod.metadata) else {
        return Objects::Partial;
    };
    let expected = pod
        .annotations
        .objects
        .as_deref()
        .and_then(|count| count.parse::<usize>().ok());
    let of_this_run = found.all(|sign| sign.run == pod.run() && !sign.is_leaving);
    // A pod of an earlier version, with its variables in its spec, may have one more: it gets a Secret when one
    // of its objects is repaired.
    if of_this_run && expected.is_some_and(|expected| count >= expected) {
        Objects::Complete
    } else {
        Objects::Partial
    }
}

/// The state of the volume. A foreign claim counts as absent.
pub(crate) fn volume(
    claim: Option<&PartialClaim>,
    reference: &WorkloadRef,
    instance: &str,
) -> ObservedVolume {
    match claim {
        Some(claim) if !belongs_to_owner(&claim.metadata, reference, instance) => ObservedVolume::Absent,
        None if reference.volume.is_empty() => ObservedVolume::Unknown,
        None => ObservedVolume::Absent,
        Some(claim) if claim.metadata.is_leaving() => ObservedVolume::Terminating,
        Some(claim) if claim.status.phase == "Bound" => ObservedVolume::Bound {
            size_gb: quantity::gigabytes(&claim.status.capacity.storage).unwrap_or(0),
        },
        Some(_) => ObservedVolume::Pending,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json};

    use super::*;

    fn seen(runs: &[&str]) -> Objects {
        let metadata = |run: &str| json!({ "name": "a", "uid": "1", "labels": { "neuropod.io/run": run } });
        let mut pod = json!({ "metadata": metadata("2") });
        pod["metadata"]["annotations"] = json!({ "neuropod.io/objects": "3" });
        let pod: PartialPod = from_value(pod).unwrap();
        let found: Vec<Meta> = runs
            .iter()
            .map(|run| from_value(metadata(run)).unwrap())
            .collect();
        objects(Some(&pod), found.iter().map(Sign::of))
    }

    #[test]
    fn a_run_is_complete_with_all_of_its_objects() {
        assert_eq!(seen(&[]), Objects::Absent);
        assert_eq!(seen(&["2", "2"]), Objects::Partial);
        assert_eq!(seen(&["2", "2", "2"]), Objects::Complete);
        assert_eq!(seen(&["2", "2", "1"]), Objects::Partial);
        // This version creates a Secret for a pod of an earlier version, whose variables are in its spec.
        assert_eq!(seen(&["2", "2", "2", "2"]), Objects::Complete);
    }
}
