//! Middleware for rate limits.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::StatusCode;

use crate::app::{App, Shared};
use crate::auth::Identity;
use crate::limits::{Asker, ClientAddress};

/// Middleware that responds with 429 to callers that send too many requests or invalid tokens. Health checks are never
/// refused.
pub(crate) async fn limit(State(app): State<Shared>, mut request: Request, next: Next) -> Response {
    let address = app.limiter.address(&request);
    request.extensions_mut().insert(address);
    let free = matches!(request.uri().path(), "/healthz" | "/readyz" | "/metrics");
    if !free && let Err(failure) = app.limiter.check(&asker(&request, address)) {
        return failure.into_response();
    }
    let tries_a_token = tries_a_token(&request);
    let response = next.run(request).await;
    if tries_a_token
        && response.status() == StatusCode::UNAUTHORIZED
        && let Err(failure) = app.limiter.wrong_token(address)
    {
        return failure.into_response();
    }
    response
}

/// Whether a refused request may be an attempt to guess a token.
fn tries_a_token(request: &Request) -> bool {
    let is_known = request.extensions().get::<Identity>();
    let in_query = request
        .uri()
        .query()
        .is_some_and(|query| query.contains("token="));
    is_known.is_some_and(|identity| identity.0.is_some())
        || in_query
        || request.uri().path() == "/api/auth/google"
}

/// The caller: the user, or the address of somebody who is not signed in.
fn asker(request: &Request, address: ClientAddress) -> Asker {
    match request.extensions().get::<Identity>() {
        Some(Identity(Some(Ok(caller)))) => Asker::User(caller.user.id.clone()),
        _ => Asker::Address(address),
    }
}

/// Forgets idle callers from time to time, until it is dropped.
pub(crate) async fn upkeep(app: std::sync::Arc<App>) {
    let mut ticks = tokio::time::interval(std::time::Duration::from_mins(1));
    loop {
        ticks.tick().await;
        app.limiter.forget();
    }
}
