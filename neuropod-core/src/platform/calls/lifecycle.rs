//! Starting, stopping, restarting and deleting: each writes the intention and returns.

use crate::cluster::workload::VolumePolicy;
use crate::error::kind::{Error, ErrorKind, Result};
use crate::error::validation::{Problem, ValidationErrors};
use crate::id::{Actor, PodId};
use crate::platform::handle::Platform;
use crate::platform::records::not_found;
use crate::platform::run::begin_run;
use crate::pod::record::{Desired, Pod, Status};
use crate::store::audit::AuditAction;

impl Platform {
    /// Starts a stopped pod: the same names and the same volume, a new container and a new token, at today's price.
    ///
    /// # Errors
    /// `InvalidState` when it is not stopped; `Invalid` when its image is not allowed any more; `InsufficientFunds`;
    /// `SpendCapReached`; `Forbidden`; `NotFound`.
    pub async fn start(&self, actor: &Actor, id: &PodId) -> Result<Pod> {
        let pod = self.0.records.visible(actor, id).await?;
        let entry = self.0.audit.begin_on_pod(actor, AuditAction::PodStarted, &pod);
        let entry = entry.await?;
        entry.finish(self.start_visible(actor, pod).await).await
    }

    /// Stops a pod. Its volume and its names stay, and only the volume is paid for.
    ///
    /// # Errors
    /// `InvalidState` when it is stopped already; `Forbidden`; `NotFound`.
    pub async fn stop(&self, actor: &Actor, id: &PodId) -> Result<Pod> {
        let entry = self.0.audit.begin_on_pod_id(actor, AuditAction::PodStopped, id);
        let entry = entry.await?;
        let stopped = self.write_intent(actor, id, |pod| {
            if pod.desired == Desired::Stopped && pod.status == Status::Stopped {
                return Err(invalid_state("stopped", "the pod is stopped already"));
            }
            pod.stop();
            Ok(())
        });
        entry.finish(stopped.await).await
    }

    /// Ends the container of a pod and starts a new one, with a new token.
    ///
    /// # Errors
    /// `InvalidState` when it is stopped; `Invalid` when its image is not allowed any more; `Forbidden`; `NotFound`.
    pub async fn restart(&self, actor: &Actor, id: &PodId) -> Result<Pod> {
        let pod = self.0.records.visible(actor, id).await?;
        let price = self.0.price_book.price_of(&pod.options).await?;
        let entry = self.0.audit.begin_on_pod(actor, AuditAction::PodRestarted, &pod);
        let entry = entry.await?;
        let restarted = self.write_intent(actor, id, |pod| {
            if pod.desired != Desired::Running {
                return Err(invalid_state("stopped", "the pod is stopped: start it"));
            }
            self.check_image(pod)?;
            begin_run(pod, price);
            Ok(())
        });
        entry.finish(restarted.await).await
    }

    /// Deletes a pod. For its owner it disappears at once; the driver removes the rest.
    ///
    /// # Errors
    /// `InvalidState` when the volume is to be deleted and another pod uses it; `Forbidden`; `NotFound`.
    pub async fn delete(&self, actor: &Actor, id: &PodId, volume: VolumePolicy) -> Result<()> {
        let pod = self.0.records.visible(actor, id).await?;
        let entry = self.0.audit.begin_on_pod(actor, AuditAction::PodDeleted, &pod);
        let entry = entry.await?;
        entry.finish(self.delete_visible(actor, &pod, volume).await).await
    }

    async fn start_visible(&self, actor: &Actor, pod: Pod) -> Result<Pod> {
        let parts = &*self.0;
        require_stopped(&pod)?;
        self.check_image(&pod)?;
        let price = parts.price_book.price_of(&pod.options).await?;
        let owner = parts.admission.owner(&pod.owner).await?;
        let owner_cap = parts.admission.may_start(&pod.owner, &owner, price).await?;
        if let Some(cap) = pod.options.daily_cap {
            parts.admission.within_cap(cap, pod.spent, price)?;
        }
        parts.funds.can_pay(&pod, price).await?;
        let pod = self
            .write_intent(actor, &pod.id, |pod| {
                require_stopped(pod)?;
                begin_run(pod, price);
                pod.owner_cap = owner_cap;
                Ok(())
            })
            .await?;
        parts.admission.apply_owner_state(pod).await
    }

    async fn delete_visible(&self, actor: &Actor, pod: &Pod, volume: VolumePolicy) -> Result<()> {
        if volume == VolumePolicy::Delete && self.0.records.is_shared(pod, true).await? {
            return Err(invalid_state(
                "shared",
                "another pod uses this volume: delete that one first, or keep the volume",
            ));
        }
        let deleted = self.write_intent(actor, &pod.id, |pod| {
            pod.delete(volume);
            Ok(())
        });
        deleted.await.map(drop)
    }

    /// Writes the intention into the record and wakes the driver.
    async fn write_intent(
        &self,
        actor: &Actor,
        id: &PodId,
        mut intend: impl FnMut(&mut Pod) -> Result<()> + Send,
    ) -> Result<Pod> {
        let now = self.0.clock.now();
        let pod = self
            .0
            .records
            .change(id, |pod| {
                if pod.is_deleted() {
                    return Err(not_found());
                }
                actor.require_access(&pod.owner)?;
                intend(pod)?;
                pod.requested_at = now;
                Ok(())
            })
            .await?;
        self.0.wakeups.wake(id);
        Ok(pod)
    }

    /// Checks that the image of a stored pod may be used: the rules may have changed since its creation, and
    /// migrated pods have never been checked.
    ///
    /// # Errors
    /// `Invalid`, for the field `image`.
    fn check_image(&self, pod: &Pod) -> Result<()> {
        let rules = &self.0.rules.images;
        let image = pod.options.image.as_ref();
        let allowed = image.map_or(Ok(()), |image| rules.check(image));
        allowed.map_err(|violation| ValidationErrors::from(Problem::new("image", violation)).into())
    }
}

fn require_stopped(pod: &Pod) -> Result<()> {
    if pod.desired == Desired::Running {
        Err(invalid_state("running", "the pod runs or is starting already"))
    } else {
        Ok(())
    }
}

fn invalid_state(state: &str, message: &str) -> Error {
    Error::new(ErrorKind::InvalidState, message).with_context("state", state)
}
