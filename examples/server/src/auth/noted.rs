//! Records sign-ins in the audit log.

use neuropod::platform::AuditEvent;
use neuropod::store::audit::AuditAction;
use neuropod::{Actor, Role, User};

use super::origin::Origin;
use crate::app::App;
use crate::contract::failure::Failure;

impl App {
    /// Records the sign-in of an administrator in the audit log.
    ///
    /// # Errors
    /// Those of the audit log: an administrator whose sign-in can't be recorded is refused.
    pub(crate) async fn note_sign_in(&self, user: &User, origin: Origin) -> Result<(), Failure> {
        if user.role != Role::Admin {
            return Ok(());
        }
        let actor = Actor::new(user.id.clone(), user.role).with_address(origin.0);
        let event = AuditEvent::new(AuditAction::SignedIn);
        Ok(self.platform.audit(&actor, event).await?)
    }
}
