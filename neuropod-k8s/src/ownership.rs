//! Whose an object is, and what is to be done about one that is there already: plain decisions.

use neuropod_core::{Error, ErrorKind, WorkloadRef};

use crate::kind::Kind;
use crate::manifests::Manifest;
use crate::slim::Meta;

/// What to do about an object that has the name of one of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// It is as it should be, or nothing of it can be changed.
    Leave,
    /// It is ours and says something else.
    Update,
}

/// What to do about the object `found` where `manifest` should be.
///
/// # Errors
/// `NameTaken` when it is somebody else's; `Conflict` when it is being deleted.
pub(crate) fn decide(
    found: &Meta,
    manifest: &Manifest,
    reference: &WorkloadRef,
    instance: &str,
) -> Result<Decision, Error> {
    if !is_ours(found, manifest.kind, reference, instance) {
        let message = "an object of somebody else has the name: delete or rename it";
        return Err(Error::new(ErrorKind::NameTaken, message)
            .with_context("kind", manifest.kind.name())
            .with_context("name", &found.name));
    }
    if found.is_leaving() {
        // The pod, too: its new object can be made once the old one is gone.
        let message = "a leftover of the same name is still being deleted";
        return Err(Error::new(ErrorKind::Conflict, message)
            .with_context("kind", manifest.kind.name())
            .with_context("name", &found.name));
    }
    let agrees = found.annotations.digest.as_deref() == Some(&manifest.digest);
    // Next to nothing of a pod can be changed. The driver sees the run and the digest of the one that is there.
    if agrees || manifest.kind == Kind::Pod {
        Ok(Decision::Leave)
    } else {
        Ok(Decision::Update)
    }
}

/// Whether an object belongs to the pod, or to its owner where all pods of the owner share it.
fn is_ours(found: &Meta, kind: Kind, reference: &WorkloadRef, instance: &str) -> bool {
    match kind {
        Kind::Namespace | Kind::ResourceQuota | Kind::LimitRange | Kind::PersistentVolumeClaim => {
            belongs_to_owner(found, reference, instance)
        }
        _ => found.pod_id().as_ref() == Some(&reference.pod_id),
    }
}

/// Whether an object is one of the owner of the pod, and of this platform.
pub(crate) fn belongs_to_owner(found: &Meta, reference: &WorkloadRef, instance: &str) -> bool {
    found.is_ours()
        && found.labels.instance.as_deref() == Some(instance)
        && found.labels.user_hash.as_deref() == Some(&reference.user_hash)
}
