//! The tokens of this server (JWT, RFC 7519).

use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode};
use neuropod::{User, UserId};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::refused::refuse;
use super::session::Session;
use crate::contract::failure::Failure;

/// `iss` and `aud` of the tokens of this server.
const NAME: &str = "neuropod";
/// By how much the clocks of servers may differ.
const LEEWAY_SECONDS: u64 = 10;

/// The bearer of a token of this server.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Bearer {
    pub(super) id: UserId,
    /// In seconds since 1970.
    issued_at: i64,
    registered: Option<i64>,
}

impl Bearer {
    /// Whether the token was made for this user. A user who is created again after a deletion has the same id, and the
    /// tokens from before must stay invalid.
    pub(super) fn is(&self, user: &User) -> bool {
        let since = user.registration_date;
        match self.registered {
            Some(registered) => registered == since.as_millisecond(),
            // Made by an earlier version.
            None => self.issued_at + LEEWAY_SECONDS.cast_signed() >= since.as_second(),
        }
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
    /// Since when the user is here, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    registered: Option<i64>,
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
    pub(crate) fn issue(&self, user: &User) -> Result<String, Failure> {
        let now = Timestamp::now();
        let id: [u8; 16] = rand::random();
        let claims = Claims {
            iss: NAME.into(),
            aud: NAME.into(),
            sub: user.id.to_string(),
            jti: data_encoding::HEXLOWER.encode(&id),
            iat: now.as_second(),
            nbf: now.as_second(),
            exp: now.as_second() + self.lifetime.as_secs(),
            registered: Some(user.registration_date.as_millisecond()),
        };
        encode(&Header::new(Algorithm::HS256), &claims, &self.encoding).map_err(|error| {
            neuropod::Error::new(neuropod::ErrorKind::Unexpected, "a token can't be signed")
                .with_source(error)
                .into()
        })
    }

    /// The user and the session in a token.
    ///
    /// # Errors
    /// 401 if this server has not signed it, or if it is not valid now.
    pub(super) fn verify(&self, token: &str) -> Result<(Bearer, Session), Failure> {
        let token = decode::<Claims>(token, &self.decoding, &self.validation).map_err(refuse)?;
        if token.header.crit.is_some() {
            return Err(refuse("it has critical headers"));
        }
        let claims = token.claims;
        let until = claims.exp.saturating_add(LEEWAY_SECONDS.cast_signed());
        let bearer = Bearer {
            id: UserId::new(claims.sub),
            issued_at: claims.iat,
            registered: claims.registered,
        };
        Ok((bearer, Session::new(claims.jti, until)))
    }

    /// Whether a token claims to be signed like those of this server. That proves nothing; it only decides who checks it.
    pub(crate) fn may_be_ours(token: &str) -> bool {
        decode_header(token).is_ok_and(|header| header.alg == Algorithm::HS256)
    }
}

#[cfg(test)]
mod tests {
    use neuropod::Role;
    use serde_json::{Value, json};

    use super::*;
    use crate::auth::Profile;

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

    fn ana() -> User {
        Profile::in_development("ana@example.com")
            .unwrap()
            .to_user(Role::Client)
    }

    #[test]
    fn a_token_of_this_server_holds() {
        let token = tokens().issue(&ana()).unwrap();
        let (bearer, session) = tokens().verify(&token).unwrap();
        assert_eq!(bearer.id, ana().id);
        assert!(session.until > Timestamp::now());
        assert!(
            tokens()
                .verify(&sign(&json!({}), Algorithm::HS256, SECRET))
                .is_ok()
        );
    }

    #[test]
    fn a_token_is_for_the_user_it_was_made_for() {
        let hour = SignedDuration::from_hours(1);
        let (first, now) = (ana(), Timestamp::now());
        let again = User {
            registration_date: first.registration_date + hour,
            ..first.clone()
        };
        let bearer = |token: &str| tokens().verify(token).unwrap().0;
        let token = tokens().issue(&first).unwrap();
        assert!(bearer(&token).is(&first));
        assert!(!bearer(&token).is(&again), "who came again");
        // An earlier version has not said for whom.
        let old = sign(&json!({ "iat": now.as_second() }), Algorithm::HS256, SECRET);
        let old = bearer(&old);
        assert!(old.is(&first) && !old.is(&again));
    }

    #[test]
    fn critical_headers_are_refused() {
        let key = EncodingKey::from_secret(SECRET.as_bytes());
        for crit in [vec![], vec!["exp".to_owned()], vec!["x".to_owned()]] {
            let mut header = Header::new(Algorithm::HS256);
            header.crit = Some(crit);
            let token = encode(&header, &claims(&json!({})), &key).unwrap();
            assert!(tokens().verify(&token).is_err(), "{header:?}");
        }
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
        let good = tokens().issue(&ana()).unwrap();
        let (head, signature) = good.rsplit_once('.').unwrap();
        let (header, _) = head.split_once('.').unwrap();
        let swapped = format!(
            "{header}.{}.{signature}",
            encoded(&claims(&json!({ "sub": "admin" })))
        );
        assert!(tokens().verify(&swapped).is_err());
    }
}
