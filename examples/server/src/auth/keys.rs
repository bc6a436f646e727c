//! The public keys of an issuer (JWKS, RFC 7517), and tokens signed with them.

use std::time::Duration;

use jiff::Timestamp;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use neuropod::{Error, ErrorKind};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::claims::{self, Claims};
use super::refused::refuse;
use crate::contract::failure::Failure;

/// How long keys are used before they are fetched again.
const FRESH: Duration = Duration::from_hours(1);
/// The shortest time between two fetches, when a token names a key that is not there.
const SOONEST: Duration = Duration::from_mins(1);
/// The pause after a failed fetch, so that people who sign in meanwhile do not each wait for a timeout.
const PAUSE: Duration = Duration::from_secs(10);
/// How long a fetch may take: a person who signs in waits for it.
const TIMEOUT: Duration = Duration::from_secs(4);
/// The algorithms that issuers may sign with. Never one with a shared secret: the public key would be the secret.
const ALGORITHMS: [Algorithm; 2] = [Algorithm::RS256, Algorithm::ES256];

/// The keys of an issuer, fetched on demand.
pub(crate) struct Keys {
    url: String,
    client: reqwest::Client,
    fetched: Mutex<Fetched>,
}

/// The fetched keys, and when a fetch last failed.
#[derive(Default)]
struct Fetched {
    keys: Option<(Vec<Jwk>, Instant)>,
    failed: Option<Instant>,
}

impl Keys {
    /// The keys at this address.
    pub(crate) fn at(url: impl Into<String>, client: reqwest::Client) -> Self {
        Self {
            url: url.into(),
            client,
            fetched: Mutex::default(),
        }
    }

    /// The claims of a token that was signed with one of these keys, by one of these issuers, for this audience, and until
    /// when it holds, in seconds since 1970.
    ///
    /// # Errors
    /// 401 where it was not, or does not hold now; 503 when the keys can't be had.
    pub(super) async fn verify(
        &self,
        token: &str,
        issuers: &[&str],
        audience: &str,
    ) -> Result<(Claims, i64), Failure> {
        let header = decode_header(token).map_err(refuse)?;
        if header.crit.is_some() {
            // None is known here (RFC 7515, section 4.1.11).
            return Err(refuse("it has critical headers"));
        }
        if !ALGORITHMS.contains(&header.alg) {
            return Err(refuse(format_args!("it is signed with {:?}", header.alg)));
        }
        let kid = header.kid.ok_or_else(|| refuse("it names no key"))?;
        let key = self.key(&kid, header.alg).await?;
        let key = key.ok_or_else(|| refuse(format_args!("the issuer has no key {kid:.100?}")))?;
        let mut validation = Validation::new(header.alg);
        validation.set_audience(&[audience]);
        validation.set_issuer(issuers);
        validation.set_required_spec_claims(&["iss", "aud", "sub"]);
        // Times are read below: not every issuer writes them as whole numbers.
        validation.validate_exp = false;
        let key = DecodingKey::from_jwk(&key).map_err(refuse)?;
        let claims = decode::<Claims>(token, &key, &validation).map_err(refuse)?.claims;
        if !claims.get("iss").is_some_and(Value::is_string) {
            return Err(refuse("iss is no text"));
        }
        let until = claims::expiry(&claims, Timestamp::now()).map_err(refuse)?;
        Ok((claims, until))
    }

    async fn key(&self, kid: &str, algorithm: Algorithm) -> Result<Option<Jwk>, Failure> {
        let mut fetched = self.fetched.lock().await;
        let mut known = None;
        if let Some((keys, at)) = &fetched.keys {
            known = find(keys, kid, algorithm);
            let age = at.elapsed();
            if age < SOONEST || known.is_some() && age < FRESH {
                return Ok(known);
            }
        }
        let unavailable = Error::new(ErrorKind::Unavailable, "the keys of the issuer can't be had")
            .with_context("url", self.url.clone());
        let error = if fetched.failed.is_some_and(|at| at.elapsed() < PAUSE) {
            unavailable
        } else {
            match self.fetch().await {
                Ok(keys) => {
                    let key = find(&keys, kid, algorithm);
                    *fetched = Fetched {
                        keys: Some((keys, Instant::now())),
                        failed: None,
                    };
                    return Ok(key);
                }
                Err(error) => {
                    fetched.failed = Some(Instant::now());
                    unavailable.with_source(error)
                }
            }
        };
        match known {
            // It was good, and nobody says that it is not any more.
            Some(known) => {
                tracing::warn!(%error, "a key that is known goes on");
                Ok(Some(known))
            }
            None => Err(error.into()),
        }
    }

    async fn fetch(&self) -> reqwest::Result<Vec<Jwk>> {
        let answer = self.client.get(&self.url).timeout(TIMEOUT).send().await?;
        let set: KeySet = answer.error_for_status()?.json().await?;
        Ok(set.usable())
    }
}

