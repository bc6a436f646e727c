//! A person who uses the platform, as far as the library needs them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::id::{Role, UserId};
use crate::money::amount::Money;

/// A user. Their pods are in the store of pods, their money is in the [`Billing`](crate::Billing).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The id, given by the application.
    pub id: UserId,
    /// The e-mail address; unique, whatever its case.
    pub email: String,
    /// The name that is shown.
    pub name: String,
    /// Their permissions.
    pub role: Role,
    /// Their identity at the sign-in; unique. `None`: nobody has signed in as them yet.
    pub identity: Option<Identity>,
    /// Whether it is known that the e-mail address is theirs, because the issuer of their identity confirms it.
    pub email_verified: bool,
    /// Whether they may start no pods.
    pub suspended: bool,
    /// Whether they are being deleted: they start nothing any more, and are removed once the deletion of all of
    /// their pods is under way.
    pub deleted: bool,
    /// The most that they may spend on a day (UTC) for all of their pods; `None`: the platform's daily cap.
    pub daily_cap: Option<Money>,
    /// Data of the application, by name: a picture, preferences. The library stores it and never reads it; it
    /// should contain no secrets.
    pub extra: BTreeMap<String, Value>,
    /// Since when they are here.
    pub registration_date: Timestamp,
    /// Counted up at every change, for compare-and-swap.
    pub version: u64,
}

/// The identity of a person at the sign-in: the subject (`sub`) of an issuer (`iss`), as `OpenID` Connect
/// defines it. E-mail addresses change owners and can be claimed by anybody; an identity is permanent and
/// unique.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Identity {
    /// The issuer: the `iss` of its tokens.
    pub issuer: String,
    /// The subject: the `sub` of its tokens.
    pub subject: String,
}

impl Identity {
    /// The subject of an issuer.
    pub fn new(issuer: impl Into<String>, subject: impl Into<String>) -> Self {
        Self {
            issuer: issuer.into(),
            subject: subject.into(),
        }
    }

    /// The id of the user that this person becomes. It follows from the identity alone, so that somebody who was deleted
    /// and comes again has the same account and gets no second opening credit. 24 hexadecimal digits, 96 bits of BLAKE3.
    ///
    /// ```
    /// use neuropod_core::user::Identity;
    ///
    /// let ana = Identity::new("https://accounts.google.com", "1");
    /// assert_eq!(ana.user_id(), ana.clone().user_id());
    /// assert_ne!(ana.user_id(), Identity::new("https://login.example.com", "1").user_id());
    /// ```
    pub fn user_id(&self) -> UserId {
        let mut hasher = blake3::Hasher::new_derive_key("neuropod user id of an identity");
        hasher.update(self.key().as_bytes());
        UserId::new(&hasher.finalize().to_hex()[..24])
    }

    /// One text for both parts, by which stores find and compare them. No other identity has the same.
    pub fn key(&self) -> String {
        format!("{}:{}{}", self.issuer.len(), self.issuer, self.subject)
    }
}

/// The key under which a user's account gets its opening credit: once. Who brings a balance from elsewhere closes it
/// ([`Billing::release`](crate::Billing::release)).
pub fn opening_key(user: &UserId) -> String {
    format!("opening:{user}")
}
