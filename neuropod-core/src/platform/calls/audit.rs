//! Reading the audit log, and writing into it what only the application sees.

use crate::error::kind::{Error, ErrorKind, Result};
use crate::id::Actor;
use crate::platform::handle::Platform;
use crate::store::audit::{
    AuditAction, AuditChange, AuditEntry, AuditId, AuditOptions, AuditOutcome, AuditPage, AuditPerson,
    AuditTarget,
};

/// Something that an application has seen happen, for the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
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

    /// Done to this.
    pub fn with_target(mut self, target: AuditTarget) -> Self {
        self.target = target;
        self
    }

    /// With what changed.
    pub fn with_change(mut self, change: AuditChange) -> Self {
        self.change = Some(change);
        self
    }

    /// With how it ended; done, unless said otherwise.
    pub fn with_outcome(mut self, outcome: AuditOutcome) -> Self {
        self.outcome = outcome;
        self
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
        let recorder = self.0.audit.recorder.as_ref().ok_or_else(|| {
            Error::new(
                ErrorKind::Unsupported,
                "this platform was built without an audit log",
            )
        })?;
        recorder.log.page(options).await
    }

    /// Records what the library does not see itself: that an administrator signed in, or somebody's role changed. Refusals
    /// are recorded once a minute for each person and action. Nothing happens where the platform was built without an
    /// audit log.
    ///
    /// # Errors
    /// Those of the log and of the store.
    pub async fn audit(&self, actor: &Actor, event: AuditEvent) -> Result<()> {
        let parts = &*self.0;
        let Some(recorder) = &parts.audit.recorder else {
            return Ok(());
        };
        let now = parts.clock.now();
        let refused = matches!(event.outcome, AuditOutcome::Refused { .. });
        if refused && !recorder.may_note_refusal(&actor.id, event.action, now) {
            return Ok(());
        }
        let user = parts.users.user(&actor.id).await?;
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
