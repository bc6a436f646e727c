use std::fmt;
use std::str::FromStr;

use data_encoding::{BASE32_NOPAD, HEXLOWER};
use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};

use super::error::NamingError;
use super::limits::{KEYED_LEN, MD5_LEN};

/// The part of every name that identifies its owner: 10 characters of base32 (`a-z`, `2-7`), or 8 hexadecimal
/// digits on deployments that use [`Naming::legacy_md5`](super::Naming::legacy_md5).
///
/// ```
/// use neuropod_core::naming::UserHash;
///
/// assert!("k3j5qzx2ab".parse::<UserHash>().is_ok());
/// assert!("81dc9bdb".parse::<UserHash>().is_ok());
/// assert!("81DC9BDB".parse::<UserHash>().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UserHash(String);

impl UserHash {
    /// The hash as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for UserHash {
    type Err = NamingError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let valid = match text.len() {
            KEYED_LEN => text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'2'..=b'7')),
            MD5_LEN => text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')),
            _ => false,
        };
        if valid {
            Ok(Self(text.to_owned()))
        } else {
            Err(NamingError::InvalidHash)
        }
    }
}

impl TryFrom<String> for UserHash {
    type Error = NamingError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<UserHash> for String {
    fn from(hash: UserHash) -> Self {
        hash.0
    }
}

impl AsRef<str> for UserHash {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The algorithm for user hashes, and its key.
#[derive(Clone)]
pub(super) enum Algorithm {
    Keyed(Keys),
    Md5,
}

/// One key per purpose, so that no digest of a name can equal the hash of a user.
#[derive(Clone)]
pub(super) struct Keys {
    user: [u8; blake3::KEY_LEN],
    slug: [u8; blake3::KEY_LEN],
}

impl Keys {
    fn derive(key: &[u8]) -> Self {
        Self {
            user: blake3::derive_key("neuropod naming v1 user", key),
            slug: blake3::derive_key("neuropod naming v1 slug", key),
        }
    }
}

impl Algorithm {
    pub(super) fn keyed(key: &[u8]) -> Self {
        Self::Keyed(Keys::derive(key))
    }

    /// The length of this algorithm's user hashes.
    pub(super) fn hash_len(&self) -> usize {
        match self {
            Self::Keyed(_) => KEYED_LEN,
            Self::Md5 => MD5_LEN,
        }
    }

    pub(super) fn user_hash(&self, user_id: &str) -> UserHash {
        let (mut text, len) = match self {
            Self::Keyed(keys) => (
                base32(blake3::keyed_hash(&keys.user, user_id.as_bytes())),
                KEYED_LEN,
            ),
            Self::Md5 => (HEXLOWER.encode(&Md5::digest(user_id.as_bytes())), MD5_LEN),
        };
        text.truncate(len);
        UserHash(text)
    }

    /// 52 characters of base32 that represent a slug too long to be used in full.
    pub(super) fn slug_digest(&self, whole: &str) -> String {
        match self {
            Self::Keyed(keys) => base32(blake3::keyed_hash(&keys.slug, whole.as_bytes())),
            // Legacy deployments have no key. The digest need not be secret, only distinct.
            Self::Md5 => base32(blake3::keyed_hash(&Keys::derive(b"").slug, whole.as_bytes())),
        }
    }
}

/// RFC 4648 base32 in lower case, without padding: letters and digits only, so it fits any DNS label, and 52
/// characters for 32 bytes, where hexadecimal (64) would be over the 63 of a label.
fn base32(hash: blake3::Hash) -> String {
    BASE32_NOPAD.encode(hash.as_bytes()).to_ascii_lowercase()
}
