//! Finds the caller of a request.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderMap, header};

use super::caller::{Caller, Identity};
use super::ended;
use super::origin::Origin;
use super::tokens::Tokens;
use crate::actor::itself;
use crate::app::{App, Shared};
use crate::contract::failure::Failure;

/// Middleware that identifies the caller. Handlers decide whether one is required.
pub(crate) async fn identify(State(app): State<Shared>, mut request: Request, next: Next) -> Response {
    let origin = Origin(app.limiter.client(&request));
    request.extensions_mut().insert(origin);
    let found = match bearer(request.headers()) {
        Some(token) => Some(app.caller(token).await.map(|caller| Caller {
            address: origin.0,
            ..caller
        })),
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
    /// The caller with this token.
    ///
    /// # Errors
    /// 401 when it does not hold: it is not ours, expired, ended, or its user is gone; 403 when its user is on no list;
    /// 409 when their address belongs to somebody else; 503 when the store is gone.
    pub(crate) async fn caller(&self, token: &str) -> Result<Caller, Failure> {
        let (user, session) = match &self.issuer {
            Some(issuer) if !Tokens::may_be_ours(token) => {
                let (profile, session) = issuer.verify(token).await?;
                let known = self
                    .platform
                    .user_by_identity(&itself(), &profile.identity)
                    .await?;
                // Nobody signs in with these tokens: the first request after a while counts as a sign-in.
                let user = match known {
                    Some(known) if self.presence.is_there(&known.id) && self.agrees(&known, &profile) => {
                        known
                    }
                    _ => {
                        let user = self.welcome(&profile).await?;
                        self.note_sign_in(&user, Origin(None)).await?;
                        user
                    }
                };
                (user, session)
            }
            _ => {
                let (bearer, session) = self.tokens.verify(token)?;
                let user = self.find_user(&bearer.id).await?;
                let user = user.filter(|user| bearer.is(user));
                (user.ok_or_else(Failure::unauthorized)?, session)
            }
        };
        if ended::has_ended(&user, &session) {
            return Err(Failure::unauthorized());
        }
        let user = self.in_force(user).await?;
        self.presence.seen(&user.id);
        Ok(Caller {
            user,
            session,
            address: None,
        })
    }
}
