//! A person who uses the platform, as far as the library has to know them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::{Role, UserId};
use crate::money::Money;

/// A user. What they own in pods is in the pods, what they own in money is in the [`Billing`](crate::Billing).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// The id, given by the application.
    pub id: UserId,
    /// The e-mail address; unique, whatever its case.
    pub email: String,
    /// The name that is shown.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Whether they may start pods.
    #[serde(default)]
    pub suspended: bool,
    /// What they may spend on a day (UTC) for all of their pods; `None`: what the platform says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub daily_cap: Option<Money>,
    /// A picture of them (a URL).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avatar: Option<String>,
    /// Sessions that they ended before their time (signing out), for the application that keeps sessions.
    #[serde(default)]
    pub ended_sessions: Vec<EndedSession>,
    /// Since when they are here.
    pub registration_date: Timestamp,
    /// Counted up at every change, for compare-and-swap.
    #[serde(default)]
    pub version: u64,
}

/// A session that a user ended before its time. The library keeps it and does not look at it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EndedSession {
    /// The id of the session, given by the application.
    pub id: String,
    /// When it would have ended by itself: after that nobody has to remember it.
    pub until: Timestamp,
}

/// The key under which a user's account gets its opening credit: once. Who brings a balance from elsewhere closes it
/// ([`Billing::release`](crate::Billing::release)).
pub fn opening_key(user: &UserId) -> String {
    format!("opening:{user}")
}
