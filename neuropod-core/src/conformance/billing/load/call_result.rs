//! The results of calls.

use serde::{Deserialize, Serialize};

use crate::error::kind::{Error, Result};
use crate::money::billing::Drawn;

/// What a call returned, as a value that can be stored and compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum CallResult {
    /// `Ok`.
    Done,
    /// `Ok` of a draw.
    Drawn(Drawn),
    /// An error.
    Refused {
        /// The [code](crate::ErrorKind::code) of its kind.
        code: String,
        /// Whether another try can help.
        retryable: bool,
        /// Its whole text.
        error: String,
    },
}

impl CallResult {
    pub(super) fn refused(error: &Error) -> Self {
        Self::Refused {
            code: error.kind().code().to_owned(),
            retryable: error.is_retryable(),
            error: error.to_string(),
        }
    }

    /// The code of the error; `None`: the call succeeded.
    pub(super) fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { code, .. } => Some(code),
            Self::Done | Self::Drawn(_) => None,
        }
    }
}

impl From<Result<Drawn>> for CallResult {
    fn from(result: Result<Drawn>) -> Self {
        match result {
            Ok(drawn) => Self::Drawn(drawn),
            Err(error) => Self::refused(&error),
        }
    }
}

impl From<Result<()>> for CallResult {
    fn from(result: Result<()>) -> Self {
        match result {
            Ok(()) => Self::Done,
            Err(error) => Self::refused(&error),
        }
    }
}
