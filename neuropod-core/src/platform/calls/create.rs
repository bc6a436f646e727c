//! Creating a pod.

use crate::cluster::workload::VolumePolicy;
use crate::error::kind::{Error, ErrorKind, Result};
use crate::error::validation::{Problem, ValidationErrors, Violation};
use crate::id::Actor;
use crate::platform::handle::Platform;
use crate::platform::requests::Keyed;
use crate::pod::record::{Desired, Pod};
use crate::pod::request::CreatePod;
use crate::reconcile;
use crate::store::audit::AuditAction;
use crate::store::traits::Outcome;

impl Platform {
    /// Creates a pod: checks the request, holds the money of the first hour, and returns. The driver does the
    /// rest.
    ///
    /// A request with an idempotency key that was used before returns the outcome of the first one: its pod, or
    /// the failure to pay for it. A key is known as long as its pod exists, and for 24 hours after the request
    /// in any case. A request that was refused before anything was stored (`Invalid`, `Forbidden`,
    /// `SpendCapReached`) or for lack of room (`TooManyPods`) has not used its key.
    ///
    /// # Errors
    /// `Invalid` lists all problems; `TooManyPods`; `InsufficientFunds`; `SpendCapReached`; `Forbidden` when
    /// the owner is suspended or was deleted; `AlreadyExists` when the idempotency key was used for another request;
    /// `InvalidState` when the pod that was created under it has been deleted. In each case nothing is created or
    /// charged. When the store or the billing fails the pod may be there all the same: repeat the same request with the
    /// same key to find out.
    pub async fn create(&self, actor: &Actor, request: &CreatePod) -> Result<Pod> {
        let keyed = Keyed::of_request(actor, request);
        if let Some(keyed) = &keyed
            && let Some(pod) = self.created_before(keyed).await?
        {
            return Ok(pod);
        }
        match (self.accept(actor, request, keyed.as_ref()).await, &keyed) {
            (Ok(pod), keyed) => {
                let entry = self.0.audit.begin_on_pod(actor, AuditAction::PodCreated, &pod);
                let entry = entry.await?;
                entry.finish(self.insert(pod, keyed.as_ref()).await).await
            }
            // A concurrent equal request may have used the name, or the amount that may be spent.
            (Err(error), Some(keyed)) => self.created_before(keyed).await?.ok_or(error),
            (Err(error), None) => Err(error),
        }
    }

    /// The pod of a request that was made before; `None`: it was not.
    ///
    /// # Errors
    /// The outcome of the request, when it did not create a pod that is still there.
    async fn created_before(&self, keyed: &Keyed) -> Result<Option<Pod>> {
        match self.0.requests.created_before(keyed).await? {
            // While the first request is still under way, this one also checks whether its money is available.
            Some(pod) => self.hold_or_discard(pod).await.map(Some),
            None => Ok(None),
        }
    }

    async fn insert(&self, pod: Pod, keyed: Option<&Keyed>) -> Result<Pod> {
        let parts = &*self.0;
        let stored = match parts.records.insert(&pod).await {
            Ok(stored) => stored,
            Err(error) if *error.kind() == ErrorKind::AlreadyExists => {
                // By a concurrent equal request, if there is one.
                if let Some(keyed) = keyed
                    && let Some(pod) = self.created_before(keyed).await?
                {
                    return Ok(pod);
                }
                return Err(if error.context("field") == Some("name") {
                    ValidationErrors::from(Problem::new("name", Violation::NameInUse)).into()
                } else {
                    error
                });
            }
            Err(error) => return Err(error),
        };
        let created = self.hold_or_discard(stored).await?;
        parts.feed.publish(&created);
        parts.wakeups.wake(&pod.id);
        parts.admission.apply_owner_state(created).await
    }

    /// Holds the money of the first hour; a pod that can't pay it is discarded.
    async fn hold_or_discard(&self, pod: Pod) -> Result<Pod> {
        let parts = &*self.0;
        let id = pod.id.clone();
        match parts.funds.hold_now(pod).await {
            Ok(created) => Ok(created),
            Err((refused, error)) => {
                let Err(failure) = self.discard(refused, &error).await else {
                    return Err(error);
                };
                parts.wakeups.wake(&id);
                // While the record exists, the pod may still get its money and run, so it is not refused. A
                // concurrent equal request may have discarded it.
                let taken_back = matches!(failure.kind(), ErrorKind::Conflict | ErrorKind::NotFound)
                    && parts.records.get(&id).await?.is_none_or(|pod| pod.is_deleted());
                Err(if taken_back { error } else { failure })
            }
        }
    }

    /// Discards a record of which nothing was created.
    ///
    /// # Errors
    /// Those of the store while the record stands. Once it says that the pod is deleted the driver does the rest.
    async fn discard(&self, refused: Pod, error: &Error) -> Result<()> {
        let parts = &*self.0;
        if *error.kind() == ErrorKind::Forbidden {
            // Its owner was deleted, and their other pods may have left the volume to this one.
            let pod = parts.records.save(&refused).await?;
            parts.wakeups.wake(&pod.id);
            return Ok(());
        }
        let desired = Desired::Deleted {
            volume: VolumePolicy::Keep,
        };
        let pod = parts.records.save(&Pod { desired, ..refused }).await?;
        let removed = async {
            // The key of the hold is closed first, so that no late repetition of it can succeed.
            if let Some(release) = reconcile::next_charge(&pod) {
                parts.funds.carry_out(&pod, &release).await?;
            }
            match final_refusal(error) {
                Some(outcome) => parts.requests.forget_pod(&pod, outcome).await,
                None => parts.records.remove(&pod).await,
            }
        };
        if let Err(error) = removed.await {
            tracing::warn!(pod = %pod.id, %error, "a refused pod is not gone yet");
            parts.wakeups.wake(&pod.id);
        }
        Ok(())
    }
}

/// Why the first hour could not be held, if that is final; `None`: the request may be made again under the same key.
fn final_refusal(error: &Error) -> Option<Outcome> {
    match *error.kind() {
        ErrorKind::InsufficientFunds { required, available } => {
            Some(Outcome::InsufficientFunds { required, available })
        }
        ErrorKind::TooManyPods { .. } => None,
        _ => Some(Outcome::NoAccount),
    }
}
