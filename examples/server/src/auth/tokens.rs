//! The tokens of this server (JWT, RFC 7519), and those of another issuer.

use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode};
use neuropod::UserId;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::keys::Keys;
use super::people::Profile;
use crate::failure::Failure;

/// `iss` and `aud` of the tokens of this server.
const NAME: &str = "neuropod";
/// By how much the clocks of servers may differ.
const LEEWAY_SECONDS: u64 = 10;

/// A session: what a token proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Session {
    /// Its id, by which it is ended.
    pub(crate) id: String,
    /// When it ends by itself.
    pub(crate) until: Timestamp,
}

impl Session {
    /// A token with this `exp` is taken until the leeway is over as well.
    fn new(id: String, exp: i64) -> Result<Self, Failure> {
        let until = Timestamp::from_second(exp.saturating_add(LEEWAY_SECONDS.cast_signed()));
        Ok(Self {
            id,
            until: until.map_err(|_| Failure::unauthorized())?,
        })
    }
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    jti: String,
    iat: i64,
    nbf: i64,
    exp: i64,
}

/// Makes and checks the tokens of this server (HS256).
pub(crate) struct Tokens {
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
    lifetime: SignedDuration,
}

impl Tokens {
    /// Tokens signed with this secret, which hold for so many hours.
    pub(crate) fn new(secret: &SecretString, hours: u32) -> Self {
        let secret = secret.expose_secret().as_bytes();
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_audience(&[NAME]);
        validation.set_issuer(&[NAME]);
        validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
        validation.validate_nbf = true;
        validation.leeway = LEEWAY_SECONDS;
        Self {
            encoding: EncodingKey::from_secret(secret),
            decoding: DecodingKey::from_secret(secret),
            validation,
            lifetime: SignedDuration::from_hours(hours.into()),
        }
    }

    /// A token for a user who has just signed in.
    ///
    /// # Errors
    /// 500 when it can't be signed.
    pub(crate) fn issue(&self, user: &UserId) -> Result<String, Failure> {
        let now = Timestamp::now();
        let id: [u8; 16] = rand::random();
        let claims = Claims {
            iss: NAME.into(),
            aud: NAME.into(),
            sub: user.to_string(),
            jti: data_encoding::HEXLOWER.encode(&id),
            iat: now.as_second(),
            nbf: now.as_second(),
            exp: now.as_second() + self.lifetime.as_secs(),
        };
        encode(&Header::new(Algorithm::HS256), &claims, &self.encoding).map_err(|error| {
            neuropod::Error::new(neuropod::ErrorKind::Unexpected, "a token can't be signed")
                .with_source(error)
                .into()
        })
    }

    /// Whose a token is, and its session.
    ///
    /// # Errors
    /// 401 for everything that this server has not signed or that does not hold now.
    pub(crate) fn verify(&self, token: &str) -> Result<(UserId, Session), Failure> {
        let claims = decode::<Claims>(token, &self.decoding, &self.validation)
            .map_err(|_| Failure::unauthorized())?
            .claims;
        Ok((UserId::new(claims.sub), Session::new(claims.jti, claims.exp)?))
    }

    /// Whether a token claims to be signed as those of this server are. That proves nothing: it says who is to check.
    pub(crate) fn may_be_ours(token: &str) -> bool {
        decode_header(token).is_ok_and(|header| header.alg == Algorithm::HS256)
    }
}

/// Whether a claim is true. Issuers have written it as text too.
pub(super) fn is_true(claim: &Value) -> bool {
    *claim == Value::Bool(true) || claim == "true"
}

/// Another issuer, whose tokens are taken as well.
pub(crate) struct Issuer {
    /// Its keys.
    pub(crate) keys: Keys,
    /// Its name (`iss`).
    pub(crate) name: String,
    /// For whom it makes them (`aud`).
    pub(crate) audience: String,
}

