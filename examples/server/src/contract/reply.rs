//! The envelope of requests and replies.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::response::IntoResponse;
use http::StatusCode;
use http::request::Parts;
use neuropod::Error;
use neuropod::error::{Problem, ValidationErrors, Violation};
use serde::Serialize;
use serde::de::DeserializeOwned;
use utoipa::ToSchema;

use crate::contract::failure::Failure;

/// A reply with data.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Answer<T> {
    /// Always true.
    pub(crate) success: bool,
    /// The data.
    pub(crate) data: T,
}

/// A reply that confirms an action.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Done {
    /// Always true.
    pub(crate) success: bool,
    /// For people.
    pub(crate) message: &'static str,
}

/// A reply with data.
pub(crate) fn data<T>(data: T) -> Json<Answer<T>> {
    Json(Answer { success: true, data })
}

/// A reply that confirms an action.
pub(crate) fn done(message: &'static str) -> Json<Done> {
    Json(Done {
        success: true,
        message,
    })
}

/// Parses the JSON of a body.
pub(crate) fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(body).map_err(|error| {
        let errors = ValidationErrors::from(Problem::new("body", Violation::Malformed));
        Error::from(errors).with_source(error).into()
    })
}

/// The bytes of a body.
pub(crate) struct Raw(pub Bytes);

impl<S: Send + Sync> FromRequest<S> for Raw {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        Bytes::from_request(request, state)
            .await
            .map(Self)
            .map_err(|rejection: BytesRejection| {
                if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
                    Failure::new(
                        StatusCode::PAYLOAD_TOO_LARGE,
                        "too_large",
                        "El cuerpo es demasiado grande",
                        "The body is too large",
                    )
                } else {
                    Failure::field("body", Violation::Malformed)
                }
            })
    }
}

/// The parameters of the address.
pub(crate) struct Parameters<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Parameters<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let query = Query::from_request_parts(parts, state).await;
        query.map(|Query(query)| Self(query)).map_err(|_| {
            Failure::new(
                StatusCode::BAD_REQUEST,
                "invalid",
                "Los parámetros de la dirección no son válidos",
                "The parameters of the address are invalid",
            )
        })
    }
}

/// Text that ends when its stream does.
pub(crate) fn text(body: axum::body::Body) -> impl IntoResponse {
    ([(http::header::CONTENT_TYPE, "text/plain; charset=utf-8")], body)
}
