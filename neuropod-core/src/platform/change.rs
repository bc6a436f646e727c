//! Starting, stopping, restarting and deleting: each writes what is wanted and answers.

use super::create::login;
use super::money::within_cap;
use super::{Inner, Platform, not_found};
use crate::cluster::observation::Step;
use crate::cluster::reason::{Reason, ReasonCode};
use crate::cluster::workload::VolumePolicy;
use crate::error::kind::{Error, ErrorKind, Result};
use crate::error::validation::{Problem, ValidationErrors};
use crate::id::{Actor, PodId};
use crate::money::billing::AccountKind;
use crate::money::meter::{Price, RESERVED_SECONDS};
use crate::pod::record::{Desired, Pod, Status};
use crate::store::audit::AuditAction;

impl Platform {
    /// Starts a stopped pod: the same names and the same volume, a new container and a new token, at today's price.
    ///
    /// # Errors
    /// `InvalidState` when it is not stopped; `Invalid` when its image is not allowed any more; `InsufficientFunds`;
    /// `SpendCapReached`; `Forbidden`; `NotFound`.
    pub async fn start(&self, actor: &Actor, id: &PodId) -> Result<Pod> {
        let platform = &*self.0;
        let pod = platform.visible(actor, id).await?;
        let trail = platform.trail_on_pod(actor, AuditAction::PodStarted, &pod);
        let trail = trail.await?;
        trail.end(platform.start(actor, pod).await).await
    }

    /// Stops a pod. Its volume and its names stay, and only the volume is paid for.
    ///
    /// # Errors
    /// `InvalidState` when it is stopped already; `Forbidden`; `NotFound`.
    pub async fn stop(&self, actor: &Actor, id: &PodId) -> Result<Pod> {
        let platform = &*self.0;
        let trail = platform.trail_on(actor, AuditAction::PodStopped, id).await?;
        let stopped = platform.intend(actor, id, |pod| {
            if pod.desired == Desired::Stopped && pod.status == Status::Stopped {
                return Err(invalid_state("stopped", "the pod is stopped already"));
            }
            pod.stop();
            Ok(())
        });
        trail.end(stopped.await).await
    }

    /// Ends the container of a pod and starts a new one, with a new token.
    ///
    /// # Errors
    /// `InvalidState` when it is stopped; `Invalid` when its image is not allowed any more; `Forbidden`; `NotFound`.
    pub async fn restart(&self, actor: &Actor, id: &PodId) -> Result<Pod> {
        let platform = &*self.0;
        let pod = platform.visible(actor, id).await?;
        let price = platform.price_of(&pod.spec).await?;
        let trail = platform.trail_on_pod(actor, AuditAction::PodRestarted, &pod);
        let trail = trail.await?;
        let restarted = platform.intend(actor, id, |pod| {
            if pod.desired != Desired::Running {
                return Err(invalid_state("stopped", "the pod is stopped: start it"));
            }
            platform.allows_image(pod)?;
            new_run(pod, price);
            Ok(())
        });
        trail.end(restarted.await).await
    }

    /// Deletes a pod. It is gone for its owner at once; the driver removes what is left of it.
    ///
    /// # Errors
    /// `InvalidState` when the volume is to go and another pod uses it; `Forbidden`; `NotFound`.
    pub async fn delete(&self, actor: &Actor, id: &PodId, volume: VolumePolicy) -> Result<()> {
        let platform = &*self.0;
        let pod = platform.visible(actor, id).await?;
        let trail = platform.trail_on_pod(actor, AuditAction::PodDeleted, &pod);
        let trail = trail.await?;
        trail.end(platform.delete(actor, &pod, volume).await).await
    }
}

impl Inner {
    async fn start(&self, actor: &Actor, pod: Pod) -> Result<Pod> {
        stopped(&pod)?;
        self.allows_image(&pod)?;
        let price = self.price_of(&pod.spec).await?;
        let owner = self.owner(&pod.owner).await?;
        let owner_cap = self.may_start(&pod.owner, &owner, price).await?;
        if let Some(cap) = pod.spec.daily_cap {
            within_cap(cap, pod.spent, price, self.clock.now())?;
        }
        self.can_pay(&pod, price).await?;
        let pod = self
            .intend(actor, &pod.id, |pod| {
                stopped(pod)?;
                new_run(pod, price);
                pod.owner_cap = owner_cap;
                Ok(())
            })
            .await?;
        self.hold_to_owner(pod).await
    }

