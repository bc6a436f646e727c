//! Creates or repairs the objects of a workload.
//!
//! An object is first created (POST). Only if an object of that name exists, it is read, and if it is ours and
//! differs it is updated by server-side apply. Server-side apply alone would need one request in every case,
//! but it also takes over foreign objects: it has no condition "only if there is none, or it is mine". Reading
//! first would be safe with a uid, but each new pod would wait twice. So a new pod is one wave of creations. A
//! pod that this process has applied before is read first, and only missing or different objects are written.

use futures::future::{join_all, try_join_all};
use neuropod_core::cluster::{Objects, Observation, Workload, WorkloadRef};
use neuropod_core::{Error, ErrorKind, Result};
use serde_json::json;

use crate::api::error::Call;
use crate::api::kinds::Kind;
use crate::api::manifest::Manifest;
use crate::api::partial::{Partial, PartialClaim, PartialObject};
use crate::api::quantity;
use crate::context::Context;
use crate::manifests::workload::Manifests;
use crate::operations::observe::{self, Found};
use crate::operations::ownership::{Decision, decide};
use crate::operations::prerequisites;
use crate::operations::upkeep::namespace;
use crate::status;

pub(crate) async fn apply(context: &Context, workload: &Workload) -> Result<Observation> {
    if workload.reference.namespace.is_some() && !context.config.namespace_per_user {
        // The pod could be created, but the watch would never report it.
        let message = "the pod has a namespace of its own: set KubeConfig::namespace_per_user";
        return Err(Error::new(ErrorKind::NotConfigured, message));
    }
    let manifests = Manifests::new(workload, &context.config);
    let wave = Wave {
        context,
        reference: &workload.reference,
    };
    let of_all = prerequisites::ensure(context);
    // No pod is without the network policy.
    let of_namespace = namespace::ensure(context, context.namespace(&workload.reference));
    if let Some(namespace) = &manifests.namespace {
        of_all.await?;
        // Objects in a namespace have to wait for it.
        wave.ensure::<PartialObject>(namespace, None).await?;
        // The first pod waits for the limits on its namespace.
        let limits = manifests.limits.iter();
        let limits = limits.map(|limit| wave.ensure::<PartialObject>(limit, None));
        tokio::try_join!(try_join_all(limits), of_namespace)?;
    } else {
        // Of both, whatever is missing for all pods is the better reason.
        let (of_all, of_namespace) = tokio::join!(of_all, of_namespace);
        of_all.and(of_namespace)?;
    }
    let seen = if context.note_applied(&workload.reference.pod_id) {
        observe::find(context, &workload.reference).await?
    } else {
        Found::default()
    };
    let objects = manifests.objects.iter().map(|manifest| {
        let mut there = seen.objects.iter();
        let there = there.find(|(kind, meta)| *kind == manifest.kind && meta.name == manifest.name);
        let there = there.map(|(_, metadata)| PartialObject {
            metadata: metadata.clone(),
        });
        wave.ensure(manifest, there)
    });
    let (claim, pod, objects) = tokio::join!(
        wave.ensure_claim(&manifests.volume, seen.claim, workload.volume.size_gb),
        wave.ensure(&manifests.pod, seen.pod),
        join_all(objects),
    );
    // All requests have completed by now, even if one failed, so the next attempt has less to do.
    let failures = objects.into_iter().filter_map(Result::err);
    let (pod, claim) = first_failure(pod, claim, failures)?;
    let mut observation = Observation::nothing();
    observation.objects = if pod.metadata.run() == workload.run {
        Objects::Complete
    } else {
        Objects::Partial
    };
    observation.pod = Some(status::observed(&pod, None));
    observation.volume = observe::volume(Some(&claim), &workload.reference, &context.config.instance);
    Ok(observation)
}

/// Returns the pod and the claim, or the most useful error: errors that a retry can't solve come first.
fn first_failure<P, C>(
    pod: Result<P>,
    claim: Result<C>,
    others: impl Iterator<Item = Error>,
) -> Result<(P, C)> {
    let mut failures: Vec<Error> = others.collect();
    match (pod, claim) {
        (Ok(pod), Ok(claim)) if failures.is_empty() => return Ok((pod, claim)),
        (pod, claim) => {
            failures.extend(pod.err());
            failures.extend(claim.err());
        }
    }
    failures.sort_by_key(Error::is_retryable);
    Err(failures.swap_remove(0))
}

struct Wave<'a> {
    context: &'a Context,
    reference: &'a WorkloadRef,
}

