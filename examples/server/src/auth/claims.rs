//! The claims of another issuer's token, read leniently: only claims that decide something must have the right type.

use jiff::Timestamp;
use neuropod::user::Identity;
use neuropod::user::person::{check_email, clean_person_name};
use serde_json::{Map, Value, json};

use super::profile::Profile;

/// The claims of a token (RFC 7519, section 4).
pub(super) type Claims = Map<String, Value>;

/// By how much the clock of another issuer may differ, in seconds.
pub(super) const LEEWAY_SECONDS: i64 = 60;
/// The longest subject (`OpenID` Connect Core, section 2), in bytes.
const MAX_SUBJECT_LEN: usize = 255;
/// The longest address of a picture, in bytes.
const MAX_PICTURE_LEN: usize = 2048;
/// An id of a token that is longer is kept as a digest.
const MAX_ID_LEN: usize = 64;

/// A time in seconds since 1970, whole or not; `None`: it is none.
fn seconds(claim: &Value) -> Option<i64> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "it saturates: beyond the range is never"
    )]
    let floor = |seconds: f64| seconds.floor() as i64;
    claim.as_i64().or_else(|| claim.as_f64().map(floor))
}

/// The end of the validity of a token that is valid now, in seconds since 1970.
///
/// # Errors
/// The reason why it is not valid.
pub(super) fn expiry(claims: &Claims, now: Timestamp) -> Result<i64, &'static str> {
    let now = now.as_second();
    let begins = match claims.get("nbf") {
        None | Some(Value::Null) => None,
        Some(claim) => Some(seconds(claim).ok_or("nbf is no time")?),
    };
    if begins.is_some_and(|begins| begins > now.saturating_add(LEEWAY_SECONDS)) {
        return Err("it does not hold yet");
    }
    let ends = claims.get("exp").ok_or("it has no exp")?;
    let ends = seconds(ends).ok_or("exp is no time")?;
    let ends = ends.saturating_add(LEEWAY_SECONDS);
    if ends <= now {
        Err("it has expired")
    } else {
        Ok(ends)
    }
}

/// The id of the session of a token. It is made from the claims and not from the bytes, because a signature with an
/// elliptic curve can be written in two ways.
pub(super) fn session_id(claims: &Claims) -> String {
    match claims.get("jti") {
        // `*` stands for all sessions.
        Some(Value::String(id)) if (1..=MAX_ID_LEN).contains(&id.len()) && id != "*" => id.clone(),
        None | Some(Value::Null) => digest(&json!(claims)),
        Some(id) => digest(&json!([claims.get("iss"), claims.get("sub"), id])),
    }
}

fn digest(value: &Value) -> String {
    blake3::hash(value.to_string().as_bytes()).to_hex()[..32].to_owned()
}

impl Profile {
    /// The person in the claims of `issuer`. `verifies`: it verifies every address, and need not say so.
    ///
    /// # Errors
    /// Why nobody can be made of them.
    pub(super) fn of_claims(issuer: &str, claims: &Claims, verifies: bool) -> Result<Self, String> {
        let text = |name| claims.get(name).and_then(Value::as_str);
        let subject = text("sub").ok_or("sub is no text")?;
        if subject.trim().is_empty()
            || subject.len() > MAX_SUBJECT_LEN
            || subject.chars().any(char::is_control)
        {
            return Err("sub is blank, too long, or has control characters in it".into());
        }
        let email = text("email").ok_or("email is no text")?;
        let email = check_email(email).map_err(|wrong| format!("email: {}", wrong.code()))?;
        Ok(Self {
            identity: Identity::new(issuer, subject),
            email: email.to_owned(),
            email_verified: match claims.get("email_verified") {
                Some(Value::Bool(true)) => true,
                Some(Value::String(text)) if text == "true" => true,
                Some(Value::Bool(false)) => return Err("the issuer has not verified the address".into()),
                Some(Value::String(text)) if text == "false" => {
                    return Err("the issuer has not verified the address".into());
                }
                None | Some(Value::Null) => verifies,
                Some(_) => false,
            },
            name: text("name").and_then(clean_person_name),
            avatar: text("picture").and_then(picture),
        })
    }
}

