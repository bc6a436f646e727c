//! Access to a simulated pod: with its token in the address or a header, or with the cookie that was set for
//! the token, as with a Jupyter server.

use axum::extract::Query;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, header};
use neuropod::AccessToken;
use neuropod::pod::connection::Connection;
use serde::Deserialize;

/// The name of the cookie. It has no domain, so no other host receives it.
const COOKIE: &str = "neuropod-pod";
/// The context from which the value of the cookie is derived.
const CONTEXT: &str = "neuropod 2026-11 cookie of a simulated pod";

/// The result of checking a visitor's access.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Login {
    /// No token is needed, or their cookie is valid.
    Open,
    /// They have the token, and get this cookie.
    Token(HeaderValue),
    /// Their token is wrong.
    Wrong,
    /// They have no token.
    Missing,
}

#[derive(Deserialize)]
struct Offered {
    token: Option<String>,
}

impl Login {
    pub(super) fn of(connection: &Connection, host: &str, parts: &Parts) -> Self {
        let Some(token) = &connection.token else {
            return Self::Open;
        };
        let value = cookie_value(token, host);
        if let Some(offered) = offered(parts) {
            return if AccessToken::new(offered) == *token {
                let cookie = format!("{COOKIE}={value}; Path=/; HttpOnly; SameSite=Lax");
                // Hexadecimal digits and fixed text are a header value.
                HeaderValue::try_from(cookie).map_or(Self::Wrong, Self::Token)
            } else {
                Self::Wrong
            };
        }
        // Compared like tokens, in constant time.
        let value = AccessToken::new(value);
        if cookies(&parts.headers).any(|kept| AccessToken::new(kept) == value) {
            Self::Open
        } else {
            Self::Missing
        }
    }
}

/// The token in the address, else in `Authorization: token …` or `Bearer …`.
fn offered(parts: &Parts) -> Option<String> {
    let query = Query::<Offered>::try_from_uri(&parts.uri).ok();
    query.and_then(|Query(offered)| offered.token).or_else(|| {
        let header = parts.headers.get(header::AUTHORIZATION)?.to_str().ok()?;
        let (scheme, token) = header.split_once(' ')?;
        let is_known = ["token", "bearer"]
            .iter()
            .any(|known| scheme.eq_ignore_ascii_case(known));
        is_known.then(|| token.trim().to_owned())
    })
}

/// The value for this host and this token only: it becomes invalid with a new token, and opens no other pod.
fn cookie_value(token: &AccessToken, host: &str) -> String {
    let text = format!("{host}\n{}", token.expose());
    data_encoding::HEXLOWER.encode(&blake3::derive_key(CONTEXT, text.as_bytes()))
}

fn cookies(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter_map(|(name, value)| (name == COOKIE).then_some(value))
}
