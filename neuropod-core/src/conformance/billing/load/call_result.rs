//! The results of calls.

use serde::{Deserialize, Serialize};

use crate::error::kind::{Error, Result};
use crate::money::billing::Drawn;

/// The result of a call, in a form that can be stored and compared.
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
        /// Whether a retry can succeed.
        retryable: bool,
        /// Its full text.
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
