//! Requests with an idempotency key: made again, one answers what became of the first.
//!
//! The key decides the id of the pod, so that a second one can't be stored, and the record of the pod knows the request.
//! When the record goes, what became of the request is kept apart, so that its name is free and its key is not.

use jiff::{SignedDuration, Timestamp};

use super::Inner;
use crate::error::kind::{Error, ErrorKind, Result};
use crate::id::{Actor, PodId};
use crate::pod::record::Pod;
use crate::pod::request::CreatePod;
use crate::store::traits::{Outcome, PastRequest};

/// How long after the request a key is known at least.
const LIFETIME: SignedDuration = SignedDuration::from_hours(24);

/// A request with an idempotency key.
pub(super) struct Keyed {
    pub(super) id: PodId,
    pub(super) digest: String,
}

impl Keyed {
    pub(super) fn new(actor: &Actor, key: &str, request: &CreatePod) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("neuropod pod id of an idempotency key");
        // With the length in front no other user and key make the same text.
        hasher.update(&actor.id.as_str().len().to_le_bytes());
        hasher.update(actor.id.as_str().as_bytes());
        hasher.update(key.as_bytes());
        let mut bits = [0; 8];
        hasher.finalize_xof().fill(&mut bits);
        Self {
            id: PodId::from_bits(u64::from_le_bytes(bits)),
            digest: request.digest(),
        }
    }

    fn check_same(&self, digest: Option<&String>) -> Result<()> {
        if digest == Some(&self.digest) {
            Ok(())
        } else {
            Err(Error::new(
                ErrorKind::AlreadyExists,
                "the idempotency key was used for another request",
            )
            .with_context("field", "idempotencyKey"))
        }
    }
}

impl Inner {
    /// The pod of a request that was made before; `None`: it was not.
    ///
    /// # Errors
    /// What became of the request, where it did not make a pod that is still there.
    pub(super) async fn made_before(&self, keyed: &Keyed) -> Result<Option<Pod>> {
        // The record first: before it goes the request is kept.
        if let Some(pod) = self.store.get(&keyed.id).await? {
            keyed.check_same(pod.request_digest.as_ref())?;
            if pod.is_deleted() {
                return Err(repeated(Outcome::Deleted));
            }
            // Where the first one is still under way this one too finds out whether its money is there.
            return self.reserve_or_discard(pod).await.map(Some);
        }
        match self.store.past_request(&keyed.id).await? {
            Some(past) if past.created_at >= self.oldest_known() => {
                keyed.check_same(Some(&past.digest))?;
                Err(repeated(past.outcome))
            }
            _ => Ok(None),
        }
    }

    /// Removes the record of a pod of which nothing is left. What became of the request that made it is kept.
    pub(super) async fn forget(&self, pod: &Pod, outcome: Outcome) -> Result<()> {
        if let Some(digest) = &pod.request_digest {
            let request = PastRequest {
                id: pod.id.clone(),
                digest: digest.clone(),
                outcome,
                created_at: pod.created_at,
            };
            // Old ones first: there may be one of the same key.
            self.store.forget_requests(self.oldest_known()).await?;
            self.store.keep_request(&request).await?;
        }
        self.store.remove(&pod.id, pod.version).await
    }

    /// The time from which on the keys of requests have to be known.
    fn oldest_known(&self) -> Timestamp {
        // Before the first time there is none.
        self.clock
            .now()
            .saturating_sub(LIFETIME)
            .unwrap_or(Timestamp::MIN)
    }
}

/// The answer to a request that is made again and has no pod.
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
