//! What goes into the audit log, and what comes out of it.
//!
//! An entry is written before a change, as pending, and once more when it has ended. A change that can't be written down
//! is not begun. One whose end can't be written down stands, and stays pending in the log.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::{Inner, Platform};
use crate::error::kind::{Error, ErrorKind, Result};
use crate::id::{Actor, PodId, UserId};
use crate::pod::record::Pod;
use crate::store::audit::{
    AuditAction, AuditChange, AuditEntry, AuditId, AuditLog, AuditOptions, AuditOutcome, AuditPage,
    AuditPerson, AuditTarget,
};

/// How often entries that are too old are deleted.
const CLEAN_EVERY: SignedDuration = SignedDuration::from_hours(1);
/// What one person is refused is written down once in this time for each action: nobody fills the log.
const REFUSED_EVERY: SignedDuration = SignedDuration::from_mins(1);
/// Most refusals that are remembered for that.
const MAX_REFUSALS: usize = 1000;

/// The audit log of a platform.
pub(super) struct Recorder {
    log: Arc<dyn AuditLog>,
    /// How long entries are kept.
    kept: SignedDuration,
    cleaned_at: Mutex<Option<Timestamp>>,
    refused_at: Mutex<HashMap<(UserId, AuditAction), Timestamp>>,
}

/// A change on its way through the audit log.
#[must_use = "what is not ended stays pending in the log"]
pub(super) struct Trail<'a> {
    inner: &'a Inner,
    entry: Option<AuditEntry>,
    /// Whether the log has it already: what those try who may not is written down when it has been refused.
    begun: bool,
    /// What changed, where it is known.
    pub(super) change: Option<AuditChange>,
}

/// Something that an application has seen happen, for the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEvent {
    /// What was done.
    pub action: AuditAction,
    /// To what.
    pub target: AuditTarget,
    /// What changed, where that is short.
    pub change: Option<AuditChange>,
    /// How it ended.
    pub outcome: AuditOutcome,
}

impl AuditEvent {
    /// Something that was done to the platform as a whole.
    pub fn new(action: AuditAction) -> Self {
        Self {
            action,
            target: AuditTarget::Platform,
            change: None,
            outcome: AuditOutcome::Done,
        }
    }
}

impl Platform {
    /// A page of the audit log, newest first.
    ///
    /// # Errors
    /// `Forbidden` for clients; `Unsupported` when the platform was built without an audit log; `Invalid` when the limit
    /// is out of range.
    pub async fn audit_log(&self, actor: &Actor, options: &AuditOptions) -> Result<AuditPage> {
        actor.require_admin()?;
        let recorder = self.0.audit.as_ref().ok_or_else(|| {
            Error::new(
                ErrorKind::Unsupported,
                "this platform was built without an audit log",
            )
        })?;
        recorder.log.page(options).await
    }

    /// Writes down what the library does not see itself: that an administrator signed in, or somebody's role changed.
    /// What one person is refused is written down once a minute for each action. Nothing happens where the platform was
    /// built without an audit log.
    ///
    /// # Errors
    /// Those of the log and of the store.
    pub async fn audit(&self, actor: &Actor, event: AuditEvent) -> Result<()> {
        let platform = &*self.0;
        let Some(recorder) = &platform.audit else {
            return Ok(());
        };
        let now = platform.clock.now();
        let refused = matches!(event.outcome, AuditOutcome::Refused { .. });
        if refused && !recorder.may_note_refusal(&actor.id, event.action, now) {
            return Ok(());
        }
        let user = platform.store.user(&actor.id).await?;
        let entry = AuditEntry {
            id: AuditId::random(),
            at: now,
            actor: AuditPerson {
                id: actor.id.clone(),
                email: user.map(|user| user.email),
            },
            address: actor.address,
            action: event.action,
            target: event.target,
            change: event.change,
            outcome: event.outcome,
        };
        recorder.log.record(&entry).await?;
        recorder.clean(now).await;
        Ok(())
    }
}

impl Recorder {
    pub(super) fn new(log: Arc<dyn AuditLog>, kept: SignedDuration) -> Self {
        Self {
            log,
            kept,
            cleaned_at: Mutex::default(),
            refused_at: Mutex::default(),
        }
    }

