use thiserror::Error;

use super::limits::{MAX_DOMAIN_LEN, MAX_KEPT_SLUG_LEN, MIN_KEY_LEN};

/// The reason why a name can't be made or parsed.
///
/// The texts do not repeat the input, because it may be very long, and the key is a secret.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NamingError {
    /// The display name has no letter or digit that can be written in `a-z` and `0-9`: it is empty, or only
    /// punctuation, spaces or emoji.
    #[error("the name needs at least one letter or digit")]
    Empty,
    /// With this slug a pod could get a host name reserved by [`Naming::with_reserved`].
    ///
    /// [`Naming::with_reserved`]: super::Naming::with_reserved
    #[error("this name is reserved, choose another")]
    Reserved,
    /// The text is no [`Slug`](super::Slug).
    #[error("a slug is 1 to {MAX_KEPT_SLUG_LEN} characters a-z, 0-9 and hyphens, and starts with a letter")]
    InvalidSlug,
    /// The text is no [`UserHash`](super::UserHash).
    #[error("a user hash is 10 characters a-z and 2-7, or 8 hexadecimal digits in lower case")]
    InvalidHash,
    /// The key of the user hash is too short; user ids could be found by trial.
    #[error("the naming key has {0} bytes; it needs at least {MIN_KEY_LEN}, chosen at random")]
    KeyTooShort(usize),
    /// The platform's domain is not a DNS name that can have subdomains.
    #[error("the domain can't be used: {0}")]
    Domain(DomainProblem),
}

/// The problem of a domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DomainProblem {
    /// It exceeds the 253 characters of a host name (RFC 1035, written form) minus our longest label.
    #[error("it is longer than {MAX_DOMAIN_LEN} characters")]
    TooLong,
    /// A label is empty: the domain is empty, begins or ends with a dot, or has two dots in a row.
    #[error("it has an empty label")]
    EmptyLabel,
    /// A label has more than 63 characters (RFC 1035).
    #[error("a label is longer than 63 characters")]
    LabelTooLong,
    /// A label is not letters, digits and inner hyphens (RFC 1123). A scheme, a port or a path end here too.
    #[error("a label may hold only letters, digits and inner hyphens (no scheme, port or path)")]
    InvalidLabel,
    /// The last label is only digits, so the name would be read as an IP address.
    #[error("it looks like an IP address")]
    IpAddress,
}
