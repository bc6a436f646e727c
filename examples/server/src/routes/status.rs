//! The state of the server, and its public configuration.

use axum::extract::State;
use axum::response::IntoResponse;
use axum::{Extension, Json};
use http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::Shared;
use crate::auth::{Caller, Identity};
use crate::contract::config::ConfigView;
use crate::contract::failure::FailureBody;
use crate::contract::reply::{Answer, data};
use crate::language::Asked;

/// The server works.
#[derive(Serialize, ToSchema)]
pub(crate) struct StatusView {
    /// `ok`.
    status: &'static str,
    /// For people.
    message: &'static str,
    #[schema(value_type = String, format = DateTime)]
    timestamp: Timestamp,
}

fn view(language: neuropod::message::Language) -> Json<StatusView> {
    Json(StatusView {
        status: "ok",
        message: language.pick("El servidor funciona", "The server is working"),
        timestamp: Timestamp::now(),
    })
}

/// The server works.
#[utoipa::path(get, path = "/api/status/public", tag = "Status", responses((status = 200, body = StatusView)))]
pub(crate) async fn public(Asked(language): Asked) -> Json<StatusView> {
    view(language)
}

/// The server works, and the token is valid.
#[utoipa::path(get, path = "/api/status", tag = "Status", security(("bearer" = [])), responses(
    (status = 200, body = StatusView), (status = 401, body = FailureBody),
))]
pub(crate) async fn get(Asked(language): Asked, _: Caller) -> Json<StatusView> {
    view(language)
}

/// The settings that a page needs before anybody signs in, and a few more afterwards.
#[utoipa::path(get, path = "/api/config", tag = "Status", responses((status = 200, body = Answer<ConfigView>)))]
pub(crate) async fn config(
    State(app): State<Shared>,
    Extension(Identity(found)): Extension<Identity>,
) -> Json<Answer<ConfigView>> {
    let mut view = ConfigView::of(&app.config, app.platform.currency());
    if matches!(found, Some(Ok(_))) {
        view.internal_registries
            .clone_from(&app.config.images.internal_registries);
    }
    data(view)
}

/// Whether the process is alive.
pub(crate) async fn healthy() -> &'static str {
    "ok"
}

/// Whether it can do its work: the store is read and written, and the cluster answers.
pub(crate) async fn ready(State(app): State<Shared>) -> impl IntoResponse {
    let health = app.readiness.get(&app.platform).await;
    let state = |works| if works { "ok" } else { "unreachable" };
    let status = if health.is_ready() && !app.stopping.is_cancelled() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (
        status,
        format!(
            "store: {}\ncluster: {}\n",
            health.store.as_str(),
            state(health.cluster)
        ),
    )
}

/// Everything that was counted, for Prometheus.
pub(crate) async fn metrics(State(app): State<Shared>) -> impl IntoResponse {
    let format = [(
        http::header::CONTENT_TYPE,
        "text/plain; version=0.0.4; charset=utf-8",
    )];
    (format, crate::metrics::text(&app))
}
