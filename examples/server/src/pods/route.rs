//! Answers requests for the hosts of simulated pods.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::uri::Authority;
use http::{HeaderMap, StatusCode, header};
use neuropod::message::Language;
use neuropod::naming::Naming;

use super::echo;
use super::found::Found;
use super::login::Login;
use super::page::Page;
use crate::app::Shared;
use crate::config::ClusterKind;

/// The path of the pages' files and of the echo. No program uses it.
const FILES: &str = "/_neuropod/";

/// Middleware before everything else: a request for the host of a simulated pod goes to that pod only.
pub(crate) async fn route(State(app): State<Shared>, request: Request, next: Next) -> Response {
    if app.config.cluster != ClusterKind::Sim {
        return next.run(request).await;
    }
    match host_of(&request) {
        Some(host) if is_of_a_pod(app.platform.naming(), &host) => {
            let (parts, _) = request.into_parts();
            secured(answer(&app, &host, parts).await)
        }
        _ => next.run(request).await,
    }
}

/// The host of a request, in lower case, without port and final dot. The target takes precedence over the
/// header (RFC 9112, section 3.2.2).
pub(super) fn host_of(request: &Request) -> Option<String> {
    let target = request.uri().host().map(str::to_owned);
    let host = target.or_else(|| {
        let header = request.headers().get(header::HOST)?.to_str().ok()?;
        Some(header.parse::<Authority>().ok()?.host().to_owned())
    })?;
    Some(host.trim_end_matches('.').to_ascii_lowercase())
}

/// Whether this host is below the domain of the pods and not one of the platform's own.
pub(super) fn is_of_a_pod(naming: &Naming, host: &str) -> bool {
    host.strip_suffix(naming.domain())
        .is_some_and(|label| label.ends_with('.'))
        && !naming.is_reserved(host)
}

/// The answer of a host: files, the echo, or a page.
async fn answer(app: &Shared, host: &str, parts: Parts) -> Response {
    let language = app.language(&parts.headers);
    // Browsers request one, and these pages have none.
    if parts.uri.path() == "/favicon.ico" {
        return StatusCode::NO_CONTENT.into_response();
    }
    match parts.uri.path().strip_prefix(FILES) {
        Some("pod.css") => {
            let text = include_str!("../../pods/pod.css");
            return ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], text).into_response();
        }
        Some("pod.js") => {
            let text = include_str!("../../pods/pod.js");
            let of_script = [(header::CONTENT_TYPE, "text/javascript; charset=utf-8")];
            return (of_script, text).into_response();
        }
        _ => {}
    }
    if !parts.method.is_safe() {
        let allow = [(header::ALLOW, "GET, HEAD")];
        return (StatusCode::METHOD_NOT_ALLOWED, allow).into_response();
    }
    let Some(found) = Found::at(app, host) else {
        return Page::unknown(language, host).into_response();
    };
    if !found.connection.is_ready() {
        return Page::not_running(language, &found).into_response();
    }
    match Login::of(&found.connection, host, &parts) {
        Login::Open => open(app, host, &found, language, parts).await,
        Login::Token(cookie) => {
            let cookie = [(header::SET_COOKIE, cookie)];
            (cookie, open(app, host, &found, language, parts).await).into_response()
        }
        login @ (Login::Wrong | Login::Missing) => {
            Page::login(language, &found, login == Login::Wrong).into_response()
        }
    }
}

/// The content behind the login.
async fn open(app: &Shared, host: &str, found: &Found, language: Language, mut parts: Parts) -> Response {
    if parts.uri.path().strip_prefix(FILES) != Some("echo") {
        let gpu = app.platform.catalogue().get(found.pod.options.gpu());
        let gpu = gpu.map_or(found.pod.options.gpu(), |gpu| &gpu.name);
        return Page::running(language, found, gpu).into_response();
    }
    if !echo::is_from_here(&parts.headers) {
        return StatusCode::FORBIDDEN.into_response();
    }
    match axum::extract::ws::WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
        Ok(upgrade) => echo::serve(upgrade, Arc::clone(app), host.to_owned()),
        Err(rejection) => rejection.into_response(),
    }
}

/// The permissions of these pages: to load their own two files, send their own form, and connect to their own
/// host.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'self'; \
    base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

fn secured(mut response: Response) -> Response {
    let headers: &mut HeaderMap = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (
            header::HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            header::HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ] {
        headers.insert(name, header::HeaderValue::from_static(value));
    }
    response
}
