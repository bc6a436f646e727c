//! Signing in and out.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::{App, Shared};
use crate::auth::{Caller, Origin, Profile};
use crate::contract::failure::{Failure, FailureBody};
use crate::contract::fields::{Body, Fields, FromFields};
use crate::contract::reply::{Done, done};
use crate::contract::user::UserView;
use crate::language::Asked;

/// A token of this server, and its user.
#[derive(Serialize, ToSchema)]
pub(crate) struct SignedIn {
    success: bool,
    /// The bearer token.
    token: String,
    user: UserView,
}

/// The caller.
#[derive(Serialize, ToSchema)]
pub(crate) struct Me {
    success: bool,
    user: UserView,
}

/// An ID token of Google.
#[derive(ToSchema)]
pub(crate) struct GoogleBody {
    token: String,
}

/// The person to sign in as.
#[derive(ToSchema)]
#[schema(example = json!({ "email": "ana@example.com" }))]
pub(crate) struct MockBody {
    email: String,
}

impl FromFields for GoogleBody {
    fn read(fields: &mut Fields) -> Self {
        Self {
            token: fields.required("token"),
        }
    }
}

impl FromFields for MockBody {
    fn read(fields: &mut Fields) -> Self {
        Self {
            email: fields.required("email"),
        }
    }
}

/// Sign in with Google.
#[utoipa::path(post, path = "/api/auth/google", tag = "Auth", request_body = GoogleBody, responses(
    (status = 200, body = SignedIn),
    (status = 400, description = "The body is not valid", body = FailureBody),
    (status = 401, description = "Google has not made this token for this application", body = FailureBody),
    (status = 403, description = "Nobody with this address may come in", body = FailureBody),
    (status = 409, description = "The address belongs to somebody else", body = FailureBody),
    (status = 501, description = "Google is not set up", body = FailureBody),
))]
pub(crate) async fn google(
    State(app): State<Shared>,
    origin: Origin,
    Body(body): Body<GoogleBody>,
) -> Result<Json<SignedIn>, Failure> {
    let google = app.google.as_ref().ok_or_else(|| {
        Failure::new(
            StatusCode::NOT_IMPLEMENTED,
            "google_not_configured",
            "El inicio de sesión con Google no está configurado en este servidor",
            "Signing in with Google is not set up on this server",
        )
    })?;
    let profile = google.verify(&body.token).await?;
    sign_in(&app, &profile, origin).await
}

/// Sign in by e-mail address alone, in development.
#[utoipa::path(post, path = "/api/auth/mock-login", tag = "Auth", request_body = MockBody, responses(
    (status = 200, body = SignedIn),
    (status = 400, description = "This is no e-mail address", body = FailureBody),
    (status = 403, description = "Nobody with this address may come in", body = FailureBody),
    (status = 404, description = "The server is not in development", body = FailureBody),
))]
pub(crate) async fn mock_login(
    State(app): State<Shared>,
    origin: Origin,
    body: Result<Body<MockBody>, Failure>,
) -> Result<Json<SignedIn>, Failure> {
    // Before anything is said of the body: elsewhere there is nothing at this address.
    if !app.config.dev {
        return Err(Failure::no_route());
    }
    let Body(body) = body?;
    sign_in(&app, &Profile::in_development(&body.email)?, origin).await
}

async fn sign_in(app: &App, profile: &Profile, origin: Origin) -> Result<Json<SignedIn>, Failure> {
    let user = app.welcome(profile).await?;
    app.note_sign_in(&user, origin).await?;
    app.presence.seen(&user.id);
    Ok(Json(SignedIn {
        success: true,
        token: app.tokens.issue(&user)?,
        user: app.user_view(user).await?,
    }))
}

/// Whether the token is valid, and its user.
#[utoipa::path(get, path = "/api/auth/verify", tag = "Auth", security(("bearer" = [])), responses(
    (status = 200, body = Me), (status = 401, body = FailureBody),
))]
pub(crate) async fn verify(State(app): State<Shared>, caller: Caller) -> Result<Json<Me>, Failure> {
    show(&app, caller).await
}

/// The caller.
#[utoipa::path(get, path = "/api/auth/me", tag = "Auth", security(("bearer" = [])), responses(
    (status = 200, body = Me), (status = 401, body = FailureBody),
))]
pub(crate) async fn me(State(app): State<Shared>, caller: Caller) -> Result<Json<Me>, Failure> {
    show(&app, caller).await
}

async fn show(app: &App, caller: Caller) -> Result<Json<Me>, Failure> {
    Ok(Json(Me {
        success: true,
        user: app.user_view(caller.user).await?,
    }))
}

/// Sign out: the token does not hold any more, on any server.
#[utoipa::path(post, path = "/api/auth/logout", tag = "Auth", security(("bearer" = [])), responses(
    (status = 200, body = Done), (status = 401, body = FailureBody),
))]
pub(crate) async fn logout(
    State(app): State<Shared>,
    Asked(language): Asked,
    caller: Caller,
) -> Result<Json<Done>, Failure> {
    app.end_session(&caller).await?;
    Ok(done(language.pick("Sesión cerrada", "Signed out")))
}
