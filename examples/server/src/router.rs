//! Everything that is served: the routes, and the layers that each request passes.

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
use crate::contract::failure::{self, Failure};
use crate::{auth, encoding, headers, host, limits, live, refusals, routes, trace};

/// Within this time every question is answered: the frontend waits for five seconds.
const ANSWERED: Duration = Duration::from_millis(4500);
/// Within this time every change is: for these it waits for 30.
const CHANGED: Duration = Duration::from_secs(28);

/// Everything that is served.
pub(crate) fn router(app: &Shared) -> Router {
    let request_id = HeaderName::from_static("x-request-id");
    let body = app.config.limits.body_kib.saturating_mul(1024);
    let state = || Arc::clone(app);
    let (routes, _) = routes::all();
    live::serve_socketio(routes, app)
        .layer(DefaultBodyLimit::max(body))
        // What says that it is too big is refused before it comes.
        .layer(RequestBodyLimitLayer::new(body))
        .layer(
            ServiceBuilder::new()
                .layer(SetRequestIdLayer::new(request_id.clone(), MakeRequestUuid))
                .layer(from_fn(trace::requests))
                .layer(PropagateRequestIdLayer::new(request_id))
                .layer(from_fn(encoding::compress))
                .layer(from_fn(headers::secure))
                .layer(cors(&app.config.origins()))
                .layer(from_fn_with_state(state(), failure::localize))
                .layer(from_fn_with_state(state(), host::check))
                // Who asks is asked of the store, and of issuers: that counts too.
                .layer(from_fn(deadline))
                .layer(from_fn_with_state(state(), auth::identify))
                .layer(from_fn_with_state(state(), limits::limit))
                .layer(from_fn_with_state(state(), refusals::note)),
        )
        .with_state(state())
}

/// Middleware that answers in time whatever happens. A change that is broken off is finished by the driver, or has not
/// begun.
async fn deadline(request: Request, next: Next) -> Response {
    // A long poll waits for as long as there is nothing to tell, and ends by itself at the next ping.
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
