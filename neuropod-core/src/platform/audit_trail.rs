//! Writes changes by administrators into the audit log.
//!
//! An entry is written before a change, as pending, and once more when it has ended. A change that can't be recorded is not
//! begun. If only its end can't be recorded, the change stands and stays pending in the log.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::records::Records;
use crate::clock::SteadyClock;
use crate::error::kind::Result;
use crate::id::{Actor, PodId, UserId};
use crate::pod::record::Pod;
use crate::store::audit::{
    AuditAction, AuditChange, AuditEntry, AuditId, AuditLog, AuditOutcome, AuditPerson, AuditTarget,
};
use crate::store::traits::UserStore;

/// How often expired entries are deleted.
const CLEAN_EVERY: SignedDuration = SignedDuration::from_hours(1);
/// A refusal is recorded at most once in this time for each person and action, so that refusals can't fill the
/// log.
const REFUSED_EVERY: SignedDuration = SignedDuration::from_mins(1);
/// The most refusals that are remembered for that.
const MAX_REFUSALS: usize = 1000;

/// The audit log of a platform, if it has one, and the users named in its entries.
pub(crate) struct AuditTrail {
    /// `None`: the platform was built without an audit log.
    pub(crate) recorder: Option<Recorder>,
    pub(crate) users: Arc<dyn UserStore>,
    pub(crate) records: Arc<Records>,
    pub(crate) clock: Arc<SteadyClock>,
}

/// An audit log, with the limits of its growth.
pub(crate) struct Recorder {
    pub(crate) log: Arc<dyn AuditLog>,
    /// How long entries are kept.
    kept: SignedDuration,
    cleaned_at: Mutex<Option<Timestamp>>,
    refused_at: Mutex<HashMap<(UserId, AuditAction), Timestamp>>,
}

/// A change that is being recorded in the audit log.
#[must_use = "a change that is not finished stays pending in the log"]
pub(crate) struct PendingEntry<'a> {
    trail: &'a AuditTrail,
    entry: Option<AuditEntry>,
    /// Whether the log has the entry already. Attempts without permission are written only once they have been
    /// refused.
    begun: bool,
    /// The change, where it is known.
    pub(crate) change: Option<AuditChange>,
}

impl Recorder {
    pub(crate) fn new(log: Arc<dyn AuditLog>, kept: SignedDuration) -> Self {
        Self {
            log,
            kept,
            cleaned_at: Mutex::default(),
            refused_at: Mutex::default(),
        }
    }

    /// Whether this refusal is the first of its kind in a while.
    pub(crate) fn may_note_refusal(&self, user: &UserId, action: AuditAction, now: Timestamp) -> bool {
        let mut noted = self.refused_at.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.len() >= MAX_REFUSALS {
            noted.retain(|_, at| now.duration_since(*at) < REFUSED_EVERY);
        }
        let key = (user.clone(), action);
        let lately = |at: &Timestamp| now.duration_since(*at) < REFUSED_EVERY;
        if noted.get(&key).is_some_and(lately) || noted.len() >= MAX_REFUSALS {
            return false;
        }
        noted.insert(key, now);
        true
    }

    /// Deletes expired entries, from time to time.
    pub(crate) async fn clean(&self, now: Timestamp) {
        {
            let mut cleaned_at = self.cleaned_at.lock().unwrap_or_else(PoisonError::into_inner);
            if cleaned_at.is_some_and(|at| now.duration_since(at) < CLEAN_EVERY) {
                return;
            }
            *cleaned_at = Some(now);
        }
        // The first representable time has no time before it.
        let oldest = now.saturating_sub(self.kept).unwrap_or(Timestamp::MIN);
        if let Err(error) = self.log.forget(oldest).await {
            tracing::warn!(%error, "old entries of the audit log are not deleted now");
        }
    }
}

