//! The public keys of an issuer (JWKS, RFC 7517), and tokens signed with them.

use std::time::Duration;

use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use neuropod::{Error, ErrorKind};
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::failure::Failure;

/// How long keys are used without asking again.
const FRESH: Duration = Duration::from_hours(1);
/// How soon they are asked for again when a token names one that is not there.
const SOONEST: Duration = Duration::from_mins(1);
/// How long the answer may take: whoever signs in waits for it.
const TIMEOUT: Duration = Duration::from_secs(4);
/// What issuers sign with. Never an algorithm with a shared secret: the public key would be the secret.
const ALGORITHMS: [Algorithm; 2] = [Algorithm::RS256, Algorithm::ES256];

/// The keys of an issuer, fetched when they are needed.
pub(crate) struct Keys {
    url: String,
    client: reqwest::Client,
    fetched: Mutex<Option<(JwkSet, Instant)>>,
}

impl Keys {
    /// The keys at this address.
    pub(crate) fn at(url: impl Into<String>, client: reqwest::Client) -> Self {
        Self {
            url: url.into(),
            client,
            fetched: Mutex::new(None),
        }
    }

    /// What a token says that was signed with one of these keys, by one of these issuers, for this audience.
    ///
    /// # Errors
    /// 401 where it was not; 503 when the keys can't be had.
    pub(crate) async fn verify<C: DeserializeOwned + Clone>(
        &self,
        token: &str,
        issuers: &[&str],
        audience: &str,
    ) -> Result<C, Failure> {
        let unauthorized = |_| Failure::unauthorized();
        let header = decode_header(token).map_err(unauthorized)?;
        if !ALGORITHMS.contains(&header.alg) {
            return Err(Failure::unauthorized());
        }
        let kid = header.kid.ok_or_else(Failure::unauthorized)?;
        let key = self.key(&kid).await?.ok_or_else(Failure::unauthorized)?;
        let mut validation = Validation::new(header.alg);
        validation.set_audience(&[audience]);
        validation.set_issuer(issuers);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.validate_nbf = true;
        let key = DecodingKey::from_jwk(&key).map_err(unauthorized)?;
        Ok(decode(token, &key, &validation).map_err(unauthorized)?.claims)
    }

    async fn key(&self, kid: &str) -> Result<Option<Jwk>, Failure> {
        let mut fetched = self.fetched.lock().await;
        if let Some((keys, at)) = &*fetched {
            let known = keys.find(kid).cloned();
            let age = at.elapsed();
            if age < SOONEST || known.is_some() && age < FRESH {
                return Ok(known);
            }
        }
        let keys = self.fetch().await.map_err(|error| {
            Error::new(ErrorKind::Unavailable, "the keys of the issuer can't be had")
                .with_context("url", self.url.clone())
                .with_source(error)
        })?;
        let key = keys.find(kid).cloned();
        *fetched = Some((keys, Instant::now()));
        Ok(key)
    }

    async fn fetch(&self) -> reqwest::Result<JwkSet> {
        let answer = self.client.get(&self.url).timeout(TIMEOUT).send().await?;
        answer.error_for_status()?.json().await
    }
}
