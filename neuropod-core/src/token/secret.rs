//! Secret values. They must not appear in logs, in Debug output, or in a response that forgot to hide them.

use std::fmt;

/// The token that opens a pod's Jupyter server.
///
/// Debug shows `AccessToken(…)`; there is no Display and no Serialize, so a token gets out only through
/// [`expose`](Self::expose) or [`exposed`].
///
/// ```
/// use neuropod_core::token::secret::AccessToken;
///
/// let token = AccessToken::new("b1726e8f");
/// assert_eq!(format!("{token:?}"), "AccessToken(…)");
/// assert_eq!(token.expose(), "b1726e8f");
/// ```
#[derive(Clone)]
pub struct AccessToken(String);

impl AccessToken {
    /// A token from its text.
    pub fn new(token: impl Into<String>) -> Self {
        Self(token.into())
    }

    /// A random token in the format of Jupyter's own: 192 random bits in 48 hexadecimal digits.
    pub fn random() -> Self {
        let bytes: [u8; 24] = rand::random();
        Self(data_encoding::HEXLOWER.encode(&bytes))
    }

    /// The token itself: only for the link that its owner gets, and for a Secret in the cluster.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken(…)")
    }
}

/// Compares the digests of both in constant time, so the duration does not depend on the position of the first
/// difference.
impl PartialEq for AccessToken {
    fn eq(&self, other: &Self) -> bool {
        blake3::hash(self.0.as_bytes()) == blake3::hash(other.0.as_bytes())
    }
}

impl Eq for AccessToken {}

/// For `#[serde(with = "neuropod_core::token::secret::exposed")]` on an [`AccessToken`] or an `Option` of one:
/// writes it in clear. Use it only for storing, never for sending.
///
/// On an `Option`, add `#[serde(default)]` if the field may be missing.
///
/// ```
/// use neuropod_core::token::secret::AccessToken;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// struct Row {
///     #[serde(default, with = "neuropod_core::token::secret::exposed")]
///     token: Option<AccessToken>,
/// }
///
/// let row: Row = serde_json::from_str(r#"{"token":"b1726e8f"}"#)?;
/// assert_eq!(serde_json::to_string(&row)?, r#"{"token":"b1726e8f"}"#);
/// assert!(serde_json::from_str::<Row>("{}")?.token.is_none());
/// # Ok::<(), serde_json::Error>(())
/// ```
pub mod exposed {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::AccessToken;

    mod sealed {
        use serde::{Deserializer, Serializer};

        pub trait Exposed: Sized {
            fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;
            fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;
        }
    }
    use sealed::Exposed;

    impl Exposed for AccessToken {
        fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            self.expose().serialize(serializer)
        }

        fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            String::deserialize(deserializer).map(Self::new)
        }
    }

    impl Exposed for Option<AccessToken> {
        fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            self.as_ref().map(AccessToken::expose).serialize(serializer)
        }

        fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            Ok(Option::<String>::deserialize(deserializer)?.map(AccessToken::new))
        }
    }

    /// Writes the token in clear.
    pub fn serialize<T: Exposed, S: Serializer>(token: &T, serializer: S) -> Result<S::Ok, S::Error> {
        token.write(serializer)
    }

    /// Reads a token written by [`serialize`].
    pub fn deserialize<'de, T: Exposed, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
        T::read(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_prints() {
        let token = AccessToken::new("s3cret");
        assert_eq!(
            format!("{token:?} {:#?}", Some(&token)).matches("s3cret").count(),
            0
        );
    }

    #[test]
    fn compares_by_value() {
        assert_eq!(AccessToken::new("a"), AccessToken::new("a"));
        assert_ne!(AccessToken::new("a"), AccessToken::new("b"));
        assert_ne!(AccessToken::new("a"), AccessToken::new("aa"));
    }
}