impl Wave<'_> {
    /// The namespace of objects of this kind; `None` for a namespace itself.
    fn namespace(&self, kind: Kind) -> Option<&str> {
        (kind != Kind::Namespace).then(|| self.context.namespace(self.reference))
    }

    fn instance(&self) -> &str {
        &self.context.config.instance
    }

    /// Creates the object, or updates it to the manifest. An existing pod is never updated.
    async fn ensure<T: Partial>(&self, manifest: &Manifest, there: Option<T>) -> Result<T> {
        let found = match self.create(manifest, there).await? {
            Creation::Created(object) => return Ok(object),
            Creation::Found(object) => object,
        };
        match decide(T::meta(&found), manifest, self.reference, self.instance())? {
            Decision::Leave => Ok(found),
            Decision::Update => {
                let namespace = self.namespace(manifest.kind);
                let uid = &T::meta(&found).uid;
                self.context.requests.apply(manifest, namespace, uid).await
            }
        }
    }

    /// Creates the claim. An existing claim can only grow.
    async fn ensure_claim(
        &self,
        manifest: &Manifest,
        there: Option<PartialClaim>,
        size_gb: u32,
    ) -> Result<PartialClaim> {
        let found: PartialClaim = match self.create(manifest, there).await? {
            Creation::Created(claim) => return Ok(claim),
            Creation::Found(claim) => claim,
        };
        decide(&found.metadata, manifest, self.reference, self.instance())?;
        let has = quantity::gigabytes(&found.spec.resources.requests.storage);
        // A claim without a volume can't be resized: it is pending, and its class may never provide a volume.
        let bound = found.status.phase == "Bound";
        if !self.context.config.storage.grow || !bound || has.is_none_or(|has| has >= size_gb) {
            return Ok(found);
        }
        let resources = json!({ "requests": { "storage": quantity::from_gigabytes(size_gb) } });
        let fields = json!({ "spec": { "resources": resources } });
        let namespace = self.namespace(manifest.kind);
        let uid = &found.metadata.uid;
        let grown = self
            .context
            .requests
            .merge(manifest, namespace, uid, fields)
            .await;
        match grown {
            Ok(claim) => Ok(claim),
            // The class of the volume does not allow it. The pod runs with the size that it has.
            Err(kube::Error::Api(status)) if is_not_resizable(&status.message) => {
                tracing::info!(
                    claim = manifest.name,
                    message = status.message,
                    "the volume can't be grown"
                );
                Ok(found)
            }
            Err(error) => Err(self.call("patch", manifest).failed(error)),
        }
    }

    /// Creates the object, unless it is known to exist or the attempt finds it.
    async fn create<T: Partial>(&self, manifest: &Manifest, there: Option<T>) -> Result<Creation<T>> {
        if let Some(object) = there {
            return Ok(Creation::Found(object));
        }
        let namespace = self.namespace(manifest.kind);
        let requests = &self.context.requests;
        let error = match requests.create(manifest, namespace).await {
            Ok(object) => return Ok(Creation::Created(object)),
            Err(error) => error,
        };
        // Admission runs before the check of the name, so a full quota even refuses to create an existing
        // object.
        let maybe_there = match &error {
            kube::Error::Api(status) => status.is_already_exists() || status.code == 403,
            _ => false,
        };
        let found = if maybe_there {
            requests.get(manifest.kind, namespace, &manifest.name).await
        } else {
            Ok(None)
        };
        match found {
            Ok(Some(object)) => Ok(Creation::Found(object)),
            // The error of the creation is more informative than that of the read.
            Ok(None) | Err(_) => Err(self.call("create", manifest).failed(error)),
        }
    }

    fn call<'a>(&'a self, verb: &'static str, manifest: &'a Manifest) -> Call<'a> {
        Call::on_object(verb, manifest, self.namespace(manifest.kind))
    }
}

/// The result of an attempt to create an object.
enum Creation<T> {
    Created(T),
    Found(T),
}

/// The words of the admission plug-in `PersistentVolumeClaimResize`.
fn is_not_resizable(message: &str) -> bool {
    message.contains("only dynamically provisioned pvc can be resized")
}

#[cfg(test)]
mod tests {
    use neuropod_core::{Error, ErrorKind, Result};

    use super::first_failure;

    fn failed<T>(kind: ErrorKind) -> Result<T> {
        Err(Error::new(kind, "no"))
    }

    #[test]
    fn permanent_errors_are_reported_first() {
        let others = [Error::new(ErrorKind::Unavailable, "later")];
        let made: Result<((), ())> =
            first_failure(Ok(()), failed(ErrorKind::QuotaExceeded), others.into_iter());
        assert_eq!(made.unwrap_err().kind(), &ErrorKind::QuotaExceeded);
    }

    #[test]
    fn one_failed_object_fails_the_apply() {
        let others = [Error::new(ErrorKind::NameTaken, "taken")];
        let made: Result<((), ())> = first_failure(Ok(()), Ok(()), others.into_iter());
        assert_eq!(made.unwrap_err().kind(), &ErrorKind::NameTaken);
    }
}
