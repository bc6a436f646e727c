//! Whether the server works, and what it offers.

use axum::extract::State;
use axum::response::IntoResponse;
use axum::{Extension, Json};
use http::StatusCode;
use jiff::Timestamp;
use neuropod::money::PricePolicy;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::Shared;
use crate::auth::{Caller, Identity};
use crate::config::ClusterKind;
use crate::contract::failure::FailureBody;
use crate::contract::reply::{Answer, data};
use crate::language::Asked;
use crate::readiness::{Answering, StoreState};

/// That the server works.
#[derive(Serialize, ToSchema)]
pub(crate) struct StatusView {
    /// `ok`.
    status: &'static str,
    /// For people.
    message: &'static str,
    #[schema(value_type = String, format = DateTime)]
    timestamp: Timestamp,
}

/// What a page has to know before anybody signs in.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ConfigView {
    /// The client id of this application at Google.
    google_client_id: Option<String>,
    /// Whether one can sign in by e-mail address alone.
    dev_login: bool,
    /// Whether the cluster is simulated: pods are pretended, and their links open pages of this server.
    simulated: bool,
    /// The version of the server.
    version: &'static str,
    /// The languages of messages.
    languages: [&'static str; 2],
    /// Where live updates are.
    ws_path: &'static str,
    /// What new prices mean for pods that run: they keep theirs (`quoted`), or not (`current`).
    #[schema(value_type = String)]
    price_policy: PricePolicy,
    /// The currency of all amounts, as an ISO 4217 code.
    currency: String,
    /// The only registries, or parts of registries, that images come from; empty: all public ones.
    image_registries: Vec<String>,
    /// Registries of the platform's own network that images may come from too; told to whoever is signed in.
    internal_registries: Vec<String>,
}

fn view(language: neuropod::message::Language) -> Json<StatusView> {
    Json(StatusView {
        status: "ok",
        message: language.pick("El servidor funciona", "The server is working"),
        timestamp: Timestamp::now(),
    })
}

/// That the server works.
#[utoipa::path(get, path = "/api/status/public", tag = "Status", responses((status = 200, body = StatusView)))]
pub(crate) async fn public(Asked(language): Asked) -> Json<StatusView> {
    view(language)
}

/// That the server works, and the token holds.
#[utoipa::path(get, path = "/api/status", tag = "Status", security(("bearer" = [])), responses(
    (status = 200, body = StatusView), (status = 401, body = FailureBody),
))]
pub(crate) async fn get(Asked(language): Asked, _: Caller) -> Json<StatusView> {
    view(language)
}

/// What a page has to know before anybody signs in, and a little more afterwards.
#[utoipa::path(get, path = "/api/config", tag = "Status", responses((status = 200, body = Answer<ConfigView>)))]
pub(crate) async fn config(
    State(app): State<Shared>,
    Extension(Identity(found)): Extension<Identity>,
) -> Json<Answer<ConfigView>> {
    let mut view = config_view(&app);
    if matches!(found, Some(Ok(_))) {
        view.internal_registries
            .clone_from(&app.config.images.internal_registries);
    }
    data(view)
}

/// The same for the page itself, which has it in it whoever opens it.
pub(crate) fn config_view(app: &Shared) -> ConfigView {
    ConfigView {
        google_client_id: app.config.auth.google_client_id.clone(),
        dev_login: app.config.dev,
        simulated: app.config.cluster == ClusterKind::Sim,
        version: env!("CARGO_PKG_VERSION"),
        languages: ["es", "en"],
        ws_path: "/ws",
        price_policy: app.config.price_policy,
        currency: app.platform.currency().code().to_owned(),
        image_registries: app.config.images.registries.clone(),
        // Names of hosts of a network are for nobody outside.
        internal_registries: Vec::new(),
    }
}

/// Whether the process is alive.
pub(crate) async fn healthy() -> &'static str {
    "ok"
}

/// Whether it can do its work: the store is read and written, and the cluster answers.
pub(crate) async fn ready(State(app): State<Shared>) -> impl IntoResponse {
    let Answering { store, cluster } = app.readiness.get(&app).await;
    let state = |works| if works { "ok" } else { "unreachable" };
    let status = if store == StoreState::Works && cluster && !app.stopping.is_cancelled() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (
        status,
        format!("store: {}\ncluster: {}\n", store.as_str(), state(cluster)),
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
