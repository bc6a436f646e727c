//! Whether somebody may see a simulated pod: with its token in the address or a header, or with the cookie that the
//! token got them, as a Jupyter server has it.

use axum::extract::Query;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, header};
use neuropod::AccessToken;
use neuropod::pod::connection::Connection;
use serde::Deserialize;

/// The name of the cookie. It has no domain, so that no other host gets it.
const COOKIE: &str = "neuropod-pod";
/// What the value of the cookie is derived for.
const CONTEXT: &str = "neuropod 2026-11 cookie of a simulated pod";

/// How somebody stands before the door.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Login {
    /// There is none, or they were let in before.
    Open,
    /// They have the token; with this cookie they are let in again.
    Token(HeaderValue),
    /// What they have is not the token.
    Wrong,
    /// They have nothing.
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
        // Compared as tokens are: in a time that tells nothing.
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

/// For this host and this token alone: it opens nothing once the pod has another token, and no other pod.
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
