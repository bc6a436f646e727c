//! Signing in with Google (`OpenID` Connect).

use serde::Deserialize;
use serde_json::Value;

use super::keys::Keys;
use super::people::Profile;
use super::tokens::is_true;
use crate::failure::Failure;

/// As whom Google signs.
const ISSUERS: [&str; 2] = ["https://accounts.google.com", "accounts.google.com"];

/// Checks the ID tokens that Google makes for this application.
pub(crate) struct Google {
    /// Google's keys.
    pub(crate) keys: Keys,
    /// The id of this application at Google.
    pub(crate) client_id: String,
}

#[derive(Debug, Clone, Deserialize)]
struct IdToken {
    #[serde(default)]
    email_verified: Value,
    #[serde(flatten)]
    profile: Profile,
}

impl Google {
    /// Who has this ID token.
    ///
    /// # Errors
    /// 401 when Google has not made it for this application, or does not know that the address is theirs.
    pub(crate) async fn verify(&self, token: &str) -> Result<Profile, Failure> {
        let claims: IdToken = self.keys.verify(token, &ISSUERS, &self.client_id).await?;
        if is_true(&claims.email_verified) {
            Ok(claims.profile)
        } else {
            Err(Failure::unauthorized())
        }
    }
}
