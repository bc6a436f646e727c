//! Identifiers of pods and users, and the person that calls.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::kind::{Error, ErrorKind, Result};

/// The id of a pod: 16 lower-case hexadecimal digits.
///
/// ```
/// use neuropod_core::PodId;
///
/// assert!("3f9a0c1d2e4b5a68".parse::<PodId>().is_ok());
/// assert!("../etc/passwd".parse::<PodId>().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PodId(String);

impl PodId {
    /// How many hexadecimal digits an id has.
    pub const LENGTH: usize = 16;

    /// An id that has not been used: 64 random bits.
    pub fn random() -> Self {
        Self::from_bits(rand::random())
    }

    /// The id with these 64 bits.
    pub fn from_bits(bits: u64) -> Self {
        Self(format!("{bits:016x}"))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PodId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for PodId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if is_64_bits(text) {
            Ok(Self(text.to_owned()))
        } else {
            // The error for an impossible id is that of an unknown id, so that callers learn nothing more from
            // it.
            Err(Error::new(
                ErrorKind::NotFound,
                "a pod id has 16 lower-case hexadecimal digits",
            ))
        }
    }
}

/// Whether this is 64 bits in hexadecimal, as ids are written: 16 digits, in lower case.
pub(crate) fn is_64_bits(text: &str) -> bool {
    text.len() == PodId::LENGTH && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

impl TryFrom<String> for PodId {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<PodId> for String {
    fn from(id: PodId) -> Self {
        id.0
    }
}

/// The id of a user, as the application that embeds the library gives it. Opaque: it never reaches a public name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UserId(String);

impl UserId {
    /// The id as given.
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The permissions of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Owns pods and pays for them.
    Client,
    /// Sees and manages the pods of everybody.
    Admin,
}

/// The person that requests an operation, as authenticated by the application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The user.
    pub id: UserId,
    /// Their role.
    pub role: Role,
    /// The network address of the request, for the [audit log](crate::store::audit).
    pub address: Option<IpAddr>,
}

impl Actor {
    /// A person with this role.
    pub fn new(id: UserId, role: Role) -> Self {
        Self {
            id,
            role,
            address: None,
        }
    }

    /// A client.
    pub fn client(id: impl Into<String>) -> Self {
        Self::new(UserId::new(id), Role::Client)
    }

    /// An administrator.
    pub fn admin(id: impl Into<String>) -> Self {
        Self::new(UserId::new(id), Role::Admin)
    }

    /// The same person, with this network address.
    #[must_use]
    pub fn with_address(self, address: Option<IpAddr>) -> Self {
        Self { address, ..self }
    }

    /// Whether this is an administrator.
    pub fn is_admin(&self) -> bool {
        self.role == Role::Admin
    }

    /// Returns whether this person may see and change the data of `owner`.
    pub fn may_touch(&self, owner: &UserId) -> bool {
        self.is_admin() || self.id == *owner
    }

    /// # Errors
    /// `Forbidden` unless this is an administrator.
    pub(crate) fn require_admin(&self) -> Result<()> {
        let forbidden = || Error::new(ErrorKind::Forbidden, "only administrators may do this");
        self.is_admin().then_some(()).ok_or_else(forbidden)
    }

    /// # Errors
    /// `Forbidden` unless this person may see and change the data of `owner`.
    pub(crate) fn require_access(&self, owner: &UserId) -> Result<()> {
        let forbidden = || Error::new(ErrorKind::Forbidden, "it belongs to somebody else");
        self.may_touch(owner).then_some(()).ok_or_else(forbidden)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invalid_pod_id_is_reported_as_not_found() {
        for text in [
            "",
            "3f9a0c1d2e4b5a6",
            "3f9a0c1d2e4b5a688",
            "3F9A0C1D2E4B5A68",
            "3f9a0c1d2e4b5a6g",
            "../../../../etc/",
            "3f9a0c1d2e4b5a6\0",
            "３f9a0c1d2e4b5a",
            r#"{"$ne":"0000000"}"#,
        ] {
            let error = text.parse::<PodId>().unwrap_err();
            assert_eq!(*error.kind(), ErrorKind::NotFound, "{text:?}");
            assert!(serde_json::from_value::<PodId>(text.into()).is_err(), "{text:?}");
        }
        let id: PodId = "3f9a0c1d2e4b5a68".parse().unwrap();
        assert_eq!(id, PodId::from_bits(0x3f9a_0c1d_2e4b_5a68));
    }
}