/// The keys that an issuer publishes. Some may be of unknown kinds (RFC 7517, section 5).
#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Value>,
}

impl KeySet {
    /// Those that tokens may be signed with.
    fn usable(self) -> Vec<Jwk> {
        let keys = self.keys.into_iter().filter_map(|key| {
            let kid = key.get("kid").cloned();
            let read = serde_json::from_value::<Jwk>(key);
            let key =
                read.inspect_err(|error| tracing::debug!(?kid, %error, "a key of the issuer is not used"));
            key.ok()
        });
        let for_signatures = |key: &Jwk| {
            let used_for = key.common.public_key_use.as_ref();
            used_for.is_none_or(|used_for| *used_for == PublicKeyUse::Signature)
        };
        keys.filter(for_signatures).collect()
    }
}

/// The key of this id that an algorithm can be used with: keys of several kinds may have one id (RFC 7517, section 4.5).
fn find(keys: &[Jwk], kid: &str, algorithm: Algorithm) -> Option<Jwk> {
    let fits = |key: &&Jwk| match (&key.algorithm, algorithm) {
        (AlgorithmParameters::RSA(_), Algorithm::RS256) => true,
        (AlgorithmParameters::EllipticCurve(key), Algorithm::ES256) => key.curve == EllipticCurve::P256,
        _ => false,
    };
    let named = |key: &&Jwk| key.common.key_id.as_deref() == Some(kid);
    keys.iter().find(|key| named(key) && fits(key)).cloned()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::response::IntoResponse;
    use axum::{Json, Router, routing::get};
    use futures::future::join_all;
    use http::StatusCode;
    use serde_json::json;

    use super::*;

    /// Keys of an issuer that answers so many times, and how often it was asked.
    async fn answering(times: usize) -> (Keys, Arc<AtomicUsize>) {
        crate::tls::use_ring();
        let asked: Arc<AtomicUsize> = Arc::default();
        let count = Arc::clone(&asked);
        // RFC 7517, appendix A.1.
        let keys = json!({ "keys": [{
            "kty": "EC", "crv": "P-256", "kid": "1",
            "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
            "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
        }] });
        let answer = async move || {
            if count.fetch_add(1, Ordering::SeqCst) < times {
                Json(keys).into_response()
            } else {
                StatusCode::BAD_GATEWAY.into_response()
            }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/keys", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, Router::new().route("/keys", get(answer))).await });
        (Keys::at(url, reqwest::Client::new()), asked)
    }

    #[test]
    fn keys_of_unknown_kinds_do_not_spoil_the_others() {
        let good = json!({
            "kty": "EC", "crv": "P-256", "kid": "good", "use": "sig",
            "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
            "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
        });
        let mut encrypts = good.clone();
        encrypts["use"] = json!("enc");
        encrypts["kid"] = json!("enc");
        let keys = vec![
            json!({ "kty": "LATER", "kid": "good" }),
            json!({ "kty": "RSA", "kid": "good", "n": "AQAB", "e": "AQAB" }),
            json!({ "kty": "EC", "crv": "secp256k1", "kid": "good", "x": "AA", "y": "AA" }),
            json!({ "kty": "AKP", "alg": "ML-DSA-44", "kid": "later", "pub": "AA" }),
            json!({ "kty": "EC", "crv": "secp256k1", "kid": "coin", "x": "AA", "y": "AA" }),
            json!({ "kty": 7 }),
            json!({}),
            json!("key"),
            json!(null),
            encrypts,
            good,
        ];
        let usable = KeySet { keys }.usable();
        let found = find(&usable, "good", Algorithm::ES256).unwrap();
        assert!(DecodingKey::from_jwk(&found).is_ok());
        let rsa = find(&usable, "good", Algorithm::RS256).unwrap();
        assert!(matches!(rsa.algorithm, AlgorithmParameters::RSA(_)));
        for other in ["enc", "coin", "later", "nobody"] {
            assert!(find(&usable, other, Algorithm::ES256).is_none(), "{other}");
        }
    }

    #[tokio::test]
    async fn an_issuer_that_does_not_answer_is_asked_once_for_all_who_wait() {
        let (keys, asked) = answering(0).await;
        let answers = join_all((0..20).map(|_| keys.key("1", Algorithm::ES256))).await;
        assert!(
            answers
                .iter()
                .all(|answer| answer.as_ref().is_err_and(Failure::is_of_server))
        );
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_known_key_is_good_while_the_issuer_does_not_answer() {
        let (keys, asked) = answering(1).await;
        assert!(keys.key("1", Algorithm::ES256).await.unwrap().is_some());
        tokio::time::pause();
        tokio::time::advance(FRESH).await;
        tokio::time::resume();
        assert!(keys.key("1", Algorithm::ES256).await.unwrap().is_some());
        assert_eq!(asked.load(Ordering::SeqCst), 2);
        assert!(keys.key("2", Algorithm::ES256).await.is_err());
    }
}
