//! The routes, and the layers that every request passes.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, Method, header};
use tokio::time::timeout;
use tower::ServiceBuilder;
use tower_http::cors::{AllowOrigin, CorsLayer};
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};

use crate::app::Shared;
use crate::contract::failure::Failure;
use crate::localize::localize;
use crate::{auth, encoding, headers, host, limit_requests, live, refusals, routes, trace};

/// The time limit of reads: the frontend waits five seconds.
const ANSWERED: Duration = Duration::from_millis(4500);
/// The time limit of changes: for these it waits 30 seconds.
const CHANGED: Duration = Duration::from_secs(28);

/// Everything that is served.
pub(crate) fn router(app: &Shared) -> Router {
    let request_id = HeaderName::from_static("x-request-id");
    let body = app.config.limits.body_kib.saturating_mul(1024);
    let state = || Arc::clone(app);
    let (routes, _) = routes::all();
    live::serve_socketio(routes, app)
        .layer(DefaultBodyLimit::max(body))
        // A body whose declared length is too large is refused before it is read.
        .layer(RequestBodyLimitLayer::new(body))
        .layer(
            ServiceBuilder::new()
                .layer(SetRequestIdLayer::new(request_id.clone(), MakeRequestUuid))
                .layer(from_fn(trace::requests))
                .layer(PropagateRequestIdLayer::new(request_id))
                .layer(from_fn(encoding::compress))
                .layer(from_fn(headers::secure))
                .layer(cors(&app.config.origins()))
                .layer(from_fn_with_state(state(), localize))
                .layer(from_fn_with_state(state(), host::check))
                // Identifying the caller reads the store and may ask an issuer, so the time limit includes it.
                .layer(from_fn(deadline))
                .layer(from_fn_with_state(state(), auth::identify))
                .layer(from_fn_with_state(state(), limit_requests::limit))
                .layer(from_fn_with_state(state(), refusals::note)),
        )
        .with_state(state())
}

/// Middleware that responds in time, whatever happens. The driver finishes an interrupted change, unless it has
/// not begun.
async fn deadline(request: Request, next: Next) -> Response {
    // A long poll waits until there is news, and ends by itself at the next ping.
    if request.uri().path().starts_with("/socket.io/") {
        return next.run(request).await;
    }
    let time = if request.method().is_safe() {
        ANSWERED
    } else {
        CHANGED
    };
    let answer = timeout(time, next.run(request)).await;
    answer.unwrap_or_else(|_| Failure::timeout().into_response())
}

fn cors(origins: &[String]) -> CorsLayer {
    let origins = origins
        .iter()
        .filter_map(|origin| HeaderValue::from_str(origin).ok());
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::ACCEPT_LANGUAGE,
            HeaderName::from_static("idempotency-key"),
        ])
        .expose_headers([header::RETRY_AFTER, HeaderName::from_static("x-request-id")])
        .max_age(Duration::from_hours(1))
}

#[cfg(test)]
mod tests;