#[derive(Clone, Deserialize)]
struct ForeignClaims {
    jti: Option<String>,
    exp: i64,
    #[serde(default)]
    email_verified: Option<Value>,
    #[serde(flatten)]
    profile: Profile,
}

impl Issuer {
    /// Whose a token is, and its session.
    ///
    /// # Errors
    /// 401 for everything that the issuer has not signed or that does not hold now.
    pub(crate) async fn verify(&self, token: &str) -> Result<(Profile, Session), Failure> {
        let claims: ForeignClaims = self.keys.verify(token, &[&self.name], &self.audience).await?;
        // Not every issuer says whether it has asked the owner of the address; this one says that it has not.
        if claims.email_verified.is_some_and(|verified| !is_true(&verified)) {
            return Err(Failure::unauthorized());
        }
        let digest = || blake3::hash(token.as_bytes()).to_hex()[..32].to_owned();
        let session = Session::new(claims.jti.unwrap_or_else(digest), claims.exp)?;
        Ok((claims.profile, session))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SECRET: &str = "a secret of at least 32 bytes, this";

    fn tokens() -> Tokens {
        Tokens::new(&SECRET.into(), 1)
    }

    fn claims(change: &Value) -> Value {
        let now = Timestamp::now().as_second();
        let mut claims = json!({
            "iss": NAME, "aud": NAME, "sub": "ana", "jti": "1", "iat": now, "nbf": now, "exp": now + 60,
        });
        for (key, value) in change.as_object().unwrap() {
            claims[key] = value.clone();
        }
        claims
    }

    fn sign(change: &Value, algorithm: Algorithm, secret: &str) -> String {
        let key = EncodingKey::from_secret(secret.as_bytes());
        encode(&Header::new(algorithm), &claims(change), &key).unwrap()
    }

    #[test]
    fn a_token_of_this_server_holds() {
        let token = tokens().issue(&UserId::new("ana")).unwrap();
        let (user, session) = tokens().verify(&token).unwrap();
        assert_eq!(user, UserId::new("ana"));
        assert!(session.until > Timestamp::now());
        assert!(
            tokens()
                .verify(&sign(&json!({}), Algorithm::HS256, SECRET))
                .is_ok()
        );
    }

    #[test]
    fn what_this_server_has_not_signed_does_not() {
        let now = Timestamp::now().as_second();
        let other = "another secret of at least 32 bytes";
        let wrong = [
            sign(&json!({}), Algorithm::HS256, other),
            sign(&json!({}), Algorithm::HS512, SECRET),
            sign(&json!({ "exp": now - 60 }), Algorithm::HS256, SECRET),
            sign(&json!({ "nbf": now + 60 }), Algorithm::HS256, SECRET),
            sign(&json!({ "aud": "others" }), Algorithm::HS256, SECRET),
            sign(&json!({ "iss": "others" }), Algorithm::HS256, SECRET),
            sign(&json!({ "sub": null }), Algorithm::HS256, SECRET),
            sign(&json!({ "exp": null }), Algorithm::HS256, SECRET),
            String::new(),
            "a.b.c".into(),
        ];
        for token in wrong {
            assert!(tokens().verify(&token).is_err(), "{token}");
        }
        let encoded = |value: &Value| data_encoding::BASE64URL_NOPAD.encode(value.to_string().as_bytes());
        let unsigned = format!(
            "{}.{}.",
            encoded(&json!({ "alg": "none" })),
            encoded(&claims(&json!({})))
        );
        assert!(tokens().verify(&unsigned).is_err());
        let good = tokens().issue(&UserId::new("ana")).unwrap();
        let (head, signature) = good.rsplit_once('.').unwrap();
        let (header, _) = head.split_once('.').unwrap();
        let swapped = format!(
            "{header}.{}.{signature}",
            encoded(&claims(&json!({ "sub": "admin" })))
        );
        assert!(tokens().verify(&swapped).is_err());
    }
}