impl AuditTrail {
    /// Begins a change that only administrators may make.
    ///
    /// # Errors
    /// Those of the log and of the store: a change that can't be recorded is not made.
    pub(crate) async fn begin(
        &self,
        actor: &Actor,
        action: AuditAction,
        target: AuditTarget,
    ) -> Result<PendingEntry<'_>> {
        self.begin_with_id(actor, AuditId::random(), action, target).await
    }

    /// Begins a change as the entry with this id: repeating a finished change does not change the log.
    ///
    /// # Errors
    /// As [`begin`](Self::begin).
    pub(crate) async fn begin_with_id(
        &self,
        actor: &Actor,
        id: AuditId,
        action: AuditAction,
        target: AuditTarget,
    ) -> Result<PendingEntry<'_>> {
        let mut pending = self.unrecorded();
        if let Some(recorder) = &self.recorder {
            let entry = AuditEntry {
                id,
                at: self.clock.now(),
                actor: self.person(actor, &actor.id).await?,
                address: actor.address,
                action,
                target,
                change: None,
                outcome: AuditOutcome::Pending,
            };
            pending.begun = actor.is_admin();
            if pending.begun {
                recorder.log.record(&entry).await?;
            }
            pending.entry = Some(entry);
        }
        Ok(pending)
    }

    /// Begins a change of a user.
    ///
    /// # Errors
    /// As [`begin`](Self::begin).
    pub(crate) async fn begin_on_user(
        &self,
        actor: &Actor,
        action: AuditAction,
        user: &UserId,
    ) -> Result<PendingEntry<'_>> {
        let target = self.user_target(actor, user).await?;
        self.begin(actor, action, target).await
    }

    /// Begins a change of the pod with this id, if it belongs to another person: the changes of people to their
    /// own pods are private.
    ///
    /// # Errors
    /// As [`begin`](Self::begin); `NotFound`.
    pub(crate) async fn begin_on_pod_id(
        &self,
        actor: &Actor,
        action: AuditAction,
        id: &PodId,
    ) -> Result<PendingEntry<'_>> {
        if self.recorder.is_none() || !actor.is_admin() {
            return Ok(self.unrecorded());
        }
        let pod = self.records.visible(actor, id).await?;
        self.begin_on_pod(actor, action, &pod).await
    }

    /// Begins a change of a pod, if it belongs to another person.
    ///
    /// # Errors
    /// As [`begin`](Self::begin).
    pub(crate) async fn begin_on_pod(
        &self,
        actor: &Actor,
        action: AuditAction,
        pod: &Pod,
    ) -> Result<PendingEntry<'_>> {
        if self.recorder.is_none() || !actor.is_admin() || actor.id == pod.owner {
            return Ok(self.unrecorded());
        }
        let target = AuditTarget::Pod {
            id: pod.id.clone(),
            name: pod.name.clone(),
            owner: self.person(actor, &pod.owner).await?,
        };
        self.begin(actor, action, target).await
    }

    /// A user as the target of an entry; read from the store only where there is a log.
    ///
    /// # Errors
    /// Those of the store.
    pub(crate) async fn user_target(&self, actor: &Actor, user: &UserId) -> Result<AuditTarget> {
        if self.recorder.is_none() {
            return Ok(AuditTarget::Platform);
        }
        Ok(AuditTarget::User(self.person(actor, user).await?))
    }

    /// A person with their address, where the store knows them. For a client, who is refused, the store is not
    /// read.
    async fn person(&self, actor: &Actor, id: &UserId) -> Result<AuditPerson> {
        let user = if actor.is_admin() {
            self.users.user(id).await?
        } else {
            None
        };
        Ok(AuditPerson {
            id: id.clone(),
            email: user.map(|user| user.email),
        })
    }

    /// A change that is not recorded in the log.
    fn unrecorded(&self) -> PendingEntry<'_> {
        PendingEntry {
            trail: self,
            entry: None,
            begun: false,
            change: None,
        }
    }
}

impl PendingEntry<'_> {
    /// Records how the change ended, and returns its result.
    pub(crate) async fn finish<T>(self, result: Result<T>) -> Result<T> {
        let Some((mut entry, recorder)) = self.entry.zip(self.trail.recorder.as_ref()) else {
            return result;
        };
        let now = self.trail.clock.now();
        if !self.begun {
            if !recorder.may_note_refusal(&entry.actor.id, entry.action, now) {
                return result;
            }
            let user = self.trail.users.user(&entry.actor.id).await;
            entry.actor.email = user.ok().flatten().map(|user| user.email);
        }
        let entry = AuditEntry {
            change: self.change,
            outcome: AuditOutcome::of(&result),
            ..entry
        };
        if let Err(error) = recorder.log.record(&entry).await {
            tracing::error!(
                %error, action = entry.action.as_str(), entry = %entry.id,
                "how this ended is not in the audit log, where it stays pending"
            );
        }
        recorder.clean(now).await;
        result
    }
}
