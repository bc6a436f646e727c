//! Tokens that are refused.

use std::fmt::Display;

use crate::contract::failure::Failure;

/// Refuses a token. The reason goes to the log only, so that its bearer learns nothing.
pub(super) fn refuse(reason: impl Display) -> Failure {
    tracing::info!(%reason, "a token is refused");
    Failure::unauthorized()
}