/// The address of a picture, if it is one that a page may show.
fn picture(text: &str) -> Option<String> {
    let url = reqwest::Url::parse(text).ok()?;
    let good = url.scheme() == "https" && url.has_host() && text.len() <= MAX_PICTURE_LEN;
    good.then(|| url.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(changes: &Value) -> Claims {
        let mut claims = json!({
            "iss": "https://login.example.com", "sub": "1", "aud": "neuropod", "exp": 1000,
            "email": "ana@example.com", "email_verified": true, "name": "Ana",
        });
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims.as_object().unwrap().clone()
    }

    fn profile(changes: &Value, verifies: bool) -> Result<Profile, String> {
        Profile::of_claims("https://login.example.com", &claims(changes), verifies)
    }

    #[test]
    fn times_may_be_whole_or_not() {
        let at = |second| Timestamp::from_second(second).unwrap();
        for (changes, now, expected) in [
            (json!({}), 1059, Ok(1060)),
            (json!({}), 1060, Err("it has expired")),
            (json!({ "exp": 1000.9 }), 1059, Ok(1060)),
            (json!({ "exp": 1e300 }), 1000, Ok(i64::MAX)),
            (json!({ "exp": -1e300 }), 1000, Err("it has expired")),
            (json!({ "exp": "1000" }), 900, Err("exp is no time")),
            (json!({ "exp": null }), 900, Err("exp is no time")),
            (json!({ "exp": [1000] }), 900, Err("exp is no time")),
            (json!({ "nbf": 940.5 }), 880, Ok(1060)),
            (json!({ "nbf": 941 }), 880, Err("it does not hold yet")),
            (json!({ "nbf": null }), 900, Ok(1060)),
            (json!({ "nbf": "soon" }), 900, Err("nbf is no time")),
            (json!({ "iat": 1.5 }), 900, Ok(1060)),
            (json!({ "iat": {} }), 900, Ok(1060)),
        ] {
            assert_eq!(expiry(&claims(&changes), at(now)), expected, "{changes}");
        }
        let mut without = claims(&json!({}));
        without.remove("exp");
        assert_eq!(expiry(&without, at(0)), Err("it has no exp"));
    }

    #[test]
    fn a_session_is_what_the_token_says() {
        let id = |changes: &Value| session_id(&claims(changes));
        assert_eq!(id(&json!({ "jti": "7" })), "7");
        let (number, text) = (id(&json!({ "jti": 7 })), id(&json!({ "jti": "7" })));
        assert_ne!(number, text);
        assert_eq!(
            number,
            id(&json!({ "jti": 7, "exp": 2000 })),
            "the same token, by its id"
        );
        assert_ne!(id(&json!({})), id(&json!({ "exp": 2000 })), "another token");
        assert_eq!(id(&json!({ "jti": null })).len(), 32);
        for odd in [
            json!("*"),
            json!(""),
            json!("x".repeat(10_000)),
            json!({}),
            json!([1]),
        ] {
            assert_eq!(id(&json!({ "jti": odd })).len(), 32, "{odd}");
        }
    }

    #[test]
    fn only_true_is_true() {
        for (said, plain, trusted) in [
            (json!(true), Some(true), Some(true)),
            (json!("true"), Some(true), Some(true)),
            (json!(false), None, None),
            (json!("false"), None, None),
            (json!(null), Some(false), Some(true)),
            (json!("True"), Some(false), Some(false)),
            (json!("yes"), Some(false), Some(false)),
            (json!(1), Some(false), Some(false)),
            (json!({}), Some(false), Some(false)),
        ] {
            let verified = |verifies| {
                let profile = profile(&json!({ "email_verified": said }), verifies);
                profile.ok().map(|profile| profile.email_verified)
            };
            assert_eq!((verified(false), verified(true)), (plain, trusted), "{said}");
        }
    }

    #[test]
    fn nobody_is_made_of_what_says_not_who() {
        for wrong in [
            json!({ "sub": null }),
            json!({ "sub": 7 }),
            json!({ "sub": "" }),
            json!({ "sub": " " }),
            json!({ "sub": "a\0" }),
            json!({ "sub": "x".repeat(256) }),
            json!({ "email": null }),
            json!({ "email": "" }),
            json!({ "email": " " }),
            json!({ "email": ["ana@example.com"] }),
            json!({ "email": "ana" }),
            json!({ "email": "ana@exa\u{200b}mple.com" }),
            json!({ "email": "\u{202e}ana@example.com" }),
            json!({ "email": "ana@example.com\0" }),
            json!({ "email": format!("{}@example.com", "x".repeat(10_000)) }),
        ] {
            assert!(profile(&wrong, true).is_err(), "{wrong}");
        }
        assert_eq!(
            profile(&json!({ "email": " ana@example.com\n" }), true)
                .unwrap()
                .email,
            "ana@example.com"
        );
    }

    #[test]
    fn what_only_adorns_is_cleaned_or_dropped() {
        for (said, name) in [
            (json!("Ana\u{202e}\nGil"), Some("Ana Gil")),
            (json!("\u{200b}"), None),
            (json!(7), None),
            (json!(null), None),
        ] {
            let profile = profile(&json!({ "name": said }), true).unwrap();
            assert_eq!(profile.name.as_deref(), name, "{said}");
        }
        let long = profile(&json!({ "name": "x".repeat(10_000) }), true).unwrap();
        assert_eq!(
            long.name.unwrap().len(),
            neuropod::user::person::MAX_PERSON_NAME_LEN
        );
        for (said, avatar) in [
            (
                json!("https://example.com/a.png"),
                Some("https://example.com/a.png"),
            ),
            (json!("http://example.com/a.png"), None),
            (json!("javascript:alert(1)"), None),
            (json!("data:image/png;base64,AA"), None),
            (json!("//example.com/a.png"), None),
            (json!({ "data": { "url": "https://example.com" } }), None),
            (json!(7), None),
            (json!(format!("https://example.com/{}", "x".repeat(3000))), None),
        ] {
            let profile = profile(&json!({ "picture": said }), true).unwrap();
            assert_eq!(profile.avatar.as_deref(), avatar, "{said}");
        }
    }
}
