//! Signing in with Google (`OpenID` Connect).

use super::keys::Keys;
use super::profile::Profile;
use super::refused::refuse;
use crate::contract::failure::Failure;

/// The names that Google signs with; the first one is stored in identities.
const ISSUERS: [&str; 2] = ["https://accounts.google.com", "accounts.google.com"];

/// Checks the ID tokens that Google makes for this application.
pub(crate) struct Google {
    /// Google's keys.
    pub(crate) keys: Keys,
    /// The id of this application at Google.
    pub(crate) client_id: String,
}

impl Google {
    /// The person of this ID token.
    ///
    /// # Errors
    /// 401 when Google has not made it for this application, or says that the address is not known to be theirs.
    pub(crate) async fn verify(&self, token: &str) -> Result<Profile, Failure> {
        let (claims, _) = self.keys.verify(token, &ISSUERS, &self.client_id).await?;
        Profile::of_claims(ISSUERS[0], &claims, false).map_err(refuse)
    }
}
