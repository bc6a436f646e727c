//! Failures in the client's language.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::StatusCode;

use crate::app::Shared;
use crate::contract::failure::Failure;

/// Middleware that writes failures in the language of the request, including those of other layers.
pub(crate) async fn localize(State(app): State<Shared>, request: Request, next: Next) -> Response {
    let language = app.language(request.headers());
    // Socket.IO has its own format of errors.
    if request.uri().path().starts_with("/socket.io/") {
        return next.run(request).await;
    }
    let response = next.run(request).await;
    let status = response.status();
    let failure = match response.extensions().get::<Failure>() {
        Some(failure) => failure.clone(),
        None => match status {
            StatusCode::METHOD_NOT_ALLOWED => Failure::new(
                status,
                "method_not_allowed",
                "Aquí no se admite este método",
                "This method is not allowed here",
            ),
            StatusCode::BAD_REQUEST => Failure::new(
                status,
                "malformed",
                "La petición no es válida",
                "The request is invalid",
            ),
            StatusCode::PAYLOAD_TOO_LARGE => Failure::new(
                status,
                "too_large",
                "El cuerpo es demasiado grande",
                "The body is too large",
            ),
            _ => return response,
        },
    };
    let (parts, _) = response.into_parts();
    let mut answer = failure.written(language, app.platform.currency());
    for (name, value) in &parts.headers {
        if !answer.headers().contains_key(name) && name != http::header::CONTENT_LENGTH {
            answer.headers_mut().append(name, value.clone());
        }
    }
    answer
}
