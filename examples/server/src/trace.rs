//! The log line of every request.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;

/// Middleware that writes one line for every request, with the id that all its lines have, and counts it. Of
/// the address only the path is logged, because parameters may be tokens.
pub(crate) async fn requests(request: Request, next: Next) -> Response {
    let begin = Instant::now();
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("other", MatchedPath::as_str)
        .to_owned();
    let id = request
        .headers()
        .get("x-request-id")
        .and_then(|id| id.to_str().ok())
        .unwrap_or_default();
    let span = tracing::info_span!("request", id, %method, path);
    let response = next.run(request).instrument(span.clone()).await;
    let (status, time) = (response.status().as_u16(), begin.elapsed());
    crate::metrics::request(&method, &route, status, time);
    span.in_scope(|| tracing::info!(status, milliseconds = time.as_secs_f64() * 1000.0, "answered"));
    response
}
