//! The addresses of the API.

mod account;
mod account_range;
mod admin_pods;
mod audit;
mod auth;
mod credit;
mod document;
mod entries;
mod inventory;
mod ledger;
mod logs;
mod pod_changes;
mod pods;
mod pricing;
mod status;
mod templates;
#[cfg(test)]
mod tests;
mod time_range;
mod users;

use axum::Router;
use axum::routing::get;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::Shared;
use crate::{dashboard, live};

pub(crate) use self::status::metrics;

/// Every address, and the document that describes those of the API.
pub(crate) fn all() -> (Router<Shared>, utoipa::openapi::OpenApi) {
    let (api, document) = OpenApiRouter::with_openapi(document::head())
        .routes(routes!(auth::google))
        .routes(routes!(auth::mock_login))
        .routes(routes!(auth::verify))
        .routes(routes!(auth::me))
        .routes(routes!(auth::logout))
        .routes(routes!(users::list))
        .routes(routes!(users::balance))
        .routes(routes!(users::daily_cap))
        .routes(routes!(users::suspend))
        .routes(routes!(users::fix_balances))
        .routes(routes!(users::delete))
        .routes(routes!(pods::list, pods::create))
        .routes(routes!(pods::of_user))
        .routes(routes!(pods::get, pod_changes::delete))
        .routes(routes!(pods::connections))
        .routes(routes!(logs::get))
        .routes(routes!(pod_changes::start))
        .routes(routes!(pod_changes::stop))
        .routes(routes!(pod_changes::restart))
        .routes(routes!(templates::list, templates::create))
        .routes(routes!(templates::summary))
        .routes(routes!(templates::get, templates::update, templates::delete))
        .routes(routes!(pricing::public))
        .routes(routes!(pricing::get, pricing::update))
        .routes(routes!(pricing::reset))
        .routes(routes!(pricing::calculate))
        .routes(routes!(pricing::available))
        .routes(routes!(pricing::gpu))
        .routes(routes!(account::balance))
        .routes(routes!(account::statement))
        .routes(routes!(ledger::csv))
        .routes(routes!(admin_pods::list))
        .routes(routes!(audit::list))
        .routes(routes!(credit::add))
        .routes(routes!(inventory::get))
        .routes(routes!(status::public))
        .routes(routes!(status::get))
        .routes(routes!(status::config))
        .split_for_parts();
    let text = document.to_pretty_json().unwrap_or_default();
    let router = api
        .route("/api/openapi.json", get(async || document::json(text)))
        .route("/api/docs", get(document::page))
        .route("/api/docs.js", get(document::script))
        .route("/api/docs.css", get(document::style))
        .route("/healthz", get(status::healthy))
        .route("/readyz", get(status::ready))
        .route("/ws", get(live::websocket))
        .fallback(dashboard::file);
    (router, document)
}
