//! Records requests for administrators' actions by others in the audit log.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use neuropod::platform::AuditEvent;
use neuropod::store::audit::{AuditAction, AuditOutcome, AuditTarget};

use crate::app::Shared;
use crate::auth::Identity;
use crate::contract::failure::Failure;

/// The maximum number of characters kept of a path.
const MAX_PATH_LEN: usize = 200;

/// Middleware that records who requested an action reserved for administrators. The answer does not depend on
/// the audit log, because nothing was done.
pub(crate) async fn note(State(app): State<Shared>, request: Request, next: Next) -> Response {
    let actor = match request.extensions().get::<Identity>() {
        Some(Identity(Some(Ok(caller)))) => Some(caller.actor()).filter(|actor| !actor.is_admin()),
        _ => None,
    };
    let Some(actor) = actor else {
        return next.run(request).await;
    };
    let path = format!("{} {}", request.method(), request.uri().path());
    let response = next.run(request).await;
    let refused = response.extensions().get::<Failure>();
    if refused.is_some_and(Failure::is_for_admins) {
        let path = path.chars().take(MAX_PATH_LEN).collect();
        let code = "forbidden".to_owned();
        let event = AuditEvent::new(AuditAction::AccessRefused)
            .with_target(AuditTarget::Route { path })
            .with_outcome(AuditOutcome::Refused { code });
        if let Err(error) = app.platform.audit(&actor, event).await {
            tracing::warn!(%error, user = %actor.id, "a refusal is not in the audit log");
        }
    }
    response
}
