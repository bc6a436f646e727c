//! The caller, as handlers get it.

use std::net::IpAddr;

use axum::extract::FromRequestParts;
use http::request::Parts;
use neuropod::{Actor, User};

use super::session::Session;
use crate::contract::failure::Failure;

/// A user who is signed in.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// The user.
    pub(crate) user: User,
    /// Since when, and for how long.
    pub(crate) session: Session,
    /// The network address of this request, where it is one.
    pub(crate) address: Option<IpAddr>,
}

impl Caller {
    /// Them, as the library knows them.
    pub(crate) fn actor(&self) -> Actor {
        Actor::new(self.user.id.clone(), self.user.role).with_address(self.address)
    }
}

/// An administrator who is signed in.
#[derive(Debug, Clone)]
pub(crate) struct Admin(pub Caller);

/// The result of [`identify`](super::identify::identify); `None`: the request has no token.
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
