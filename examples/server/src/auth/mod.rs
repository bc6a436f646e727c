//! Who asks.

mod ended;
mod google;
mod keys;
mod people;
mod presence;
mod sessions;
mod tokens;

use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::request::Parts;
use http::{HeaderMap, header};
use neuropod::{Actor, User};

pub(crate) use self::{
    google::Google,
    keys::Keys,
    people::Profile,
    presence::Presence,
    sessions::Sessions,
    tokens::{Issuer, Session, Tokens},
};
use crate::app::{App, Shared};
use crate::failure::Failure;

/// A user who is signed in.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// Who they are.
    pub(crate) user: User,
    /// Since when, and for how long.
    pub(crate) session: Session,
}

impl Caller {
    /// Them, as the library knows them.
    pub(crate) fn actor(&self) -> Actor {
        Actor {
            id: self.user.id.clone(),
            role: self.user.role,
        }
    }
}

/// An administrator who is signed in.
#[derive(Debug, Clone)]
pub(crate) struct Admin(pub Caller);

/// What [`identify`] found out: `None` where nobody said who they are.
#[derive(Debug, Clone)]
pub(crate) struct Identity(pub Option<Result<Caller, Failure>>);

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        match parts.extensions.get::<Identity>() {
            Some(Identity(Some(found))) => found.clone(),
            _ => Err(Failure::unauthorized()),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Admin {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let caller = Caller::from_request_parts(parts, state).await?;
        if caller.actor().is_admin() {
            Ok(Self(caller))
        } else {
            Err(Failure::admins_only())
        }
    }
}

/// Middleware that finds out who asks. Whether it matters is for the handler.
pub(crate) async fn identify(State(app): State<Shared>, mut request: Request, next: Next) -> Response {
    let found = match bearer(request.headers()) {
        Some(token) => Some(app.caller(token).await),
        None => None,
    };
    request.extensions_mut().insert(Identity(found));
    next.run(request).await
}

/// The token of the header `Authorization` (RFC 6750, section 2.1).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

impl App {
    /// Who has this token.
    ///
    /// # Errors
    /// 401 when it does not hold: it is not ours, expired, ended, or its user is gone; 503 when the store is.
    pub(crate) async fn caller(&self, token: &str) -> Result<Caller, Failure> {
        let (user, session) = match &self.issuer {
            Some(issuer) if !Tokens::may_be_ours(token) => {
                let (profile, session) = issuer.verify(token).await?;
                let known = self.store.user_by_email(&profile.email).await?;
                // Nobody signs in with these tokens: whoever has not been here for a while comes in.
                let user = match known {
                    Some(known) if self.presence.is_there(&known.id) => known,
                    _ => self.welcome(&profile).await?,
                };
                (user, session)
            }
            _ => {
                let (id, session) = self.tokens.verify(token)?;
                (
                    self.store.user(&id).await?.ok_or_else(Failure::unauthorized)?,
                    session,
                )
            }
        };
        if ended::has_ended(&user, &session) {
            return Err(Failure::unauthorized());
        }
        self.presence.seen(&user.id);
        Ok(Caller { user, session })
    }
}
