//! Another issuer of tokens.

use super::claims;
use super::keys::Keys;
use super::profile::Profile;
use super::refused::refuse;
use super::session::Session;
use crate::contract::failure::Failure;

/// Another issuer whose tokens are accepted.
pub(crate) struct Issuer {
    /// Its keys.
    pub(crate) keys: Keys,
    /// Its name (`iss`).
    pub(crate) name: String,
    /// The audience of its tokens (`aud`).
    pub(crate) audience: String,
    /// Whether it verifies every address, so that its tokens need not say so.
    pub(crate) verifies_addresses: bool,
}

impl Issuer {
    /// The profile and the session in a token.
    ///
    /// # Errors
    /// 401 if the issuer has not signed it, or if it is not valid now.
    pub(crate) async fn verify(&self, token: &str) -> Result<(Profile, Session), Failure> {
        let (claims, until) = self.keys.verify(token, &[&self.name], &self.audience).await?;
        let profile = Profile::of_claims(&self.name, &claims, self.verifies_addresses).map_err(refuse)?;
        Ok((profile, Session::new(claims::session_id(&claims), until)))
    }
}
