//! What of signing in is kept in the audit log.

use std::convert::Infallible;
use std::net::IpAddr;

use axum::extract::FromRequestParts;
use http::request::Parts;
use neuropod::platform::AuditEvent;
use neuropod::store::audit::AuditAction;
use neuropod::{Actor, Role, User};

use crate::app::App;
use crate::contract::failure::Failure;

/// The network address that a request comes from, where it is known.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin(pub Option<IpAddr>);

impl<S: Sync> FromRequestParts<S> for Origin {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().copied().unwrap_or(Self(None)))
    }
}

impl App {
    /// Writes down that somebody has signed in, if they are an administrator.
    ///
    /// # Errors
    /// Those of the audit log: an administrator whose coming can't be written down is not let in.
    pub(crate) async fn note_sign_in(&self, user: &User, origin: Origin) -> Result<(), Failure> {
        if user.role != Role::Admin {
            return Ok(());
        }
        let actor = Actor::new(user.id.clone(), user.role).with_address(origin.0);
        let event = AuditEvent::new(AuditAction::SignedIn);
        Ok(self.platform.audit(&actor, event).await?)
    }
}
