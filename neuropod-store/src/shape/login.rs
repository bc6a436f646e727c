//! How the owner logs in to a pod, except the tokens.

use jiff::Timestamp;
use neuropod_core::AccessToken;
use neuropod_core::pod::Login;
use neuropod_core::token::TokenState;
use serde::{Deserialize, Serialize};

/// The field `login` of a pod.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LoginShape {
    state: StateShape,
    container: Option<String>,
    #[serde(default)]
    read_at: Option<Timestamp>,
}

/// The authentication that the container's log reports.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum StateShape {
    Unknown,
    Generated,
    Configured,
    Disabled,
    Password,
}

/// The stored parts of a login.
pub(super) struct LoginParts {
    pub(super) login: LoginShape,
    /// Secret.
    pub(super) injected_token: Option<AccessToken>,
    /// Secret.
    pub(super) found_token: Option<AccessToken>,
}

/// The fields of this file that layout 1 stores elsewhere: from, to.
pub(super) const MOVED: [(&str, &str); 3] = [
    ("login.injected", "secrets.injectedToken"),
    ("login.found.state", "login.state"),
    ("login.found.token", "secrets.foundToken"),
];

impl From<Login> for LoginParts {
    fn from(login: Login) -> Self {
        let Login {
            injected,
            found,
            container,
            read_at,
        } = login;
        let (state, found_token) = match found {
            TokenState::Unknown => (StateShape::Unknown, None),
            TokenState::Generated(token) => (StateShape::Generated, Some(token)),
            TokenState::Configured => (StateShape::Configured, None),
            TokenState::Disabled => (StateShape::Disabled, None),
            TokenState::Password => (StateShape::Password, None),
        };
        Self {
            login: LoginShape {
                state,
                container,
                read_at,
            },
            injected_token: injected,
            found_token,
        }
    }
}

impl From<LoginParts> for Login {
    fn from(parts: LoginParts) -> Self {
        let LoginParts {
            login,
            injected_token,
            found_token,
        } = parts;
        let LoginShape {
            state,
            container,
            read_at,
        } = login;
        let found = match (state, found_token) {
            (StateShape::Generated, Some(token)) => TokenState::Generated(token),
            // A lost token has to be found again.
            (StateShape::Generated, None) | (StateShape::Unknown, _) => TokenState::Unknown,
            (StateShape::Configured, _) => TokenState::Configured,
            (StateShape::Disabled, _) => TokenState::Disabled,
            (StateShape::Password, _) => TokenState::Password,
        };
        Self {
            injected: injected_token,
            found,
            container,
            read_at,
        }
    }
}