    /// Whether this refusal is the first of its kind in a while.
    fn may_note_refusal(&self, user: &UserId, action: AuditAction, now: Timestamp) -> bool {
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

    /// Deletes what is too old, now and then.
    async fn clean(&self, now: Timestamp) {
        {
            let mut cleaned_at = self.cleaned_at.lock().unwrap_or_else(PoisonError::into_inner);
            if cleaned_at.is_some_and(|at| now.duration_since(at) < CLEAN_EVERY) {
                return;
            }
            *cleaned_at = Some(now);
        }
        // Before the first time there is nothing.
        let oldest = now.saturating_sub(self.kept).unwrap_or(Timestamp::MIN);
        if let Err(error) = self.log.forget(oldest).await {
            tracing::warn!(%error, "old entries of the audit log are not deleted now");
        }
    }
}

impl Inner {
    async fn entry(
        &self,
        actor: &Actor,
        id: AuditId,
        action: AuditAction,
        target: AuditTarget,
    ) -> Result<AuditEntry> {
        Ok(AuditEntry {
            id,
            at: self.clock.now(),
            actor: self.person(actor, &actor.id).await?,
            address: actor.address,
            action,
            target,
            change: None,
            outcome: AuditOutcome::Pending,
        })
    }

    /// A person with their address, where the store knows them. For a client, who is refused, nobody is looked up.
    async fn person(&self, actor: &Actor, id: &UserId) -> Result<AuditPerson> {
        let user = if actor.is_admin() {
            self.store.user(id).await?
        } else {
            None
        };
        Ok(AuditPerson {
            id: id.clone(),
            email: user.map(|user| user.email),
        })
    }

    /// Begins what only administrators may do.
    ///
    /// # Errors
    /// Those of the log and of the store: what can't be written down is not done.
    pub(super) async fn trail(
        &self,
        actor: &Actor,
        action: AuditAction,
        target: AuditTarget,
    ) -> Result<Trail<'_>> {
        self.trail_with_id(actor, AuditId::random(), action, target).await
    }

    /// The same, as the entry with this id: a repetition of what is done already changes nothing in the log.
    pub(super) async fn trail_with_id(
        &self,
        actor: &Actor,
        id: AuditId,
        action: AuditAction,
        target: AuditTarget,
    ) -> Result<Trail<'_>> {
        let mut trail = Trail::none(self);
        if let Some(recorder) = &self.audit {
            let entry = self.entry(actor, id, action, target).await?;
            trail.begun = actor.is_admin();
            if trail.begun {
                recorder.log.record(&entry).await?;
            }
            trail.entry = Some(entry);
        }
        Ok(trail)
    }

    /// The same, on a user.
    pub(super) async fn trail_on_user(
        &self,
        actor: &Actor,
        action: AuditAction,
        user: &UserId,
    ) -> Result<Trail<'_>> {
        let target = self.user_target(actor, user).await?;
        self.trail(actor, action, target).await
    }

    /// A user as the target of an entry; looked up only where there is a log.
    pub(super) async fn user_target(&self, actor: &Actor, user: &UserId) -> Result<AuditTarget> {
        if self.audit.is_none() {
            return Ok(AuditTarget::Platform);
        }
        Ok(AuditTarget::User(self.person(actor, user).await?))
    }

    /// The same, on the pod with this id, if it is somebody else's.
    pub(super) async fn trail_on(&self, actor: &Actor, action: AuditAction, id: &PodId) -> Result<Trail<'_>> {
        if self.audit.is_none() || !actor.is_admin() {
            return Ok(Trail::none(self));
        }
        let pod = self.visible(actor, id).await?;
        self.trail_on_pod(actor, action, &pod).await
    }

    /// The same, on the pod of somebody else; what people do with their own pods is theirs.
    pub(super) async fn trail_on_pod(
        &self,
        actor: &Actor,
        action: AuditAction,
        pod: &Pod,
    ) -> Result<Trail<'_>> {
        if self.audit.is_none() || !actor.is_admin() || actor.id == pod.owner {
            return Ok(Trail::none(self));
        }
        let target = AuditTarget::Pod {
            id: pod.id.clone(),
            name: pod.name.clone(),
            owner: self.person(actor, &pod.owner).await?,
        };
        self.trail(actor, action, target).await
    }
}

impl<'a> Trail<'a> {
    /// One that leads nowhere.
    fn none(inner: &'a Inner) -> Self {
        Self {
            inner,
            entry: None,
            begun: false,
            change: None,
        }
    }

    /// Writes down how it ended, and answers that.
    pub(super) async fn end<T>(self, result: Result<T>) -> Result<T> {
        let Some((mut entry, recorder)) = self.entry.zip(self.inner.audit.as_ref()) else {
            return result;
        };
        let now = self.inner.clock.now();
        if !self.begun {
            if !recorder.may_note_refusal(&entry.actor.id, entry.action, now) {
                return result;
            }
            let user = self.inner.store.user(&entry.actor.id).await;
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
