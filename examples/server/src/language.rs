//! The language of answers.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use http::HeaderMap;
use http::request::Parts;
use neuropod::message::Language;

use crate::accept_language::accept_language;
use crate::app::{App, Shared};

/// The client's language, or the one that the configuration fixes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked(pub Language);

impl FromRequestParts<Shared> for Asked {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, Infallible> {
        Ok(Self(app.language(&parts.headers)))
    }
}

impl App {
    /// The language of answers to a client with these headers.
    pub(crate) fn language(&self, headers: &HeaderMap) -> Language {
        self.config
            .language
            .fixed()
            .unwrap_or_else(|| accept_language(headers))
    }
}
