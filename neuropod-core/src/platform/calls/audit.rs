//! Reading the audit log, and writing the events that only the application sees.

use crate::error::kind::{Error, ErrorKind, Result};
use crate::id::Actor;
use crate::platform::handle::Platform;
use crate::store::audit::{
    AuditAction, AuditChange, AuditEntry, AuditId, AuditOptions, AuditOutcome, AuditPage, AuditPerson,
    AuditTarget,
};

/// An event seen by the application, for the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditEvent {
    /// The action.
    pub action: AuditAction,
    /// The target.
    pub target: AuditTarget,
    /// The change, where it is short.
    pub change: Option<AuditChange>,
    /// The outcome.
    pub outcome: AuditOutcome,
}

impl AuditEvent {
    /// An action on the platform as a whole.
    pub fn new(action: AuditAction) -> Self {
        Self {
            action,
            target: AuditTarget::Platform,
            change: None,
            outcome: AuditOutcome::Done,
        }
    }

    /// The same event, with this target.
    pub fn with_target(mut self, target: AuditTarget) -> Self {
        self.target = target;
        self
    }

    /// The same event, with this change.
    pub fn with_change(mut self, change: AuditChange) -> Self {
        self.change = Some(change);
        self
    }

    /// The same event, with this outcome. Default: done.
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

    /// Records an event that the library does not see itself: the sign-in of an administrator, or the change of
    /// a role. Refusals are recorded once a minute for each person and action. Without an audit log, nothing
    /// happens.
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
