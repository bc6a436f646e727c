//! Another issuer of tokens.

use super::claims;
use super::keys::Keys;
use super::profile::Profile;
use super::refused::refuse;
use super::session::Session;
use crate::contract::failure::Failure;

/// Another issuer, whose tokens are taken as well.
pub(crate) struct Issuer {
    /// Its keys.
    pub(crate) keys: Keys,
    /// Its name (`iss`).
    pub(crate) name: String,
    /// For whom it makes them (`aud`).
    pub(crate) audience: String,
    /// Whether it verifies every address, and need not say so.
    pub(crate) verifies_addresses: bool,
}

impl Issuer {
    /// Whose a token is, and its session.
    ///
    /// # Errors
    /// 401 for everything that the issuer has not signed or that does not hold now.
    pub(crate) async fn verify(&self, token: &str) -> Result<(Profile, Session), Failure> {
        let (claims, until) = self.keys.verify(token, &[&self.name], &self.audience).await?;
        let profile = Profile::of_claims(&self.name, &claims, self.verifies_addresses).map_err(refuse)?;
        Ok((profile, Session::new(claims::session_id(&claims), until)))
    }
}
