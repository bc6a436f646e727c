//! Decides who owns an object, and what to do with an existing one: plain functions.

use neuropod_core::cluster::WorkloadRef;
use neuropod_core::{Error, ErrorKind};

use crate::api::kinds::Kind;
use crate::api::manifest::Manifest;
use crate::api::partial::Meta;

/// The decision about an object that has the name of one of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// The object is correct, or can't be changed.
    Leave,
    /// The object is ours and differs.
    Update,
}

/// Decides what to do with the object `found` in place of `manifest`.
///
/// # Errors
/// `NameTaken` if the object is foreign; `Conflict` while it is being deleted.
pub(crate) fn decide(
    found: &Meta,
    manifest: &Manifest,
    reference: &WorkloadRef,
    instance: &str,
) -> Result<Decision, Error> {
    // A leftover of another pod of the same owner disappears by itself.
    let passes = found.is_leaving() && belongs_to_owner(found, reference, instance);
    if !passes && !is_ours(found, manifest.kind, reference, instance) {
        let message = "an object of somebody else has the name: delete or rename it";
        return Err(Error::new(ErrorKind::NameTaken, message)
            .with_context("kind", manifest.kind.name())
            .with_context("name", &found.name));
    }
    if found.is_leaving() {
        // This applies to the pod, too: its new object can be created once the old one is gone.
        let message = "a leftover of the same name is still being deleted";
        let error = Error::new(ErrorKind::Conflict, message)
            .with_context("kind", manifest.kind.name())
            .with_context("name", &found.name);
        return Err(match found.finalizers.as_slice() {
            [] => error,
            finalizers => error.with_context("finalizers", finalizers.join(", ")),
        });
    }
    let agrees = found.annotations.digest.as_deref() == Some(&manifest.digest);
    // Kubernetes allows almost no change of a pod. The driver sees the run and the digest of the existing one.
    if agrees || manifest.kind == Kind::Pod {
        Ok(Decision::Leave)
    } else {
        Ok(Decision::Update)
    }
}

/// Whether an object belongs to the pod, or to its owner if all pods of the owner share it.
fn is_ours(found: &Meta, kind: Kind, reference: &WorkloadRef, instance: &str) -> bool {
    match kind {
        Kind::Namespace | Kind::ResourceQuota | Kind::LimitRange | Kind::PersistentVolumeClaim => {
            belongs_to_owner(found, reference, instance)
        }
        _ => found.pod_id().as_ref() == Some(&reference.pod_id),
    }
}

/// Whether an object belongs to the owner of the pod, on this platform.
pub(crate) fn belongs_to_owner(found: &Meta, reference: &WorkloadRef, instance: &str) -> bool {
    found.is_ours()
        && found.labels.instance.as_deref() == Some(instance)
        && found.labels.user_hash.as_deref() == Some(&reference.user_hash)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, from_value, json};

    use super::*;
    use crate::config::KubeConfig;
    use crate::manifests::tests::plain;
    use crate::manifests::workload::Manifests;

    /// The decision for a Service with the name of one of ours and these labels.
    fn decided(labels: &Value, leaving: bool) -> Result<Decision, ErrorKind> {
        let (workload, config) = (plain(), KubeConfig::default());
        let manifests = Manifests::new(&workload, &config);
        let service = manifests
            .objects
            .iter()
            .find(|manifest| manifest.kind == Kind::Service);
        let service = service.unwrap();
        let mut metadata = service.body["metadata"].clone();
        metadata["uid"] = "1".into();
        for (label, value) in labels.as_object().unwrap() {
            metadata["labels"][label] = value.clone();
        }
        if leaving {
            metadata["deletionTimestamp"] = "2026-11-28T10:00:00Z".into();
            metadata["finalizers"] = json!(["service.kubernetes.io/load-balancer-cleanup"]);
        }
        let found: Meta = from_value(metadata).unwrap();
        let decision = decide(&found, service, &workload.reference, &config.instance);
        decision.map_err(|error| error.kind().clone())
    }

    #[test]
    fn terminating_objects_are_conflicts_and_foreign_ones_are_taken_names() {
        let own = json!({});
        let before = json!({ "neuropod.io/run": "0" });
        let of_another_pod = json!({ "neuropod.io/pod-id": "00000000000000ff" });
        let of_another_user =
            json!({ "neuropod.io/pod-id": "00000000000000ff", "neuropod.io/user-hash": "zzzzzzzzzz" });
        let of_others = json!({ "app.kubernetes.io/managed-by": "Helm" });
        for (labels, leaving, expected) in [
            (&own, true, Err(ErrorKind::Conflict)),
            (&before, true, Err(ErrorKind::Conflict)),
            (&of_another_pod, true, Err(ErrorKind::Conflict)),
            (&of_another_pod, false, Err(ErrorKind::NameTaken)),
            (&of_another_user, true, Err(ErrorKind::NameTaken)),
            (&of_others, true, Err(ErrorKind::NameTaken)),
            (&of_others, false, Err(ErrorKind::NameTaken)),
        ] {
            assert_eq!(decided(labels, leaving), expected, "{labels} leaving: {leaving}");
        }
        assert!(decided(&own, false).is_ok());
    }
}
