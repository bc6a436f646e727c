//! Tokens that are refused.

use std::fmt::Display;

use crate::contract::failure::Failure;

/// A token is refused: why is for the log of the server, and nothing for the one who shows it.
pub(super) fn refuse(reason: impl Display) -> Failure {
    tracing::info!(%reason, "a token is refused");
    Failure::unauthorized()
}
