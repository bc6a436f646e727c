//! The document that describes the API, and a page to read it.

use axum::response::{Html, IntoResponse};
use http::HeaderName;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{ComponentsBuilder, Info, OpenApi, OpenApiBuilder};

use crate::live;

/// The introduction of the document.
pub(super) fn head() -> OpenApi {
    let mut info = Info::new("Neuropod", env!("CARGO_PKG_VERSION"));
    info.description = Some(format!(
        "Personal GPU pods. Messages come in Spanish, or in English with `Accept-Language: en`.\n\n\
         Live updates: `/socket.io/` (Socket.IO v4, `auth: {{token}}`), and `/ws`: {}",
        live::describe_websocket()
    ));
    let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    let components = ComponentsBuilder::new().security_scheme("bearer", bearer).build();
    OpenApiBuilder::new()
        .info(info)
        .components(Some(components))
        .build()
}

/// It is the same for everybody until there is another server; that is noticed after five minutes.
const FOR_ALL: (HeaderName, &str) = (CACHE_CONTROL, "public, max-age=300");

/// The document.
pub(super) fn json(text: String) -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json"), FOR_ALL], text)
}

/// A page that shows it; its script is a file of the server, as its policy wants it.
pub(super) async fn page() -> impl IntoResponse {
    ([FOR_ALL], Html(include_str!("../../docs/index.html")))
}

/// The script of that page.
pub(super) async fn script() -> impl IntoResponse {
    let text = include_str!("../../docs/docs.js");
    ([(CONTENT_TYPE, "text/javascript; charset=utf-8"), FOR_ALL], text)
}

/// Its style.
pub(super) async fn style() -> impl IntoResponse {
    let text = include_str!("../../docs/docs.css");
    ([(CONTENT_TYPE, "text/css; charset=utf-8"), FOR_ALL], text)
}
