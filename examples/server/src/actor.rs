//! The actor of requests that the server makes for itself.

use neuropod::Actor;

/// The actor for requests of the server itself: to sign people in, and to fill caches that all users share.
pub(crate) fn itself() -> Actor {
    Actor::admin("server")
}