    async fn delete(&self, actor: &Actor, pod: &Pod, volume: VolumePolicy) -> Result<()> {
        if volume == VolumePolicy::Delete && !self.sharers(pod, true).await?.is_empty() {
            return Err(invalid_state(
                "shared",
                "another pod uses this volume: delete that one first, or keep the volume",
            ));
        }
        let deleted = self.intend(actor, &pod.id, |pod| {
            pod.delete(volume);
            Ok(())
        });
        deleted.await.map(drop)
    }

    /// The pod, if this one may see it.
    pub(super) async fn visible(&self, actor: &Actor, id: &PodId) -> Result<Pod> {
        let pod = self
            .store
            .get(id)
            .await?
            .filter(|pod| !pod.is_deleted())
            .ok_or_else(not_found)?;
        actor.require_access(&pod.owner)?;
        Ok(pod)
    }

    /// Writes down what is wanted and lets the driver know.
    async fn intend(
        &self,
        actor: &Actor,
        id: &PodId,
        mut intend: impl FnMut(&mut Pod) -> Result<()> + Send,
    ) -> Result<Pod> {
        let now = self.clock.now();
        let pod = self
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
        self.touched.add(id);
        Ok(pod)
    }

    /// Holds a pod that was just made or started to what became of its owner meanwhile: it was not among the pods that
    /// were changed when its owner got another cap or was suspended.
    pub(super) async fn hold_to_owner(&self, pod: Pod) -> Result<Pod> {
        let owner = self.store.user(&pod.owner).await?;
        let cap = self.cap_of(owner.as_ref());
        let suspended = owner.is_some_and(|owner| owner.suspended);
        if cap == pod.owner_cap && !suspended {
            return Ok(pod);
        }
        let now = self.clock.now();
        let held = self.change(&pod.id, |pod| {
            pod.owner_cap = cap;
            if suspended && pod.desired == Desired::Running {
                pod.stop_because(Reason::new(ReasonCode::Suspended, "", now));
            }
            Ok(())
        });
        let held = held.await?;
        self.touched.add(&held.id);
        Ok(held)
    }

    /// Whether the image of a stored pod may be used: the rules may have changed since it was made, and pods that were
    /// brought from elsewhere have never met them.
    ///
    /// # Errors
    /// `Invalid`, for the field `dockerImage`.
    fn allows_image(&self, pod: &Pod) -> Result<()> {
        let allowed = self.images.check(&pod.spec.image);
        allowed.map_err(|violation| ValidationErrors::from(Problem::new("dockerImage", violation)).into())
    }

    /// Whether the owner can pay the first hour: asked before anything changes, so that a stopped pod stays as it
    /// is. The reservation itself is the driver's, which decides.
    async fn can_pay(&self, pod: &Pod, price: Price) -> Result<()> {
        let required = price.hourly.for_seconds(RESERVED_SECONDS);
        let balance = self.billing.balance(&pod.owner).await?;
        if balance.kind == AccountKind::Unlimited || balance.available >= required {
            return Ok(());
        }
        let available = balance.available;
        Err(Error::new(
            ErrorKind::InsufficientFunds { required, available },
            "not enough money for an hour",
        ))
    }

    /// The other pods that have the same volume, as long as it is there.
    pub(super) async fn sharers(&self, pod: &Pod, include_deleted: bool) -> Result<Vec<Pod>> {
        let mut pods = self.records(Some(&pod.owner), include_deleted).await?;
        pods.retain(|other| {
            other.id != pod.id
                && !other.has_lost_volume()
                && other.spec.volume == pod.spec.volume
                && other.spec.namespace == pod.spec.namespace
        });
        Ok(pods)
    }
}

fn new_run(pod: &mut Pod, price: Price) {
    pod.price = price;
    pod.login = login(&pod.spec);
    pod.desired = Desired::Running;
    pod.run += 1;
    pod.status = Status::Creating;
    pod.step = Step::Accepted;
    pod.reason = None;
    pod.volume_deletion = None;
    pod.attempts = 0;
    pod.failing_since = None;
    pod.retry_at = None;
    pod.started_at = None;
    pod.node = None;
    pod.last_end = None;
}

fn stopped(pod: &Pod) -> Result<()> {
    if pod.desired == Desired::Running {
        Err(invalid_state("running", "the pod runs or is starting already"))
    } else {
        Ok(())
    }
}

fn invalid_state(state: &str, message: &str) -> Error {
    Error::new(ErrorKind::InvalidState, message).with_context("state", state)
}
