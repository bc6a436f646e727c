//! The dashboard: one page, one script and one style sheet, made of the files in `dashboard/`.
//!
//! The files are compiled into the program. A debug build reads them from the disk, so that changes show when
//! the page is reloaded. Nothing has to be built before.

mod module;
mod modules;
mod page;
mod source_map;
#[cfg(test)]
mod tests;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY};
use http::{HeaderMap, HeaderName, Method, StatusCode, Uri};

use self::page::{ASSETS, Page};
use crate::app::Shared;
use crate::contract::config::ConfigView;
use crate::contract::failure::Failure;
use crate::encoding::Accepted;

/// Prepares the page before the first visitor waits for it.
pub(crate) fn prepare() {
    match page::current() {
        Ok(page) => page.compress(),
        Err(error) => tracing::error!(%error, "the dashboard can't be put together"),
    }
}

/// The page at `/`, and its files. It handles all requests without a route: anything else is 404, whatever the
/// method.
pub(crate) async fn file(
    State(app): State<Shared>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let path = uri.path().trim_start_matches('/');
    let is_ours = matches!(path, "" | "index.html" | page::ICON) || path.starts_with(ASSETS);
    if !is_ours || !method.is_safe() {
        return Failure::no_route().into_response();
    }
    let page = match page::current() {
        Ok(page) => page,
        // Only possible while somebody changes the files of a debug build, because tests read them all.
        Err(error) => {
            tracing::error!(%error, "the dashboard can't be put together");
            return (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response();
        }
    };
    match path {
        "" | "index.html" => index(&page, &app, &headers),
        path => asset(&page, path, &headers).unwrap_or_else(|| Failure::no_route().into_response()),
    }
}

/// The page itself. A browser checks every time whether it has changed: it names the newest version of
/// everything else.
fn index(page: &Page, app: &Shared, headers: &HeaderMap) -> Response {
    let text = page.index(&ConfigView::of(&app.config, app.platform.currency()));
    let tag = format!("\"{}\"", page::digest(text.as_bytes()));
    let caching = [(CACHE_CONTROL, "no-cache".to_owned()), (ETAG, tag.clone())];
    let known = headers.get(IF_NONE_MATCH);
    if known.is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    (caching, [(CONTENT_TYPE, "text/html; charset=utf-8")], text).into_response()
}

/// A file of the page. Its address depends on its contents, so nobody has to check for changes.
fn asset(page: &Page, path: &str, headers: &HeaderMap) -> Option<Response> {
    let (asset, is_current) = page.asset(path)?;
    let cache = match (path, is_current) {
        (page::ICON, _) => "public, max-age=86400",
        (_, true) => "public, max-age=31536000, immutable",
        // A file of another replica, older or newer. This one works too, but is not the requested version.
        (_, false) => "no-store",
    };
    let (encoding, body) = asset.encoded(Accepted::from_headers(headers).smallest());
    let fixed: [(HeaderName, &str); 3] = [
        (CONTENT_TYPE, asset.media_type()),
        (CACHE_CONTROL, cache),
        (VARY, "accept-encoding"),
    ];
    let coded = encoding.name().map(|name| [(CONTENT_ENCODING, name)]);
    Some(match coded {
        Some(coded) => (fixed, coded, body).into_response(),
        None => (fixed, body).into_response(),
    })
}
