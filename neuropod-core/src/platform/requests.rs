//! Requests with an idempotency key: a repetition returns the outcome of the first one.
//!
//! The key decides the id of the pod, so that a second pod can't be stored, and the record of the pod contains
//! the request. When the record is removed, the outcome of the request is kept separately, so that the pod's
//! name is free and the key is not.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::records::Records;
use crate::clock::SteadyClock;
use crate::error::kind::{Error, ErrorKind, Result};
use crate::id::{Actor, PodId};
use crate::pod::record::Pod;
use crate::pod::request::{CreatePod, may_be_same};
use crate::store::traits::{Outcome, PastRequest, RequestStore};

/// The least time that a key is known after the request.
const LIFETIME: SignedDuration = SignedDuration::from_hours(24);

/// A request with an idempotency key.
pub(crate) struct Keyed {
    pub(crate) id: PodId,
    pub(crate) digest: String,
}

impl Keyed {
    /// The request, if it has a key.
    pub(crate) fn of_request(actor: &Actor, request: &CreatePod) -> Option<Self> {
        let key = request.idempotency_key.as_deref()?;
        let mut hasher = blake3::Hasher::new_derive_key("neuropod pod id of an idempotency key");
        // With the length in front, no other pair of user and key has the same text.
        hasher.update(&actor.id.as_str().len().to_le_bytes());
        hasher.update(actor.id.as_str().as_bytes());
        hasher.update(key.as_bytes());
        let mut bits = [0; 8];
        hasher.finalize_xof().fill(&mut bits);
        Some(Self {
            id: PodId::from_bits(u64::from_le_bytes(bits)),
            digest: request.digest(),
        })
    }

    fn check_same(&self, digest: Option<&String>) -> Result<()> {
        if digest.is_some_and(|digest| may_be_same(digest, &self.digest)) {
            Ok(())
        } else {
            Err(Error::new(
                ErrorKind::AlreadyExists,
                "the idempotency key was used for another request",
            )
            .with_context("field", "idempotency_key"))
        }
    }
}

/// The requests of the last day whose pods have no record any more, and the records of the others.
pub(crate) struct Requests {
    pub(crate) store: Arc<dyn RequestStore>,
    pub(crate) records: Arc<Records>,
    pub(crate) clock: Arc<SteadyClock>,
}

impl Requests {
    /// The pod that the same request created before; `None`: it was not made before.
    ///
    /// # Errors
    /// The outcome of the request, when it did not create a pod, or its pod is deleted; `AlreadyExists` when
    /// the key was used for another request.
    pub(crate) async fn created_before(&self, keyed: &Keyed) -> Result<Option<Pod>> {
        // The record first: the outcome is kept before the record goes.
        if let Some(pod) = self.records.get(&keyed.id).await? {
            keyed.check_same(pod.request_digest.as_ref())?;
            if pod.is_deleted() {
                return Err(repeated(Outcome::Deleted));
            }
            return Ok(Some(pod));
        }
        match self.store.past_request(&keyed.id).await? {
            Some(past) if past.created_at >= self.oldest_known() => {
                keyed.check_same(Some(&past.digest))?;
                Err(repeated(past.outcome))
            }
            _ => Ok(None),
        }
    }

    /// Removes the record of a pod without remaining objects, and keeps the outcome of the request that created
    /// it.
    pub(crate) async fn forget_pod(&self, pod: &Pod, outcome: Outcome) -> Result<()> {
        if let Some(digest) = &pod.request_digest {
            let request = PastRequest {
                id: pod.id.clone(),
                digest: digest.clone(),
                outcome,
                created_at: pod.created_at,
            };
            // Old ones first: one of them may have the same key.
            self.store.forget_requests(self.oldest_known()).await?;
            self.store.keep_request(&request).await?;
        }
        self.records.remove(pod).await
    }

    /// Writes an outcome and removes it again, to test whether the store can be written. An unchanged record
    /// would prove nothing: even a full disk has room for that.
    pub(crate) async fn probe(&self) -> Result<()> {
        // No request was made at that time, and no other has this id: nothing else is removed.
        let created_at = Timestamp::UNIX_EPOCH;
        let probe = PastRequest {
            id: PodId::from_bits(0),
            digest: "readiness".into(),
            outcome: Outcome::Deleted,
            created_at,
        };
        self.store.keep_request(&probe).await?;
        self.store
            .forget_requests(created_at + SignedDuration::from_secs(1))
            .await
    }

    /// The time from which on the keys of requests have to be known.
    fn oldest_known(&self) -> Timestamp {
        // The first representable time has no time before it.
        self.clock
            .now()
            .saturating_sub(LIFETIME)
            .unwrap_or(Timestamp::MIN)
    }
}

/// The error for a repeated request without a pod.
fn repeated(outcome: Outcome) -> Error {
    match outcome {
        Outcome::Deleted => Error::new(
            ErrorKind::InvalidState,
            "the pod that was made under this idempotency key has been deleted",
        ),
        Outcome::InsufficientFunds { required, available } => Error::new(
            ErrorKind::InsufficientFunds { required, available },
            format!("{required} was required and {available} available"),
        ),
        Outcome::NoAccount => Error::new(ErrorKind::NotFound, "there was no account to pay from"),
    }
}
